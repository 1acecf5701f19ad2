"""The one place that knows about JAX: scoped 64-bit, loops for both array libraries, bucketed shapes,
device choice.

Kernels are written once against an array namespace (`namespace`) and a loop (`while_loop`). With NumPy
arrays they run as they stand; with JAX arrays inside `traced` they compile. A row of weight zero changes no
result, so shapes are padded up to a bucket (`pad_to`) and a kernel compiles once per bucket instead of once
per data set.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from riskstats.exceptions import InvalidInput

__all__ = [
    "DEVICES",
    "Compiled",
    "accelerator_present",
    "double_precision",
    "namespace",
    "one_blas_thread",
    "pad_to",
    "resolve_device",
    "scattered",
    "while_loop",
]

DEVICES = ("auto", "numpy", "cpu", "gpu")


def namespace(*arrays: Any) -> Any:
    """Return the module whose functions fit all `arrays`: jax.numpy if one is a JAX array or tracer, else
    numpy."""
    if all(isinstance(array, np.ndarray | np.generic | float | int) for array in arrays):
        return np
    import jax.numpy

    return jax.numpy


def while_loop(condition: Callable[[Any], Any], body: Callable[[Any], Any], state: Any, xp: Any) -> Any:
    """Run ``while condition(state): state = body(state)``, as a compiled loop when `xp` is jax.numpy."""
    if xp is np:
        while condition(state):
            state = body(state)
        return state
    import jax

    return jax.lax.while_loop(condition, body, state)


def scattered(values: Any, places: Any, like: Any) -> Any:
    """Return zeros in the shape of `like` with `values` at `places`."""
    if isinstance(values, np.ndarray):
        answer = np.zeros_like(like)
        answer[places] = values
        return answer
    return namespace(values).zeros_like(like).at[places].set(values)


@contextlib.contextmanager
def double_precision() -> Iterator[None]:
    """Enter 64-bit JAX for this thread and this block only; the user's own configuration is left alone."""
    import jax

    with jax.enable_x64(True):
        yield


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS on one thread in this block: on small products more threads cost time, and sums would
    depend on them.

    SciPy's BLAS, which JAX calls on a CPU, can only be limited once it is loaded.
    """
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1, user_api="blas"):
        yield


def pad_to(array: np.ndarray, size: int, axis: int = 0, value: float = 0.0) -> np.ndarray:
    """Return `array` with `axis` filled up to `size` with `value` (zero-weight rows are neutral)."""
    missing = size - array.shape[axis]
    if missing <= 0:
        return array
    widths = [(0, 0)] * array.ndim
    widths[axis] = (0, missing)
    return np.pad(array, widths, constant_values=value)


def accelerator_present() -> bool:
    """Say whether JAX sees a device other than the CPU."""
    import jax

    return any(device.platform != "cpu" for device in jax.devices())


def resolve_device(device: str) -> str:
    """Turn the public `device` word into "numpy", "cpu", "gpu" or "adaptive".

    "auto" takes an accelerator when JAX has one. Otherwise it is "adaptive": NumPy while a search is small,
    compiled code once that repays the compilation (figures in benchmarks/README.md); JAX is then imported
    only if needed.
    """
    if device not in DEVICES:
        raise InvalidInput(f"`device` must be one of {', '.join(map(repr, DEVICES))}; got {device!r}.")
    if device == "auto":
        return "gpu" if _accelerator_installed() and accelerator_present() else "adaptive"
    if device == "gpu" and not accelerator_present():
        raise InvalidInput(
            "`device='gpu'` was asked for, but JAX sees no accelerator. "
            "Install riskstats[cuda13] or use 'auto'."
        )
    return device


@lru_cache(maxsize=1)
def _accelerator_installed() -> bool:
    """Look for a JAX accelerator plugin without importing JAX."""
    from importlib.metadata import entry_points

    return bool(entry_points(group="jax_plugins"))


class Compiled:
    """A jitted function in 64-bit precision that keeps its compile time apart from its run time.

    Arguments are arrays or tuples of arrays; answers are NumPy arrays. The seconds of the first call at
    every new set of shapes are added to `compile_seconds`.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._jitted: Any = None
        self._shapes: set[tuple[Any, ...]] = set()
        self.compile_seconds = 0.0

    def __call__(self, *arguments: Any) -> Any:
        import jax

        with double_precision():
            if self._jitted is None:
                self._jitted = jax.jit(self._function)
            shapes = tuple(np.shape(leaf) for leaf in jax.tree.leaves(arguments))
            start = time.perf_counter()
            answer = jax.tree.map(np.asarray, self._jitted(*arguments))
            if shapes not in self._shapes:
                self._shapes.add(shapes)
                self.compile_seconds += time.perf_counter() - start
            return answer

    @staticmethod
    def put(arrays: Any) -> Any:
        """Return the arrays on the device, in 64-bit, to be passed to several calls."""
        import jax

        with double_precision():
            return jax.tree.map(jax.numpy.asarray, arrays)
