"""Where a number came from: enough to tell whether two results are of the same data and settings."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from riskstats import __version__
from riskstats.results import Result, Status

__all__ = ["Provenance", "input_hash", "provenance"]


@dataclass(frozen=True)
class Provenance(Result):
    """The version, the data and the settings behind a result; None where a setting plays no part.

    Attributes
    ----------
    version : of the package.
    input_hash : 16 hexadecimal digits of the data, `input_hash`.
    level, side : share not in the tail, and which quantile is called value at risk.
    seed : the integer passed as `random_state`; None where there was none to repeat.
    limit : the method of the confidence limit.
    clip, pooling, estimand : of log-risk, of judges, of epochs.
    status : how the result ended.
    """

    version: str
    input_hash: str
    level: float
    side: str | None = None
    seed: int | None = None
    limit: str | None = None
    clip: float | None = None
    pooling: str | None = None
    estimand: str | None = None
    status: Status | None = None


def provenance(*data: Any, level: float, random_state: Any = None, **settings: Any) -> Provenance:
    """The provenance of a result from `data` (arrays, labels or None), in a fixed order."""
    fixed = isinstance(random_state, (int, np.integer)) and not isinstance(random_state, bool)
    seed = int(random_state) if fixed else None
    return Provenance(__version__, input_hash(*data), level, seed=seed, **settings)


def input_hash(*data: Any) -> str:
    """16 hexadecimal digits of SHA-256 over the shapes and values of arrays; None and order count.

    Numbers are hashed as little-endian float64, everything else by its text.
    """
    digest = hashlib.sha256()
    for item in data:
        array = np.asarray(item)
        numeric = item is not None and array.dtype.kind in "biuf"
        digest.update(f"{numeric}{array.shape}".encode())
        digest.update(_bytes(array) if numeric else repr(array.tolist()).encode())
    return digest.hexdigest()[:16]


def _bytes(array: np.ndarray) -> bytes:
    return (np.ascontiguousarray(array, dtype="<f8") + 0.0).tobytes()  # -0 is 0
