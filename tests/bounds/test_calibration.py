"""Calibrated Berk-Jones levels: golden values, the promise P <= delta, active ranks, the store on disk."""

import json
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import special

from riskstats.bounds import calibration
from riskstats.bounds.berk_jones_boundary import ActiveRanks, berk_jones_boundary
from riskstats.bounds.calibration import calibrate, crossing_of_level
from riskstats.bounds.calibration_store import store_folder
from riskstats.exceptions import InvalidInput
from tests.reference.crossing import crossing_by_sweep

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "control.json").read_text(encoding="utf-8"))[
    "values"
]
LEVELS = [r for r in GOLDEN if r["quantity"] == "berk_jones_level"]
BANDS = [r for r in GOLDEN if r["quantity"] == "cdf_band_lower" and r["method"] == "berk_jones"]
PARTS = ((0.0, 1.0), (0.9, 1.0), (0.5, 0.9), (0.0, 0.9), (0.99, 1.0), (0.0, 1e-9), (1 - 1e-12, 1.0))


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch):
    """An empty store in memory and on disk for each test, nothing left in the home folder."""
    monkeypatch.setenv("RISKSTATS_CACHE_DIR", str(tmp_path / "cache"))
    calibration._calibrated.cache_clear()
    yield tmp_path / "cache"
    calibration._calibrated.cache_clear()


# ---- levels


@pytest.mark.parametrize("record", LEVELS, ids=lambda r: f"{r['n']}-{r['delta']}")
def test_golden_levels_from_below(record):
    found = calibrate(record["n"], record["delta"]).level_c
    assert record["value"] * (1 - 1e-9) <= found <= record["value"]


@pytest.mark.parametrize("record", BANDS, ids=lambda r: f"{r['n']}-{r['delta']}-{r.get('levels')}")
def test_golden_bands(record):
    n = record["n"]
    found = calibrate(n, record["delta"], tuple(record.get("levels", (0.0, 1.0))))
    assert record["level_c"] * (1 - 1e-9) <= found.level_c <= record["level_c"]
    assert found.ranks.first == record.get("first_active_rank", 1)
    assert found.ranks.plateau == record.get("plateau_rank", n)
    band = berk_jones_boundary(n, found.level_c, found.ranks)
    for rank, value in record["lower"].items():
        assert band[int(rank) - 1] == pytest.approx(value, rel=1e-10)


def test_one_unit_keeps_delta():
    assert calibrate(1, 0.05).level_c == pytest.approx(0.05, rel=1e-10)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 20, 130])
@pytest.mark.parametrize("delta", [0.5, 0.05, 1e-9])
@pytest.mark.parametrize("levels", PARTS)
def test_the_band_fails_with_delta_from_below(n, delta, levels):
    found = calibrate(n, delta, levels)
    band = berk_jones_boundary(n, found.level_c, found.ranks)
    slow = crossing_by_sweep(band)
    assert delta * (1 - 1e-10) <= slow <= delta
    first, plateau = found.ranks.first, found.ranks.plateau
    assert first == n or band[first - 1] >= levels[0]
    assert plateau == n or band[-1] >= levels[1]


@pytest.mark.parametrize(("n", "delta"), [(40, 0.05), (300, 0.01)])
@pytest.mark.parametrize(("low", "high"), [(0.5, 0.9), (0.8, 1.0)])
def test_active_ranks_by_calibrating_every_rank(n, delta, low, high):
    def level(first, plateau):
        return calibration._solve(n, delta, ActiveRanks(first, plateau), None)

    def value(rank, c):
        return special.betaincinv(rank, n - rank + 1, c)

    first = next((k for k in range(1, n + 1) if value(k, level(k, n)) >= low), n)
    plateau = n
    if high < 1:
        plateau = next((k for k in range(first, n + 1) if value(k, level(first, k)) >= high), n)
    assert calibrate(n, delta, (low, high)).ranks == ActiveRanks(first, plateau)


def test_levels_beyond_reach_leave_the_largest_loss():
    found = calibrate(20, 0.001, (0.99, 1.0))
    assert found.ranks == ActiveRanks(20, 20)
    assert found.level_c == pytest.approx(0.001, rel=1e-10)


def test_level_falls_with_n():
    for delta in (0.5, 0.05, 1e-5, 1e-9):
        levels = [calibrate(n, delta).level_c for n in range(1, 61)]
        assert (np.diff(levels) < 0).all()


@pytest.mark.slow
def test_level_falls_with_n_up_to_120():
    for delta in (0.5, 0.2, 0.1, 0.05, 0.01, 1e-3, 1e-5, 1e-7, 1e-9):
        levels = [calibrate(n, delta).level_c for n in range(1, 121)]
        assert (np.diff(levels) < 0).all()


def test_a_million_units():
    found = calibrate(1_000_000, 0.05)
    assert 0 < found.level_c < calibrate(100_000, 0.05).level_c
    band = berk_jones_boundary(found.n, found.level_c)
    rank = np.array([1, 2, 1000, 500_000, 999_000])
    expected = special.betaincinv(rank, found.n - rank + 1, found.level_c)
    assert band[rank - 1] == pytest.approx(expected, rel=1e-10)
    assert (np.diff(band) > 0).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((0, 0.05), "`n`"),
        ((5, 0.0), "`delta`"),
        ((5, 1e-200), "`delta`"),
        ((5, float("nan")), "`delta`"),
        ((5, 0.05, (0.9, 0.5)), "lo < hi"),
        ((5, 0.05, (0.5, 0.5)), "lo < hi"),
        ((5, 0.05, (-0.1, 0.5)), "levels"),
        ((5, 0.05, 0.5), "two numbers"),
        ((5, 0.05, (0.5, float("nan"))), "levels"),
    ],
)
def test_bad_arguments(arguments, words):
    with pytest.raises(InvalidInput, match=words):
        calibrate(*arguments)


# ---- the boundary


@pytest.mark.parametrize("n", [1, 2, 50, 1000, 7001])
@pytest.mark.parametrize("level", [1e-9, 1e-3, 0.3])
def test_boundary_is_the_beta_quantile(n, level):
    rank = np.arange(1, n + 1)
    band = berk_jones_boundary(n, level)
    assert band == pytest.approx(special.betaincinv(rank, n - rank + 1, level), rel=1e-11)
    assert (np.diff(band) > 0).all()


def test_boundary_at_the_ends_and_bad_arguments():
    assert not berk_jones_boundary(5, 0.0).any()
    assert (berk_jones_boundary(5, 1.0) > 0.999).all()
    for ranks in (ActiveRanks(0, 3), ActiveRanks(3, 2), ActiveRanks(1, 6)):
        with pytest.raises(InvalidInput, match="ranks"):
            berk_jones_boundary(5, 0.1, ranks)
    with pytest.raises(InvalidInput, match="level_c"):
        berk_jones_boundary(5, float("nan"))


# ---- the probability of a level


def test_the_probability_increases_from_0_to_1():
    levels = [0.0, 1e-300, 1e-6, 0.2, 1.0]
    found = [crossing_of_level(200, level, ActiveRanks(1, 200)) for level in levels]
    assert (found[0], found[-1]) == (0.0, 1.0)
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize("wrong", [np.nan, -0.1, 1.5])
def test_levels_must_be_probabilities(wrong):
    with pytest.raises(InvalidInput, match="level_c"):
        crossing_of_level(10, wrong, ActiveRanks(1, 10))


# ---- the store


def stored(folder):
    return sorted(folder.rglob("*.json"))


def test_store_answers_the_next_process(store, monkeypatch):
    cold = calibrate(700, 0.05, (0.5, 0.9))
    (file,) = stored(store)
    assert not list(store.rglob("*.tmp"))
    calibration._calibrated.cache_clear()
    monkeypatch.setattr(calibration, "_solve", lambda *_: pytest.fail("calibrated again"))
    assert calibrate(700, 0.05, (0.5, 0.9)) == cold
    assert file.stat().st_size < 300


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[:-20],
        lambda text: text.replace("0x1.", "0x1.1", 1),
        lambda text: text.replace('"first": 1', '"first": 2'),
        lambda text: "[1, 2]",
        lambda text: "\x00\x01",
        lambda text: text.replace('"check": ', '"check": 1'),
    ],
)
def test_damaged_file_is_replaced(store, damage):
    cold = calibrate(600, 0.05)
    (file,) = stored(store)
    whole = file.read_text(encoding="utf-8")
    file.write_text(damage(whole), encoding="utf-8")
    calibration._calibrated.cache_clear()
    assert calibrate(600, 0.05) == cold
    assert file.read_text(encoding="utf-8") == whole


def test_file_under_another_name_is_not_believed(store):
    calibrate(600, 0.05)
    (file,) = stored(store)
    file.rename(file.with_name(file.name.replace("600_", "601_", 1)))
    assert calibrate(601, 0.05).level_c < calibrate(600, 0.05).level_c


def test_store_that_cannot_be_written(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("RISKSTATS_CACHE_DIR", str(blocked))
    assert calibrate(600, 0.05).level_c > 0
    assert blocked.read_text() == "not a folder"


@pytest.mark.parametrize("word", ["", "off", "OFF"])
def test_store_can_be_switched_off(word, monkeypatch, tmp_path):
    monkeypatch.setenv("RISKSTATS_CACHE_DIR", word)
    monkeypatch.chdir(tmp_path)
    assert store_folder() is None
    calibrate(600, 0.05)
    assert not list(tmp_path.iterdir())


def test_place_of_the_store(monkeypatch, tmp_path):
    monkeypatch.delenv("RISKSTATS_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert store_folder().parent == tmp_path / "xdg" / "riskstats"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert os.fspath(store_folder()).startswith(os.path.expanduser(os.path.join("~", ".cache", "riskstats")))


def test_small_samples_are_not_written(store):
    calibrate(100, 0.05)
    assert not stored(store)


def test_threads_share_one_store(store):
    found = []
    threads = [threading.Thread(target=lambda: found.append(calibrate(900, 0.03))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.level_c for answer in found}) == 1
    calibration._calibrated.cache_clear()
    assert calibrate(900, 0.03) == found[0]
    assert not list(store.rglob("*.tmp"))


def test_second_call_takes_no_time():
    calibrate(5000, 0.05)
    start = time.process_time()
    for _ in range(100):
        calibrate(5000, 0.05)
    assert time.process_time() - start < 0.1
