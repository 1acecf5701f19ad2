"""What a probe found in each layer, beside its controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats._validation import Floats, quoted
from riskstats.exceptions import InvalidInput
from riskstats.results import Result, as_percent, frame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["ProbeDifference", "ProbeReport", "TargetProbe"]


@dataclass(frozen=True, eq=False)
class TargetProbe(Result):
    """One target in L layers; arrays are (L,).

    Attributes
    ----------
    name : of the target.
    probe : "ridge" (score is the share of squared error explained) or "logistic" (share of log loss of
        balanced classes explained); both on rows that were left out, 0 for the mean alone.
    control : what the controls permute: "rows", "group values" or "blocks".
    score, control_mean, control_sd : of the target, and over its controls.
    lower, upper : limits of the selectivity, for all layers together.
    p_value : (1 + controls that score at least as high) / (1 + controls), one layer at a time.
    p_corrected : the same against the largest score of each control over the layers.
    penalty : that was chosen.
    rows : (L, G) what each unit (row or group) moves the score by; they carry the intervals.
    """

    name: str
    probe: str
    control: str
    score: Floats
    control_mean: Floats
    control_sd: Floats
    lower: Floats
    upper: Floats
    p_value: Floats
    p_corrected: Floats
    penalty: Floats
    rows: Floats

    @property
    def selectivity(self) -> Floats:
        """Score less the mean score of the controls."""
        return self.score - self.control_mean

    @property
    def best_layer(self) -> int:
        """Position of the layer with the largest score."""
        return int(self.score.argmax())

    def to_dict(self) -> dict[str, Any]:
        """Every field but `rows`, with the selectivity and the best layer."""
        known = {key: value for key, value in super().to_dict().items() if key != "rows"}
        return {**known, "selectivity": self.selectivity.tolist(), "best_layer": self.best_layer}


@dataclass(frozen=True)
class ProbeDifference(Result):
    """Selectivity of one target less that of another, each at its best layer.

    Attributes
    ----------
    first, second, layers : the targets and their layers.
    value, lower, upper : of the difference, with the errors of both on the same rows.
    confidence_level : of the limits.
    """

    first: str
    second: str
    layers: tuple[int, int]
    value: float
    lower: float
    upper: float
    confidence_level: float

    def summary(self) -> str:
        """The difference in one line."""
        return (
            f"{self.first} less {self.second}: selectivity {self.value:+.3f} "
            f"({self.lower:+.3f} to {self.upper:+.3f} at {as_percent(self.confidence_level)})"
        )


@dataclass(frozen=True, eq=False)
class ProbeReport(Result):
    """Which targets can be read from which layer by a linear probe, beside control tasks.

    Attributes
    ----------
    targets : one `TargetProbe` each.
    n, n_groups, n_layers : rows, groups (None without), layers.
    n_controls : per target; no p-value is below 1 / (1 + n_controls).
    confidence_level : of the intervals, and 1 - the largest corrected p-value that counts as decodable.
    """

    targets: tuple[TargetProbe, ...]
    n: int
    n_groups: int | None
    n_layers: int
    n_controls: int
    confidence_level: float

    def __getitem__(self, name: str) -> TargetProbe:
        """The target with this name."""
        for target in self.targets:
            if target.name == name:
                return target
        raise KeyError(f"{name!r}; the targets are {quoted(target.name for target in self.targets)}")

    def decodable(self, name: str) -> bool:
        """Whether the corrected p-value at the best layer and the lower limit there both say so."""
        target = self[name]
        best = target.best_layer
        return bool(target.p_corrected[best] <= 1.0 - self.confidence_level and target.lower[best] > 0.0)

    def difference(self, first: str, second: str) -> ProbeDifference:
        """Selectivity of `first` less that of `second`, each at its best layer, on the same rows.

        The layers are chosen on the same rows; the limits are widened for all pairs of layers.
        """
        one, two = self[first], self[second]
        if one.name == two.name:
            raise InvalidInput(f"a difference needs two targets; got {first!r} twice.")
        layers = one.best_layer, two.best_layer
        value = float(one.selectivity[layers[0]] - two.selectivity[layers[1]])
        moves = one.rows[layers[0]] - two.rows[layers[1]]
        reach = half_width(moves[np.newaxis], self.confidence_level, self.n_layers**2)[0]
        return ProbeDifference(
            first, second, layers, value, value - float(reach), value + float(reach), self.confidence_level
        )

    def summary(self) -> str:
        """A sentence per target: decodable or not shown to be, with interval and null."""
        of_groups = "" if self.n_groups is None else f", left out by {self.n_groups} groups"
        layers = f"{self.n_layers} layer{'' if self.n_layers == 1 else 's'}"
        head = f"Linear probes: n = {self.n}, {layers}, {self.n_controls} controls each{of_groups}"
        return "\n".join([head, *(f"  {self._sentence(target)}" for target in self.targets)])

    def _sentence(self, target: TargetProbe) -> str:
        best = target.best_layer
        found = "is decodable" if self.decodable(target.name) else "is not shown to be decodable"
        layer = f" at layer {best}, the best" if self.n_layers > 1 else ""
        return (
            f"{target.name} {found}{layer}: selectivity {target.selectivity[best]:.3f} "
            f"({target.lower[best]:.3f} to {target.upper[best]:.3f} at {as_percent(self.confidence_level)}), "
            f"score {target.score[best]:.3f} against {target.control_mean[best]:.3f} of controls "
            f"({target.control} permuted), p = {target.p_corrected[best]:.3g}"
        )

    def __str__(self) -> str:
        return self.summary()

    def to_dict(self) -> dict[str, Any]:
        """Every field, and which targets are decodable."""
        return {**super().to_dict(), "decodable": {t.name: self.decodable(t.name) for t in self.targets}}

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per target and layer."""
        fields = (
            "score",
            "control_mean",
            "selectivity",
            "lower",
            "upper",
            "p_value",
            "p_corrected",
            "penalty",
        )
        return frame(
            [
                {
                    "target": target.name,
                    "layer": layer,
                    **{name: float(getattr(target, name)[layer]) for name in fields},
                }
                for target in self.targets
                for layer in range(self.n_layers)
            ]
        )

    def plot(self, ax: Any = None) -> Figure:
        """Selectivity of every target in every layer."""
        from riskstats.plotting_grades import plot_probes

        return plot_probes(self, ax)


def half_width(moves: Floats, confidence_level: float, comparisons: int) -> Floats:
    """(L,) half-widths of t intervals from moves (L, G) of independent units, Bonferroni over comparisons."""
    from scipy.stats import t

    units = moves.shape[1]
    error = np.sqrt((moves**2).sum(axis=1) * units / (units - 1.0))
    quantile = t.isf(0.5 * (1.0 - confidence_level) / comparisons, units - 1)
    return np.asarray(quantile * error)
