"""`riskstats card`: one card in seven forms."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from riskstats.scores.scorecard import ScoreCard

MAGIC = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}


def test_text_is_the_default(run: Callable[..., Any], card: ScoreCard, card_path: Path) -> None:
    result = run("card", card_path)
    assert result.out.rstrip("\n") == card.text().rstrip("\n")
    assert result.err == ""
    assert result.code == 0


@pytest.mark.parametrize(
    ("kind", "suffix", "method"),
    [
        ("text", "txt", "text"),
        ("markdown", "md", "markdown"),
        ("html", "html", "html"),
        ("json", "json", "to_json"),
    ],
)
def test_texts(
    run: Callable[..., Any], card: ScoreCard, card_path: Path, kind: str, suffix: str, method: str
) -> None:
    expected = getattr(card, method)().rstrip("\n")
    assert run("card", card_path, "--format", kind).out.rstrip("\n") == expected
    assert run("card", card_path, "-o", f"out.{suffix}").out == ""
    assert Path(f"out.{suffix}").read_text().rstrip("\n") == expected


@pytest.mark.parametrize("kind", sorted(MAGIC))
def test_pictures(run: Callable[..., Any], card_path: Path, kind: str) -> None:
    assert run("card", card_path, "-o", f"out.{kind}").code == 0
    content = Path(f"out.{kind}").read_bytes()
    assert content.startswith(MAGIC[kind])
    assert len(content) > 5000


def test_a_picture_to_a_pipe(
    process: Callable[..., subprocess.CompletedProcess[bytes]], card_path: Path
) -> None:
    done = process("card", card_path, "--format", "png")
    assert done.returncode == 0
    assert done.stdout.startswith(MAGIC["png"])


def test_pipes_get_utf8_whatever_the_locale(
    process: Callable[..., subprocess.CompletedProcess[bytes]],
    environment: dict[str, str],
    card: ScoreCard,
    card_path: Path,
) -> None:
    environment["PYTHONIOENCODING"] = "ascii"
    done = process("card", card_path)
    assert done.stderr == b""
    assert done.stdout.decode("utf-8").rstrip("\n") == card.text().rstrip("\n")
    assert not done.stdout.isascii()


def test_format_wins_over_suffix(run: Callable[..., Any], card_path: Path) -> None:
    assert run("card", card_path, "--format", "json", "-o", "card.txt").code == 0
    assert ScoreCard.load("card.txt") == ScoreCard.load(card_path)


# bad input


def edited(text: str) -> str:
    content = json.loads(text)
    content["card"]["intercept"] += 1
    return json.dumps(content)


def newer(text: str) -> str:
    return json.dumps({**json.loads(text), "schema_version": 99})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (edited, "checksum"),
        (newer, "version 99"),
        (lambda text: text[: len(text) // 2], "cut off"),
        (lambda text: "", "cut off"),
        (lambda text: "[1, 2]", "list"),
        (lambda text: '{"a": 1}', "schema"),
        (lambda text: "\0\1\2", "cut off"),
    ],
)
@pytest.mark.parametrize("command", ["card", "score", "verify"])
def test_damaged_cards(
    bad: Callable[..., str],
    card_path: Path,
    rows_path: Path,
    command: str,
    change: Callable[[str], str],
    words: str,
) -> None:
    card_path.write_text(change(card_path.read_text()))
    more = {"card": [], "score": [rows_path], "verify": [rows_path, "--target", "note"]}
    message = bad(command, card_path, *more[command])
    assert "card.json" in message
    assert words in message


def test_bad_places(bad: Callable[..., str], card_path: Path) -> None:
    assert "none.json" in bad("card", "none.json")
    assert "suffix" in bad("card", card_path, "-o", "card.docx")
    assert "no folder" in bad("card", card_path, "-o", "nowhere/card.html")
    Path("old.html").mkdir()
    assert "is a folder" in bad("card", card_path, "-o", "old.html")


def test_a_picture_is_not_for_a_terminal(
    bad: Callable[..., str], card_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert "-o FILE.png" in bad("card", card_path, "--format", "png")
