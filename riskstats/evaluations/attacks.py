"""Systems against attacks: how many directions their success varies in, and whether one attack tells another.

A matrix of success rates is centred by attack. If a few directions carry it, systems differ in a few traits
only; if shuffling every attack over the systems leaves as much in the first direction, they share none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._random import RandomState, generator
from riskstats._validation import Floats, whole_number
from riskstats._validation import confidence_level as checked_confidence
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, frame
from riskstats.tail.inputs import inside, matrix_and_names

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["AttackMatrix", "attack_matrix"]


@dataclass(frozen=True, eq=False)
class AttackMatrix(Result):
    """Success rates of A attacks on S systems, centred by attack, by singular values.

    Attributes
    ----------
    systems, attacks : names. rates : (S, A) as given. means : (A,) of the attacks.
    explained : (r,) shares of the variance of each direction, r = min(S - 1, A).
    null_explained : (r,) their quantiles at the confidence level over permutations.
    p_value : of "the attacks share nothing", by the first share. dimensions : leading directions whose share
        is above the null.
    scores : (S, r) of the systems. loadings : (A, r) of the attacks, unit vectors.
    predicted : (S, A) the rate of each attack on each system, from the other attacks on it and from the other
        systems. skill : (A,) `1 - error / error of the mean of the other systems`, of squares; at most 1, not
        above 0 where the other attacks tell nothing. rank : directions that predict.
    permutations : their number.
    """

    systems: tuple[str, ...]
    attacks: tuple[str, ...]
    rates: Floats
    means: Floats
    explained: Floats
    null_explained: Floats
    p_value: float
    dimensions: int
    scores: Floats = field(repr=False)
    loadings: Floats = field(repr=False)
    predicted: Floats = field(repr=False)
    skill: Floats
    rank: int
    permutations: int
    confidence_level: float
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """The directions against the null, and how well each attack is told by the others."""
        shares = ", ".join(f"{100 * share:.3g} %" for share in self.explained[:4])
        lines = [
            (
                f"{len(self.systems)} systems x {len(self.attacks)} attacks: directions carry {shares} of "
                f"the variance; {self.dimensions} above chance, p = {self.p_value:.3g} for the first."
            )
        ]
        order = np.argsort(-self.means, kind="stable")
        lines += [
            f"  {self.attacks[j]}: mean {self.means[j]:.3g}, skill of the other attacks {self.skill[j]:+.2f}"
            for j in order
        ]
        return "\n".join([*lines, *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per attack; needs the extra `frames`."""
        return frame(
            [
                {"attack": name, "mean": mean, "loading": load, "skill": skill}
                for name, mean, load, skill in zip(
                    self.attacks, self.means, self.loadings[:, 0], self.skill, strict=True
                )
            ]
        )

    def plot(self, ax: Axes | None = None) -> Figure:
        """The matrix, ordered by the first direction; see `plot_attack_matrix`."""
        from riskstats.plotting_evaluations import plot_attack_matrix

        return plot_attack_matrix(self, ax)


def attack_matrix(
    rates: Any,
    *,
    systems: Sequence[Any] | None = None,
    attacks: Sequence[Any] | None = None,
    rank: int = 1,
    permutations: int = 999,
    confidence_level: float = 0.95,
    random_state: RandomState = 0,
) -> AttackMatrix:
    """Directions of the success of attacks over systems, a permutation null, prediction of each attack.

    The centred matrix is `U D V'`; direction j carries `D_j^2 / sum D^2`. Under the null every attack is
    shuffled over the systems by itself, so that the attacks have nothing in common: the p-value of the
    first share is `(1 + #{null >= share}) / (R + 1)`, exact where systems are exchangeable for each attack.
    Directions count while their share is above the quantile of the same direction under the null.

    Prediction of attack j on system i: the other attacks on the other systems give `rank` directions, on
    which attack j is regressed over the other systems; the scores of system i give the prediction. Neither
    the system nor the attack that is predicted is used.

    Parameters
    ----------
    rates : (systems, attacks) in [0, 1], complete; or a frame with a column per attack.
    systems, attacks : names. rank : directions that predict, 1 <= rank <= min(systems - 2, attacks - 1).
    permutations : R. random_state : of them; an integer repeats.

    `InvalidInput`: NaN, rates outside [0, 1], fewer than four systems or three attacks, equal rates in all.
    Source: Horn (1965), A rationale and test for the number of factors in factor analysis.
    """
    delta = 1.0 - checked_confidence(confidence_level)
    named = hasattr(rates, "columns") or isinstance(rates, Mapping)
    matrix, columns = matrix_and_names(rates, attacks, "rates", what="attacks")
    if attacks is None and not named:
        columns = tuple(f"a{j + 1}" for j in range(matrix.shape[1]))
    names = _checked(matrix, systems)
    most = min(matrix.shape[0] - 2, matrix.shape[1] - 1)
    directions = whole_number(rank, "rank", low=1, high=most)
    count = whole_number(permutations, "permutations", low=1)
    means = matrix.mean(axis=0)
    u, d, vt = np.linalg.svd(matrix - means, full_matrices=False)
    size = min(matrix.shape[0] - 1, matrix.shape[1])
    shares = (d**2 / np.sum(d**2))[:size]
    null = _null_shares(matrix - means, size, count, generator(random_state))
    limits = np.quantile(null, 1.0 - delta, axis=0, method="higher")
    above = shares > limits
    sign = np.where(vt[:size].sum(axis=1) < 0, -1.0, 1.0)
    predicted = _predictions(matrix, directions)
    return AttackMatrix(
        systems=names,
        attacks=columns,
        rates=matrix,
        means=means,
        explained=shares,
        null_explained=limits,
        p_value=float((1 + (null[:, 0] >= shares[0] * (1 - 1e-12)).sum()) / (count + 1)),
        dimensions=int(len(above) if above.all() else above.argmin()),
        scores=u[:, :size] * d[:size] * sign,
        loadings=(vt[:size].T * sign),
        predicted=predicted,
        skill=_skill(matrix, predicted),
        rank=directions,
        permutations=count,
        confidence_level=1.0 - delta,
        notes=("Only the p-value of the first direction is exact; further directions are a guide.",),
    )


def _checked(matrix: Floats, systems: Sequence[Any] | None) -> tuple[str, ...]:
    """Names of the systems of a usable matrix."""
    if matrix.ndim != 2 or matrix.shape[0] < 4 or matrix.shape[1] < 3:
        raise InvalidInput(
            f"`rates` must have shape (systems, attacks) with four systems and three attacks or more; got "
            f"{matrix.shape}."
        )
    inside(matrix, (0.0, 1.0), "rates")
    if (matrix == matrix[0]).all():
        raise InvalidInput("`rates` are the same for every system: there is no variation to look at.")
    if systems is None:
        return tuple(f"s{i + 1}" for i in range(len(matrix)))
    names = tuple(map(str, systems))
    if len(names) != len(matrix) or len(set(names)) < len(names):
        raise InvalidInput(f"`systems` must be {len(matrix)} different names, one per row; got {len(names)}.")
    return names


def _null_shares(centred: Floats, size: int, count: int, rng: np.random.Generator) -> Floats:
    """(R, size) shares of the variance after shuffling every column by itself."""
    total = float((centred**2).sum())
    shares = np.empty((count, size))
    for r in range(count):
        shares[r] = np.linalg.svd(rng.permuted(centred, axis=0), compute_uv=False)[:size] ** 2 / total
    return shares


def _predictions(matrix: Floats, rank: int) -> Floats:
    """(S, A) predictions of every rate, by the directions of the other attacks over the other systems."""
    answer = np.empty_like(matrix)
    for i in range(len(matrix)):
        others = np.delete(matrix, i, axis=0)
        for j in range(matrix.shape[1]):
            x, y = np.delete(others, j, axis=1), others[:, j]
            centre = x.mean(axis=0)
            u, d, vt = np.linalg.svd(x - centre, full_matrices=False)
            kept = min(rank, int((d > 1e-12 * max(d[0], 1e-300)).sum()))
            slope = vt[:kept].T @ ((u[:, :kept].T @ (y - y.mean())) / d[:kept])
            answer[i, j] = y.mean() + (np.delete(matrix[i], j) - centre) @ slope
    return np.clip(answer, 0.0, 1.0)


def _skill(matrix: Floats, predicted: Floats) -> Floats:
    """(A,) share of the squared error of the mean of the other systems that the prediction takes away."""
    s = len(matrix)
    plain = (s * matrix.mean(axis=0) - matrix) / (s - 1.0)
    base = ((matrix - plain) ** 2).sum(axis=0)
    error = ((matrix - predicted) ** 2).sum(axis=0)
    return 1.0 - np.divide(error, base, out=np.full_like(base, np.nan), where=base > 0)
