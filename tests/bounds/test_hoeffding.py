import pytest

from riskstats.bounds.hoeffding import Hoeffding, hoeffding
from tests.bounds.means import golden_sample, label, records


@pytest.mark.parametrize("record", records("mean_upper", "hoeffding"), ids=label)
def test_golden_bounds(record):
    answer = hoeffding(golden_sample(record["n"]), confidence_level=1 - record["delta"])
    assert answer.value == pytest.approx(record["value"], abs=1e-10)


@pytest.mark.parametrize("record", records("mean_p_value", "hoeffding"), ids=label)
def test_golden_p_values(record):
    p = Hoeffding().mean_p_value(golden_sample(record["n"])[None], record["risk_limit"], 0.05)
    assert p[0] == pytest.approx(record["value"], rel=1e-9)
