"""What every test stands on: no display, JAX on the CPU, no stored calibrations, one seed."""

import os

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["RISKSTATS_CACHE_DIR"] = "off"

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with the same stream in every test and every run."""
    return np.random.default_rng(20250107)
