import numpy as np
import pytest

from riskstats.bounds.bentkus import Bentkus
from riskstats.bounds.chernoff import Chernoff
from riskstats.bounds.hoeffding_bentkus import HoeffdingBentkus, hoeffding_bentkus
from tests.bounds.means import golden_sample, known_wrong, label, records


@pytest.mark.parametrize("record", records("mean_upper", "hoeffding_bentkus"), ids=label)
def test_golden_bounds(record):
    answer = hoeffding_bentkus(golden_sample(record["n"]), confidence_level=1 - record["delta"])
    assert answer.value == pytest.approx(record["value"], abs=1e-10)


@pytest.mark.parametrize("record", records("mean_p_value", "hoeffding_bentkus"), ids=label)
def test_golden_p_values(record):
    p = HoeffdingBentkus().mean_p_value(golden_sample(record["n"])[None], record["risk_limit"], 0.05)
    assert p[0] == pytest.approx(record["value"], rel=1e-9)


def test_the_floored_numbers_are_not_matched():
    wrong = [record for record in known_wrong("mean_upper") if record["peer"].startswith("rcps.HB")]
    assert len(wrong) == 3
    for record in wrong:
        value = HoeffdingBentkus().mean_upper(golden_sample(record["n"])[None], record["delta"])[0]
        assert value > record["value"] + 5e-4


def test_the_smaller_of_two(rng):
    losses = np.concatenate([rng.random((20, 40)), (rng.random((20, 40)) < 0.05) * 1.0])
    both = [b.mean_upper(losses, 0.05) for b in (Chernoff(), Bentkus())]
    np.testing.assert_array_equal(HoeffdingBentkus().mean_upper(losses, 0.05), np.minimum(*both))
    assert (both[0] < both[1]).any()
    assert (both[1] < both[0]).any()


def test_losses_just_below_one():
    assert HoeffdingBentkus().mean_upper(np.full((1, 5), 0.999), 0.05)[0] >= 0.999
