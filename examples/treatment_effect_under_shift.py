"""How much of the effect of a job training is left when the world shifts.

Run it with: python examples/treatment_effect_under_shift.py [simulated] [PICTURE]

The trial is the National Supported Work demonstration: 445 men, 185 of them drawn by lot for a training, and
what they earned in 1978, in thousand dollars (LaLonde 1986; the sample of Dehejia and Wahba 1999). It is read
from the package `causaldata` where that is installed; otherwise, or with `simulated`, the rows are drawn at
random and look much the same. A trial has sampling error, because it has 445 rows. It also has model risk:
next year's men, or those of another town, are not drawn from the same law. The two are shown apart.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass

import numpy as np

from riskstats.wasserstein import (
    Aggregate,
    Below,
    Claim,
    MarginalBalls,
    OverlappingBalls,
    WassersteinBall,
    average_effect_bounds,
    bounds_interval,
    breakdown_radius,
    observed_shift_radius,
    rank_rules,
    worst_case_expectation,
)

SHIFT = 0.1  # of earnings in each arm: 100 dollars on average
DEGREE_COSTS = 5.0  # thousand dollars: to move one man to the other side of the degree


@dataclass(frozen=True)
class Trial:
    """Earnings (n,) in thousand dollars, who was trained, and who has a school degree."""

    source: str
    earnings: np.ndarray
    trained: np.ndarray
    degree: np.ndarray

    def arm(self, trained: bool, among: np.ndarray | None = None) -> np.ndarray:
        """The earnings of one arm, of all its men or of some."""
        rows = self.trained == trained
        return self.earnings[rows if among is None else rows & among]


def real_trial() -> Trial:
    """The 445 men of the trial."""
    from causaldata import nsw_mixtape

    table = nsw_mixtape.load_pandas().data
    earnings = table["re78"].to_numpy(dtype=float) / 1000
    trained, degree = (table[name].to_numpy() == value for name, value in (("treat", 1), ("nodegree", 0)))
    return Trial("the trial of 1976 to 1978", earnings, trained, degree)


def simulated_trial() -> Trial:
    """As many men, a third without any earnings, and a training that helps those with a degree more."""
    rng = np.random.default_rng(3)
    trained = np.arange(445) < 185
    degree = rng.random(445) < 0.22
    works = rng.random(445) < np.where(trained, 0.76, 0.65)
    scale = 6.6 + 0.3 * trained + 2.6 * (trained & degree)
    return Trial("simulated rows", works * rng.gamma(1.4, scale / 1.4).round(2), trained, degree)


def balls(trial: Trial, radius: float) -> MarginalBalls:
    """All laws of the two arms within a distance of those seen. Nothing is said of their dependence."""
    return MarginalBalls(*(WassersteinBall(trial.arm(trained), radius=radius) for trained in (True, False)))


def effect(trial: Trial) -> None:
    """The mean effect, with sampling error and model risk as two lines."""

    def bounds(first: np.ndarray, second: np.ndarray):
        return average_effect_bounds(
            MarginalBalls(WassersteinBall(first, radius=SHIFT), WassersteinBall(second, radius=SHIFT))
        )

    arms = trial.arm(True), trial.arm(False)
    found = bounds(*arms)
    still = bounds_interval(
        lambda first, second: (first.mean() - second.mean(),) * 2, arms, n_resamples=1000, random_state=0
    )
    both = bounds_interval(bounds, arms, n_resamples=1000, random_state=0)
    print(f"Mean effect of the training: {found.reference:.2f} thousand dollars a year.")
    print(f"  sampling error alone, 95 %      {still.lower_limit[0]:6.2f} to {still.upper_limit[0]:.2f}")
    print(f"  model risk alone, radius {SHIFT:g}    {found.lower.value:6.2f} to {found.upper.value:.2f}")
    print(f"  both                            {both.lower_limit[0]:6.2f} to {both.upper_limit[0]:.2f}")


def breakdown(trial: Trial, picture: str | None) -> None:
    """The radius at which "it helps on average" stops to follow, in units of shifts that were seen."""
    found = breakdown_radius(Claim(average_effect_bounds, above=0.0), balls(trial, SHIFT))
    print(f"\n{found.summary()}")
    seen = {
        "men with a degree and without": shift(trial, trial.degree),
        "two halves, drawn by lot": float(np.mean([shift(trial, half) for half in halves(20)])),
    }
    for name, distance in seen.items():
        print(
            f"  {name:<31} are {distance:.2f} apart: it follows up to {found.radius / distance:.2f} of that"
        )
    dollars = 1000 * found.radius / 2
    print(f"In words: it follows while each arm moves by less than {dollars:.0f} dollars a man, on average.")
    far = [name for name, distance in seen.items() if distance > found.radius]
    print(f"It does not survive a shift as large as that between: {'; '.join(far) or 'none of these'}.")
    print("Two halves differ by chance alone: so few men cannot show a shift smaller than that.")
    if picture is not None:
        found.plot(scales=seen).savefig(picture)
        print(f"Saved in {picture}")


def halves(n: int) -> np.ndarray:
    """(n, men) who is in the first half, by lot."""
    return np.random.default_rng(0).random((n, 445)) < 0.5


def shift(trial: Trial, part: np.ndarray) -> float:
    """The distance of a part of the men from the others, both arms together."""
    return sum(
        float(observed_shift_radius(trial.arm(trained, part), trial.arm(trained, ~part)))
        for trained in (True, False)
    )


def harmed(trial: Trial) -> None:
    """How many earn less because of the training: no man is seen twice, so only bounds exist."""
    loses = Aggregate(Below(0.0), (1, -1))
    print("\nShare of men who earn less because of the training, P(Y1 - Y0 < 0):")
    for words, radius in (("dependence alone", 0.0), (f"and a shift of {SHIFT:g} in each arm", SHIFT)):
        low, high = (
            worst_case_expectation(loses, balls(trial, radius), direction=side).value
            for side in ("lower", "upper")
        )
        print(f"  {words:<30} {100 * abs(low):5.1f} % to {100 * high:.1f} %")


def rules(trial: Trial) -> None:
    """Whom to train, judged by the worst mean earnings over all laws that share one degree."""
    ways = {
        "train all": lambda x: np.ones(len(x), dtype=bool),
        "train none": lambda x: np.zeros(len(x), dtype=bool),
        "train with a degree": lambda x: x[:, 0] == 1,
        "train without one": lambda x: x[:, 0] == 0,
    }
    for radius in (0.0, SHIFT, 2 * SHIFT):
        arms = (arm_with_degree(trial, trained, radius) for trained in (True, False))
        ranking = rank_rules(ways, OverlappingBalls(*arms, covariate_weight=DEGREE_COSTS))
        worst = zip(ranking.names, ranking.cases, strict=True)
        print(f"  radius {radius:<4g}", ", ".join(f"{name} {case.value:.2f}" for name, case in worst))


def arm_with_degree(trial: Trial, trained: bool, radius: float) -> WassersteinBall:
    """Rows (earnings in steps of 500 dollars, degree) of one arm, with the share of degrees of all men."""
    steps = np.round(2 * trial.arm(trained)) / 2
    rows = np.column_stack([steps, trial.degree[trial.trained == trained]])
    atoms, counts = np.unique(rows, axis=0, return_counts=True)
    has = atoms[:, 1] == 1
    share, own = trial.degree.mean(), counts[has].sum() / counts.sum()
    weights = counts * np.where(has, share / own, (1 - share) / (1 - own))
    return WassersteinBall(atoms, radius=radius, weights=weights)


def main(words: list[str]) -> None:
    simulated = "simulated" in words or importlib.util.find_spec("causaldata") is None
    trial = simulated_trial() if simulated else real_trial()
    picture = next((word for word in words if word != "simulated"), None)
    trained = int(trial.trained.sum())
    print(f"Rows: {trial.source}, {trained} men trained, {len(trial.trained) - trained} not.")
    effect(trial)
    breakdown(trial, picture)
    harmed(trial)
    print("\nWorst mean earnings of a rule, the best rule first:")
    rules(trial)


if __name__ == "__main__":
    main(sys.argv[1:])
