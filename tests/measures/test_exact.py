"""Every measure against exact fractions, or decimals of 40 digits and more."""

from fractions import Fraction

import numpy as np
import pytest

from riskstats.measures.atkinson import atkinson
from riskstats.measures.cvar import cvar
from riskstats.measures.dual_power import DualPower
from riskstats.measures.entropic import entropic_risk
from riskstats.measures.evar import evar
from riskstats.measures.expectile import expectile
from riskstats.measures.gini import gini
from riskstats.measures.mean import mean
from riskstats.measures.proportional_hazard import ProportionalHazard
from riskstats.measures.spectral import Spectral
from riskstats.measures.value_at_risk import value_at_risk
from riskstats.measures.var_interval import var_interval
from tests.measures.cases import rational_cases
from tests.reference import distribution as exact_law
from tests.reference import measures as exact


def value_at_risk_and_cvar_are_exact(rng, cases):
    for case in rational_cases(rng, cases):
        level, given = float(case.level), {"sample_weight": case.weights}
        for side in ("lower", "upper"):
            want = float(exact_law.quantile(case.atoms, case.counts, case.level, side))
            assert value_at_risk(case.losses, level, side=side, **given) == want, case
        want = float(exact.cvar(case.atoms, case.level, case.counts))
        assert cvar(case.losses, level, **given) == pytest.approx(want, rel=0, abs=1e-12), case
        if len(set(case.counts)) == 1:
            assert value_at_risk(case.losses, level) == value_at_risk(case.losses, level, **given)
            assert cvar(case.losses, level) == pytest.approx(want, rel=0, abs=1e-12), case


def test_value_at_risk_and_cvar_are_exact(rng):
    value_at_risk_and_cvar_are_exact(rng, 2000)


@pytest.mark.slow
def test_value_at_risk_and_cvar_are_exact_on_many_cases(rng):
    value_at_risk_and_cvar_are_exact(rng, 100_000)


def test_mean_interval_expectile_and_spectral_are_exact(rng):
    steps = Spectral.steps((0.25, 0.5, 1.0), (0.25, 0.75))

    def integrated(p: Fraction) -> Fraction:
        low = min(max(p - Fraction(1, 4), 0), Fraction(1, 4))
        return low + Fraction(3, 2) * max(p - Fraction(1, 2), 0)

    for case in rational_cases(rng, 300):
        x, given = case.losses, {"sample_weight": case.weights}
        upper = (case.level + 1) / 2
        pairs = [
            (mean(x, **given), exact.mean(case.atoms, case.counts)),
            (
                var_interval(x, float(case.level), float(upper), **given),
                exact.var_interval(case.atoms, case.level, upper, case.counts),
            ),
            (expectile(x, float(upper), **given), exact.expectile(case.atoms, upper, case.counts)),
            (expectile(x, float(upper / 3), **given), exact.expectile(case.atoms, upper / 3, case.counts)),
            (steps(x, case.weights), exact.quantile_average(case.atoms, integrated, case.counts)),
            (
                DualPower(5)(x, case.weights),
                exact.quantile_average(case.atoms, lambda p: p**5, case.counts),
            ),
        ]
        for got, want in pairs:
            assert got == pytest.approx(float(want), rel=0, abs=1e-12), case


def test_expectile_is_exact_near_the_ends(rng):
    for case in rational_cases(rng, 100):
        for level in (Fraction(1, 10**9), 1 - Fraction(1, 10**9)):
            want = float(exact.expectile(case.atoms, level, case.counts))
            got = expectile(case.losses, float(level), sample_weight=case.weights)
            assert got == pytest.approx(want, rel=0, abs=1e-7 * (1 if level < 0.5 else 1e-5)), case


def test_gini_is_exact(rng):
    for case in rational_cases(rng, 150, low=0):
        want = float(exact.gini(case.atoms, case.counts))
        assert gini(case.losses, sample_weight=case.weights) == pytest.approx(want, rel=0, abs=1e-14), case


def test_atkinson_is_exact(rng):
    for case in rational_cases(rng, 40, low=1):
        for epsilon in (Fraction(1, 8), Fraction(1, 2), 1 - Fraction(1, 2**40), Fraction(1), Fraction(5, 2)):
            want = float(exact.atkinson(case.atoms, epsilon, case.counts))
            got = atkinson(case.losses, float(epsilon), sample_weight=case.weights)
            assert got == pytest.approx(want, rel=0, abs=2e-14), (case, epsilon)


@pytest.mark.parametrize("risk_aversion", [1e-9, 1e-3, 1.0, 50.0, 3000.0])
def test_entropic_risk_is_exact(rng, risk_aversion):
    for case in rational_cases(rng, 15):
        want = float(exact.entropic(case.atoms, Fraction(risk_aversion), case.counts))
        got = entropic_risk(case.losses, risk_aversion, sample_weight=case.weights)
        assert got == pytest.approx(want, rel=0, abs=1e-14), case


def test_evar_is_exact(rng):
    for case in rational_cases(rng, 12):
        few = slice(0, 8)
        counts = [max(c, Fraction(1)) for c in case.counts[few]]
        want = float(exact.evar(case.atoms[few], case.level, counts))
        got = evar(case.losses[few], float(case.level), sample_weight=[float(c) for c in counts])
        assert got == pytest.approx(want, rel=0, abs=1e-12), case


def test_a_steep_distortion_keeps_its_digits():
    """One loss of 1 among n: the measure is g(1/n), and 1 - (1 - 1/n) has lost digits."""
    n = 3_000_001
    x = np.zeros(n)
    x[17] = 1.0
    for r in (2.0, 20.0):
        want = (1 / n) ** (1 / r)
        assert ProportionalHazard(r)(x) == pytest.approx(want, rel=1e-15)
        assert ProportionalHazard(r)(x, np.full(n, 0.1)) == pytest.approx(want, rel=1e-15)
