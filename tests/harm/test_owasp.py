"""The OWASP rating: borders, all nine cells, reachable severities, probabilities, single steps, bad input."""

import itertools
import json
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import binomtest

from riskstats.exceptions import InvalidInput
from riskstats.harm.owasp import LIKELIHOOD, MATRIX, SEVERITIES, TECHNICAL, level, owasp_rating

POINTS = [5, 2, 7, 1, 3, 6, 9, 2]
TECHNICAL_POINTS, BUSINESS_POINTS = [9, 7, 5, 8], [1, 2, 1, 5]
MIDDLE = {"low": 1, "medium": 4, "high": 8}
TABLE = [("high", "Medium High Critical"), ("medium", "Low Medium High"), ("low", "Note Low Medium")]


def test_the_published_example():
    found = owasp_rating(POINTS, TECHNICAL_POINTS, BUSINESS_POINTS)["all"]
    assert (found.likelihood, found.likelihood_level) == (4.375, "medium")
    assert (found.impact, found.impact_level, found.impact_kind) == (2.25, "low", "business")
    assert found.severity == "Low"
    technical = owasp_rating(POINTS, TECHNICAL_POINTS)["all"]
    assert (technical.impact, technical.impact_level, technical.severity) == (7.25, "high", "High")


@pytest.mark.parametrize(("impact", "row"), TABLE)
def test_all_nine_cells(impact, row):
    for likelihood, severity in zip(("low", "medium", "high"), row.split(), strict=True):
        found = owasp_rating([MIDDLE[likelihood]] * 8, [MIDDLE[impact]] * 4)
        assert found.severity == severity == MATRIX[impact, likelihood]
        assert found["all"].probabilities[severity] == 1.0
        assert found["all"].reachable == (severity,)


def test_borders_are_exact():
    assert [level(Fraction(k, 8)) for k in (23, 24, 47, 48)] == ["low", "medium", "medium", "high"]
    tenths = [2.9, 3.1] * 4
    assert owasp_rating(tenths, [3.1, 2.9, 3.3, 2.7])["all"].likelihood_level == "medium"
    assert owasp_rating(tenths, [6.1, 5.9, 6.3, 5.7])["all"].impact_level == "high"
    assert owasp_rating(tenths, [6.1, 5.9, 6.3, 5.6])["all"].impact_level == "medium"


def test_reachable_is_the_enumeration_of_corners(rng):
    for _ in range(30):
        low = rng.integers(0, 8, 12)
        ranges = np.stack([low, np.minimum(low + rng.integers(0, 3, 12), 9)], axis=1)
        found = owasp_rating(ranges[:8].tolist(), ranges[8:].tolist(), n_draws=2000)["all"]
        sums = [
            {sum(corner) for corner in itertools.product(*(range(a, b + 1) for a, b in part.tolist()))}
            for part in (ranges[:8], ranges[8:])
        ]
        seen = {
            MATRIX[level(Fraction(below, 4)), level(Fraction(across, 8))]
            for across in sums[0]
            for below in sums[1]
        }
        assert set(found.reachable) == seen
        assert {name for name, share in found.probabilities.items() if share > 0} <= seen
        assert sum(found.probabilities.values()) == pytest.approx(1.0)


def test_probabilities_of_one_uncertain_factor():
    """The mean of 8 factors, seven of them 3, is below 3 iff the eighth is."""
    shares = owasp_rating([3] * 7 + [(1, 4)], [4] * 4, n_draws=20_000)["all"].probabilities
    assert binomtest(round(shares["Low"] * 20_000), 20_000, 2 / 3).pvalue > 1e-3
    shares = owasp_rating([3] * 7 + [(0, 3, 9)], [4] * 4, n_draws=20_000)["all"].probabilities
    assert binomtest(round(shares["Low"] * 20_000), 20_000, 1 / 3).pvalue > 1e-3
    again = owasp_rating([3] * 7 + [(0, 3, 9)], [4] * 4, n_draws=20_000)["all"].probabilities
    assert shares == again


def test_factors_whose_step_moves_the_severity():
    found = owasp_rating([3] * 8, [8] * 4)["all"]
    assert set(found.moved_by_one) == set(LIKELIHOOD)
    assert found.moved_by_one["motive"] == ("Medium",)
    steady = owasp_rating([4] * 8, [8] * 4)["all"]
    assert steady.moved_by_one == {}
    assert "no single factor" in steady.summary()
    edge = owasp_rating([9] * 2 + [5] * 6, [4] * 4)["all"]
    assert edge.likelihood == 6.0
    assert edge.moved_by_one["skill"] == ("Medium",)
    impact = owasp_rating([4] * 8, [3, 3, 3, 2])["all"]
    assert impact.moved_by_one == dict.fromkeys(TECHNICAL, ("Medium",))


def test_stakeholders_share_what_is_given_once():
    found = owasp_rating(
        POINTS,
        business={"users": [(0, 4), 2, 1, (3, 9)], "operator": [9, 9, 8, 9]},
        technical=TECHNICAL_POINTS,
    )
    assert [each.name for each in found.stakeholders] == ["users", "operator"]
    assert found["operator"].severity == found.severity == "High"
    assert found["users"].reachable == ("Low", "Medium")
    assert "worst of 2 stakeholders" in found.summary()
    named = owasp_rating(dict(zip(LIKELIHOOD, POINTS, strict=True)), dict.fromkeys(TECHNICAL, 4))
    assert named["all"].likelihood == 4.375
    with pytest.raises(KeyError, match="'users', 'operator'"):
        found["nobody"]


def test_answers_export_with_the_caveat():
    found = owasp_rating(POINTS, TECHNICAL_POINTS)
    assert "ordinal" in str(found)
    record = json.loads(json.dumps(found.to_dict()))
    assert list(record["stakeholders"][0]["probabilities"]) == list(SEVERITIES)
    assert found.to_frame()["severity"].tolist() == ["High"]


@pytest.mark.parametrize(
    ("likelihood", "impact", "says"),
    [
        ([4] * 7, [4] * 4, r"likelihood needs 8 factors in 0..9; got 7\."),
        (4, [4] * 4, "likelihood needs 8 factors in 0..9; got 4"),
        ([4] * 8, [4] * 5, "technical needs 4 factors"),
        ([4] * 8, None, "an impact is needed"),
        ([4] * 7 + [10], [4] * 4, "likelihood 'intrusion detection' must lie in 0..9"),
        ([4] * 7 + [(5, 3)], [4] * 4, "in ascending order"),
        ([4] * 7 + [(1, 2, 3, 4)], [4] * 4, "a number, "),
        ([4] * 7 + [float("nan")], [4] * 4, "must be a finite number"),
        ([4] * 7 + [None], [4] * 4, "must be a finite number"),
        ({"skill": 3}, [4] * 4, "missing 'motive'"),
        ({**dict.fromkeys(LIKELIHOOD, 3), "skil": 3}, [4] * 4, "unknown 'skil'"),
        ({}, [4] * 4, "`likelihood` is empty"),
        ({"users": [4] * 8}, {"operator": [4] * 4}, "stakeholder 'users' has no impact"),
    ],
)
def test_bad_factors(likelihood, impact, says):
    with pytest.raises(InvalidInput, match=says):
        owasp_rating(likelihood, impact)
