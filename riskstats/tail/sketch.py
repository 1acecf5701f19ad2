"""The approximate tail of a stream of any length: a quantile sketch that carries its rank error.

`MergeableTail` is exact and should be tried first. A sketch answers every level in a few kilobytes, with an
error in the rank, not in the loss.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from riskstats._validation import finite_vector, probability, whole_number
from riskstats._validation import level as checked_level
from riskstats.distribution import Distribution
from riskstats.exceptions import InvalidInput, Unavailable
from riskstats.measures.cvar import CVaR
from riskstats.results import Result

__all__ = ["TailSketch"]


@dataclass(frozen=True, eq=False)
class TailSketch(Result):
    """A relative-error quantile (REQ) sketch that is finest at the largest losses; unweighted rows only.

    `TailSketch(size)` is empty; `update` and `merge` give new ones. Losses are kept in float32. The sketch
    draws at random, so two runs differ within the error.

    Parameters
    ----------
    size : even number from 4 to 1024; accuracy and memory grow with it.

    Needs the extra `sketch`; `Unavailable` where it is missing.
    Source: Cormode, Karnin, Liberty, Thaler and Vesely, Relative error streaming quantiles.
    """

    size: int = 64
    content: Any = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        size = whole_number(self.size, "size", low=4, high=1024)
        if size % 2:
            raise InvalidInput(f"`size` must be even; got {size}.")
        object.__setattr__(self, "content", _library().req_floats_sketch(size, True))

    @property
    def n(self) -> int:
        """Rows seen."""
        return int(self.content.n)

    def update(self, losses: Any) -> TailSketch:
        """This sketch with more losses (n,); `InvalidInput` where they do not fit float32."""
        if np.size(losses) == 0:
            return self
        with np.errstate(over="ignore"):
            values = finite_vector(losses, "losses").astype(np.float32)
        if np.isinf(values).any():
            raise InvalidInput("`losses` must lie within float32, about 3.4e38, in a sketch. Rescale them.")
        made = self._copy()
        made.content.update(values)
        return made

    def merge(self, other: TailSketch) -> TailSketch:
        """The sketch of both; `InvalidInput` where sizes differ."""
        if not isinstance(other, TailSketch) or other.size != self.size:
            raise InvalidInput(f"`merge` needs a TailSketch of size {self.size}; got {other!r}.")
        made = self._copy()
        made.content.merge(other.content)
        return made

    def _copy(self) -> TailSketch:
        made = TailSketch(self.size)
        made.content.merge(self.content)
        return made

    def value_at_risk(self, level: float) -> float:
        """About the lower quantile at `level`."""
        return self._law().quantile(checked_level(level))

    def value_at_risk_interval(self, level: float) -> tuple[float, float]:
        """Quantiles at the ends of `rank_interval`: about 95 % of such intervals hold the true one."""
        law = self._law()
        low, high = self.rank_interval(checked_level(level))
        return law.quantile(low), law.quantile(high, "upper")

    def cvar(self, level: float) -> float:
        """About the mean of the worst `1 - level`."""
        return CVaR(level).of(self._law())

    def rank_interval(self, level: float) -> tuple[float, float]:
        """Ranks in [0, 1] between which the answer at `level` lies, two standard errors on each side."""
        rank = probability(level, "level", closed=True)
        low, high = self.content.get_rank_lower_bound(rank, 2), self.content.get_rank_upper_bound(rank, 2)
        return max(0.0, float(low)), min(1.0, float(high))

    def _law(self) -> Distribution:
        if self.n == 0:
            raise InvalidInput("the sketch is empty; call `update` with losses first.")
        atoms, weights = np.array(list(self.content), dtype=np.float64).T
        return Distribution(atoms, weights)

    def summary(self) -> str:
        """How many rows, and the rank error at two levels."""
        spans = [
            f"{x:g}: {low:.5f} to {high:.5f}" for x in (0.95, 0.99) for low, high in [self.rank_interval(x)]
        ]
        return f"Sketch of {self.n} rows, approximate; ranks {'; '.join(spans)}."

    def __str__(self) -> str:
        return self.summary()

    def to_dict(self) -> dict[str, Any]:
        """Size, rows, and the sketch itself in hexadecimal digits."""
        return {"size": self.size, "n": self.n, "content": self.content.serialize().hex()}

    @classmethod
    def from_dict(cls, written: Any) -> TailSketch:
        """The sketch that `to_dict` wrote; `InvalidInput` if it is damaged."""
        try:
            made, data = cls(written["size"]), bytes.fromhex(written["content"])
            object.__setattr__(made, "content", _library().req_floats_sketch.deserialize(data))
        except (LookupError, TypeError, ValueError, RuntimeError) as error:
            raise InvalidInput(f"the sketch is damaged: {error!r}. Write it again with `to_dict`.") from error
        return made


def _library() -> Any:
    try:
        import datasketches
    except ImportError as error:
        raise Unavailable(
            "`TailSketch` needs datasketches. Install it with: pip install 'riskstats[sketch]'"
        ) from error
    return datasketches
