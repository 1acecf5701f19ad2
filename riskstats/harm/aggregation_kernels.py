"""The harm score of many prompts and its likelihood, in arrays.

    H = sum over harms      w_action w_effect extent likelihood discount^(1 - immediacy)
      - b sum over benefits          w_effect extent likelihood discount^(1 - immediacy)

with extents and likelihoods as cumulative products, so that they ascend to 1, and separate ones for benefits.
A prompt is harmful with probability sigmoid(H); with harms only 2 sigmoid(H) - 1, with benefits only
2 sigmoid(H). Every parameter lies in [0, 1] but a scale of H and an intercept, which are optional.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from riskstats._jit import Compiled, namespace, pad_to
from riskstats._validation import Floats
from riskstats.harm.aggregation_tree import EXTENTS, LIKELIHOODS, Cells
from riskstats.losses import sigmoid, softplus

__all__ = [
    "Evaluate",
    "Layout",
    "Tables",
    "bounded",
    "evaluator",
    "kind_values",
    "log_likelihood_terms",
    "objective",
    "padded_data",
    "probability",
    "scores",
    "through_sigmoids",
    "usage",
]

FLOOR = 1e-9  # of a probability that is 0 because a prompt has no harm, or no benefit
_LARGEST_TABLE = 2**25


class Tables(NamedTuple):
    """What the words are worth: actions (A,), effects (B,); extents (2, 4), likelihoods (2, 3) and discounts
    (2,) of harms and of benefits; the weight of benefits."""

    actions: Any
    effects: Any
    extents: Any
    likelihoods: Any
    discounts: Any
    benefit: Any


class Layout(NamedTuple):
    """Where each parameter lies in the vector, which of them there are.

    kind : "both", "harms" or "benefits"; parameters of the other side are left out.
    """

    kind: str
    actions: tuple[str, ...]
    effects: tuple[str, ...]
    effect_weights: bool
    scale: bool
    intercept: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters in order; a ratio is that of a word to the next."""
        found: list[str] = []
        if self.kind != "benefits":
            found += [f"action: {name}" for name in self.actions] + _side_names("harm")
        if self.kind != "harms":
            found += [*_side_names("benefit"), "benefit weight"]
        found += [f"effect: {name}" for name in self.effects] if self.effect_weights else []
        return (*found, *(["scale"] if self.scale else []), *(["intercept"] if self.intercept else []))

    @property
    def bounded(self) -> int:
        """How many parameters lie in [0, 1]; scale and intercept follow them."""
        return len(self.names) - self.scale - self.intercept

    def tables(self, parameters: Any) -> Tables:
        """The tables at a parameter vector, of either array library."""
        xp = namespace(parameters)
        take = _Cursor(parameters)
        ones = xp.ones_like
        actions, sides = ones(parameters, shape=(len(self.actions),)), []
        if self.kind != "benefits":
            actions = take(len(self.actions))
            sides.append(_side(take, xp))
        sides *= 1 if self.kind == "both" else 2
        if self.kind != "harms":
            sides.append(_side(take, xp))
            sides = sides if self.kind == "both" else sides * 2
        benefit = take(1)[0] if self.kind != "harms" else ones(parameters, shape=())
        effects = (
            take(len(self.effects)) if self.effect_weights else ones(parameters, shape=(len(self.effects),))
        )
        extents, likelihoods, discounts = (xp.stack([side[k] for side in sides]) for k in range(3))
        return Tables(actions, effects, extents, likelihoods, discounts, benefit)

    def logit(self, parameters: Any, harm: Any) -> Any:
        """Scaled and shifted harm scores."""
        scaled = harm * parameters[self.bounded] if self.scale else harm
        return scaled + parameters[-1] if self.intercept else scaled


class _Cursor:
    """Takes the next parameters of a vector."""

    def __init__(self, parameters: Any) -> None:
        self._parameters, self._place = parameters, 0

    def __call__(self, count: int) -> Any:
        start, self._place = self._place, self._place + count
        return self._parameters[start : self._place]


def _side_names(side: str) -> list[str]:
    words = [f"{side} extent: {low}/{high}" for low, high in pairwise(EXTENTS)]
    words += [f"{side} likelihood: {low}/{high}" for low, high in pairwise(LIKELIHOODS)]
    return [*words, f"{side} discount"]


def _side(take: _Cursor, xp: Any) -> tuple[Any, Any, Any]:
    extents, likelihoods = take(len(EXTENTS) - 1), take(len(LIKELIHOODS) - 1)
    return _ascending(extents, xp), _ascending(likelihoods, xp), take(1)[0]


def _ascending(ratios: Any, xp: Any) -> Any:
    """Values that end at 1, each the product of its ratio and those after it."""
    values = [xp.ones_like(ratios, shape=())]
    for place in reversed(range(len(ratios))):
        values.append(values[-1] * ratios[place])
    return xp.stack(values[::-1])


def kind_values(tables: Tables, kinds: Any) -> Any:
    """(u,) what each kind of effect adds to H; kinds (u, 6) as in `Cells`."""
    xp = namespace(tables.extents)
    side, action, effect, extent, likelihood, immediate = (kinds[:, k] for k in range(6))
    size = tables.extents[side, extent] * tables.likelihoods[side, likelihood] * tables.effects[effect]
    later = xp.where(immediate == 1, 1.0, tables.discounts[side])
    return size * later * xp.where(side == 1, -tables.benefit, tables.actions[action])


def scores(tables: Tables, kinds: Any, counts: Any, places: Any = None) -> Any:
    """(n,) harm scores H; counts (n, u) of every kind, or (n, m) of the kinds at `places`."""
    values = kind_values(tables, kinds)
    return counts @ values if places is None else (counts * values[places]).sum(axis=1)


def log_likelihood_terms(kind: str, logits: Any) -> tuple[Any, Any]:
    """(log p, log(1 - p)) at scaled harm scores, accurate in both tails."""
    if kind == "both":
        return -softplus(-logits), -softplus(logits)
    xp = namespace(logits)
    size = xp.abs(logits)
    far = np.log(2.0) - softplus(size)
    near = xp.log(xp.maximum(-xp.expm1(-size), FLOOR)) - xp.log1p(xp.exp(-size))
    return (near, far) if kind == "harms" else (far, near)


def probability(kind: str, logits: Floats) -> Floats:
    """(n,) probabilities that a prompt is harmful."""
    if kind == "both":
        return np.asarray(sigmoid(logits))
    return np.asarray(np.exp(log_likelihood_terms(kind, logits)[0]))


def objective(layout: Layout, parameters: Any, data: tuple[Any, ...], target: Any, weight: Any) -> Any:
    """Negative log-likelihood of 0/1 targets, weighted."""
    logits = layout.logit(parameters, scores(layout.tables(parameters), *data))
    yes, no = log_likelihood_terms(layout.kind, logits)
    return -(weight * (target * yes + (1.0 - target) * no)).sum()


@lru_cache(maxsize=32)
def compiled_objective(layout: Layout) -> Compiled:
    """The objective with its gradient."""
    import jax

    def value(parameters: Any, data: Any, target: Any, weight: Any) -> Any:
        return objective(layout, parameters, data, target, weight)

    return Compiled(jax.value_and_grad(value))


def bounded(layout: Layout, point: Floats) -> Floats:
    """Parameters from unbounded numbers: sigmoids, exp of the scale, the intercept as it is."""
    parameters = np.array(point)
    parameters[: layout.bounded] = sigmoid(point[: layout.bounded])
    if layout.scale:
        parameters[layout.bounded] = np.exp(point[layout.bounded])
    return parameters


def slopes(layout: Layout, parameters: Floats) -> Floats:
    """Derivative of each parameter in its unbounded number."""
    found = np.ones_like(parameters)
    inner = parameters[: layout.bounded]
    found[: layout.bounded] = inner * (1.0 - inner)
    if layout.scale:
        found[layout.bounded] = parameters[layout.bounded]
    return found


def usage(layout: Layout, cells: Cells, weight: Floats) -> Floats:
    """(p,) how many effects, weighted by prompt, each parameter enters."""
    mass = np.zeros(len(cells.kinds))
    np.add.at(mass, cells.places.ravel(), (cells.counts * weight[:, np.newaxis]).ravel())
    side, action, effect, extent, likelihood, immediate = cells.kinds.T
    found: list[float] = []

    def count(where: Any) -> None:
        found.append(float(mass[where].sum()))

    for number in (0, 1):
        if layout.kind == ("benefits", "harms")[number]:
            continue
        own = side == number
        if number == 0:
            for k in range(len(layout.actions)):
                count(own & (action == k))
        for k in range(len(EXTENTS) - 1):
            count(own & (extent <= k))
        for k in range(len(LIKELIHOODS) - 1):
            count(own & (likelihood <= k))
        count(own & (immediate == 0))
        if number == 1:
            count(own)
    if layout.effect_weights:
        for k in range(len(layout.effects)):
            count(effect == k)
    return np.array([*found, *[float(mass.sum())] * layout.scale, *[float(weight.sum())] * layout.intercept])


Evaluate = Callable[[Floats], tuple[float, Floats]]


def evaluator(layout: Layout, cells: Cells, target: Floats, weight: Floats) -> Evaluate:
    """`parameters -> (negative log-likelihood, gradient)` with the data already on the device."""
    kernel, rows = compiled_objective(layout), _bucket(len(target))
    data = Compiled.put(padded_data(cells, rows))
    labels: Sequence[Any] = Compiled.put((pad_to(target, rows), pad_to(weight, rows)))

    def evaluate(parameters: Floats) -> tuple[float, Floats]:
        value, slope = kernel(parameters, data, *labels)
        return float(value), np.asarray(slope, dtype=np.float64)

    return evaluate


def through_sigmoids(layout: Layout, evaluate: Evaluate) -> Evaluate:
    """The same as a function of unbounded numbers."""

    def free(point: Floats) -> tuple[float, Floats]:
        parameters = bounded(layout, point)
        value, slope = evaluate(parameters)
        return value, slope * slopes(layout, parameters)

    return free


def padded_data(cells: Cells, rows: int) -> tuple[Any, Floats, Any]:
    """(kinds, counts, places) in full sizes: counts of every kind as a table while that is small enough."""
    size = _bucket(len(cells.kinds))
    kinds = pad_to(cells.kinds, size)
    if rows * size > _LARGEST_TABLE:
        width = _bucket(cells.counts.shape[1])
        padded = [pad_to(pad_to(part, width, axis=1), rows) for part in (cells.counts, cells.places)]
        return kinds, padded[0], padded[1]
    table = np.zeros((rows, size))
    here = np.arange(len(cells.counts))[:, np.newaxis]
    np.add.at(table, (np.broadcast_to(here, cells.places.shape), cells.places), cells.counts)
    return kinds, table, None


def _bucket(size: int) -> int:
    """The next power of 2, so that data of about one size compile once."""
    return 1 << (size - 1).bit_length()
