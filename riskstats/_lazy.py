"""Attributes that are imported when they are first used (PEP 562)."""

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Attach = tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]


def attach(package: str, names: Mapping[str, str], submodules: Iterable[str] = ()) -> Attach:
    """Return `__getattr__`, `__dir__` and `__all__` of a package whose names load on first use.

    `names` maps a public name to the full name of the module that defines it.
    A name that was loaded is stored in the package, so the look-up happens once.
    """
    modules = frozenset(submodules)
    public = sorted({*names, *modules})

    def load(name: str) -> Any:
        if name in names:
            value = getattr(importlib.import_module(names[name]), name)
        elif name in modules:
            value = importlib.import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)
        return value

    def listing() -> list[str]:
        return sorted({*vars(sys.modules[package]), *public})

    return load, listing, public
