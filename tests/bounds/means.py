"""What the tests of bounds on a mean share: golden records, laws, and how many misses are too many."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "control.json").read_text(encoding="utf-8"))
DELTA = 0.05

Law = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]

LAWS: dict[str, tuple[Law, float]] = {
    "rare": (lambda rng, shape: (rng.random(shape) < 0.02) * 1.0, 0.02),
    "coin": (lambda rng, shape: (rng.random(shape) < 0.3) * 1.0, 0.3),
    "smooth": (lambda rng, shape: rng.beta(2, 8, shape), 0.2),
    "square": (lambda rng, shape: rng.random(shape) ** 2, 1 / 3),
    "Likert": (lambda rng, shape: rng.choice(5, p=[0.5, 0.2, 0.15, 0.1, 0.05], size=shape) / 4, 0.25),
    "high": (lambda rng, shape: 1 - rng.beta(1, 60, shape), 60 / 61),
}

EXTREME = {
    "zeros": np.zeros(40),
    "ones": np.ones(40),
    "one atom": np.full(40, 0.3),
    "denormal": np.full(40, 5e-324),
    "almost one": np.full(40, np.nextafter(1.0, 0.0)),
    "zeros and ones": np.arange(40) % 2 * 1.0,
    "ones last": np.repeat([0.0, 1.0], 20),
    "ones first": np.repeat([1.0, 0.0], 20),
}


def golden_sample(n: int) -> np.ndarray:
    return ((np.arange(1, n + 1) * 0.6180339887) % 1.0) ** 2


def records(quantity: str, method: str) -> list[dict[str, Any]]:
    """Golden records; a test on an empty list would pass without looking."""
    found = [r for r in GOLDEN["values"] if r["quantity"] == quantity and r["method"] == method]
    assert found
    return found


def known_wrong(quantity: str) -> list[dict[str, Any]]:
    return [record for record in GOLDEN["known_wrong"] if record["quantity"] == quantity]


def label(record: dict[str, Any]) -> str:
    return f"n={record['n']}-delta={record.get('delta', '')}"


def too_many(misses: int, samples: int, delta: float) -> bool:
    """Whether so many misses would have probability below 1e-6 at an error of delta."""
    from scipy.stats import binom

    return bool(binom.sf(misses - 1, samples, delta) < 1e-6)
