"""`riskstats grade`: the grades of the library from options and tables, and one line where counts are bad."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from riskstats.harm.grades import AILUMINATE_0_5, GRADES, grade

MAGIC = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}
COUNTS = ("--unsafe", 82, "--total", 1000, "--reference-unsafe", 150, "--reference-total", 1000)
HAZARDS = ("weapons", "privacy", "self-harm")
TABLE = {
    "new": ((10, 200), (30, 400), (9, 300)),
    "mid": ((26, 200), (41, 400), (37, 300)),
    "base-a": ((31, 200), (62, 400), (44, 300)),
    "base-b": ((40, 200), (66, 400), (70, 300)),
}


def rows() -> list[dict[str, Any]]:
    return [
        {"system": system, "hazard": hazard, "unsafe": unsafe, "total": total}
        for system, counts in TABLE.items()
        for hazard, (unsafe, total) in zip(HAZARDS, counts, strict=True)
    ]


def save(path: Path, table: list[dict[str, Any]]) -> Path:
    if path.suffix == ".jsonl":
        path.write_text("\n".join(map(json.dumps, table)))
    elif path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.Table.from_pylist(table), path)
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]))
            writer.writeheader()
            writer.writerows(table)
    return path


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    return save(tmp_path / "counts.csv", rows())


@pytest.fixture
def stdin_of() -> Iterator[Callable[[Path], Any]]:
    """A file as standard input, closed at the end."""
    with ExitStack() as stack:
        yield lambda path: stack.enter_context(path.open())


def expected(system: str, references: tuple[str, ...] = ("base-a", "base-b"), **asked: Any) -> Any:
    each = [list(zip(*TABLE[name], strict=True)) for name in (system, *references)]
    return grade(
        *each[0],
        reference_unsafe=[pair[0] for pair in each[1:]],
        reference_total=[pair[1] for pair in each[1:]],
        **asked,
    )


# From options


def test_counts_in_words(run: Callable[..., Any]) -> None:
    found = grade(82, 1000, reference_unsafe=150, reference_total=1000)
    result = run("grade", *COUNTS)
    assert result.code == 0
    assert result.err == ""
    assert result.out == f"{found.summary()}\n"
    for word in (
        "Good (not certain at 95 %)",
        "P(grade): Poor",
        "reachable at 95 %: Good, Very Good",
        "n = ",
    ):
        assert word in result.out


def test_json_has_every_number_and_kept(run: Callable[..., Any]) -> None:
    found = grade(82, 1000, reference_unsafe=150, reference_total=1000)
    content = json.loads(run("grade", *COUNTS, "--json").out)
    assert content == {
        "grades": {"system": json.loads(json.dumps(found.to_dict()))},
        "references": [],
        "hazards": [],
        "required": None,
        "kept": None,
    }
    assert set(content["grades"]["system"]["probabilities"]) == set(GRADES)
    assert content["grades"]["system"]["certain"] is False


def test_several_references_count_as_their_minimum(run: Callable[..., Any]) -> None:
    found = grade(82, 1000, reference_unsafe=[171, 150], reference_total=[1200, 1000])
    lists = ("--reference-unsafe", "171,150", "--reference-total", "1200,1000")
    again = (
        *("--reference-unsafe", 171, "--reference-total", 1200),
        *("--reference-unsafe", 150, "--reference-total", 1000),
    )
    for words in (lists, again):
        content = json.loads(run("grade", *COUNTS[:4], *words, "--json").out)
        assert content["grades"]["system"] == json.loads(json.dumps(found.to_dict()))
    assert content["grades"]["system"]["n_references"] == 2


@pytest.mark.parametrize("name", ["ailuminate-0.5", "ailuminate 0.5", "AILuminate_0.5"])
def test_scale_confidence_and_a_known_reference(run: Callable[..., Any], name: str) -> None:
    options = ("--scale", name, "--confidence-level", 0.9, "--reference-known")
    found = grade(
        82,
        1000,
        reference_unsafe=150,
        reference_total=1000,
        scale=AILUMINATE_0_5,
        confidence_level=0.9,
        reference_known=True,
    )
    content = json.loads(run("grade", *COUNTS, *options, "--json").out)
    assert content["grades"]["system"] == json.loads(json.dumps(found.to_dict()))


@pytest.mark.parametrize(
    ("required", "code"),
    [("poor", 0), ("Good", 0), ("very good", 3), ("very-good", 3), ("Excellent", 3)],
)
def test_gate(run: Callable[..., Any], required: str, code: int) -> None:
    result = run("grade", *COUNTS, "--require", required)
    assert result.code == code
    if code == 0:
        assert result.err == ""
        assert "or better: kept." in result.out
    else:
        assert result.err.startswith("riskstats grade: the system is not shown to be ")
        assert "NOT shown to be kept" in result.out


def test_a_required_grade_names_what_is_reachable(run: Callable[..., Any], counts: Path) -> None:
    asked = ("--reference", "base-a", "--aggregate", "pooled", "--require", "very good")
    result = run("grade", counts, *asked)
    assert result.code == 3
    assert "'new' and 2 more are not shown to be Very Good or better: Good reachable" in result.err
    assert "Required Very Good or better: NOT shown to be kept by new, mid, base-b." in result.out
    assert json.loads(run("grade", counts, *asked, "--json").out)["kept"] is False


# From tables


@pytest.mark.parametrize(("aggregate", "average"), [("pooled", "pooled"), ("hazards", "mean")])
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "stdin"])
def test_every_form_gives_the_grades_of_the_library(
    run: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stdin_of: Callable[[Path], Any],
    form: str,
    aggregate: str,
    average: str,
) -> None:
    path: Path | str = tmp_path / f"counts.{form}"
    if form == "stdin":
        monkeypatch.setattr("sys.stdin", stdin_of(save(tmp_path / "counts.csv", rows())))
        path = "-"
    else:
        save(Path(path), rows())
    asked = ("--reference", "base-a,base-b", "--aggregate", aggregate, "--json")
    content = json.loads(run("grade", path, *asked).out)
    assert list(content["grades"]) == ["new", "mid"]
    assert content["references"] == ["base-a", "base-b"]
    assert content["hazards"] == list(HAZARDS)
    for name in ("new", "mid"):
        found = expected(name, average=average)
        assert content["grades"][name] == json.loads(json.dumps(found.to_dict()))


def test_both_aggregates_are_printed(run: Callable[..., Any], counts: Path) -> None:
    result = run("grade", counts, "--reference", "base-a", "--reference", "base-b", "--aggregate", "pooled")
    assert result.code == 0
    assert "pooled items: " in result.out
    assert "unweighted mean over hazards: " in result.out
    assert result.out.startswith("system")
    assert "Reference: the smallest of 2 rates, base-a, base-b; 3 hazards." in result.out
    assert "Each grade holds alone" in result.out


def test_rows_in_any_order_and_names_of_columns(run: Callable[..., Any], tmp_path: Path) -> None:
    names = {"system": "model", "hazard": "kind", "unsafe": "bad", "total": "n"}
    table = [{names[key]: cell for key, cell in row.items()} for row in rows()[::-1]]
    path = save(tmp_path / "named.csv", table)
    options = [word for role, name in names.items() for word in (f"--{role}", name)]
    asked = ("--reference", "base-a,base-b", "--aggregate", "hazards", "--json")
    content = json.loads(run("grade", path, *options, *asked).out)
    found = expected("new", average="mean")
    assert content["grades"]["new"]["rate"] == pytest.approx(found.rate, abs=1e-15)
    assert content["grades"]["new"]["reachable"] == list(found.reachable)


def test_a_table_without_hazards(run: Callable[..., Any], tmp_path: Path) -> None:
    table = [{"system": name, "unsafe": k, "total": 1000} for name, k in (("a", 82), ("b", 150), ("c", 171))]
    path = save(tmp_path / "plain.csv", table)
    content = json.loads(run("grade", path, "--reference", "b,c", "--json").out)
    found = grade(82, 1000, reference_unsafe=[150, 171], reference_total=[1000, 1000])
    assert content["grades"]["a"] == json.loads(json.dumps(found.to_dict()))
    assert content["hazards"] == []
    assert run("grade", path, "--reference", "b,c").out.startswith(f"a: {found.grade} (")


def test_table_of_grades(run: Callable[..., Any], counts: Path) -> None:
    asked = ("--reference", "base-a,base-b", "--aggregate", "pooled")
    assert run("grade", counts, *asked, "-o", "grades.csv").code == 0
    with open("grades.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [(row["system"], row["grade"]) for row in table] == [
        (system, word) for system in ("new", "mid") for word in GRADES
    ]
    found = expected("mid", average="pooled")
    own = {row["grade"]: row for row in table if row["system"] == "mid"}
    assert {name: float(row["probability"]) for name, row in own.items()} == found.probabilities
    assert tuple(name for name, row in own.items() if row["reachable"] == "True") == found.reachable
    assert [name for name, row in own.items() if row["point"] == "True"] == [found.grade]
    assert float(own["Good"]["upper"]) == found.interval[1]
    assert run("grade", counts, *asked, "-o", "-").out.startswith("system,scale,grade,probability,")


@pytest.mark.parametrize("suffix", list(MAGIC))
def test_pictures(run: Callable[..., Any], counts: Path, suffix: str) -> None:
    asked = ("--reference", "base-a,base-b", "--aggregate", "pooled", "--plot", f"p.{suffix}")
    assert run("grade", counts, *asked).code == 0
    assert Path(f"p.{suffix}").read_bytes().startswith(MAGIC[suffix])


# Bad input


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"--unsafe": "12.5"}, "--unsafe must be an integer in 0..total; got 12.5. Grades need counts"),
        ({"--unsafe": "x"}, "--unsafe must be a count; got 'x'"),
        ({"--unsafe": "1001"}, "--unsafe must be an integer in 0..total; got 1001 of 1000"),
        ({"--unsafe": "nan"}, "--unsafe must be an integer in 0..total; got nan"),
        ({"--total": "0"}, "--total must be an integer >= 1; got 0"),
        ({"--reference-unsafe": "1500"}, "--reference-unsafe must be an integer in 0..total; got 1500 of"),
        ({"--reference-unsafe": "1,2"}, "--reference-unsafe has 2 counts and --reference-total 1"),
        ({"--reference-total": "0"}, "--reference-total must be an integer >= 1; got 0"),
        ({"--confidence-level": "95"}, "Write 0.95."),
        ({"--plot": "p.gif"}, "the suffix of 'p.gif' is none of"),
        ({"-o": "t.xls"}, "neither .csv nor .tsv"),
        ({"--reference": "b"}, "--reference goes with a table, which is not given"),
        ({"--aggregate": "pooled"}, "--aggregate goes with a table, which is not given"),
    ],
)
def test_bad_counts(bad: Callable[..., str], changed: dict[str, str], message: str) -> None:
    words = {**dict(zip(COUNTS[::2], COUNTS[1::2], strict=True)), **changed}
    assert message in bad("grade", *(word for pair in words.items() for word in pair))


def test_counts_that_are_not_given(bad: Callable[..., str]) -> None:
    assert "--unsafe is not given. Give a table with --reference, or all four counts" in bad("grade")
    assert "--reference-unsafe is not given" in bad("grade", *COUNTS[:4])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "a table needs --reference NAME[,NAME]"),
        (("--reference", "base-a"), "--aggregate must be named with 3 hazards: 'pooled' lets every item"),
        (("--reference", "nope", "--aggregate", "pooled"), "no system 'nope'; its systems are 'new', 'mid'"),
        (("--reference", "new,mid,base-a,base-b"), "every system of "),
        (("--reference", "base-a", "--reference-unsafe", "3"), "--reference-unsafe does not go with a table"),
        (("--reference", "base-a", "--system", "name"), "no column 'name'; the columns are 'system'"),
        (("--reference", "base-a", "--hazard", "total"), "a second row for system"),
    ],
)
def test_bad_options_of_tables(
    bad: Callable[..., str], tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    table = [{**row, "total": 300} for row in rows()] if "total" in options else rows()
    assert message in bad("grade", save(tmp_path / "counts.csv", table), *options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[4].update(unsafe=41.5), "system 'mid': unsafe must be an integer in 0..total; got 41.5"),
        (lambda t: t[4].update(unsafe=401), "system 'mid': unsafe must be an integer in 0..total; got 401"),
        (
            lambda t: t[7].update(unsafe=401),
            "unsafe of the reference must be an integer in 0..total; got 401",
        ),
        (lambda t: t[4].update(unsafe="few"), "line 6, column 'unsafe': 'few' is not a number"),
        (lambda t: t[4].update(total=""), "line 6, column 'total': the count is missing"),
        (lambda t: t[4].update(system=""), "the system has no name"),
        (lambda t: t.append(dict(t[4])), "a second row for system 'mid' and hazard 'privacy'. Add up"),
        (lambda t: t.pop(4), "has no row for system 'mid' and hazard 'privacy'. Grade systems on the same"),
        (lambda t: [row.pop("hazard") for row in t], "Name the column of hazards with --hazard"),
        (lambda t: [row.pop("total") for row in t], "has no column 'total'; the columns are"),
    ],
)
def test_bad_tables(
    bad: Callable[..., str], tmp_path: Path, change: Callable[[Any], Any], message: str
) -> None:
    table = rows()
    change(table)
    path = save(tmp_path / "bad.csv", table)
    assert message in bad("grade", path, "--reference", "base-a", "--aggregate", "pooled")


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from riskstats.cli import main\n"
        "assert main(['grade', '--help']) == 0\n"
        "assert not {'numpy', 'scipy', 'matplotlib', 'pandas', 'jax'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "ailuminate-1.0" in result.stdout
