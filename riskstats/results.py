"""What every answer has in common: a status in words, a summary, a dictionary, a frame."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats.exceptions import Unavailable

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Result", "Solution", "Status"]


class Status(enum.StrEnum):
    """How a search or a claim ended. `Status.OPTIMAL == "OPTIMAL"`, so it survives JSON."""

    OPTIMAL = "OPTIMAL"
    GAP = "GAP"
    TIME_LIMIT = "TIME_LIMIT"
    INFEASIBLE = "INFEASIBLE"
    UNBOUNDED = "UNBOUNDED"
    NONFINITE = "NONFINITE"
    HEURISTIC = "HEURISTIC"
    BOUND = "BOUND"
    NO_BOUND = "NO_BOUND"
    WITHIN_LIMIT = "WITHIN_LIMIT"
    ABOVE_LIMIT = "ABOVE_LIMIT"
    CERTIFIED = "CERTIFIED"
    NOT_CERTIFIED = "NOT_CERTIFIED"
    REFUTED = "REFUTED"
    UNDECIDED = "UNDECIDED"

    @property
    def sentence(self) -> str:
        """The status as a sentence for people."""
        return _SENTENCES[self]


_SENTENCES = {
    Status.OPTIMAL: "Proven optimal.",
    Status.GAP: "Stopped at the requested gap; a better answer may exist within it.",
    Status.TIME_LIMIT: "Stopped by the time limit; the gap says how much better the best answer could be.",
    Status.INFEASIBLE: "No answer satisfies every requirement.",
    Status.UNBOUNDED: "The value can be improved without limit.",
    Status.NONFINITE: "The value is infinite.",
    Status.HEURISTIC: "Found by a heuristic; nothing is proven about better answers.",
    Status.BOUND: "The bound holds with the stated confidence.",
    Status.NO_BOUND: "Nothing can be said: no bound holds with the stated confidence.",
    Status.WITHIN_LIMIT: "The upper confidence limit of the risk is within the risk limit.",
    Status.ABOVE_LIMIT: "The upper confidence limit of the risk is above the risk limit.",
    Status.CERTIFIED: "The risk is within the limit, with the stated confidence.",
    Status.NOT_CERTIFIED: "No candidate is shown to be within the limit, nor to exceed it.",
    Status.REFUTED: "The risk is above the limit, with the stated confidence.",
    Status.UNDECIDED: "Neither side of the limit is shown yet; more units may decide.",
}


def plain(value: Any) -> Any:
    """`value` in terms of dict, list, str, int, float, bool and None, ready for JSON."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    return value


@dataclass(frozen=True)
class Result:
    """Base of every answer: frozen, printable, exportable."""

    def to_dict(self) -> dict[str, Any]:
        """Every field by name, in plain Python types."""
        return {field.name: plain(getattr(self, field.name)) for field in dataclasses.fields(self)}

    def summary(self) -> str:
        """One line per field; the first line names the kind of answer."""
        values = {name: _short(value) for name, value in self.to_dict().items()}
        width = max((len(name) for name in values), default=0)
        lines = [f"  {name:<{width}}  {text}" for name, text in values.items()]
        return "\n".join([type(self).__name__, *lines])

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row; nested fields stay as objects.

        Raises `Unavailable` where pandas is not installed.
        """
        return frame([self.to_dict()])


def frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """A pandas DataFrame of `rows`; `Unavailable` names the extra where pandas is missing."""
    try:
        import pandas as pd
    except ImportError as error:
        raise Unavailable(
            "`to_frame` needs pandas. Install it with: pip install 'riskstats[frames]'"
        ) from error
    return pd.DataFrame(rows)


def _short(value: Any, limit: int = 72) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


@dataclass(frozen=True)
class Solution(Result):
    """An answer of a minimisation with its proof.

    Attributes
    ----------
    value : objective of the answer, recomputed in float64 by whoever made it.
    bound : number that no answer can beat; `-inf` where nothing is known.
    status : how the search ended.
    """

    value: float
    bound: float
    status: Status

    @property
    def gap(self) -> float:
        """`(value - bound) / |value|`: 0 for a proven optimum, `inf` without a bound."""
        return relative_gap(self.value, self.bound)

    def to_dict(self) -> dict[str, Any]:
        """Every field by name, and the gap."""
        return {**super().to_dict(), "gap": self.gap}


def as_percent(confidence_level: float) -> str:
    """0.95 as '95 %'."""
    return f"{100 * confidence_level:.10g} %"


def relative_gap(value: float, bound: float) -> float:
    """`(value - bound) / |value|`, never negative; `inf` where there is no value or no bound."""
    if math.isnan(value) or math.isnan(bound):
        raise ValueError(f"a gap needs numbers; got value {value} and bound {bound}.")
    if bound >= value:
        return 0.0
    if math.isinf(value) or math.isinf(bound) or value == 0.0:
        return math.inf
    return (value - bound) / abs(value)
