"""What is left of the effect of a treatment when both arms may shift."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskstats.cli import _losses as losses
from riskstats.cli._output import STDOUT
from riskstats.cli._worst_text import (
    Row,
    case_content,
    curve_of,
    curve_rows,
    curve_table,
    row_of,
    sampling,
    sizes_of,
)
from riskstats.exceptions import InvalidInput
from riskstats.results import Status, as_percent
from riskstats.scores.wording import clean
from riskstats.wasserstein.ball import MarginalBalls, OverlappingBalls, WassersteinBall
from riskstats.wasserstein.breakdown import Breakdown, Claim, breakdown_radius
from riskstats.wasserstein.effects import effect_distribution_bounds
from riskstats.wasserstein.inference import ConfidenceBounds, bounds_interval
from riskstats.wasserstein.result import Bounds, DistributionBounds
from riskstats.wasserstein.sensitivity import SensitivityCurve
from riskstats.wasserstein.treatment import average_effect_bounds

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EffectAnswer", "effect_answer"]

_DRAWN = 201  # points of a distribution function in a picture


@dataclass(frozen=True, eq=False)
class EffectAnswer:
    """What is left of an effect when both arms may shift."""

    label: str
    about: dict[str, Any]
    average: Bounds
    distribution: DistributionBounds
    arms: MarginalBalls
    breakdown: Breakdown
    feasible_radius: float | None
    stated: bool
    claim: Claim
    curve: SensitivityCurve | None
    limits: tuple[ConfidenceBounds, ConfidenceBounds] | None

    @property
    def kept(self) -> bool | None:
        """Whether the claim is proven at the radius; None where none was stated."""
        if not self.stated:
            return None
        case = self.claim.end(self.average)
        return case.status is not Status.INFEASIBLE and self.claim.verdict(case) is True

    def complaint(self) -> str:
        """Why the gate is not met."""
        side = "above" if self.claim.above is not None else "below"
        if self.average.status is Status.INFEASIBLE:
            return "no law lies within the radius; the claim is not shown"
        end = self.claim.end(self.average).value
        most = "down" if side == "above" else "up"
        radii = ", ".join(f"{radius:.6g}" for radius in self.average.lower.radius)
        return (
            f"the average effect may be {most} to {end:.6g} within radius {radii}; not shown to keep "
            f"--effect-{side} {self.claim.line:g}"
        )

    def text(self) -> str:
        """The answer in words."""
        about = self.about
        head = (
            f"{self.label}: {about['outcome']} of {about['treated_rows']} rows with {about['treatment']} = "
            f"{about['treated']} (Y1) and {about['control_rows']} with {about['control']} (Y0)"
        )
        lines = [head, self.average.summary()]
        if self.limits is not None:
            lines.append(sampling(self.limits[0], "these bounds"))
        lines += [self._breakdown_text(), self._distribution_text()]
        if self.curve is not None:
            lines.append(curve_table(self.curve))
        return "\n".join(lines)

    def _breakdown_text(self) -> str:
        """The breakdown; where no law exists without a shift, from which radius on there are laws."""
        found, needed = self.breakdown, self.feasible_radius
        if needed is None:
            return found.summary()
        return (
            f"{found.question} {found.claim}: follows up to a total radius of {found.radius:.6g}; below "
            f"{needed:.6g} no law shares the covariates of both arms."
        )

    def _distribution_text(self) -> str:
        """Every point, with the bounds at radius 0 beside its own, and the limits where they were asked."""
        found = self.distribution
        head = ["z", "bounds", "dependence alone"]
        pairs = [(found.lower, found.upper), (found.classical_lower, found.classical_upper)]
        if self.limits is not None:
            each = self.limits[1]
            head.append(f"{as_percent(each.confidence_level)} limits of the bounds")
            pairs.append((each.lower_limit, each.upper_limit))
        rows = [
            [f"{z:.6g}", *(f"{low[k]:.4f} to {high[k]:.4f}" for low, high in pairs)]
            for k, z in enumerate(found.points)
        ]
        table = losses.aligned(head, rows).splitlines()
        left_out = " (covariates, left out here, can only narrow it)" if self.about["covariates"] else ""
        return "\n".join([f"{found.name}, any dependence{left_out}", *(f"  {line}" for line in table)])

    def content(self) -> dict[str, Any]:
        """What is written as JSON."""
        return {
            **self.about,
            "average_effect": {
                **self.average.to_dict(),
                "lower": case_content(self.average.lower),
                "upper": case_content(self.average.upper),
            },
            "distribution": self.distribution.to_dict(),
            "limits": None if self.limits is None else [each.to_dict() for each in self.limits],
            "claim": self.breakdown.claim,
            "kept": self.kept,
            "breakdown": self.breakdown.to_dict(),
            "sensitivity": None if self.curve is None else self.curve.to_dict()["rows"],
        }

    def rows(self) -> Iterator[Row]:
        """Both ends of the mean and of the distribution function, then the curve."""
        yield from (row_of(self.average.lower), row_of(self.average.upper))
        found = self.distribution
        total, status = float(sum(found.radius)), found.status.value
        for radius, pair in (
            (0.0, (found.classical_lower, found.classical_upper)),
            (total, (found.lower, found.upper)),
        ):
            for side, values in zip(("lower", "upper"), pair, strict=True):
                for point, value in zip(found.points.tolist(), values.tolist(), strict=True):
                    yield "P(Y1 - Y0 <= point)", repr(point), radius, side, value, status
        yield from curve_rows(self.curve)

    def plot(self) -> Figure:
        """The curve of the mean where there is one, else the band of the distribution function."""
        if self.curve is not None:
            return self.curve.plot(breakdown=self.breakdown)
        points = _drawn_points(self.arms, self.distribution.points.tolist())
        return effect_distribution_bounds(self.arms, points).plot()


@dataclass(frozen=True, eq=False)
class _Arm:
    """Rows (outcome, weight, covariates...) of one arm."""

    label: str
    rows: np.ndarray

    def ball(self, size: dict[str, float], *, shared: bool) -> WassersteinBall:
        return _ball(self.rows, size, shared=shared)


def _ball(rows: np.ndarray, size: dict[str, float], *, shared: bool) -> WassersteinBall:
    points = np.delete(rows, 1, axis=1) if shared else rows[:, 0]
    return WassersteinBall(points, weights=rows[:, 1], **size)


def effect_answer(args: argparse.Namespace) -> EffectAnswer:
    """The bounds of the effect between the two arms that the options name."""
    treated, control = _arms(args)
    sizes = sizes_of(args, 2)
    shared = treated.rows.shape[1] > 2
    still = MarginalBalls(
        *(arm.ball(size, shared=False) for arm, size in zip((treated, control), sizes, strict=True))
    )
    model = _overlapping(args, treated, control, sizes) if shared else still
    average = average_effect_bounds(model)
    claim = _effect_claim(args, average)
    points = sorted(args.points or (0.0,))
    about = {
        "outcome": clean(args.outcome),
        "treatment": clean(args.treatment),
        "treated": clean(treated.label),
        "control": clean(control.label),
        "treated_rows": len(treated.rows),
        "control_rows": len(control.rows),
        "covariates": losses.name_list(args.covariates) or [],
    }
    return EffectAnswer(
        label="standard input" if args.data == STDOUT else args.data,
        about=about,
        average=average,
        distribution=effect_distribution_bounds(still, points),
        arms=still,
        breakdown=breakdown_radius(claim, model),
        feasible_radius=average_effect_bounds(model.at(0.0)).lower.feasible_radius,
        stated=args.effect_above is not None or args.effect_below is not None,
        claim=claim,
        curve=curve_of(args, average_effect_bounds, model),
        limits=_effect_limits(args, (treated, control), sizes, points),
    )


def _arms(args: argparse.Namespace) -> tuple[_Arm, _Arm]:
    """(treated, control), the rows split by the two labels of the treatment."""
    from riskstats._records import read_losses

    covariates = losses.name_list(args.covariates) or []
    names = [args.outcome, *([args.sample_weight] if args.sample_weight else []), *covariates]
    if len({*names, args.treatment}) < len(names) + 1:
        raise InvalidInput(
            "--outcome, --treatment, --covariates and --sample-weight must be different columns."
        )
    table = read_losses(args.data, columns=names, cluster=args.treatment)
    labels = np.array(table.cluster)
    found = _two_labels(args, sorted(set(table.cluster or ()), key=_by_number))
    values = table.values if args.sample_weight else np.insert(table.values, 1, 1.0, axis=0)
    arms = tuple(_Arm(label, values[:, labels == label].T) for label in found)
    return arms[0], arms[1]


def _two_labels(args: argparse.Namespace, labels: list[str]) -> tuple[str, str]:
    """(treated, control)."""
    if len(labels) != 2:
        shown = ", ".join([*(clean(label) for label in labels[:5]), *(["..."] if len(labels) > 5 else [])])
        raise InvalidInput(
            f"{args.data}: column '{args.treatment}' has {len(labels)} values ({shown}); "
            "an effect is that of two arms. Keep the rows of two."
        )
    control, treated = labels
    if args.treated is None:
        return treated, control
    if args.treated not in labels:
        raise InvalidInput(
            f"--treated '{args.treated}' is no value of column '{args.treatment}', which has '{control}' and "
            f"'{treated}'."
        )
    return args.treated, control if args.treated == treated else treated


def _by_number(label: str) -> tuple[int, float, str]:
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


def _overlapping(
    args: argparse.Namespace, treated: _Arm, control: _Arm, sizes: list[dict[str, float]]
) -> OverlappingBalls:
    """Balls that share covariates; refuses samples whose covariates are too many to transport exactly."""
    from riskstats.wasserstein.radius import observed_shift_radius

    first, second = (arm.ball(size, shared=True) for arm, size in zip((treated, control), sizes, strict=True))
    model = OverlappingBalls(first, second, args.covariate_weight)
    observed_shift_radius(*model.covariates, order=args.order)
    return model


def _effect_claim(args: argparse.Namespace, average: Bounds) -> Claim:
    """The stated claim, or that the effect has the sign that it has at the references."""
    if args.effect_above is None and args.effect_below is None:
        side = "above" if (average.reference or 0.0) >= 0 else "below"
        return Claim(average_effect_bounds, **{side: 0.0})
    return Claim(average_effect_bounds, above=args.effect_above, below=args.effect_below)


def _drawn_points(model: MarginalBalls, points: Sequence[float]) -> np.ndarray:
    """Where the picture has points: from the smallest difference to the largest."""
    first, second = (ball.points[:, 0] for ball in model.balls)
    ends = first.min() - second.max(), first.max() - second.min()
    return np.unique(np.concatenate([np.linspace(*ends, _DRAWN), points]))


def _effect_limits(
    args: argparse.Namespace, arms: tuple[_Arm, _Arm], sizes: list[dict[str, float]], points: Sequence[float]
) -> tuple[ConfidenceBounds, ConfidenceBounds] | None:
    """Limits for the bounds of the mean and of the distribution function; covariates are left out."""
    if args.confidence_level is None:
        return None
    if arms[0].rows.shape[1] > 2:
        raise InvalidInput("--confidence-level is answered without --covariates. Leave out one of the two.")

    def model(first: np.ndarray, second: np.ndarray) -> MarginalBalls:
        return MarginalBalls(
            *(_ball(rows, size, shared=False) for rows, size in zip((first, second), sizes, strict=True))
        )

    questions: tuple[Callable[..., Any], ...] = (
        lambda first, second: average_effect_bounds(model(first, second)),
        lambda first, second: effect_distribution_bounds(model(first, second), points),
    )
    found = [
        bounds_interval(
            question,
            [arm.rows for arm in arms],
            confidence_level=args.confidence_level,
            random_state=args.seed,
        )
        for question in questions
    ]
    return found[0], found[1]
