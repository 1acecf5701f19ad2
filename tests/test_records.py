"""Tables of losses: every format gives the same numbers, and whatever is wrong is named with its place."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskstats._records import LossTable, read_losses
from riskstats.bounds.units import unit_losses
from riskstats.exceptions import InvalidInput

NAMES = ("zeta", "alpha", "mid")
UNITS = ("q3", "q1", "q007", "q7")
VALUES = np.array([[0.1, 0.2, 0.3, 1 / 3], [0.0, 1.0, 0.5, 0.25], [0.9, 0.8, 0.7, 1e-17]])
ROWS = [(unit, *map(float, row)) for unit, row in zip(UNITS, VALUES.T, strict=True)]


def csv_text(head, rows, delimiter=","):
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return buffer.getvalue()


def lines_text(rows, names=("id", *NAMES)):
    return "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows)


def frame(rows=ROWS, names=("id", *NAMES)):
    return pa.table({name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)})


def write_wide(path: Path) -> None:
    """The losses in the format of the suffix."""
    match "".join(path.suffixes):
        case ".csv" | ".txt":
            path.write_text(csv_text(("id", *NAMES), ROWS))
        case ".tsv":
            path.write_text(csv_text(("id", *NAMES), ROWS, "\t"))
        case ".csv.gz":
            path.write_bytes(gzip.compress(csv_text(("id", *NAMES), ROWS).encode()))
        case ".jsonl" | ".ndjson":
            path.write_text("\ufeff" + lines_text(ROWS) + "\n")
        case ".jsonl.gz":
            path.write_bytes(gzip.compress(lines_text(ROWS).encode()))
        case ".parquet":
            pq.write_table(frame(), path, row_group_size=2)
        case ".npz":
            np.savez(path, id=np.array(UNITS), **dict(zip(NAMES, VALUES, strict=True)))


def same(table: LossTable, *, units=UNITS) -> bool:
    assert table.names == NAMES
    assert table.units == units
    assert table.values.dtype == np.float64
    return np.array_equal(table.values, VALUES)


@pytest.mark.parametrize(
    "suffix",
    [".csv", ".txt", ".tsv", ".csv.gz", ".jsonl", ".ndjson", ".jsonl.gz", ".parquet", ".npz"],
)
def test_formats_give_the_same_numbers(tmp_path, suffix):
    path = tmp_path / f"losses{suffix}"
    write_wide(path)
    table = read_losses(path, unit="id")
    assert same(table)
    assert not table.binary
    assert table.cluster is None


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".npz"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_the_long_form_is_the_wide_one(tmp_path, suffix, shuffled):
    """Candidates and units stand in the order of their first appearance, whatever the order of the rows."""
    rows = [(name, unit, float(VALUES[i, j])) for i, name in enumerate(NAMES) for j, unit in enumerate(UNITS)]
    if shuffled:
        tail = rows[len(UNITS) + 1 :]
        rows = [
            *rows[: len(UNITS)],
            rows[len(UNITS)],
            *(tail[i] for i in np.random.default_rng(0).permutation(7)),
        ]
        rows.sort(key=lambda row: row[0] == "mid")
    names = ("prompt", "question", "loss")
    path = tmp_path / f"long{suffix}"
    if suffix == ".csv":
        path.write_text(csv_text(names, rows))
    elif suffix == ".jsonl":
        path.write_text(lines_text(rows, names))
    elif suffix == ".parquet":
        pq.write_table(frame(rows, names), path)
    else:
        np.savez(
            path,
            **{name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)},
        )
    assert same(read_losses(path, candidate="prompt", unit="question", loss="loss"))
    part = read_losses(path, candidate="prompt", unit="question", loss="loss", columns=["mid"])
    assert part.names == ("mid",)
    assert np.array_equal(np.sort(part.values), np.sort(VALUES[2:]))


def test_numpy_matrices(tmp_path):
    np.savez(tmp_path / "a.npz", losses=VALUES, names=NAMES, units=UNITS)
    assert same(read_losses(tmp_path / "a.npz"))
    np.savez(tmp_path / "b.npz", losses=VALUES.astype(np.float32))
    plain = read_losses(tmp_path / "b.npz")
    assert plain.names == ("0", "1", "2")
    assert plain.units is None
    np.savez(tmp_path / "c.npz", losses=VALUES, names=NAMES, prompt=["a", "a", "b", "b"])
    assert read_losses(tmp_path / "c.npz", cluster="prompt").cluster == ("a", "a", "b", "b")
    np.save(tmp_path / "d.npy", VALUES[0])
    one = read_losses(tmp_path / "d.npy")
    assert one.names == ("losses",)
    assert np.array_equal(one.values, VALUES[:1])
    np.save(tmp_path / "e.npy", VALUES)
    assert np.array_equal(read_losses(tmp_path / "e.npy").values, VALUES)


def test_standard_input_is_csv(monkeypatch):
    text = csv_text(("id", *NAMES), ROWS)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))
    assert same(read_losses("-", unit="id"))


def test_columns_choose_and_order(tmp_path):
    write_wide(tmp_path / "a.csv")
    table = read_losses(tmp_path / "a.csv", columns=["mid", "zeta", "mid"])
    assert table.names == ("mid", "zeta")
    assert np.array_equal(table.values, VALUES[[2, 0]])
    assert table.units is None


def test_ids_keep_every_digit(tmp_path):
    """Ids beyond 2**53 and ids with leading zeros stay apart."""
    path = tmp_path / "a.csv"
    path.write_text("id,a\n9007199254740993,0.1\n9007199254740992,0.2\n007,0.3\n7,0.4\n")
    assert read_losses(path, unit="id").units == ("9007199254740993", "9007199254740992", "007", "7")
    pq.write_table(pa.table({"id": [2**53 + 1, 2**53], "a": [0.1, 0.2]}), tmp_path / "a.parquet")
    assert read_losses(tmp_path / "a.parquet", unit="id").units == (str(2**53 + 1), str(2**53))


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", "a,b\nTrue,false\nFALSE,true\n"), ("a.jsonl", '{"a":true,"b":false}\n{"a":false,"b":true}\n')],
)
def test_booleans_are_binary(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    table = read_losses(tmp_path / name)
    assert table.binary
    assert table.values.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_zero_and_one_are_numbers(tmp_path):
    (tmp_path / "a.csv").write_text("a\n0\n1\n")
    assert not read_losses(tmp_path / "a.csv").binary
    pq.write_table(pa.table({"a": [True, False]}), tmp_path / "a.parquet")
    assert read_losses(tmp_path / "a.parquet").binary
    pq.write_table(pa.table({"a": [True, False], "b": [0.0, 1.0]}), tmp_path / "b.parquet")
    assert not read_losses(tmp_path / "b.parquet").binary


@pytest.mark.parametrize(
    ("reduce", "expected"), [("mean", [[0.2, 0.6], [0.6, 0.0]]), ("max", [[0.3, 0.6], [0.9, 0.0]])]
)
def test_several_losses_of_one_unit(tmp_path, reduce, expected):
    by = partial(unit_losses, reduce=reduce)
    wide = tmp_path / "wide.csv"
    wide.write_text("id,g,a,b\nz,u,0.1,0.9\ny,v,0.6,0\nz,u,0.3,0.3\n")
    table = read_losses(wide, unit="id", cluster="g", reduce=by)
    assert table.units == ("z", "y")
    assert table.cluster == ("u", "v")
    assert table.values == pytest.approx(np.array(expected))
    long = tmp_path / "long.csv"
    long.write_text("c,u,l\nb,z,0.9\na,z,0.1\na,y,0.6\nb,y,0\nb,z,0.3\na,z,0.3\n")
    table = read_losses(long, candidate="c", unit="u", loss="l", reduce=by)
    assert table.names == ("b", "a")
    assert table.values == pytest.approx(np.array(expected)[::-1])


def test_clusters_of_a_long_table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("c,u,g,l\na,1,x,0.1\na,2,y,0.2\nb,2,y,0.3\nb,1,x,0.4\n")
    table = read_losses(path, candidate="c", unit="u", loss="l", cluster="g")
    assert table.cluster == ("x", "y")
    assert table.values.tolist() == [[0.1, 0.2], [0.4, 0.3]]
    path.write_text("c,u,g,l\na,1,x,0.1\na,2,y,0.2\nb,2,y,0.3\nb,1,z,0.4\n")
    with pytest.raises(InvalidInput, match=r"line 5: unit '1' is in cluster 'z', and before in 'x'"):
        read_losses(path, candidate="c", unit="u", loss="l", cluster="g")


# bad input


WIDE = {
    "text column": ("id,a\nq1,0.1\n", {}, ["column 'id' holds no losses but 'q1' in line 2", "`unit='id'`"]),
    "bad cell": ("a,b\n0.1,0.2\n0.1,0.2x\n", {}, ["line 3, column 'b'", "'0.2x' is not a number"]),
    "underscore": ("a\n0.1\n1_0\n", {}, ["line 3", "'1_0' is not a number"]),
    "missing": (
        "a,b\n0.1,0.2\n0.1,\nNA,0.3\n",
        {},
        ["2 missing losses, first in line 3, column 'b'", "not a zero"],
    ),
    "one missing": ("a,b\n0.1,0.2\n0.1,NaN\n", {}, ["there is 1 missing loss in line 3, column 'b'"]),
    "infinite": ("a\n0.1\n-inf\n", {}, ["line 3, column 'a'", "infinite"]),
    "outside": ("a,b\n0.1,0.2\n0.1,1.2\n", {}, ["line 3, column 'b': 1.2 lies outside the support (0, 1)"]),
    "quoted lines": ('a,n\n0.1,"x\ny"\n1.5,z\n', {"unit": "n"}, ["line 4, column 'a': 1.5"]),
    "repeated": (
        "id,a\nq,0.1\nq,0.2\nq,0.2\n",
        {"unit": "id"},
        ["unit id 'q' appears 3 times", "unit_losses"],
    ),
    "no name": ("id,a\nq,0.1\n,0.2\n", {"unit": "id"}, ["line 3, column 'id': the unit has no name"]),
    "unknown unit": ("id,a\nq,0.1\n", {"unit": "ID"}, ["no column 'ID'; the columns are 'id', 'a'"]),
    "unknown column": ("id,a\nq,0.1\n", {"columns": ["b"]}, ["no column 'b'"]),
    "ids as losses": ("id,a\nq,0.1\n", {"unit": "id", "columns": ["id"]}, ["both ids and losses"]),
    "only ids": ("id\nq\n", {"unit": "id"}, ["no column of losses"]),
    "reduce alone": ("a\n0.1\n", {"reduce": unit_losses}, ["`reduce`", "`unit`"]),
    "half long": ("c,l\na,0.1\n", {"candidate": "c", "loss": "l"}, ["three columns", "`unit`"]),
    "empty": ("", {}, ["is empty"]),
    "no rows": ("a\n", {}, ["no rows"]),
    "no header": ("0.1\n0.2\n", {}, ["numbers where names are expected"]),
}


@pytest.mark.parametrize("case", WIDE)
def test_bad_wide_tables(tmp_path, case):
    content, options, words = WIDE[case]
    (tmp_path / "losses.csv").write_text(content)
    with pytest.raises(InvalidInput) as caught:
        read_losses(tmp_path / "losses.csv", support=(0.0, 1.0), **options)
    for word in words:
        assert word in str(caught.value)


LONG = {
    "ragged": (
        "c,u,l\na,1,0.1\na,2,0.2\nb,1,0.3\nd,2,0.3\n",
        ["2 of 6 pairs", "first ('b', '2'), ('d', '1')"],
    ),
    "repeated": ("c,u,l\na,1,0.1\nb,1,0.3\nb,1,0.3\n", ["unit id '1' appears 2 times for candidate 'b'"]),
    "missing": ("c,u,l\na,1,0.1\na,2,\n", ["1 missing loss", "line 3, column 'l'"]),
    "outside": ("c,u,l\na,1,0.1\na,2,-3\n", ["line 3, column 'l': -3 lies outside"]),
    "no candidate": ("c,u,l\na,1,0.1\n,2,0.1\n", ["line 3, column 'c': the candidate has no name"]),
    "text": ("c,u,l\na,1,x\n", ["column 'l' holds no losses but 'x'"]),
}


@pytest.mark.parametrize("case", LONG)
def test_bad_long_tables(tmp_path, case):
    content, words = LONG[case]
    (tmp_path / "losses.csv").write_text(content)
    with pytest.raises(InvalidInput) as caught:
        read_losses(tmp_path / "losses.csv", candidate="c", unit="u", loss="l", support=(0.0, 1.0))
    assert "losses.csv" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_bad_roles_in_a_long_table(tmp_path):
    (tmp_path / "a.csv").write_text("c,u,l\na,1,0.1\n")
    with pytest.raises(InvalidInput, match="three columns"):
        read_losses(tmp_path / "a.csv", candidate="c", unit="u", loss="u")
    with pytest.raises(InvalidInput, match="names no candidate"):
        read_losses(tmp_path / "a.csv", candidate="c", unit="u", loss="l", columns=[])
    with pytest.raises(InvalidInput, match=r"no candidate 'z'; it has 'a'"):
        read_losses(tmp_path / "a.csv", candidate="c", unit="u", loss="l", columns=["z", "a"])


def test_candidates_that_were_not_asked_for_may_be_incomplete(tmp_path):
    (tmp_path / "a.csv").write_text("c,u,l\na,1,0.1\nb,1,9\nb,3,\n")
    table = read_losses(
        tmp_path / "a.csv", candidate="c", unit="u", loss="l", columns=["a"], support=(0.0, 1.0)
    )
    assert table.values.tolist() == [[0.1]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"a": 1}\n{"a": 1,}\n', ["line 2", "no JSON object"]),
        ('{"a": 1}\n\n[1]\n', ["line 3", "[1] is no JSON object"]),
        ('{"a": 1}\n{"a": "high"}\n', ["line 2, column 'a'", "'high' is not a number"]),
        ('{"a": 1}\n{"b": 1}\n', ["2 missing losses", "line 1, column 'b'"]),
        ('{"a": {"x": 1}}\n', ["column 'a' holds no losses but {'x': 1}"]),
        ('{"a": 1, "a": 0}\n', ["line 1", "'a' stands there twice"]),
        ('{"a": NaN}\n', ["1 missing loss"]),
        ('{"a": Infinity}\n', ["line 1, column 'a'", "infinite"]),
        ('{"a": 1' + "0" * 400 + "}\n", ["infinite"]),
        ("\n\n", ["is empty"]),
        ("[" * 100_000, ["line 1", "no JSON object"]),
        (b'{"a": 1}\n{"\xff": 1}\n', ["line 2", "UTF-8"]),
    ],
)
def test_bad_json_lines(tmp_path, content, words):
    path = tmp_path / "a.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InvalidInput) as caught:
        read_losses(path)
    assert "a.jsonl" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"losses": np.zeros((2, 3)), "names": ["a"]}, ["`names` must be 2 different names"]),
        ({"losses": np.zeros((2, 3)), "names": ["a", "a"]}, ["different names"]),
        ({"losses": np.zeros((2, 3)), "units": ["a"]}, ["'units' must have shape (3,)"]),
        ({"losses": np.zeros((0, 3))}, ["is empty"]),
        ({"losses": np.zeros((2, 3, 4))}, ["(2, 3, 4)"]),
        ({"a": np.zeros(2), "b": np.zeros(3)}, ["shapes '(2,)', '(3,)'"]),
        ({"a": np.zeros(0)}, ["shapes '(0,)'"]),
        ({"a": np.array([{}], dtype=object)}, ["no NumPy file"]),
        ({"a": np.zeros(2, dtype=complex)}, ["holds no losses"]),
        ({"a": np.array([0.5, np.nan])}, ["1 missing loss", "index 1, column 'a'"]),
    ],
)
def test_bad_numpy_files(tmp_path, arrays, words):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(InvalidInput) as caught:
        read_losses(tmp_path / "a.npz")
    assert "a.npz" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "name", ["a.csv", "a.jsonl", "a.jsonl.gz", "a.npz", "a.npy", "a.parquet", "a.csv.gz"]
)
def test_files_that_are_not_there_or_damaged(tmp_path, name):
    with pytest.raises(InvalidInput, match="cannot read"):
        read_losses(tmp_path / name)
    (tmp_path / name).write_bytes(b"\x00\x01damaged")
    with pytest.raises(InvalidInput, match=name.replace(".", r"\.")):
        read_losses(tmp_path / name)
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    with pytest.raises(InvalidInput, match=name.replace(".", r"\.")):
        read_losses(tmp_path / name)


def test_unknown_kinds_of_files(tmp_path):
    with pytest.raises(InvalidInput, match=r"none of .csv, .tsv, .parquet, .jsonl, .npz, .npy"):
        read_losses(tmp_path / "a.xlsx")
