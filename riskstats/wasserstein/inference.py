"""Sampling error of bounds: how far the bounds of a finite sample are from those of the laws behind it.

Bounds over a set of laws have a width that no amount of data removes: model risk. They are also estimates,
because their references are samples: sampling error. Here is an interval for the second alone,

    P( lower limit <= lower bound of the true references,  upper bound of them <= upper limit ) >= confidence

Bounds are suprema and infima, so as functions of the references they have directional derivatives only, and
the bootstrap of a function that is not differentiable fails (Fang and Santos). What works for them is the
numerical delta method: a resample of m rows, m / n -> 0, is a step of length m^(-1/2) from F_n, and

    sqrt(m) ( bound(F*_m) - bound(F_n) )        has the limit of        sqrt(n) ( bound(F_n) - bound(F) ).

Sources: Duembgen (1993), On nondifferentiable functions and the bootstrap; Fang and Santos (2019), Inference
on directionally differentiable functions; Hong and Li (2018), The numerical delta method.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._random import RandomState, generator
from riskstats._validation import Floats, number, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.bounds.band import Band
from riskstats.distribution import Distribution
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, as_percent, frame
from riskstats.wasserstein.ball import WassersteinBall
from riskstats.wasserstein.radius import corrected_error, upper_rank
from riskstats.wasserstein.result import Bounds, DistributionBounds, WorstCase

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ConfidenceBounds", "NumericalDelta", "bounds_interval"]

LEAST_ROWS = 10
FAR = 1e3  # where a band without support puts its mass, in units of the largest outcome


@dataclass(frozen=True)
class NumericalDelta:
    """Resamples of ``m = n^exponent`` rows, of the smallest sample; the others shrink in the same ratio.

    exponent : in (0, 1). Smaller is safer where bounds have kinks, larger is closer where they have none;
    2/3 is between.
    """

    exponent: float = 2.0 / 3.0

    def __post_init__(self) -> None:
        if not 0.0 < number(self.exponent, "exponent") < 1.0:
            raise InvalidInput(f"`exponent` must lie in (0, 1); got {self.exponent!r}.")


@dataclass(frozen=True, eq=False)
class ConfidenceBounds(Result):
    """Bounds, and the interval for the bounds themselves.

    Attributes
    ----------
    name : what is bounded, in words.
    lower, upper : (k,) bounds at the samples: their distance is model risk, that no more data remove.
    lower_limit, upper_limit : (k,) outer limits of the bounds at the true references, each pair with the
        stated confidence; what they add to the bounds is sampling error.
    confidence_level, method : of the limits. n : rows of each sample.
    points : (k,) where the bounds were asked, or None.
    simultaneous : whether all k pairs hold together with that confidence.
    """

    name: str
    lower: Floats
    upper: Floats
    lower_limit: Floats
    upper_limit: Floats
    confidence_level: float
    method: str
    n: tuple[int, ...]
    points: Floats | None = None
    simultaneous: bool = False

    @property
    def model_width(self) -> Floats:
        """(k,) upper - lower: model risk."""
        return self.upper - self.lower

    @property
    def sampling_width(self) -> Floats:
        """(k,) what the limits add on both sides: sampling error."""
        return (self.upper_limit - self.lower_limit) - self.model_width

    def _rows(self) -> list[dict[str, Any]]:
        names = ("lower_limit", "lower", "upper", "upper_limit", "model_width", "sampling_width")
        columns = [getattr(self, name).tolist() for name in names]
        rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        if self.points is None:
            return rows
        return [{"point": point, **row} for point, row in zip(self.points.tolist(), rows, strict=True)]

    def to_frame(self) -> pd.DataFrame:
        """One row for each point: limits, bounds and the two widths."""
        return frame(self._rows())

    def summary(self) -> str:
        """Bounds and limits at up to seven points, and which part is model risk."""
        share = as_percent(self.confidence_level)
        head = "at" if self.points is not None else ""
        lines = [self.name, f"  {head:>10}  {'bounds':>22}  {share + ' limits of them':>22}"]
        for k in np.unique(np.linspace(0, len(self.lower) - 1, min(7, len(self.lower))).round().astype(int)):
            at = "" if self.points is None else ", ".join(f"{x:.5g}" for x in np.atleast_1d(self.points[k]))
            own = f"{self.lower[k]:.5g} to {self.upper[k]:.5g}"
            outer = f"{self.lower_limit[k]:.5g} to {self.upper_limit[k]:.5g}"
            lines.append(f"  {at:>10}  {own:>22}  {outer:>22}")
        lines.append("  model risk      from the lower to the upper bound; more data do not narrow it")
        rows = ", ".join(map(str, self.n))
        lines.append(f"  sampling error  from the bounds to their limits; {self.method}, n = {rows}")
        if len(self.lower) > 1:
            lines.append(f"  confidence      {'all points together' if self.simultaneous else 'each point'}")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


def bounds_interval(
    question: Callable[..., Any],
    samples: Any,
    *,
    confidence_level: float = 0.95,
    method: NumericalDelta | Band | None = None,
    monotone: Any = None,
    support: Any = None,
    n_resamples: int = 500,
    random_state: RandomState = None,
) -> ConfidenceBounds:
    """Limits for the bounds that a question has at the laws behind the samples.

    Parameters
    ----------
    question : called with one reference for each sample; returns (lower, upper), `Bounds`,
        `DistributionBounds`, or `WorstCase`, whose value is then both ends. Radii must be fixed numbers.
        Such as ``lambda a, b: makarov_bounds(a, b, [-1.0, 0.0], radius=0.1)``.
    samples : one sample, or a tuple or list of independent ones, each (n,) or (n, k) with rows independent.
    method : `NumericalDelta()`, the default, or a band of `riskstats.bounds` such as `DKW()`.
    monotone : for a band, +1 or -1 for each sample: whether both bounds rise or fall when that reference
        moves up. A probability P(a1 Y1 + a2 Y2 <= z) has ``-sign(a_j)``.
    support : for a band, (low, high) of all outcomes, or one pair for each sample. None is the whole line,
        which only a distribution function can take.
    n_resamples : for `NumericalDelta`; each calls `question` once, unless the question answers all at once by
        a method `batched`, as `makarov_batch.MakarovQuestion` does. random_state : as everywhere.

    `NumericalDelta`: with theta_n a bound at the samples and theta* at resamples of ``m = rho n`` rows, where
    ``rho = n_min^(exponent - 1)``, the upper limit is ``theta_n - sqrt(rho) q``, where q, not above 0, is
    the quantile of ``theta* - theta_n`` at half of ``alpha n_min / (n_min + 100)``, and likewise below. The
    factor was found by simulation and vanishes as n grows. Asymptotic, at each point by itself, for bounds
    that are directionally differentiable in the references. Arrays are passed to `question`. Simulated
    coverage at 0.95 of Makarov bounds of two normal laws is 0.93 with n = 50 and at least 0.94 from n = 100
    on; the limits are about half as far from the bounds as those of `DKW()`.

    Band: with probability at least `confidence_level` every law lies between the edges of its band, at error
    alpha / d for each of d samples. A bound that is monotone in each reference is then at most its value at
    the edges that raise it: valid for every n, all points together. Samples on the line only, passed as
    `Distribution`. That the question is monotone is for the user to know; it is refused where the limits do
    not enclose the bounds.

    `InvalidInput`: a method that is neither, samples of fewer than 10 rows or not finite, bounds that are not
    finite, answers that change length, and missing `monotone` or `support`.
    """
    if not callable(question):
        raise InvalidInput(f"`question` must be a function of references; got {question!r}.")
    confidence = checked_confidence(confidence_level)
    arrays = _samples(samples)
    asked = _Asked(question)
    if method is None or isinstance(method, NumericalDelta):
        draws = whole_number(n_resamples, "n_resamples", low=1)
        step = (method or NumericalDelta()).exponent
        return _by_resampling(asked, arrays, confidence, step, draws, generator(random_state))
    if not isinstance(method, Band):
        raise InvalidInput(f"`method` must be `NumericalDelta()` or a band such as `DKW()`; got {method!r}.")
    return _by_band(asked, arrays, confidence, method, _directions(monotone, len(arrays)), support)


@dataclass(frozen=True, eq=False)
class _Answer:
    lower: Floats
    upper: Floats
    name: str
    points: Floats | None = None
    probability: bool = False

    def within(self, values: Floats) -> Floats:
        """Limits of a probability lie in [0, 1]."""
        return np.clip(values, 0.0, 1.0) if self.probability else values


@dataclass(frozen=True, eq=False)
class _Asked:
    """The question with its answers in one form."""

    question: Callable[..., Any]

    def __call__(self, references: Sequence[Any], like: _Answer | None = None) -> _Answer:
        answer = _read(self.question(*references))
        lower, upper = answer.lower, answer.upper
        if not (np.isfinite(lower).all() and np.isfinite(upper).all()):
            raise InvalidInput(
                "`question` has bounds that are not finite, or no law at all, at the samples or a resample; "
                "their sampling error has no size. Use a larger radius, a larger order or a support."
            )
        if like is not None and lower.shape != like.lower.shape:
            raise InvalidInput(
                f"`question` returned {len(like.lower)} bounds at the samples and {len(lower)} at a "
                "resample; ask for the same points each time."
            )
        return answer

    def all_at(self, drawn: list[list[Floats]], like: _Answer) -> tuple[Floats, Floats]:
        """(lower, upper), each (r, k), at r resamples: at once where the question can, else one by one."""
        at_once = getattr(self.question, "batched", None)
        found = None if at_once is None else at_once([np.stack(each) for each in zip(*drawn, strict=True)])
        if found is None:
            answers = [self(each, like) for each in drawn]
            return np.stack([each.lower for each in answers]), np.stack([each.upper for each in answers])
        if any(ends.shape != (len(drawn), len(like.lower)) or not np.isfinite(ends).all() for ends in found):
            raise InvalidInput(
                f"`question.batched` must return two finite arrays {(len(drawn), len(like.lower))}; got "
                f"{found[0].shape} and {found[1].shape}."
            )
        return found


def _read(answer: Any) -> _Answer:
    if isinstance(answer, DistributionBounds):
        return _Answer(answer.lower, answer.upper, answer.name, answer.points, answer.kind == "cdf")
    if isinstance(answer, Bounds):
        return _Answer(*_pair(answer.lower.value, answer.upper.value), answer.name)
    if isinstance(answer, WorstCase):
        return _Answer(*_pair(answer.value, answer.value), answer.question)
    try:
        lower, upper = answer
        return _Answer(*_pair(lower, upper), "bounds")
    except (TypeError, ValueError):
        raise InvalidInput(
            "`question` must return (lower, upper), `Bounds`, `DistributionBounds` or `WorstCase`; got "
            f"{type(answer).__name__}."
        ) from None


def _pair(lower: Any, upper: Any) -> tuple[Floats, Floats]:
    ends = np.broadcast_arrays(*(np.atleast_1d(np.array(x, dtype=np.float64)) for x in (lower, upper)))
    if ends[0].ndim != 1:
        raise ValueError("bounds have one dimension")
    return np.array(ends[0]), np.array(ends[1])


def _samples(samples: Any) -> list[Floats]:
    """Each sample as (n,) or (n, k)."""
    several = isinstance(samples, (tuple, list)) and not all(isinstance(x, Real) for x in samples)
    arrays = []
    for j, sample in enumerate(samples if several else [samples]):
        if isinstance(sample, (Distribution, WassersteinBall)):
            raise InvalidInput(
                f"sample {j} is a `{type(sample).__name__}`; pass its independent rows, and build sets of "
                "laws inside `question`."
            )
        try:
            points = WassersteinBall(sample, radius=0.0).points
        except InvalidInput as error:
            raise InvalidInput(str(error).replace("`reference`", f"sample {j}")) from None
        if len(points) < LEAST_ROWS:
            raise InvalidInput(f"sample {j} has {len(points)} rows; limits need at least {LEAST_ROWS}.")
        arrays.append(points[:, 0] if np.ndim(sample) == 1 else points)
    return arrays


# resamples


def _by_resampling(
    asked: _Asked,
    arrays: list[Floats],
    confidence: float,
    exponent: float,
    draws: int,
    rng: np.random.Generator,
) -> ConfidenceBounds:
    sizes = tuple(len(array) for array in arrays)
    rank = upper_rank(corrected_error(1.0 - confidence, min(sizes)) / 2.0, draws)
    ratio = min(sizes) ** (exponent - 1.0)
    counts = [max(2, round(ratio * n)) for n in sizes]
    here = asked(arrays)
    drawn = [
        [array[rng.integers(0, len(array), m)] for array, m in zip(arrays, counts, strict=True)]
        for _ in range(draws)
    ]
    lower, upper = asked.all_at(drawn, here)
    fall, rise = here.upper - upper, lower - here.lower
    over, under = (np.sqrt(ratio) * np.maximum(np.sort(x, axis=0)[rank], 0.0) for x in (fall, rise))
    return ConfidenceBounds(
        name=here.name,
        lower=here.lower,
        upper=here.upper,
        lower_limit=here.within(here.lower - under),
        upper_limit=here.within(here.upper + over),
        confidence_level=confidence,
        method=f"numerical delta method, resamples of {', '.join(map(str, counts))} rows",
        n=sizes,
        points=here.points,
    )


# bands


def _directions(monotone: Any, d: int) -> tuple[int, ...]:
    signs = (monotone,) if np.ndim(monotone) == 0 else tuple(monotone)
    if len(signs) != d or not all(sign in (1, -1) for sign in signs):
        raise InvalidInput(
            f"a band needs `monotone`: +1 or -1 for each of {d} samples, whether both bounds rise or fall as "
            f"that reference moves up; got {monotone!r}. Without such a direction use `NumericalDelta()`."
        )
    return signs


def _by_band(
    asked: _Asked, arrays: list[Floats], confidence: float, band: Band, signs: tuple[int, ...], support: Any
) -> ConfidenceBounds:
    if any(array.ndim > 1 and array.shape[1] > 1 for array in arrays):
        raise InvalidInput("a band needs outcomes on the line; for vectors use `NumericalDelta()`.")
    lines = [array.reshape(-1) for array in arrays]
    here = asked([Distribution(line) for line in lines])
    ends = _supports(support, lines, here)
    error = (1.0 - confidence) / len(lines)
    edges = [_edges(line, band, end, error) for line, end in zip(lines, ends, strict=True)]
    low = asked([pair[sign < 0] for pair, sign in zip(edges, signs, strict=True)], here)
    high = asked([pair[sign > 0] for pair, sign in zip(edges, signs, strict=True)], here)
    if (low.lower > here.lower + 1e-9).any() or (high.upper < here.upper - 1e-9).any():
        raise InvalidInput(
            f"the bounds are not monotone as `monotone={signs}` says: at the edges of the bands they do not "
            "enclose those of the samples. Reverse the signs, or use `NumericalDelta()`."
        )
    return ConfidenceBounds(
        name=here.name,
        lower=here.lower,
        upper=here.upper,
        lower_limit=here.within(low.lower),
        upper_limit=here.within(high.upper),
        confidence_level=confidence,
        method=f"{type(band).__name__} bands",
        n=tuple(map(len, lines)),
        points=here.points,
        simultaneous=True,
    )


def _edges(line: Floats, band: Band, support: tuple[float, float], error: float) -> tuple[Any, Any]:
    """(the law with the smallest outcomes of the band, the law with the largest)."""
    from riskstats.bounds.api import cdf_band

    envelope = cdf_band(line, band, side="both", confidence_level=1.0 - error, support=support)
    return envelope.best_case(), envelope.worst_case()


def _supports(support: Any, lines: list[Floats], here: _Answer) -> list[tuple[float, float]]:
    """(low, high) for each sample; far away on both sides where only a distribution function is asked."""
    if support is None:
        if not here.probability:
            raise InvalidInput(
                "a band leaves mass anywhere beyond the data, so these bounds have no limits on the whole "
                "line. Pass `support=(low, high)`, or use `NumericalDelta()`."
            )
        assert here.points is not None
        far = FAR * max(1.0, *(float(np.abs(x).max()) for x in (*lines, here.points)))
        return [(-far, far)] * len(lines)
    try:
        pairs = np.broadcast_to(np.array(support, dtype=np.float64), (len(lines), 2)).tolist()
    except (TypeError, ValueError):
        raise InvalidInput(
            f"`support` must be (low, high), or one pair for each of {len(lines)} samples; got {support!r}."
        ) from None
    return [(low, high) for low, high in pairs]
