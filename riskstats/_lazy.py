"""Attributes that are imported when they are first used (PEP 562)."""

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

Attach = tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]


def attach(package: str, names: Mapping[str, str], submodules: Iterable[str] = ()) -> Attach:
    """Return `__getattr__`, `__dir__` and `__all__` of a package whose names load on first use.

    `names` maps a public name to the full name of the module that defines it.
    A name that was loaded is stored in the package, so the look-up happens once. Where a module and its
    function share a name, as `bounds.dkw` does, the name in the package is the function, however it was
    imported.
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

    class Package(ModuleType):
        def __setattr__(self, name: str, value: Any) -> None:
            if not (name in names and isinstance(value, ModuleType)):
                super().__setattr__(name, value)

    sys.modules[package].__class__ = Package
    return load, listing, public
