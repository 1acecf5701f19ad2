"""Packages that are only needed by what a caller chose, imported then and not before."""

from __future__ import annotations

from typing import Any

from riskstats.exceptions import Unavailable

__all__ = ["pyscipopt_or", "zstandard_or"]


def pyscipopt_or(instead: str) -> Any:
    """The package pyscipopt; `Unavailable` names the solver to use `instead`."""
    try:
        import pyscipopt
    except ImportError as error:
        raise Unavailable(
            "solver 'scip' needs PySCIPOpt. Install it with: pip install pyscipopt, or use "
            f"solver='{instead}'."
        ) from error
    return pyscipopt


def zstandard_or(label: str) -> Any:
    """The package zstandard; `Unavailable` names the extra that brings it, for the file `label`."""
    try:
        import zstandard
    except ImportError as error:
        raise Unavailable(
            f"{label} is compressed with zstd, which needs zstandard. Install it with: pip install "
            "'riskstats[logs]', or decompress the file first."
        ) from error
    return zstandard
