"""The comparison of models by the harm they do, over every map from cost to likelihood."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from riskstats._validation import Floats
from riskstats.harm.interval import HarmInterval
from riskstats.results import Result, as_percent, frame
from riskstats.tail.provenance import Provenance

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["HarmComparison", "HarmPair", "ModelHarm", "Ranking"]

Ranking: TypeAlias = Literal["always", "never", "depends"]


@dataclass(frozen=True, eq=False)
class ModelHarm(Result):
    """One model among others.

    Attributes
    ----------
    name : of the model. expected_harm : EH under the chosen map.
    cumulative : (K,) G. interval : (G(1), G(K)), EH over all decreasing maps with f(1) = 1.
    lowest : whether its EH in the sample is the lowest of all for every map of the set, for none, or
        depending on the map; a tie counts as lowest.
    """

    name: str
    expected_harm: float
    cumulative: Floats
    interval: tuple[float, float]
    lowest: Ranking


@dataclass(frozen=True, eq=False)
class HarmPair(Result):
    """Two models on the same prompts.

    Attributes
    ----------
    first, second : their names, a and b below.
    verdict : over all decreasing maps, in the sample: a_lower, b_lower, equal or undecided.
    confident_verdict : the same at the confidence level: a_lower where every upper limit of G_A - G_B is at
        most 0, b_lower where every lower limit is at least 0, else undecided.
    order : whether EH_A <= EH_B in the sample for every map of the set, for none, or depending on the map.
    difference, lower, upper : EH_A - EH_B under the chosen map; limits for all pairs at once.
    p_value, p_max_t : two-sided, of this pair alone and adjusted for all pairs.
    cumulative, cumulative_lower, cumulative_upper : (K,) G_A - G_B; limits for all levels and pairs at once.
    ratio : the range of EH_A / EH_B over the set of maps, in the sample.
    """

    first: str
    second: str
    verdict: str
    confident_verdict: str
    order: Ranking
    difference: float
    lower: float
    upper: float
    p_value: float
    p_max_t: float
    cumulative: Floats
    cumulative_lower: Floats
    cumulative_upper: Floats
    ratio: HarmInterval

    def lines(self) -> list[str]:
        """What is said of the pair, in words."""
        words = {
            "a_lower": f"{self.first} does no more harm than {self.second} for every decreasing map",
            "b_lower": f"{self.second} does no more harm than {self.first} for every decreasing map",
            "equal": f"{self.first} and {self.second} do the same harm for every decreasing map",
            "undecided": f"{self.first} or {self.second}: which does less harm depends on the map",
        }
        shown = {
            True: "shown at the confidence level",
            False: "not shown at the confidence level",
        }[self.confident_verdict == self.verdict and self.verdict != "undecided"]
        told = words[self.verdict] + (f" (in the sample; {shown})" if self.verdict != "undecided" else "")
        return [
            f"  {told}.",
            self._difference(),
        ]

    def _difference(self) -> str:
        limits = f"{self.lower:.4g} to {self.upper:.4g}, p {self.p_max_t:.3g}"
        return f"    difference {self.difference:.4g} ({limits}); {self._over_maps()}."

    def _over_maps(self) -> str:
        order = f"EH of {self.first} <= EH of {self.second}: {self.order}"
        return f"ratio over the maps {self._ratio()}; {order}"

    def _ratio(self) -> str:
        if self.ratio.lower is None or self.ratio.upper is None:
            return "undefined (0 / 0)"
        high = f"{self.ratio.upper:.4g}" if self.ratio.upper < float("inf") else "unbounded (x / 0)"
        return f"{self.ratio.lower:.4g} to {high}"


@dataclass(frozen=True, eq=False)
class HarmComparison(Result):
    """m models on the same prompts, by one set of resamples.

    Attributes
    ----------
    models, pairs : in the order given; all pairs.
    cost_map : the chosen map. maps : the set of maps, in words.
    levels : K names of cost levels. likelihood : (K,) of the chosen map.
    confidence_level : of the limits of all levels and pairs at once, and of all differences at once.
    n, n_units : prompts of positive weight; what was resampled, prompts or clusters. resamples : how many.
    dropped : prompts left out because some model lacks them. scale_id : of the success.
    provenance : version, hash of the input, seed and settings. notes : what a reader must know besides.
    """

    models: tuple[ModelHarm, ...]
    pairs: tuple[HarmPair, ...]
    cost_map: str
    maps: str
    levels: tuple[str, ...]
    likelihood: Floats = field(repr=False)
    confidence_level: float
    n: int
    n_units: int
    resamples: int
    dropped: int
    scale_id: str | None
    provenance: Provenance
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """The verdict of the only pair in the sample; of several pairs see each."""
        return self.pairs[0].verdict if len(self.pairs) == 1 else "see `pairs`"

    def summary(self) -> str:
        """Each model, what can be said of every pair, and the notes."""
        units = "prompts" if self.n_units == self.n else f"prompts in {self.n_units} clusters"
        head = (
            f"{len(self.models)} models on the same {self.n} {units}; {self.cost_map} map, over {self.maps}; "
            f"{self.resamples} paired resamples, {as_percent(self.confidence_level)} confidence."
        )
        width = max(len(model.name) for model in self.models)
        rows = [
            f"  {model.name:<{width}}  expected harm {model.expected_harm:.4g}, over all decreasing maps "
            f"{model.interval[0]:.4g} to {model.interval[1]:.4g}; lowest of all: {model.lowest}"
            for model in self.models
        ]
        return "\n".join([head, *rows, *(line for pair in self.pairs for line in pair.lines()), *self.notes])

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per pair; needs the extra `frames`."""
        names = ("first", "second", "verdict", "confident_verdict", "order", "difference", "lower", "upper")
        more = ("p_value", "p_max_t")
        return frame(
            [
                {
                    **{name: getattr(pair, name) for name in (*names, *more)},
                    "ratio_lower": pair.ratio.lower,
                    "ratio_upper": pair.ratio.upper,
                }
                for pair in self.pairs
            ]
        )

    def plot(self, ax: Axes | None = None) -> Figure:
        """G of every model as steps over the cost levels; see `plot_harm_steps`."""
        from riskstats.plotting_harm import plot_harm_steps

        return plot_harm_steps(self, ax)
