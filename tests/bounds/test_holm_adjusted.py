"""Adjusted p-values reject what the procedure rejects, at every error."""

import numpy as np
import pytest

from riskstats.bounds.multiple_testing import holm, holm_adjusted
from riskstats.exceptions import InvalidInput


def test_they_reject_what_holm_rejects(rng):
    for _ in range(200):
        p = np.round(rng.random(rng.integers(1, 12)) ** 4, 3)
        adjusted = holm_adjusted(p)
        for confidence in (0.5, 0.8, 0.95, 0.99):
            by_adjusted = np.flatnonzero(adjusted <= (1 - confidence) * (1 + 1e-12))
            np.testing.assert_array_equal(by_adjusted, holm(p * (1 - 1e-12), confidence))


def test_by_hand():
    np.testing.assert_allclose(holm_adjusted([0.04, 0.01, 0.02, 0.9]), [0.08, 0.04, 0.06, 0.9])
    np.testing.assert_allclose(holm_adjusted([0.4, 0.6]), [0.8, 0.8])
    np.testing.assert_allclose(holm_adjusted([1.0]), [1.0])


def test_numbers_outside_the_unit_interval_are_refused():
    with pytest.raises(InvalidInput, match=r"must lie in \[0, 1\]"):
        holm_adjusted([0.1, 1.2])
