import numpy as np
import pytest

from riskstats.bounds.api import lower_bound, upper_bound
from riskstats.bounds.betting import Betting
from riskstats.bounds.hoeffding import Hoeffding
from riskstats.bounds.sample import Sample
from riskstats.control.pairs import difference_bound
from riskstats.exceptions import IncompatibleBound, InvalidInput
from riskstats.measures.mean import Mean
from tests.theorems.laws import too_many


def pairs(rng, correlation, shape):
    """Losses of two systems with beta margins, of means .2 and .25, that share a part of their items."""
    shared = rng.random(shape) < correlation
    ours, other = rng.beta(1, 4, shape), rng.beta(1, 4, shape)
    return ours, np.minimum(np.where(shared, ours, other) + 0.05, 1.0)


def test_pairs_are_narrower_than_two_bounds(rng):
    excess = []
    for _ in range(20):
        ours, theirs = pairs(rng, 0.7, 1000)
        truth = (ours - theirs).mean()
        paired = difference_bound(ours, theirs).value
        half = 1 - 0.05 / 2
        apart = (
            upper_bound(ours, bound=Betting(), confidence_level=half).value
            - lower_bound(theirs, bound=Betting(), confidence_level=half).value
        )
        excess.append([paired - truth, apart - truth])
    paired, apart = np.mean(excess, axis=0)
    assert np.corrcoef(ours, theirs)[0, 1] == pytest.approx(0.7, abs=0.1)
    assert paired < 0.75 * apart


def test_differences_are_covered(rng):
    ours, theirs = pairs(rng, 0.5, (2000, 100))
    truth = -0.05 + (rng.beta(1, 4, 10**6) - 0.95).clip(0).mean()  # less what is cut at 1
    bounds = Betting().upper(Sample(ours - theirs, (-1.0, 1.0)), Mean(), 0.05)
    assert not too_many(int((bounds < truth).sum()), 2000, 0.05)
    one = difference_bound(ours[0], theirs[0])
    assert one.value == pytest.approx(bounds[0], rel=1e-9)


def test_sides_and_scale(rng):
    ours, theirs = pairs(rng, 0.5, 200)
    low, high = (difference_bound(ours, theirs, side=side).value for side in ("lower", "upper"))
    assert low < (ours - theirs).mean() < high
    assert difference_bound(theirs, ours).value == pytest.approx(-low, abs=1e-9)
    scaled = difference_bound(10 * ours + 2, 10 * theirs + 2, support=(2, 12))
    assert scaled.value == pytest.approx(10 * high, rel=1e-9)
    assert scaled.support == (-10, 10)
    assert scaled.measure == "Mean of the difference"


def test_own_bound_and_clusters(rng):
    ours, theirs = pairs(rng, 0.5, 200)
    assert difference_bound(ours, theirs, bound=Hoeffding()).value == pytest.approx(
        (ours - theirs).mean() + 2 * np.sqrt(np.log(20) / 400)
    )
    found = difference_bound(ours, theirs, cluster=np.arange(200) // 4)
    assert found.n_units == 50


def test_booleans_are_losses(rng):
    ours, theirs = rng.random(50) < 0.2, rng.random(50) < 0.4
    assert difference_bound(ours, theirs).value == difference_bound(ours * 1.0, theirs * 1.0).value


def test_items_must_be_the_same():
    with pytest.raises(
        InvalidInput, match=r"^`losses` and `baseline` must hold the same items; got 964 and 950\.$"
    ):
        difference_bound(np.zeros(964), np.zeros(950))


def test_items_of_series():
    pd = pytest.importorskip("pandas")
    ours = pd.Series([0.1, 0.2, 0.3], index=["q1", "q2", "q3"])
    assert difference_bound(ours, ours * 0.5).estimate == pytest.approx(0.1)
    with pytest.raises(
        InvalidInput, match=r"their index differs at row 0: 'q1' and 'q3'\. Sort both by item"
    ):
        difference_bound(ours, ours[::-1])
    with pytest.raises(InvalidInput, match=r"differs at row 2: 'q3' and 'q4'\. Keep common items"):
        difference_bound(ours, ours.set_axis(["q1", "q2", "q4"]))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"bound": "betting"}, InvalidInput, "`bound` must be a bound"),
        ({"support": (0.0, np.inf)}, IncompatibleBound, "a difference needs bounded losses"),
        ({"side": "both"}, InvalidInput, "'upper', 'lower'"),
        ({"baseline": [0.1, 2.0]}, InvalidInput, "`baseline` must lie in support"),
    ],
)
def test_messages(arguments, error, message):
    with pytest.raises(error, match=message):
        difference_bound([0.1, 0.2], **{"baseline": [0.1, 0.2], **arguments})
