"""Golden samples and limits for CVaR."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "golden" / "tail.json").read_text(encoding="utf-8")
)
LIMITS: list[dict[str, Any]] = GOLDEN["cvar_bounds"]["values"]


def golden_losses(formula: str) -> np.ndarray:
    """The losses of a sample of the section `cvar_bounds`."""
    middle = (np.arange(901) + 0.5) / 901
    if formula.startswith("beta"):
        from scipy.stats import beta

        return beta.ppf(middle, 0.8, 8)
    return middle if formula.startswith("uniform") else np.repeat([0.0, 1.0], [970, 30])
