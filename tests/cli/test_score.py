"""`riskstats score`: rows in, the same rows with score and risk out."""

from __future__ import annotations

import csv
import io
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from riskstats.scores.scorecard import ScoreCard


def risk(total: float) -> float:
    return 1.0 / (1.0 + math.exp(-(total - 4) / 1.5))


def parsed(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text), delimiter=delimiter))


def test_rows_stay_as_they_were(run: Callable[..., Any], card_path: Path, rows_path: Path) -> None:
    result = run("score", card_path, rows_path)
    header, *rows = parsed(result.out)
    assert result.code == 0
    assert result.err == ""
    assert header == ["id", "age", "note", "job", "smoker", "sugar", "score", "risk"]
    assert [row[:2] for row in rows] == [["a1", "44"], ["a2", "45"], ["a3", "60"]]
    assert [row[2] for row in rows] == ["first, quoted", "blank ", ""]
    assert [row[5] for row in rows] == ["90", "", "130.50"]
    assert [row[6] for row in rows] == ["0", "5", "6"]
    assert [float(row[7]) for row in rows] == pytest.approx([risk(0), risk(5), risk(6)], rel=1e-15)


def test_contributions_sum_to_the_score(run: Callable[..., Any], card_path: Path, rows_path: Path) -> None:
    header, *rows = parsed(run("score", card_path, rows_path, "--contributions").out)
    lines = ["age >= 45 years", "age >= 60 years", "job = driver", "smoker", "sugar missing"]
    assert header[8:] == [f"points: {line}" for line in lines]
    assert [[int(cell) for cell in row[8:]] for row in rows] == [
        [0, 0, 0, 0, 0],
        [2, 0, -1, 3, 1],
        [2, 1, 0, 3, 0],
    ]
    assert [sum(map(int, row[8:])) for row in rows] == [int(row[6]) for row in rows]


def test_output_file_is_the_same_text(run: Callable[..., Any], card_path: Path, rows_path: Path) -> None:
    text = run("score", card_path, rows_path).out
    assert run("score", card_path, rows_path, "-o", "scored.csv").out == ""
    assert Path("scored.csv").read_text() == text


def test_a_file_can_be_scored_in_place(run: Callable[..., Any], card_path: Path, rows_path: Path) -> None:
    text = run("score", card_path, rows_path).out
    assert run("score", card_path, rows_path, "-o", rows_path).code == 0
    assert rows_path.read_text() == text


def test_tabs_and_compression_follow_the_suffix(
    run: Callable[..., Any], card_path: Path, rows_path: Path
) -> None:
    import gzip

    assert run("score", card_path, rows_path, "-o", "scored.tsv").code == 0
    assert parsed(Path("scored.tsv").read_text(), "\t") == parsed(run("score", card_path, rows_path).out)
    assert (
        run(
            "score", card_path, "scored.tsv", "-o", "again.csv.gz", "--score-column=s", "--risk-column=r"
        ).code
        == 0
    )
    header, *rows = parsed(gzip.decompress(Path("again.csv.gz").read_bytes()).decode())
    assert header[-4:] == ["score", "risk", "s", "r"]
    assert all(row[-4:-2] == row[-2:] for row in rows)


def test_standard_input_to_standard_output(
    process: Callable[..., subprocess.CompletedProcess[bytes]], card_path: Path, rows_path: Path
) -> None:
    piped = process("score", card_path, "-", stdin=rows_path.read_bytes())
    assert piped.returncode == 0
    assert piped.stderr == b""
    assert [row[6] for row in parsed(piped.stdout.decode())] == ["score", "0", "5", "6"]


def test_parquet_keeps_types(run: Callable[..., Any], card_path: Path, tmp_path: Path) -> None:
    table = pa.table(
        {
            "when": pa.array([1, 2, None], pa.timestamp("us")),
            "age": pa.array([44, 45, 60], pa.int16()),
            "job": pa.array(["clerk", "driver", "nurse"]).dictionary_encode(),
            "smoker": pa.array([False, True, True]),
            "sugar": pa.array([90.0, None, 130.5], pa.float32()),
        }
    )
    pq.write_table(table, tmp_path / "rows.parquet", row_group_size=2)
    assert run("score", card_path, "rows.parquet", "-o", "scored.parquet", "--contributions").code == 0
    scored = pq.read_table("scored.parquet")
    assert scored.select(table.column_names).equals(table)
    assert scored["score"].to_pylist() == [0, 5, 6]
    assert scored["score"].type == pa.int64()
    assert scored["risk"].to_pylist() == pytest.approx([risk(0), risk(5), risk(6)], rel=1e-15)
    assert scored["points: job = driver"].to_pylist() == [0, -1, 0]
    header, *rows = parsed(run("score", card_path, "rows.parquet").out)
    assert header[0] == "when"
    assert [row[1] for row in rows] == ["44", "45", "60"]
    assert [row[5] for row in rows] == ["0", "5", "6"]


def test_csv_to_parquet_keeps_cells_as_text(
    run: Callable[..., Any], card_path: Path, rows_path: Path
) -> None:
    assert run("score", card_path, rows_path, "-o", "scored.parquet").code == 0
    scored = pq.read_table("scored.parquet")
    assert scored["sugar"].to_pylist() == ["90", "", "130.50"]
    assert scored["score"].to_pylist() == [0, 5, 6]


def test_many_chunks_give_the_same_answer(run: Callable[..., Any], card: ScoreCard, card_path: Path) -> None:
    rng = np.random.default_rng(5)
    n = 45_001
    columns = {
        "age": rng.integers(20, 90, n).astype(float),
        "job": rng.choice(["clerk", "driver", "nurse"], n).astype(object),
        "smoker": rng.integers(0, 2, n).astype(float),
        "sugar": np.where(rng.random(n) < 0.2, np.nan, 100.0),
    }
    with open("rows.csv", "w") as file:
        file.write("row," + ",".join(columns) + "\n")
        for i, row in enumerate(zip(*columns.values(), strict=True)):
            file.write(f"{i}," + ",".join("" if value != value else str(value) for value in row) + "\n")
    assert run("score", card_path, "rows.csv", "-o", "scored.csv").code == 0
    with open("scored.csv") as file:
        scored = list(csv.DictReader(file))
    assert [int(row["row"]) for row in scored] == list(range(n))
    assert [int(row["score"]) for row in scored] == card.predict_score(columns).tolist()


def test_fractions_do_not_change_how_other_rows_print(run: Callable[..., Any], card_path: Path) -> None:
    Path("rows.csv").write_text("age,job,smoker,sugar\n44,clerk,1,90\n44,clerk,0.5,90\n")
    assert [row[4] for row in parsed(run("score", card_path, "rows.csv").out)] == ["score", "3", "1.5"]


# bad input


def test_bad_rows_are_named_by_line(bad: Callable[..., str], card_path: Path) -> None:
    good = "44,clerk,0,90\n" * 30_000
    for row, words in {
        "x44,clerk,0,90": "'x44' is not a number",
        "inf,clerk,0,90": "infinite",
        ",clerk,0,90": "missing",
        "44,pilot,0,90": "pilot",
        "44,clerk,0": "3 cells",
    }.items():
        Path("rows.csv").write_text("age,job,smoker,sugar\n" + good + row + "\n" + good)
        message = bad("score", card_path, "rows.csv", "-o", "scored.csv")
        assert "rows.csv" in message
        assert "line 30002" in message
        assert words in message
        assert not Path("scored.csv").exists()


def test_an_old_output_survives_a_bad_row(bad: Callable[..., str], card_path: Path) -> None:
    Path("scored.csv").write_text("precious")
    Path("rows.csv").write_text("age,job,smoker,sugar\n44,pilot,0,90\n")
    bad("score", card_path, "rows.csv", "-o", "scored.csv")
    assert Path("scored.csv").read_text() == "precious"
    assert sorted(path.name for path in Path().iterdir()) == ["card.json", "rows.csv", "scored.csv"]


def test_clash_of_names(bad: Callable[..., str], card_path: Path) -> None:
    Path("rows.csv").write_text("age,job,smoker,sugar,risk\n44,clerk,0,90,high\n")
    message = bad("score", card_path, "rows.csv")
    assert "'risk'" in message
    assert "--risk-column" in message
    assert "both 'a'" in bad("score", card_path, "rows.csv", "--score-column", "a", "--risk-column", "a")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "empty"),
        ("age,job,smoker,sugar\n", "no rows"),
        ("age,job,sugar\n44,clerk,90\n", "'smoker'"),
        ("age,job,age,sugar\n44,clerk,0,90\n", "'age'"),
        ("age,job,smoker,sugar\n44,cl\xe9rk,0,90\n", "UTF-8"),
    ],
)
def test_bad_tables(bad: Callable[..., str], card_path: Path, content: str, words: str) -> None:
    Path("rows.csv").write_bytes(content.encode("latin-1"))
    message = bad("score", card_path, "rows.csv")
    assert "rows.csv" in message
    assert words in message


def test_bad_places(bad: Callable[..., str], card_path: Path, rows_path: Path) -> None:
    assert "none.csv" in bad("score", card_path, "none.csv")
    assert "none.json" in bad("score", "none.json", rows_path)
    assert "folder" in bad("score", card_path, rows_path, "-o", "nowhere/scored.csv")
    assert "folder" in bad("score", card_path, rows_path, "-o", ".")
    assert "suffix" in bad("score", card_path, rows_path, "-o", "scored.xlsx")
    assert "Parquet" in bad("score", card_path, rows_path.rename("rows.parquet"))


# behaviour that needs a process of its own


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_memory_does_not_grow_with_the_file(
    card_path: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    """Five times the rows, the same peak (two chunks and the program)."""
    program = (
        "from riskstats.cli import main\n"
        "assert main(['score', 'card.json', 'rows.csv', '-o', 'scored.csv']) == 0\n"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])\n"
    )
    peaks = []
    for rows in (60_000, 300_000):
        (tmp_path / "rows.csv").write_text(
            "age,job,smoker,sugar,note\n" + f"44,clerk,0,90,{'x' * 100}\n" * rows
        )
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, check=True
        )
        peaks.append(int(done.stdout) * 1024)
    assert peaks[1] - peaks[0] < 8e6 < (tmp_path / "rows.csv").stat().st_size


def test_a_reader_that_leaves_is_no_error(
    card_path: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "rows.csv").write_text("age,job,smoker,sugar\n" + "44,clerk,0,90\n" * 100_000)
    words = [sys.executable, "-m", "riskstats", "score", "card.json", "rows.csv"]
    with subprocess.Popen(
        words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline() == b"age,job,smoker,sugar,score,risk\n"
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(60) == 141


def test_an_interrupt_is_one_line(card_path: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    """The command waits for standard input when the interrupt comes; the old output stays."""
    (tmp_path / "scored.csv").write_text("precious")
    words = [sys.executable, "-m", "riskstats", "score", "card.json", "-", "-o", "scored.csv"]
    with subprocess.Popen(
        words,
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as running:
        assert running.stdin is not None
        assert running.stderr is not None
        running.stdin.write(b"age,job,smoker,sugar\n" + b"44,clerk,0,90\n" * 60_000)
        running.stdin.flush()
        os.kill(running.pid, signal.SIGINT)
        assert running.stderr.read() == b"riskstats score: interrupted\n"
        assert running.wait(60) == 130
    assert (tmp_path / "scored.csv").read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.json", "scored.csv"]
