"""How far the noise of judges alone moves a CVaR: noise in the scores lengthens the tail."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from riskstats._random import RandomState, generator
from riskstats._validation import Floats, non_negative_number, positive_number, sample_weights, whole_number
from riskstats._validation import level as checked_level
from riskstats.exceptions import InvalidInput
from riskstats.measures.cvar import CVaR
from riskstats.results import Result, frame
from riskstats.tail.inputs import checked_array, inside
from riskstats.tail.provenance import Provenance, provenance

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NOISE_LEVELS", "JudgeNoise", "judge_noise_sensitivity"]

NOISE_LEVELS = (0.05, 0.1, 0.2)


@dataclass(frozen=True, eq=False)
class JudgeNoise(Result):
    """CVaR of the scores, and of the scores with noise added.

    Attributes
    ----------
    level, cvar : share not in the tail; CVaR of the scores, the means over judges.
    sd : standard deviation of one judge around the mean of judges.
    estimated : whether `sd` comes from two or more judges; False if it was assumed.
    n_judges, n_prompts : of positive weight.
    sd_of_score : of the mean of all judges, `sd / sqrt(n_judges)`.
    noise, noisy_cvar : (m,) standard deviations of added noise, and CVaR then; the last one adds
        `sd_of_score`.
    n_draws : draws of the noise that each number is a mean of.
    provenance : version, data, settings.
    """

    level: float
    cvar: float
    sd: float
    estimated: bool
    n_judges: int
    n_prompts: int
    sd_of_score: float
    noise: Floats
    noisy_cvar: Floats
    n_draws: int
    provenance: Provenance

    @property
    def excess(self) -> float:
        """How much noise of the size that is in the scores already adds to CVaR when added once more."""
        return float(self.noisy_cvar[-1]) - self.cvar

    def summary(self) -> str:
        """The line of sensitivity, where the standard deviation comes from, and what follows."""
        given = zip(self.noise[:-1].tolist(), self.noisy_cvar[:-1].tolist(), strict=True)
        line = " / ".join(f"{value:.3g} (sd {sd:g})" for sd, value in given)
        of = f"the mean over {self.n_judges} judges" if self.estimated else "these scores"
        head = f"CVaR at level {self.level:g} of {of} is {self.cvar:.3g}; with added judge noise {line}."
        return "\n".join([head, self._source(), self._consequence()])

    def _source(self) -> str:
        if not self.estimated:
            return (
                f"One judge shows nothing of its own noise: sd {self.sd:.3g} is ASSUMED. "
                "Score some prompts with a second judge."
            )
        return (
            f"Judge sd {self.sd:.3g}, pooled within {self.n_prompts} prompts over {self.n_judges} judges; "
            f"their mean has sd {self.sd_of_score:.3g}. What all judges get wrong alike is not in it."
        )

    def _consequence(self) -> str:
        return (
            f"Adding sd {self.sd_of_score:.3g}, the noise of these scores, once more moves CVaR by "
            f"{self.excess:+.3g}; what is in them already has moved it the same way by about as much."
        )

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row for each size of noise, 0 first; needs the extra `frames`."""
        pairs = zip([0.0, *self.noise.tolist()], [self.cvar, *self.noisy_cvar.tolist()], strict=True)
        return frame([{"noise_sd": sd, "cvar": value} for sd, value in pairs])


def judge_noise_sensitivity(
    scores: Any,
    level: float,
    *,
    assumed_sd: float | None = None,
    noise: Sequence[float] = NOISE_LEVELS,
    sample_weight: npt.ArrayLike | None = None,
    n_draws: int = 50,
    random_state: RandomState = None,
) -> JudgeNoise:
    """CVaR under added normal noise of the scores, clipped to [0, 1], and the noise that the judges show.

    Parameters
    ----------
    scores : (prompts, judges) in [0, 1], larger is worse; (prompts,) is one judge.
    level : share not in the tail, in [0, 1).
    assumed_sd : standard deviation of one judge; needed with one judge, refused with more, which show it.
    noise : standard deviations >= 0 to try.
    sample_weight : (prompts,) >= 0; None is one each.
    n_draws : draws of the noise; random_state : of the noise, an integer repeats it.

    The sd of one judge is `sqrt(E[within-prompt variance])`, with ddof 1; judges that differ in their mean
    count as noisy. CVaR is of the means over judges.

    `InvalidInput`: scores outside [0, 1], NaN, one judge without `assumed_sd`, more judges with it.
    """
    array, weights = _checked(scores, sample_weight)
    kept, mass = array[weights > 0], weights[weights > 0] / weights.max()
    sd = _spread(kept, mass, assumed_sd)
    of_score = sd / math.sqrt(array.shape[1])
    sizes = np.array([*(non_negative_number(each, "noise") for each in noise), of_score])
    tail, means = CVaR(checked_level(level)), kept.mean(axis=1)
    draws, rng = whole_number(n_draws, "n_draws", low=1), generator(random_state)
    return JudgeNoise(
        level=tail.level,
        cvar=float(tail.of_weighted(means, mass)),
        sd=sd,
        estimated=array.shape[1] > 1,
        n_judges=array.shape[1],
        n_prompts=len(kept),
        sd_of_score=of_score,
        noise=sizes,
        noisy_cvar=np.array([_noisy(means, mass, tail, size, draws, rng) for size in sizes.tolist()]),
        n_draws=draws,
        provenance=provenance(array, sample_weight, level=tail.level, random_state=random_state),
    )


def _checked(scores: Any, sample_weight: Any) -> tuple[Floats, Floats]:
    """((n, judges) scores in [0, 1], (n,) weights)."""
    array = checked_array(scores, "scores")
    inside(array, (0.0, 1.0), "scores")
    if array.ndim not in (1, 2):
        raise InvalidInput(f"`scores` must have shape (prompts, judges); got {array.shape}.")
    array = array[:, np.newaxis] if array.ndim == 1 else array
    return array, sample_weights(sample_weight, len(array))


def _spread(scores: Floats, weights: Floats, assumed: Any) -> float:
    """Standard deviation of one judge: estimated from two or more, else what was assumed."""
    judges = scores.shape[1]
    if judges == 1 and assumed is None:
        raise InvalidInput(
            "one judge shows nothing of its own noise. Pass `assumed_sd=0.1`, or the scores of two or more "
            "judges as shape (prompts, judges)."
        )
    if judges > 1 and assumed is not None:
        raise InvalidInput(
            f"{judges} judges show their noise themselves; got `assumed_sd={assumed!r}` too. Drop it."
        )
    if judges == 1:
        return positive_number(assumed, "assumed_sd")
    return math.sqrt(float(np.average(scores.var(axis=1, ddof=1), weights=weights)))


def _noisy(
    means: Floats, weights: Floats, tail: CVaR, sd: float, draws: int, rng: np.random.Generator
) -> float:
    """Mean over draws of CVaR of the means with normal noise, clipped to [0, 1]."""
    return float(
        np.mean(
            [
                tail.of_weighted(np.clip(means + sd * rng.standard_normal(len(means)), 0.0, 1.0), weights)
                for _ in range(draws)
            ]
        )
    )
