import json
import math
import subprocess
import sys
from dataclasses import FrozenInstanceError, dataclass, field

import numpy as np
import pytest

from riskstats.results import Result, Solution, Status, plain, relative_gap


@dataclass(frozen=True)
class Answer(Solution):
    coefficients: np.ndarray = field(default_factory=lambda: np.array([2, -1]))
    names: tuple[str, ...] = ("a", "b")


ANSWER = Answer(value=0.4, bound=0.3, status=Status.TIME_LIMIT)


def test_every_status_has_a_sentence():
    for status in Status:
        assert status.sentence.endswith(".")
        assert status == str(status) == status.value


def test_results_are_plain_data():
    data = ANSWER.to_dict()
    assert json.loads(json.dumps(data)) == data
    assert data == {
        "value": 0.4, "bound": 0.3, "status": "TIME_LIMIT", "coefficients": [2, -1], "names": ["a", "b"],
        "gap": pytest.approx(0.25),
    }  # fmt: skip


def test_plain_reaches_every_nesting():
    @dataclass(frozen=True)
    class Point(Result):
        x: np.float64

    value = {1: [np.int64(3), (Status.GAP, {2, 1})], "p": Point(np.float64(0.5)), "n": None}
    assert plain(value) == {"1": [3, ["GAP", [1, 2]]], "p": {"x": 0.5}, "n": None}


def test_summary_names_the_kind_and_every_field():
    lines = ANSWER.summary().splitlines()
    assert lines[0] == "Answer"
    assert [line.split()[0] for line in lines[1:]] == [
        "value",
        "bound",
        "status",
        "coefficients",
        "names",
        "gap",
    ]


def test_results_are_frozen():
    with pytest.raises(FrozenInstanceError):
        ANSWER.value = 0.0


def test_frame_has_one_row():
    pytest.importorskip("pandas")
    frame = ANSWER.to_frame()
    assert frame.shape == (1, 6)
    assert frame.loc[0, "status"] == "TIME_LIMIT"


def test_frame_without_pandas_names_the_extra():
    code = (
        "import sys; sys.modules['pandas'] = None\n"
        "from riskstats.results import Solution, Status\n"
        "try: Solution(1.0, 0.5, Status.GAP).to_frame()\n"
        "except ImportError as error: print(type(error).__name__, error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.startswith("Unavailable")
    assert "riskstats[frames]" in out


@pytest.mark.parametrize(
    ("value", "bound", "gap"),
    [(0.5, 0.4, 0.2), (0.5, 0.5, 0.0), (0.5, 0.6, 0.0), (-1.0, -2.0, 1.0), (0.0, -1.0, math.inf),
     (0.5, -math.inf, math.inf), (math.inf, 0.1, math.inf)],
)  # fmt: skip
def test_gap(value, bound, gap):
    assert relative_gap(value, bound) == pytest.approx(gap)


def test_no_gap_of_nan():
    with pytest.raises(ValueError, match="nan"):
        relative_gap(math.nan, 0.0)
