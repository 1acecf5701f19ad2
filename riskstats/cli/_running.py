"""From exceptions to exit codes and one line on standard error."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from riskstats.cli._wording import as_options
from riskstats.exceptions import IncompatibleBound, Infeasible, InvalidInput, NotConverged, Unavailable

__all__ = ["BAD_INPUT", "DONE", "FAILED", "GATE_NOT_MET", "guarded"]

DONE, FAILED, BAD_INPUT, GATE_NOT_MET = 0, 1, 2, 3
_INTERRUPTED, _BROKEN_PIPE = 130, 141  # 128 + the number of the signal, as shells report it

_BAD_PATH = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError)


def guarded(name: str, run: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Call ``run(args)``; say in one line what went wrong, and return the exit code."""
    _utf8(sys.stdout)
    try:
        with _messages(name, quiet=getattr(args, "quiet", False)):
            code = run(args)
            sys.stdout.flush()
            return code
    except KeyboardInterrupt:
        return _say(name, "interrupted", _INTERRUPTED)
    except BrokenPipeError:
        return _reader_left()
    except (InvalidInput, IncompatibleBound) as error:
        return _say(name, f"error: {error}", BAD_INPUT)
    except (Infeasible, NotConverged, Unavailable) as error:
        return _say(name, f"error: {error}", FAILED)
    except OSError as error:
        return _say(name, f"error: {_describe(error)}", BAD_INPUT if isinstance(error, _BAD_PATH) else FAILED)


def _utf8(stream: TextIO) -> None:
    """Write UTF-8 to files and pipes whatever the locale; a terminal shows what it can."""
    if isinstance(stream, io.TextIOWrapper):
        if stream.isatty():
            stream.reconfigure(errors="replace")
        else:
            stream.reconfigure(encoding="utf-8")


def _say(name: str, message: str, code: int) -> int:
    print(f"{name}: {' '.join(message.split())}", file=sys.stderr)
    return code


def _describe(error: OSError) -> str:
    return f"{error.filename}: {error.strerror}." if error.filename else str(error)


def _reader_left() -> int:
    """The reader of our output closed it (as `head` does): stop without a word, as other tools do."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return _BROKEN_PIPE


@contextmanager
def _messages(name: str, *, quiet: bool) -> Iterator[None]:
    """Send log records and warnings of the package to standard error, one line each."""
    logger = logging.getLogger("riskstats")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"{name}: %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.ERROR if quiet else logging.INFO)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("default", category=UserWarning)
            warnings.showwarning = _show(name, quiet)
            yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


def _show(name: str, quiet: bool) -> Callable[..., None]:
    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        if not quiet:
            _say(name, f"warning: {as_options(str(message))}", DONE)

    return show
