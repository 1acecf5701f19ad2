"""Answers about a tail: frozen, and each says in words what it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from riskstats._validation import Floats
from riskstats.results import Result, Status, frame, plain
from riskstats.tail.dependence import TailDependence
from riskstats.tail.groups import GroupTails
from riskstats.tail.provenance import Provenance
from riskstats.tail.union import ClipAudit
from riskstats.tail.weights import TailWeights

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = [
    "Contributions",
    "FrechetTails",
    "MarginalTails",
    "RiskProfile",
    "ScaleProfile",
    "TailAttribution",
    "TailReport",
]

MOST_LINES = 8  # of one part in a summary


@dataclass(frozen=True, eq=False)
class Contributions(Result):
    """A tail cut into C pieces that sum to CVaR; arrays are (C,).

    Attributes
    ----------
    by : what the pieces are: "dimension", "prompt", or what the labels say.
    names, values : of the pieces.
    lower, upper : smallest and largest value over all ways of sharing the mass tied at the value at risk.
    mass, tail_mass : share of the population and of the tail on the rows of a label; None for dimensions.
    dimensions, by_dimension : names (K,) and the values split by dimension (C, K); None unless by label.
    """

    by: str
    names: tuple[str, ...]
    values: Floats
    lower: Floats
    upper: Floats
    mass: Floats | None = None
    tail_mass: Floats | None = None
    dimensions: tuple[str, ...] = ()
    by_dimension: Floats | None = None

    def shares(self, total: float) -> list[float | None]:
        """The pieces as shares of the total, or None where it is 0."""
        return [float(value) / total if total else None for value in self.values]

    def rows(self, total: float) -> list[dict[str, Any]]:
        """One dictionary per piece."""
        columns = {name: getattr(self, name) for name in ("lower", "upper", "mass", "tail_mass")}
        rows: list[dict[str, Any]] = []
        for i, (name, share) in enumerate(zip(self.names, self.shares(total), strict=True)):
            more = {key: None if column is None else float(column[i]) for key, column in columns.items()}
            rows.append({"by": self.by, "name": name, "value": float(self.values[i]), "share": share, **more})
        return rows

    def lines(self, total: float) -> list[str]:
        """The largest pieces in words; nothing where a single dimension is the whole."""
        if self.by == "dimension" and len(self.names) == 1:
            return []
        rows = sorted(self.rows(total), key=lambda row: -row["value"])
        shown = [
            _piece(row, max(len(each["name"]) for each in rows[:MOST_LINES])) for row in rows[:MOST_LINES]
        ]
        rest = len(rows) - len(shown)
        return [f"  by {self.by}:", *shown, *([f"    and {rest} more"] if rest > 0 else [])]


def _piece(row: dict[str, Any], width: int) -> str:
    share = "" if row["share"] is None else f"  {100 * row['share']:5.1f} %"
    wide = row["upper"] - row["lower"] > 1e-9 * max(abs(row["upper"]), abs(row["lower"]))
    ties = f"  ({row['lower']:.4g} to {row['upper']:.4g} at the tie)" if wide else ""
    return f"    {row['name']:<{width}}  {row['value']:.6g}{share}{ties}"


@dataclass(frozen=True, eq=False)
class TailAttribution(Result):
    """CVaR cut by dimension, by labels and by prompt; every part sums to it.

    Attributes
    ----------
    method : "euler" (components of a sum) or "shapley" (of a union).
    total : CVaR that is attributed.
    level, value_at_risk : share not in the tail, and the lower quantile there.
    n, n_tail, tied_share : rows, `t n`, share of the tail tied at the value at risk.
    parts : the first is by dimension, the last by prompt.
    provenance : version, data, settings.
    """

    method: str
    total: float
    level: float
    value_at_risk: float
    n: int
    n_tail: float
    tied_share: float
    parts: tuple[Contributions, ...]
    provenance: Provenance

    def __getitem__(self, by: str) -> Contributions:
        """The part with this name, such as "dimension" or "prompt"."""
        for part in self.parts:
            if part.by == by:
                return part
        raise KeyError(f"{by!r}; the parts are {', '.join(part.by for part in self.parts)}")

    def summary(self) -> str:
        """CVaR and its largest pieces, with their range where the tie leaves one."""
        how = {"euler": "Euler components", "shapley": "Shapley values of the union"}[self.method]
        head = (
            f"CVaR at level {self.level:g} is {self.total:.6g}, attributed by {how} "
            f"(n = {self.n}, n_tail = {self.n_tail:.4g}, {100 * self.tied_share:.3g} % tied)"
        )
        return "\n".join([head, *(line for part in self.parts for line in part.lines(self.total))])

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per piece of every part; needs the extra `frames`."""
        return frame([row for part in self.parts for row in part.rows(self.total)])

    def plot(self, ax: Any = None) -> Figure:
        """Stacked contributions of the dimensions."""
        from riskstats.plotting_tail import plot_attribution

        return plot_attribution(self, ax)


@dataclass(frozen=True)
class ScaleProfile(Result):
    """The numbers of one scale.

    Attributes
    ----------
    scale : "union" or "log-risk".
    mean, sd, variance : of the population of prompts, sd ("volatility") without a correction for n.
    value_at_risk, value_at_risk_upper, cvar : at the level of the profile.
    n_eff, tied_share : effective size of the tail, and the share of it tied at the value at risk.
    ratios : "cvar_over_mean", "cvar_over_value_at_risk", "excess_over_sd" = (CVaR - mean) / sd; None where
        undefined, with the reason in `undefined`.
    interval : confidence limit of CVaR, None where none was asked for.
    """

    scale: str
    mean: float
    sd: float
    variance: float
    value_at_risk: float
    value_at_risk_upper: float
    cvar: float
    n_eff: float
    tied_share: float
    ratios: dict[str, float | None]
    undefined: dict[str, str]
    interval: Result | None = None

    def lines(self, level: float) -> list[str]:
        """The numbers in words."""
        low, high = self.value_at_risk, self.value_at_risk_upper
        side = f"{low:.6g} (both sides)" if low == high else f"{low:.6g} (lower), {high:.6g} (upper)"
        shown = [_ratio(name, value, self.undefined) for name, value in self.ratios.items()]
        lines = [
            f"{self.scale}: CVaR {self.cvar:.6g}, value at risk {side}, level {level:g}",
            f"  mean {self.mean:.6g}, sd {self.sd:.6g}; {', '.join(shown)}",
            f"  n_eff = {self.n_eff:.4g}; {100 * self.tied_share:.3g} % of the tail at the value at risk",
        ]
        if self.interval is not None:
            lines.append(f"  {_first_line(self.interval)}")
        return lines


def _support(support: tuple[float, float] | None) -> str:
    return "support not declared" if support is None else f"support ({support[0]:g}, {support[1]:g})"


def _first_line(result: Result) -> str:
    return result.summary().partition("\n")[0]


def _ratio(name: str, value: float | None, undefined: dict[str, str]) -> str:
    words = name.replace("_over_", " / ").replace("_", " ").replace("cvar", "CVaR")
    return f"{words} {value:.4g}" if value is not None else f"{words} undefined ({undefined[name]})"


@dataclass(frozen=True)
class FrechetTails(Result):
    """Mean and CVaR of the smallest and the largest probability of any failure, whatever the dependence."""

    mean_lower: float
    mean_upper: float
    cvar_lower: float
    cvar_upper: float


@dataclass(frozen=True, eq=False)
class MarginalTails(Result):
    """The tail of each dimension alone; arrays are (K,).

    Attributes
    ----------
    names : of the dimensions.
    mean, value_at_risk, cvar : of the scores.
    log_cvar : of `-log(1 - score)`; None without the log scale.
    diversification : `CVaR(L) / sum_k CVaR(l_k)`, 1 if the tails coincide; None where undefined.
    """

    names: tuple[str, ...]
    mean: Floats
    value_at_risk: Floats
    cvar: Floats
    log_cvar: Floats | None
    diversification: float | None

    def lines(self) -> list[str]:
        """CVaR of each dimension alone, and the diversification."""
        each = ", ".join(f"{name} {value:.4g}" for name, value in zip(self.names, self.cvar, strict=True))
        if self.log_cvar is None:
            return [f"CVaR of each dimension alone: {each}"]
        ratio = "undefined" if self.diversification is None else f"{self.diversification:.4g}"
        return [f"CVaR of each dimension alone: {each}; diversification of log-risk {ratio}"]


@dataclass(frozen=True, eq=False)
class RiskProfile(Result):
    """The tail of one model over weighted prompts and K dimensions of harm.

    Attributes
    ----------
    level, n, n_tail : share not in the tail, prompts of positive weight, `t n`.
    side : of the value at risk that the ratios use.
    support : (lowest, highest) possible score, which are 0 and 1 on the scale of every number here.
    union : the scale `R = 1 - prod (1 - r_k)`.
    log_risk : the scale `L = -sum log(1 - r_k)`; None if it was not asked for.
    clip : what the clip changed; None without a clip.
    frechet : bounds of mean and CVaR without independence.
    exposure : `P(R > risk_limit)`; None without a limit.
    risk_limit : the limit on the union scale.
    marginals, attribution, log_attribution : each dimension alone; the tail of R by Shapley values; the tail
        of L by Euler components.
    dependence : of the dimensions in their tails; None for one dimension.
    groups : by group and by category.
    pooling : rule for the judges; None if there was no axis of judges.
    status : BOUND, NO_BOUND without a confidence limit; with a risk limit WITHIN_LIMIT or ABOVE_LIMIT.
    notes : what a reader must know besides.
    provenance : version, data, settings.
    """

    level: float
    side: str
    n: int
    n_tail: float
    support: tuple[float, float]
    union: ScaleProfile
    log_risk: ScaleProfile | None
    clip: ClipAudit | None
    frechet: FrechetTails
    exposure: float | None
    risk_limit: float | None
    marginals: MarginalTails
    attribution: TailAttribution
    log_attribution: TailAttribution | None
    dependence: TailDependence | None
    groups: tuple[GroupTails, ...]
    pooling: str | None
    status: Status
    provenance: Provenance
    notes: tuple[str, ...] = ()

    @property
    def cvar(self) -> float:
        """CVaR of the union."""
        return self.union.cvar

    @property
    def value_at_risk(self) -> float:
        """Lower value at risk of the union."""
        return self.union.value_at_risk

    @property
    def mean(self) -> float:
        """Mean of the union."""
        return self.union.mean

    @property
    def interval(self) -> Result | None:
        """Confidence limit of CVaR of the union."""
        return self.union.interval

    def summary(self) -> str:
        """Both scales with their limits, then bounds, dimensions, groups and notes."""
        head = (
            f"Risk profile at level {self.level:g}: n = {self.n} prompts, n_tail = {self.n_tail:.4g}, "
            f"{_support(self.support)}"
        )
        scales = [each for each in (self.union, self.log_risk) if each is not None]
        lines = [head, *(line for scale in scales for line in scale.lines(self.level))]
        lines += [self.clip.summary()] if self.clip else []
        lines += [self._frechet(), *self._exposure(), *self.marginals.lines(), self.attribution.summary()]
        lines += [self.log_attribution.summary()] if self.log_attribution else []
        lines += [self.dependence.summary()] if self.dependence else []
        return "\n".join([*lines, *(group.summary() for group in self.groups), *self.notes])

    def _frechet(self) -> str:
        f = self.frechet
        return (
            f"Without independence CVaR of any failure is between {f.cvar_lower:.6g} and {f.cvar_upper:.6g} "
            f"(mean between {f.mean_lower:.4g} and {f.mean_upper:.4g})"
        )

    def _exposure(self) -> list[str]:
        if self.exposure is None:
            return []
        verdict = f" CVaR: {self.status.sentence}" if self.interval is not None else ""
        return [f"Share of prompts above {self.risk_limit:g}: {self.exposure:.4g}.{verdict}"]

    def __str__(self) -> str:
        return self.summary()

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row per number of each scale; needs the extra `frames`.

        `attribution`, `groups` and `dependence` have frames of their own.
        """
        rows = [{"scale": s.scale, **_flat(s)} for s in (self.union, self.log_risk) if s is not None]
        return frame([{**row, "level": self.level, "n": self.n, "n_tail": self.n_tail} for row in rows])

    def plot(self, ax: Any = None) -> Figure:
        """Contributions of the dimensions beside CVaR, its limit and the Frechet bounds."""
        from riskstats.plotting_tail import plot_risk_profile

        return plot_risk_profile(self, ax)


def _flat(scale: ScaleProfile) -> dict[str, Any]:
    """The numbers of a scale without nesting."""
    names = ("mean", "sd", "variance", "value_at_risk", "value_at_risk_upper", "cvar", "n_eff", "tied_share")
    upper, lower = getattr(scale.interval, "upper", None), getattr(scale.interval, "lower", None)
    return {**{name: getattr(scale, name) for name in names}, **scale.ratios, "lower": lower, "upper": upper}


@dataclass(frozen=True, eq=False)
class TailReport(Result):
    """The tail of one sample of losses.

    Attributes
    ----------
    mean, sd : of the sample, sd without a correction for n.
    tail : quantiles, CVaR, tail weights and sizes.
    interval : confidence limit of CVaR; None if none was asked for.
    extremes : a generalised Pareto fit; None where it was refused, with `extremes_reason`.
    attribution : which labels and rows make up the tail.
    status : BOUND, or NO_BOUND without a confidence limit; with a risk limit WITHIN_LIMIT or ABOVE_LIMIT.
    support, risk_limit : as they were passed.
    losses : (n,) as they were passed, for the plot; left out of `to_dict`.
    provenance : version, data, settings.
    """

    mean: float
    sd: float
    tail: TailWeights
    interval: Result | None
    extremes: Result | None
    extremes_reason: str
    attribution: TailAttribution
    support: tuple[float, float] | None
    risk_limit: float | None
    status: Status
    provenance: Provenance
    losses: Floats = field(repr=False)
    notes: tuple[str, ...] = ()

    @property
    def cvar(self) -> float:
        """CVaR of the sample."""
        return self.tail.cvar

    @property
    def value_at_risk(self) -> float:
        """Lower quantile."""
        return self.tail.value_at_risk

    def summary(self) -> str:
        """CVaR with its limit, what it rests on, the fit, and what it is made of."""
        lines = [self.tail.summary(), f"Mean {self.mean:.6g}, sd {self.sd:.6g}; {_support(self.support)}."]
        lines.append(self._limit())
        lines += [f"Limit {self.risk_limit:g}: {self.status.sentence}"] if self.risk_limit is not None else []
        lines += [self.extremes.summary()] if self.extremes is not None else [self.extremes_reason]
        return "\n".join([*filter(None, lines), self.attribution.summary(), *self.notes])

    def _limit(self) -> str:
        return "No confidence limit was asked for." if self.interval is None else _first_line(self.interval)

    def __str__(self) -> str:
        return self.summary()

    def to_dict(self) -> dict[str, Any]:
        """Every field by name in plain Python types, without the rows of the sample."""
        rows = {"weights", "probabilities", "at_quantile"}
        tail = {name: value for name, value in self.tail.to_dict().items() if name not in rows}
        names = [name for name in self.__dataclass_fields__ if name not in ("losses", "tail")]
        return {"tail": tail, **{name: plain(getattr(self, name)) for name in names}}

    def to_frame(self) -> pd.DataFrame:
        """A pandas DataFrame with one row; needs the extra `frames`."""
        names = (
            "level",
            "value_at_risk",
            "value_at_risk_upper",
            "cvar",
            "n",
            "n_tail",
            "n_eff",
            "tied_share",
        )
        ends = {end: getattr(self.interval, end, None) for end in ("lower", "upper")}
        return frame(
            [{"mean": self.mean, "sd": self.sd, **{n: getattr(self.tail, n) for n in names}, **ends}]
        )

    def plot(self, ax: Any = None) -> Figure:
        """The tail of the losses with value at risk, CVaR and its limit."""
        from riskstats.plotting_tail import plot_loss_tail

        return plot_loss_tail(self, ax)
