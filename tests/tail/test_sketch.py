"""The sketch: close to the exact tail, within the error it states; a clear message without the library."""

import importlib.util
import sys

import numpy as np
import pytest

from riskstats.exceptions import InvalidInput, Unavailable
from riskstats.measures.cvar import cvar
from riskstats.measures.value_at_risk import value_at_risk
from riskstats.tail.sketch import TailSketch

needs_library = pytest.mark.skipif(
    importlib.util.find_spec("datasketches") is None, reason="needs datasketches"
)


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasketches", None)
    with pytest.raises(Unavailable, match=r"riskstats\[sketch\]"):
        TailSketch()


@needs_library
def test_merged_sketches_are_near_the_exact_tail(rng):
    losses = rng.standard_exponential(50_000)
    parts = [TailSketch().update(part) for part in np.array_split(losses, 4)]
    sketch = parts[3].merge(parts[0]).merge(parts[2]).merge(parts[1])
    assert sketch.n == 50_000
    for level in (0.9, 0.99):
        low, high = sketch.rank_interval(level)
        assert low < level < high
        assert high - low < 0.02 * (1 - level) * 10
        ends = sketch.value_at_risk_interval(level)
        assert ends[0] <= sketch.value_at_risk(level) <= ends[1]
        assert sketch.value_at_risk(level) == pytest.approx(value_at_risk(losses, level), rel=0.02)
        assert sketch.cvar(level) == pytest.approx(cvar(losses, level), rel=0.02)


@needs_library
def test_small_samples_are_exact():
    sketch = TailSketch().update([0.0, 0.25, 0.5, 1.0])
    assert sketch.value_at_risk(0.75) == 0.5
    assert sketch.cvar(0.75) == 1.0
    assert sketch.update([]) is sketch


@needs_library
def test_written_and_read(rng):
    sketch = TailSketch(12).update(rng.random(1000))
    again = TailSketch.from_dict(sketch.to_dict())
    assert again.to_dict() == sketch.to_dict()
    assert again.cvar(0.9) == sketch.cvar(0.9)
    assert "Sketch of 1000 rows" in str(again)


@needs_library
def test_refusals():
    for action in (
        lambda: TailSketch(5),
        lambda: TailSketch(2),
        lambda: TailSketch().cvar(0.5),
        lambda: TailSketch().update([np.nan]),
        lambda: TailSketch().update([1e300]),
        lambda: TailSketch(12).merge(TailSketch(16)),
        lambda: TailSketch.from_dict({"size": 12, "content": "00"}),
    ):
        with pytest.raises(InvalidInput):
            action()
