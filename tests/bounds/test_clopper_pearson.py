import numpy as np
import pytest

from riskstats.bounds.api import lower_bound, upper_bound
from riskstats.bounds.clopper_pearson import ClopperPearson, clopper_pearson
from riskstats.exceptions import InvalidInput
from tests.bounds.means import label, records
from tests.reference.mean_bounds import binomial_cdf, binomial_upper


def counted(count, n):
    return (np.arange(n) < count) * 1.0


@pytest.mark.parametrize("record", records("proportion_upper", "clopper_pearson"), ids=label)
def test_golden_bounds(record):
    losses = counted(record["count"], record["n"])
    assert clopper_pearson(losses, confidence_level=1 - record["delta"]).value == pytest.approx(
        record["value"], abs=1e-10
    )


@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-9])
def test_binomial_sums_agree(delta):
    for n in (1, 2, 25):
        losses = np.tri(n + 1, n, -1)
        slow = [binomial_upper(k, n, delta) for k in range(n + 1)]
        np.testing.assert_allclose(ClopperPearson().mean_upper(losses, delta), slow, rtol=0, atol=1e-13)
        tails = [binomial_cdf(k, n, 0.4) for k in range(n + 1)]
        np.testing.assert_allclose(ClopperPearson().mean_p_value(losses, 0.4, delta), tails, rtol=1e-12)


def test_closed_forms():
    for n in (1, 100, 100_000):
        none = ClopperPearson().mean_upper(np.zeros((1, n)), 0.05)[0]
        assert none == pytest.approx(-np.expm1(np.log(0.05) / n), rel=1e-12)
    assert clopper_pearson([1, 1, 1]).value == 1.0
    assert lower_bound([True, True, True], bound=ClopperPearson()).value == pytest.approx(0.05 ** (1 / 3))
    assert lower_bound([0, 0, 0], bound=ClopperPearson()).value == 0.0


@pytest.mark.parametrize(("p", "n"), [(0.02, 50), (0.3, 30), (0.5, 12)])
def test_exact_coverage(p, n):
    """The chance of a miss, summed over all counts, is at most delta, and above delta for a looser delta."""
    uppers = ClopperPearson().mean_upper(np.tri(n + 1, n, -1), 0.05)
    missing = [k for k in range(n + 1) if uppers[k] < p]
    assert sum(binomial_cdf(k, n, p) - (binomial_cdf(k - 1, n, p) if k else 0) for k in missing) <= 0.05


def test_other_losses_are_refused():
    with pytest.raises(
        InvalidInput, match=r"`ClopperPearson` needs losses 0 or 1; got 0\.37\. Use `Betting`"
    ):
        upper_bound([0, 1, 0.37], bound=ClopperPearson())
    with pytest.raises(InvalidInput, match=r"needs support \(0, 1\)"):
        upper_bound([0, 1, 1], bound=ClopperPearson(), support=(0, 2))
