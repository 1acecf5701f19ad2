"""The tree of a search in a form that can be checked without the solver.

Each record is a node after its relaxation: which piece of its parent's split it is, the point whose line
proves its bound and its dropped values, the box that is left, and how it ended (`ENDINGS`). The arrays are
all that `scores.verify` reads.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from riskstats.exceptions import CertificateError
from riskstats.scores._types import FloatArray

if TYPE_CHECKING:
    from riskstats.scores.node import Node, Split

__all__ = ["ENDINGS", "Proof", "ProofBuilder"]

ENDINGS = ("closed", "single", "open", "again", "feature", "integer", "scale")
"""closed: its bound reaches the objective. single: one card, evaluated. open: left when the search stopped.
again: one child with the smaller box. The others: split into the pieces of `scores.node.children`."""

_SCHEMA = 1
_ARRAYS = {
    "parent": np.int64,
    "branch": np.int8,
    "ending": np.int8,
    "column": np.int64,
    "value": np.float64,
    "lower": np.int64,
    "upper": np.int64,
    "role": np.int8,
    "scales": np.float64,
    "point": np.float64,
    "spacing": np.float64,
    "window": np.float64,
}


@dataclass(frozen=True)
class Proof:
    """Arrays with one entry (or row) per record, in an order in which parents come first, and the problem's
    statement."""

    header: dict[str, Any]
    arrays: dict[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.arrays["parent"])

    def digest(self) -> str:
        """Return a SHA-256 over header and arrays."""
        text = hashlib.sha256(json.dumps(self.header, sort_keys=True).encode())
        for name in _ARRAYS:
            text.update(np.ascontiguousarray(self.arrays[name]).tobytes())
        return text.hexdigest()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the proof as a compressed .npz file (readable with numpy alone), replacing an old one only
        when complete."""
        from riskstats._tables import atomic_write

        buffer = io.BytesIO()
        header = np.frombuffer(
            json.dumps({"schema_version": _SCHEMA, **self.header}).encode(), dtype=np.uint8
        )
        np.savez_compressed(buffer, header=header, **self.arrays)  # type: ignore[arg-type]
        with atomic_write(path, binary=True) as stream:
            stream.write(buffer.getvalue())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Proof:
        """Read a proof written by `save`; a damaged or foreign file raises `CertificateError`."""
        try:
            with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
                header = json.loads(archive["header"].tobytes().decode())
                arrays = {name: archive[name] for name in _ARRAYS}
        except FileNotFoundError as error:
            raise CertificateError(
                f"the proof file {os.fspath(path)!r} does not exist. Pass the one written by `fit`."
            ) from error
        except Exception as error:  # zip, json, key and decoding errors all mean the same to the caller
            raise CertificateError(
                f"{os.fspath(path)!r} is not a readable proof file ({error}). Write it again with `fit`."
            ) from error
        version = header.pop("schema_version", None)
        if version != _SCHEMA:
            raise CertificateError(
                f"the proof {os.fspath(path)!r} has schema version {version}; "
                f"this version of riskstats reads {_SCHEMA}."
            )
        return cls(header, arrays)


class ProofBuilder:
    """Collects records during a search."""

    def __init__(self, header: dict[str, Any]) -> None:
        self._header = header
        self._rows: list[dict[str, Any]] = []

    def add(
        self,
        node: Node,
        reduced: Node,
        ending: str,
        point: FloatArray,
        spacing: float,
        window: float,
        split: Split | None = None,
    ) -> int:
        """Append the record of `node`, whose box was cut to that of `reduced`, and return its number."""
        self._rows.append(
            {
                "parent": node.parent,
                "branch": node.branch,
                "ending": ENDINGS.index(ending),
                "column": -1 if split is None else split.column,
                "value": 0.0 if split is None else split.value,
                "lower": reduced.lower,
                "upper": reduced.upper,
                "role": reduced.role,
                "scales": reduced.scales,
                "point": point,
                "spacing": spacing,
                "window": window,
            }
        )
        return len(self._rows) - 1

    def finish(self) -> Proof:
        """Return the proof."""
        arrays = {
            name: np.array([row[name] for row in self._rows]).astype(kind) for name, kind in _ARRAYS.items()
        }
        return Proof(self._header, arrays)
