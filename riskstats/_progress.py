"""Progress of a long search: a bar on a terminal, log lines elsewhere.

A solver calls ``progress(event)`` as often as it likes. `event` has `seconds`, `nodes`, `objective`,
`lower_bound` and `gap` (relative), as attributes or as keys; a number that is not known yet is None or
infinite."""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TextIO

__all__ = ["SearchProgress"]

_logger = logging.getLogger("riskstats.progress")


class SearchProgress:
    """A callback to hand to a solver, used as a context manager.

    Parameters
    ----------
    time_limit : float or None
        Seconds at which the bar is full; None: a bar without an end.
    stream : text stream, optional
        Where the bar goes; default standard error. It is drawn only on a terminal, with rich installed.
    every : float
        Least seconds between two log lines, where there is no bar.
    bar : bool
        Draw the bar where there is a terminal; False: log lines only.
    """

    def __init__(
        self,
        time_limit: float | None = None,
        *,
        stream: TextIO | None = None,
        every: float = 5.0,
        bar: bool = True,
    ) -> None:
        self._time_limit = time_limit
        self._stream = sys.stderr if stream is None else stream
        self._every = every
        self._wanted = bar
        self._last = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> SearchProgress:
        if self._wanted and self._stream.isatty():
            self._start_bar()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def __call__(self, event: Any) -> None:
        """Show one state of the search."""
        if self._bar is not None:
            done = _number(event, "seconds") or 0.0
            self._bar.update(self._task, completed=done, state=describe(event))
        elif time.monotonic() - self._last >= self._every:
            self._last = time.monotonic()
            _logger.info("%s", describe(event))

    def _start_bar(self) -> None:
        try:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn
        except ImportError:
            return
        columns = (TextColumn("searching"), BarColumn(), TextColumn("{task.fields[state]}"))
        self._bar = Progress(*columns, console=Console(file=self._stream), transient=True)
        self._task = self._bar.add_task("search", total=self._time_limit, state="")
        self._bar.start()


def describe(event: Any) -> str:
    """One state in words: ``12 s, 345 nodes, objective 0.0825, bound 0.0801, gap 2.9 %``."""
    seconds, nodes = _number(event, "seconds"), _number(event, "nodes")
    objective, bound, gap = (_number(event, name) for name in ("objective", "lower_bound", "gap"))
    parts = [
        None if seconds is None else f"{seconds:.0f} s",
        None if nodes is None else f"{nodes:.0f} nodes",
        None if objective is None else f"objective {objective:.6f}",
        None if bound is None else f"bound {bound:.6f}",
        None if gap is None else f"gap {100 * gap:.2g} %",
    ]
    return ", ".join(part for part in parts if part is not None)


def _number(event: Any, name: str) -> float | None:
    value = event.get(name) if isinstance(event, Mapping) else getattr(event, name, None)
    return None if value is None or not math.isfinite(value) else float(value)
