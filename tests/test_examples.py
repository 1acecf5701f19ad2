"""Every example runs as a script, in an empty folder, without a warning, and shows what it promises."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
EXPECTED = {
    "merge_tails.py": ["merged backwards it is the same: True"],
    "batch_scoring.py": ["3000 rows on the command line, 3000 in Python; totals equal: True"],
    "binning_and_missing_values.py": [
        "proven optimal",
        "sugar missing",
        "earlier visits = -9",
        "age >= 65 years",
        "column 'age' has missing values (NaN) at row 1",
    ],
    "breast_cancer_card.py": [
        "Risk of diagnosis = malignant",
        "Checked again without the solver: optimal",
        "AUC 0.9",
    ],
    "certified_thresholds.py": [
        "Miss at most 10 % of the tumours: malignant where the probability is above 0.",
        "every one of them keeps Mean at most 0.1 (fixed_sequence",
        "every one of them keeps CVaR(0.8) at most 2.5 (holm",
        "On 171 rows never used:",
        "no candidate certified: smallest p-value",
    ],
    "evaluation_log_to_decision.py": [
        "Warning: unequal missingness: elm lacks 0.0333 of its losses, fir 0.000833.",
        "1 of 3 candidates certified",
        "P(grade): ",
        "Lowest mean: elm if what has no grade is harmless, fir if harmful.",
        "Candidates shown to keep both limits, whatever is missing: fir.",
        "\noak or elm: which does less harm depends on how likelihood falls with cost.",
        "\nfir does no more harm than oak, however likelihood falls with cost.",
        "fir is graded Very Good, P(grade) = 0.87, not certain: Good or Very Good.",
        "\nDecision: replace oak by fir.\n",
    ],
    "prompt_selection.py": [
        "Simulated losses of 30 prompts",
        "9640 answers become 964 units",
        "every one of them keeps CVaR(0.9) at most 0.6 (holm over 30 candidates",
        "Its own tail: CVaR(0.9) 0.58, certified: False",
        "keeps CVaR(0.9) of failures at most 0.6 and Mean of failures at most 0.2 and Mean of length at most",
        "Mean of the difference is at most -0.0",
        "Saved in prompts.png",
    ],
    "second_opinion.py": [
        "Predictive multiplicity of 171 rows: exact",
        ">= 0.1                   15.2 % (26 rows)",
        "68,0.665,0.023,0.985",
        "Decided alike by all models near the best: 2 errors in 162",
        "For a second opinion: 4 errors in 9",
        "Coefficients whose sign hangs on the model: 16 of 30",
    ],
    "treatment_effect_under_shift.py": [
        "Mean effect of the training: 1.57 thousand dollars a year",
        "sampling error alone, 95 %        0.20 to 3.00",
        "model risk alone, radius 0.1      1.37 to 1.77",
        "follows up to a total radius of 1.56925",
        "men with a degree and without   are 4.59 apart: it follows up to 0.34 of that",
        "while each arm moves by less than 785 dollars a man",
        "dependence alone                 0.0 % to 68.5 %",
        "radius 0    train all 6.32, train without one 5.54, train with a degree 5.52, train none 4.73",
        "radius 0.2  train all 6.12, train without one 4.64, train none 4.53, train with a degree 4.36",
    ],
}
ARGUMENTS = {
    "merge_tails.py": ["100000"],
    "batch_scoring.py": ["3000"],
    "breast_cancer_card.py": ["cards"],
    "evaluation_log_to_decision.py": ["logs"],
    "prompt_selection.py": ["prompts.png"],
    "second_opinion.py": ["open.csv"],
    "treatment_effect_under_shift.py": ["simulated", "shift.png"],
}
FILES = {
    "breast_cancer_card.py": {f"cards/card.{end}" for end in ("html", "json", "png", "proof.npz")},
    "evaluation_log_to_decision.py": {f"logs/{model}.eval" for model in ("elm", "fir", "oak")},
    "prompt_selection.py": {"prompts.png"},
    "second_opinion.py": {"open.csv"},
    "treatment_effect_under_shift.py": {"shift.png"},
}


def run(script: Path, folder: Path) -> str:
    """What a script prints; no warning and nothing on stderr is allowed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    command = [sys.executable, "-W", "error", str(script), *ARGUMENTS.get(script.name, [])]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_every_example_is_known_here():
    assert {path.name for path in EXAMPLES} == set(EXPECTED)


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_example(script, tmp_path):
    shown = run(script, tmp_path)
    assert [words for words in EXPECTED[script.name] if words not in shown] == []
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert written == FILES.get(script.name, set())
