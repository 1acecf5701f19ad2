"""Progress: a bar on a terminal, log lines elsewhere."""

from __future__ import annotations

import io
import logging
import math
from types import SimpleNamespace

import pytest

from riskstats._progress import SearchProgress, describe

EVENT = {"seconds": 12.3, "nodes": 345, "objective": 0.0825, "lower_bound": 0.0801, "gap": 0.029}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_words() -> None:
    assert describe(EVENT) == "12 s, 345 nodes, objective 0.082500, bound 0.080100, gap 2.9 %"
    assert describe(SimpleNamespace(**EVENT)) == describe(EVENT)
    assert (
        describe({"seconds": 1, "nodes": 0, "objective": math.inf, "lower_bound": -math.inf})
        == "1 s, 0 nodes"
    )


def test_a_bar_on_a_terminal() -> None:
    pytest.importorskip("rich")
    screen = Terminal()
    with SearchProgress(60.0, stream=screen) as progress:
        progress(EVENT)
    assert "345 nodes" in screen.getvalue()


def test_log_lines_elsewhere(caplog: pytest.LogCaptureFixture) -> None:
    stream = io.StringIO()
    with (
        caplog.at_level(logging.INFO, "riskstats"),
        SearchProgress(60.0, stream=stream, every=0.0) as progress,
    ):
        progress(EVENT)
    assert caplog.messages == [describe(EVENT)]
    assert stream.getvalue() == ""


def test_log_lines_keep_their_distance(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "riskstats"), SearchProgress(60.0, stream=io.StringIO()) as progress:
        for _ in range(100):
            progress(EVENT)
    assert caplog.messages == []


def test_without_a_bar(caplog: pytest.LogCaptureFixture) -> None:
    screen = Terminal()
    with (
        caplog.at_level(logging.INFO, "riskstats"),
        SearchProgress(stream=screen, every=0.0, bar=False) as progress,
    ):
        progress(EVENT)
    assert caplog.messages == [describe(EVENT)]
    assert screen.getvalue() == ""
