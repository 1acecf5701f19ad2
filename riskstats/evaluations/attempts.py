"""At least one harmful outcome in k attempts at the same prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._random import RandomState, seed
from riskstats._samples import loss_vector
from riskstats._validation import Floats, Integers, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.notes import SCOPE
from riskstats.bounds.units import failure_at_k, unit_codes
from riskstats.evaluations.clustering import cluster_codes, clusters_of_items
from riskstats.evaluations.proportions import percent
from riskstats.evaluations.rate_methods import UNIT, RateSample, needs_binary
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, as_percent, frame
from riskstats.tail.inputs import checked_array, inside

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["AtLeastOne", "at_least_one"]


@dataclass(frozen=True, eq=False)
class AtLeastOne(Result):
    """The share of prompts that give a harmful outcome in k attempts.

    Attributes
    ----------
    k : (K,) numbers of attempts. estimate, lower, upper : (K,) means over prompts, or over clusters, with
        two-sided limits that hold for all k at once.
    per_prompt : (prompts, K) the chance of each prompt.
    n_prompts, n_units : prompts; what was sampled independently.
    least_attempts : the smallest number of attempts at a prompt.
    method : of the limits for each k.
    """

    k: tuple[int, ...]
    estimate: Floats
    lower: Floats
    upper: Floats
    per_prompt: Floats = field(repr=False)
    n_prompts: int
    n_units: int
    least_attempts: int
    method: tuple[str, ...]
    confidence_level: float
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """One line for each k."""
        units = "" if self.n_units == self.n_prompts else f" in {self.n_units} clusters"
        rows = zip(self.k, self.estimate, self.lower, self.upper, self.method, strict=True)
        return "\n".join(
            [
                (
                    f"At least one harmful outcome, {self.n_prompts} prompts{units}, at least "
                    f"{self.least_attempts} attempts each; {as_percent(self.confidence_level)} confidence."
                ),
                *(
                    f"  in {k} attempts: {percent(mean)} [{percent(low)}, {percent(high)}] ({how})"
                    for k, mean, low, high, how in rows
                ),
                *self.notes,
            ]
        )

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row for each k; needs the extra `frames`."""
        columns = {"k": self.k, "estimate": self.estimate, "lower": self.lower, "upper": self.upper}
        return frame([dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)])


def at_least_one(
    losses: Any,
    k: int | Sequence[int],
    *,
    prompt: Any = None,
    cluster: Any = None,
    confidence_level: float = 0.95,
    random_state: RandomState = 0,
) -> AtLeastOne:
    """Mean over prompts of the chance that k attempts have at least one harmful outcome.

    With c harmful of n attempts at a prompt, `1 - C(n - c, k) / C(n, k)`: the share of the choices of k of
    the n attempts with a harmful one among them. Unbiased for `1 - (1 - p)^k` where attempts at a prompt are
    independent with chance p. k = 1 is the rate, k = n whether any was harmful.

    Parameters
    ----------
    losses : (prompts, attempts), 0 or 1; or (n,) with `prompt`, which allows different numbers of attempts.
    k : an integer from 1 to the smallest number of attempts, or several.
    prompt : (n,) labels of rows of one prompt.
    cluster : (prompts,) labels of the task or scenario that prompts share, or (n,) with `prompt`.
    random_state : of the order of the bets.

    Limits for k = n without clusters are those of a count, others by bets on a mean in [0, 1]: guaranteed,
    for all K at once at `delta / K` each. `InvalidInput`: fractions, k above the number of attempts, NaN.
    Source: Chen et al. (2021), Evaluating large language models trained on code, for the estimator.
    """
    delta = 1.0 - checked_confidence(confidence_level)
    harmful, attempts, codes = _counts(losses, prompt, cluster)
    draws = _numbers(k, int(attempts.min()))
    chances = np.column_stack([1.0 - np.asarray(failure_at_k(attempts, harmful, each)) for each in draws])
    each, order = delta / (2 * len(draws)), seed(random_state)
    whole = [codes is None and bool((attempts == each).all()) for each in draws]
    samples = [
        RateSample(column, codes, None, "clopper-pearson" if exact else "betting", order)
        for column, exact in zip(chances.T, whole, strict=True)
    ]
    notes = ("With clusters every cluster counts once.",) if codes is not None else ()
    return AtLeastOne(
        k=draws,
        estimate=np.array([sample.estimate for sample in samples]),
        lower=np.array([sample.lower(each) for sample in samples]),
        upper=np.array([sample.upper(each) for sample in samples]),
        per_prompt=chances,
        n_prompts=len(chances),
        n_units=samples[0].n_units,
        least_attempts=int(attempts.min()),
        method=tuple(sample.method for sample in samples),
        confidence_level=1.0 - delta,
        notes=(*notes, SCOPE),
    )


def _counts(losses: Any, prompt: Any, cluster: Any) -> tuple[Integers, Integers, Integers | None]:
    """(harmful, attempts) of each prompt, and the clusters of the prompts."""
    if prompt is None:
        matrix = checked_array(losses, "losses")
        if matrix.ndim != 2:
            raise InvalidInput(
                f"`losses` must have shape (prompts, attempts); got {matrix.shape}. Pass `prompt=`, one "
                "label per row, with losses (n,)."
            )
        inside(matrix, UNIT, "losses")
        needs_binary(matrix, "losses")
        attempts = np.full(len(matrix), matrix.shape[1])
        return matrix.sum(axis=1).astype(np.int64), attempts, cluster_codes(cluster, len(matrix))
    vector, _ = loss_vector(losses, UNIT)
    needs_binary(vector, "losses")
    ids, codes = unit_codes(prompt, len(vector), "prompt")
    harmful = np.bincount(codes, vector, len(ids)).astype(np.int64)
    return harmful, np.bincount(codes), clusters_of_items(cluster, codes, ids, "prompt")


def _numbers(k: Any, most: int) -> tuple[int, ...]:
    given = list(k) if isinstance(k, (Sequence, np.ndarray)) else [k]
    draws = tuple(whole_number(each, "k", low=1) for each in given)
    if not draws:
        raise InvalidInput("`k` is empty; name at least one number of attempts.")
    if max(draws) > most:
        raise InvalidInput(
            f"`k` must be at most {most}, the smallest number of attempts at a prompt; got {max(draws)}. "
            "More draws than attempts have no unbiased estimate."
        )
    return draws
