"""Every notebook runs from top to bottom, and is stored with its outputs, small and without errors."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))
LARGEST = 400_000


def code_cells(path: Path) -> list[dict[str, Any]]:
    """The code cells of a notebook, in order."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == "code"]


def source(cell: dict[str, Any]) -> str:
    """The Python of a cell, without lines about the display such as ``%matplotlib inline``."""
    lines = "".join(cell["source"]).splitlines()
    return "\n".join("" if line.startswith("%") else line for line in lines)


def stored_text(path: Path) -> str:
    """What the cells printed when the notebook was stored."""
    outputs = [output for cell in code_cells(path) for output in cell["outputs"]]
    return "".join("".join(output.get("text", "")) for output in outputs)


@pytest.fixture(scope="module")
def walked() -> tuple[dict[str, Any], str]:
    """The names that the cells of the walk-through leave behind, and what they print."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        for number, cell in enumerate(code_cells(NOTEBOOKS[0]), start=1):
            exec(compile(source(cell), f"code cell {number}", "exec"), names)
    plt.close("all")
    return names, shown.getvalue()


def test_there_is_one_notebook():
    assert [path.name for path in NOTEBOOKS] == ["certified_risk_score.ipynb"]


def test_the_walk_through_proves_and_checks(walked):
    names, shown = walked
    fine, coarse = names["model"].certificate_, names["coarse"].certificate_
    assert fine.optimal
    assert coarse.optimal
    assert fine.objective < coarse.lower_bound
    assert "Verdict: optimal" in shown
    assert names["found"].verdict == "refuted"
    assert (names["losses"].status == "OPTIMAL").all()


def test_what_is_stored_is_what_comes_out_now(walked):
    """The optimum and the figures that the text speaks of; never the points, which ties may change."""
    names, _ = walked
    stored = stored_text(NOTEBOOKS[0])
    assert f"objective {names['model'].certificate_.objective:.6f} (loss" in stored
    assert names["evaluation"].auc.summary() in stored
    held_out = names["losses"].pivot(index="split", columns="multiplier", values="held out")
    assert (held_out["certified"] < held_out[1]).all()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs(path):
    assert path.stat().st_size < LARGEST
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "execute_result", "display_data"}
    assert all(output.get("name") != "stderr" for output in outputs)
    assert any("image/png" in output.get("data", {}) for output in outputs)
