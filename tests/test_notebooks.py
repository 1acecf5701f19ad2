"""Every notebook runs from top to bottom, and is stored with its outputs, small and without errors."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SCORE, CHOICES = FOLDER / "certified_risk_score.ipynb", FOLDER / "certified_choices.ipynb"
TAIL = FOLDER / "tail_of_eleven_models.ipynb"
PATIENT = FOLDER / "two_models_one_patient.ipynb"
CLAIMS = FOLDER / "worst_cases_eight_claims.ipynb"
LOG = FOLDER / "from_log_to_risk_statement.ipynb"
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


def walk(path: Path) -> tuple[dict[str, Any], str]:
    """The names that the cells of a notebook leave behind, and what they print."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        for number, cell in enumerate(code_cells(path), start=1):
            exec(compile(source(cell), f"{path.stem}, code cell {number}", "exec"), names)
    plt.close("all")
    return names, shown.getvalue()


def test_every_notebook_is_known_here():
    assert [*NOTEBOOKS] == [CHOICES, SCORE, LOG, TAIL, PATIENT, CLAIMS]


def test_the_walk_through_about_a_card():
    """It proves and checks, and what is stored is what comes out: the optimum and the figures that the text
    speaks of, never the points, which ties may change."""
    names, shown = walk(SCORE)
    fine, coarse = names["model"].certificate_, names["coarse"].certificate_
    assert fine.optimal
    assert coarse.optimal
    assert fine.objective < coarse.lower_bound
    assert "Verdict: optimal" in shown
    assert names["found"].verdict == "refuted"
    assert (names["losses"].status == "OPTIMAL").all()
    stored = stored_text(SCORE)
    assert f"objective {names['model'].certificate_.objective:.6f} (loss" in stored
    assert names["evaluation"].auc.summary() in stored
    held_out = names["losses"].pivot(index="split", columns="multiplier", values="held out")
    assert (held_out["certified"] < held_out[1]).all()


def test_the_walk_through_about_choices():
    """What the text says of the figures: how often a bad prompt passes, and that mean and tail disagree."""
    names, shown = walk(CHOICES)
    assert names["together"] / 400 <= 0.05 < 0.5 < names["alone"] / 400
    assert names["recall"].threshold_ == 0.2
    assert names["by_mean"].selected_name == "prompt 18"
    assert names["by_mean"].selected not in names["by_tail"].certified
    assert names["by_tail"].certified
    assert set(names["both"].certified) <= set(names["by_tail"].certified) & set(names["by_mean"].certified)
    assert names["pair"].value < names["apart"]
    assert names["certifier"].status == "CERTIFIED"
    promises = [line for line in shown.splitlines() if "confidence every one of them keeps" in line]
    assert len(promises) == 5
    assert [line for line in promises if line not in stored_text(CHOICES)] == []


def test_the_walk_through_about_tails():
    """Equal means with tails that differ twofold, the best one seldom named alone, and a plug-in too high."""
    names, shown = walk(TAIL)
    assert max(law.mean() for law in names["laws"]) == pytest.approx(0.05, abs=1e-9)
    assert 1.8 < names["true_cvar"].max() / names["true_cvar"].min() < 2
    assert names["profile"].exposure > 0
    assert names["profile"].interval.upper > 0.6
    assert names["comparison"].models[names["NAMES"].index("H")].in_set
    small, large = names["small"].mean(), names["large"].mean()
    assert small["smallest mean is that of the best"] < 0.3 < small["smallest CVaR95 is that of the best"]
    assert small["the best is in the confidence set"] > 0.95 > 0.3 > small["the best is named alone"]
    assert large["the best is named alone"] > 0.5
    assert names["asked_often"].loc[("H", 10), "plug-in"] > 3 * names["asked_often"].loc[("H", 10), "truth"]
    said = [line for line in shown.splitlines() if "best in" in line or "confidence set" in line]
    assert len(said) == 12
    assert [line for line in said if line not in stored_text(TAIL)] == []


def test_the_walk_through_about_models():
    """Two models of equal quality that decide otherwise, why they do, and what refits miss."""
    names, shown = walk(PATIENT)
    report, row = names["report"], names["row"]
    assert (report.kind, names["exact"].kind, names["found"].kind) == ("exact", "exact", "inner")
    assert report.abstain.confirmed.all()
    assert names["wrong"][report.abstain.rows].mean() > 0.3 > 0.05 > names["wrong"].mean()
    low, high = (names["quality"](names["models"][name]) for name in "AB")
    for each in (low, high):
        assert each["objective in training"] <= 1.01 * names["near"].loss_ * (1 + 1e-9)
    assert low[f"probability for patient {row}"] < 0.05 < 0.95 < high[f"probability for patient {row}"]
    assert abs(names["difference"].mean()) < names["error"]
    assert names["terms"]["B - A"].iloc[0] > 0.8 * (names["total_b"] - names["total_a"])
    assert names["missed"]["refits in the set"].tolist()[:2] == [0, 0]
    assert 0 < names["missed"]["part of the width found"].iloc[-1] < 0.5
    for one, all_rows in zip(report.discrepancy, report.ambiguity, strict=True):
        assert one.value <= one.bound <= all_rows.value
    assert names["pool"].complete
    assert names["of_cards"].kind == "exact"
    said = [line for line in shown.splitlines() if "one model says" in line or "cards within" in line]
    assert len(said) == 11
    assert [line for line in said if line not in stored_text(PATIENT)] == []


def test_the_walk_through_about_worst_cases():
    """Each claim has its assertion in a cell; here that the text speaks of what comes out."""
    names, shown = walk(CLAIMS)
    cells = [source(cell) for cell in code_cells(CLAIMS)[1:]]
    assert [cell for cell in cells if "assert " not in cell] == []
    assert max(names["errors"]) < 1e-8
    assert names["shares"] == pytest.approx([0.58, 0.54, 0.5], abs=1e-6)
    assert names["by_program"] == pytest.approx(4.833333333, abs=1e-6)
    said = [line for line in shown.splitlines() if "program" in line and "largest distance" not in line]
    assert len(said) == 6
    assert [line for line in said if line not in stored_text(CLAIMS)] == []


def test_the_walk_through_from_a_log():
    """Each claim has its assertion in a cell; here the statement at the end, and that every trap is shown."""
    names, shown = walk(LOG)
    cells = [source(cell) for cell in code_cells(LOG)]
    plain = [cell for cell in cells if "assert " not in cell]
    assert plain == [cells[0], cells[12]]  # the simulation, and a picture of what the cell before asserts
    assert names["ranking"](names["wrong"]) == names["ranking"](names["table"])[::-1]
    assert names["safe"].certified_names == ("fir",)
    assert names["rows"]["fir"]["averaged first"] < 0.8 * names["rows"]["fir"]["single answers"]
    assert {each.grade for each in names["found"].values()} == {"Very Good"}
    assert names["found"]["elm"].probabilities["Very Good"] < names["found"]["fir"].probabilities["Very Good"]
    said = [line for line in shown.splitlines() if line[:2] in {"1.", "2.", "3.", "4.", "5."}]
    refusals = [line for line in shown.splitlines() if "declare" in line or "`estimand=`" in line]
    assert (len(said), len(refusals)) == (5, 3)
    assert [line for line in said + refusals if line not in stored_text(LOG)] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs(path):
    assert path.stat().st_size < LARGEST
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "execute_result", "display_data"}
    assert all(output.get("name") != "stderr" for output in outputs)
    assert any("image/png" in output.get("data", {}) for output in outputs)
