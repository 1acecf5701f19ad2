"""The set of models whose loss is near the best: its extremes in any direction, with certificates.

    S = { theta : F(theta) <= limit },   F(theta) = sum_i w_i f(x_i'theta, y_i) + (penalty / 2) ||theta||^2

`LevelSet.support` finds ``max over S of q'theta`` from both sides: a member of S that attains the inner
end, and a dual bound that no member exceeds. Both are recomputed in float64 with their rounding errors
counted.
"""

from typing import TYPE_CHECKING

from riskstats._lazy import attach

if TYPE_CHECKING:
    from riskstats.levelset.baseline import Baseline as Baseline
    from riskstats.levelset.level_set import LevelSet as LevelSet
    from riskstats.levelset.level_set import Support as Support
    from riskstats.levelset.problem import ConvexProblem as ConvexProblem
    from riskstats.levelset.smooth_losses import LogisticLoss as LogisticLoss
    from riskstats.levelset.smooth_losses import SquaredLoss as SquaredLoss

_NAMES = {
    "Baseline": "riskstats.levelset.baseline",
    "ConvexProblem": "riskstats.levelset.problem",
    "LevelSet": "riskstats.levelset.level_set",
    "LogisticLoss": "riskstats.levelset.smooth_losses",
    "SquaredLoss": "riskstats.levelset.smooth_losses",
    "Support": "riskstats.levelset.level_set",
}

__getattr__, __dir__, __all__ = attach(__name__, _NAMES)
