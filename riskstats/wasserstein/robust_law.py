"""A law inside the ball on which a linear model does as badly as the robust objective says, or nearly.

Order 1: labels are flipped where that raises the loss most per unit of cost, and what is left of the budget
moves a small share of one atom far along the steepest direction, to its wrong side. A loss that bends (the
log loss) only approaches the value as the share tends to 0; one that is straight beyond its kink attains it.
Order 2: every x moves against its residual, in proportion to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from riskstats._validation import Floats
from riskstats.results import Result, Status
from riskstats.wasserstein.cost import Cost, dual_norm, vector_norm
from riskstats.wasserstein.margin_losses import Hinge, MarginLoss

__all__ = [
    "FlipPlan",
    "RobustLaw",
    "RobustRisk",
    "far_atom_law",
    "flip_plan",
    "is_attained",
    "left_to_move",
    "shifted_law",
    "steepest",
]


@dataclass(frozen=True, eq=False)
class RobustLaw(Result):
    """A law of rows and targets within the ball around the data.

    Attributes
    ----------
    rows : (K, d). target : (K,), -1 and +1 for labels. weights : (K,) of sum 1.
    sources : (K,) the row of the data that each atom comes from.
    cost : transport cost of getting there. risk : mean loss of the model on this law.
    attained : whether no law of the ball has a larger mean loss; else `risk` is near the largest.
    """

    rows: Floats
    target: np.ndarray
    weights: Floats
    sources: np.ndarray
    cost: float
    risk: float
    attained: bool


@dataclass(frozen=True)
class RobustRisk(Result):
    """The worst mean loss of a fitted model over the ball, with its proof.

    Attributes
    ----------
    loss : in words. value : the worst mean loss of the model. bound : what no model of the class beats.
    status : `OPTIMAL` within the gap asked for, `TIME_LIMIT` or `GAP` otherwise.
    mean_loss : on the data, radius 0.
    slope : d value / d radius.
    attained : whether some law of the ball has exactly `value`; else a small mass moved far comes near it.
    flipped_share : mass of labels that the worst law flips.
    order, radius, budget, norm, label_cost : of the ball.
    """

    loss: str
    value: float
    bound: float
    status: Status
    mean_loss: float
    slope: float
    attained: bool
    flipped_share: float
    order: float
    radius: float
    budget: float
    norm: float
    label_cost: float

    def summary(self) -> str:
        """The risk and its proof, in words."""
        how = "attained" if self.attained else "approached by moving a small mass far"
        lines = [
            f"Worst {self.loss} {self.value:.6g}, {how}. {self.status.sentence}",
            f"  within distance   {self.radius:.6g} (order {self.order:g})",
            f"  on the data       {self.mean_loss:.6g}",
            f"  no model beats    {self.bound:.10g}",
            f"  per unit radius   {self.slope:.6g}",
        ]
        if self.flipped_share > 0:
            lines.append(f"  labels flipped    {self.flipped_share:.4g} of the mass")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


def steepest(slopes: Floats, norm: float) -> Floats:
    """The direction of unit transport norm in which x'b grows fastest, at rate ||b||_*."""
    if norm == 2:
        return np.asarray(slopes / (np.linalg.norm(slopes) or 1.0))
    if norm == math.inf:
        return np.sign(slopes)
    direction = np.zeros_like(slopes)
    largest = int(np.argmax(np.abs(slopes)))
    direction[largest] = np.sign(slopes[largest])
    return direction


class _Atoms:
    """Rows of a law under construction: any may be split, flipped and moved."""

    def __init__(self, X: Floats, sign: Floats, offset: Floats, weight: Floats, u: Floats) -> None:
        self.X, self.sign, self.offset, self.weight, self.u = X, sign, offset, weight, u
        self.sources = np.arange(len(X))

    def split(self, index: int, mass: float) -> int:
        """Cut `mass` off an atom into an atom of its own; its index."""
        for name in ("X", "sign", "offset", "weight", "u", "sources"):
            values = getattr(self, name)
            setattr(self, name, np.concatenate([values, values[index : index + 1]]))
        self.weight[index] -= mass
        self.weight[-1] = mass
        return len(self.weight) - 1

    def flip(self, places: Any) -> None:
        self.sign[places] *= -1.0
        self.u[places] *= -1.0


class FlipPlan(NamedTuple):
    """Rows to flip whole, one to flip in part (index, mass) or None, and the mass flipped."""

    whole: np.ndarray
    part: tuple[int, float] | None
    mass: float


def flip_plan(
    u: Floats, weight: Floats, loss: MarginLoss, label_cost: float, length: float, radius: float
) -> FlipPlan:
    """Flip labels, the largest gain first, while that beats moving and the budget lasts."""
    none = FlipPlan(np.zeros(0, dtype=np.int64), None, 0.0)
    if not loss.classifies or math.isinf(label_cost) or radius == 0:
        return none
    gain = loss.flip_gain(u)
    worth = np.flatnonzero((gain > label_cost * length) & (weight > 0))
    order = worth[np.argsort(-gain[worth], kind="stable")]
    mass = np.cumsum(weight[order])
    count = int(np.searchsorted(mass * label_cost, radius, side="right"))
    flipped = float(mass[count - 1]) if count else 0.0
    rest = radius / label_cost - flipped
    if count == len(order) or rest <= 0:
        return FlipPlan(order[:count], None, flipped)
    return FlipPlan(order[:count], (int(order[count]), rest), flipped + rest)


def left_to_move(plan: FlipPlan, label_cost: float, length: float, radius: float) -> float:
    """What of the budget goes into moving; rounding of a budget spent on flips is none."""
    left = radius - plan.mass * label_cost if plan.mass > 0 else radius
    return left if length > 0 and left > 1e-12 * radius else 0.0


def is_attained(u: Floats, loss: MarginLoss, plan: FlipPlan, left: float) -> bool:
    """Whether the worst mean loss is attained: nothing moves, or some atom is past the kinks of a straight
    loss."""
    if left == 0.0:
        return True
    return not loss.smooth and (not isinstance(loss, Hinge) or plan.mass > 0 or float(u.min()) <= 1.0)


def far_atom_law(
    X: Floats,
    target: Floats,
    weight: Floats,
    slopes: Floats,
    intercept: float,
    loss: MarginLoss,
    cost: Cost,
    radius: float,
    share: float,
) -> RobustLaw:
    """A law at transport cost `radius`, order 1; `share` of the mass at most moves far."""
    keep = np.flatnonzero(weight > 0)
    X, target, weight = X[keep], target[keep], weight[keep] / weight[keep].sum()
    sign, offset = (target.copy(), np.zeros(len(X))) if loss.classifies else (np.ones(len(X)), target.copy())
    atoms = _Atoms(X.copy(), sign, offset, weight.copy(), sign * (X @ slopes + intercept) - offset)
    length = float(vector_norm(slopes, dual_norm(cost.norm)))
    plan = flip_plan(atoms.u, weight, loss, cost.label_cost, length, radius)
    left = left_to_move(plan, cost.label_cost, length, radius)
    attained = is_attained(atoms.u, loss, plan, left)
    atoms.flip(plan.whole)
    if plan.part is not None:
        atoms.flip(atoms.split(*plan.part))
    if left > 0:
        mass = math.inf if attained else share
        _send_far(atoms, loss, steepest(slopes, cost.norm), length, left, mass)
    spent = left + (plan.mass * cost.label_cost if plan.mass > 0 else 0.0)
    labels = atoms.sign if loss.classifies else atoms.offset
    alive = atoms.weight > 0
    risk = float(atoms.weight @ loss.value(atoms.u))
    return RobustLaw(
        atoms.X[alive], labels[alive], atoms.weight[alive], keep[atoms.sources[alive]], spent, risk, attained
    )


def _send_far(
    atoms: _Atoms, loss: MarginLoss, direction: Floats, length: float, left: float, share: float
) -> None:
    """Move the atom that costs most, or a share of it, to its wrong side."""
    if loss.classifies:
        index, way = int(np.argmin(atoms.u)), -1.0
    else:
        index = int(np.argmax(np.abs(atoms.u)))
        way = 1.0 if atoms.u[index] >= 0 else -1.0
    mass = min(share, float(atoms.weight[index]))
    if mass < atoms.weight[index]:
        index = atoms.split(index, mass)
    step = left / mass
    atoms.X[index] = atoms.X[index] + way * atoms.sign[index] * step * direction
    atoms.u[index] += way * step * length


def shifted_law(
    X: Floats,
    target: Floats,
    weight: Floats,
    slopes: Floats,
    intercept: float,
    cost: Cost,
    radius: float,
) -> RobustLaw:
    """The law of order 2 that attains ``(sqrt(MSE) + radius ||b||_*)^2`` when only x moves."""
    keep = np.flatnonzero(weight > 0)
    X, target, weight = X[keep], target[keep], weight[keep] / weight[keep].sum()
    residual = target - X @ slopes - intercept
    size = math.sqrt(float(weight @ residual**2))
    scaled = residual / size if size > 0 else np.ones(len(X))
    moved = X - radius * np.multiply.outer(scaled, steepest(slopes, cost.norm))
    risk = float(weight @ (target - moved @ slopes - intercept) ** 2)
    budget = radius**2 if np.any(slopes) else 0.0
    return RobustLaw(moved, target.copy(), weight, keep, budget, risk, True)
