"""The search for a false end: none is allowed. RISKSTATS_LEVELSET_FUZZ sets the size of the slow run."""

import os

import pytest

from tests.levelset.fuzzing import search


def checked(tally):
    print(tally)
    assert tally.false == []
    assert tally.finite >= 0.9 * tally.ends
    assert tally.judged_outer >= 0.8 * tally.ends
    assert tally.unknown <= 0.1 * tally.problems
    return tally


@pytest.mark.parametrize("seed", range(4))
def test_no_false_end_in_2000_problems(seed):
    tally = checked(search(seed, 500, lanes=1))
    assert tally.in_many_digits > 0


@pytest.mark.slow
def test_no_false_end_in_many_problems():
    problems = int(os.environ.get("RISKSTATS_LEVELSET_FUZZ", "100000"))
    checked(search(20250107, problems, every=50))
