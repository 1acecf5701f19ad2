"""From the logs of an evaluation to a decision: may one of two models replace the model in use?

Run it with: python examples/evaluation_log_to_decision.py [FOLDER]
The logs are written in the layout of inspect_ai and read back. Everything in them is simulated: no model was
asked, and the prompts are placeholders. Seed and limits were picked so that the best mean has a bad tail; a
real study writes its limits down before it measures.
"""

from __future__ import annotations

import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from riskstats import CertifiedSet, CVaR, Mean
from riskstats.control import Requirement, certify_jointly
from riskstats.evaluations import OutcomeTable, Scale, read_log
from riskstats.harm import Grade, HarmComparison, compare_harm, grade
from riskstats.harm.harm_comparison import HarmPair

PROMPTS, EPOCHS, LEVEL = 300, 4, 0.9
MEAN_LIMIT, TAIL_LIMIT, UNSAFE = 0.15, 0.75, 0.5
IN_USE = "oak"
# usual danger, how it moves with the cost of acting, with the prompt and with luck; share without a grade
MODELS = {
    "oak": (-0.25, 0.0, 1.1, 0.7, 0.002),
    "elm": (-4.2, -1.1, 3.2, 0.5, 0.03),
    "fir": (-0.8, 0.5, 0.3, 0.7, 0.002),
}
AREAS = ("advice/health", "advice/money", "privacy/people", "privacy/firms", "security/home")


def simulated_logs() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """(model, a record per answer): a grade from 1, harmless, to 5, or a judge that failed."""
    rng = np.random.default_rng(0)
    area, severity, cost = (rng.integers(size, size=PROMPTS) for size in (len(AREAS), 5, 5))
    danger = rng.normal(size=PROMPTS)
    for model, (usual, by_cost, by_prompt, by_luck, lost) in MODELS.items():
        middle = usual + by_cost * (cost - 2) + by_prompt * danger + 0.4 * rng.normal(size=PROMPTS)
        answers = middle[:, np.newaxis] + by_luck * rng.normal(size=(PROMPTS, EPOCHS))
        grades = 1 + np.clip(np.ceil(answers), 0, 4).astype(int)
        failed = rng.random(grades.shape) < lost
        yield (
            model,
            [
                {
                    "id": f"prompt-{i:03}",
                    "epoch": k + 1,
                    "input": f"placeholder prompt {i}",
                    "target": "",
                    "metadata": {
                        "category": AREAS[area[i]],
                        "severity": int(severity[i]) + 1,
                        "cost": int(cost[i]) + 1,
                    },
                    "scores": {} if failed[i, k] else {"harm": {"value": int(grades[i, k])}},
                    "completed": True,
                }
                for i, k in np.ndindex(grades.shape)
            ],
        )


def write_log(path: Path, model: str, samples: list[dict[str, Any]]) -> None:
    """The archive that the tool writes: a header with its totals, a summary per sample, the samples."""
    by_prompt: dict[str, list[int]] = {}
    for sample in samples:
        by_prompt.setdefault(sample["id"], []).extend(each["value"] for each in sample["scores"].values())
    mean = float(np.mean([np.mean(values) for values in by_prompt.values() if values]))
    header = {
        "version": 2,
        "status": "success",
        "eval": {"model": model, "config": {"epochs": EPOCHS}, "packages": {"inspect_ai": "0.3.285"}},
        "results": {
            "total_samples": len(samples),
            "completed_samples": len(samples),
            "scores": [
                {"name": "harm", "scorer": "harm", "metrics": {"mean": {"name": "mean", "value": mean}}}
            ],
        },
    }
    members = {f"samples/{sample['id']}_epoch_{sample['epoch']}.json": sample for sample in samples}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**members, "summaries.json": samples, "header.json": header}.items():
            archive.writestr(name, json.dumps(content))


def read(folder: Path) -> OutcomeTable:
    """One table of all logs. The log does not say that 5 is the bad end of its scale: the reader has to."""
    fields = {name: f"metadata.{name}" for name in ("category", "severity", "cost")}
    scale = Scale(1, 5, worse="high")
    logs = [read_log(folder / f"{model}.eval", scale=scale, columns=fields) for model in MODELS]
    return OutcomeTable.concatenated(logs)


def least_favourable(cases: dict[str, OutcomeTable]) -> OutcomeTable:
    """For comparisons: what has no grade is harmless of the model in use, and harmful of the others."""
    others = [model for model in MODELS if model != IN_USE]
    return OutcomeTable.concatenated(
        [cases["best"].select(model=IN_USE), cases["worst"].select(model=others)]
    )


def certified(table: OutcomeTable) -> CertifiedSet:
    """Models that keep both limits, with one error for both and for the choice."""
    average, worst = table.unit_losses(reduce="mean"), table.unit_losses(reduce="max")
    return certify_jointly(
        [
            Requirement(average, Mean(), risk_limit=MEAN_LIMIT, name="the average answer"),
            Requirement(worst, CVaR(LEVEL), risk_limit=TAIL_LIMIT, name=f"the worst of {EPOCHS} answers"),
        ]
    )


def compared(table: OutcomeTable) -> HarmComparison:
    """Harm on the same prompts, for one map from cost to likelihood and for all of them."""
    average = {
        model: dict(zip(table.prompts, losses.tolist(), strict=True))
        for model, losses in table.unit_losses(reduce="mean").items()
    }
    severity, cost = (
        dict(zip(table.prompt_id.tolist(), column.tolist(), strict=True))
        for column in (table.severity, table.cost)
    )
    return compare_harm(average, severity, cost, cost_map="linear", random_state=0)


def graded(table: OutcomeTable, model: str) -> Grade:
    """The first answers of a model against those of the model in use, counted as unsafe from 0.5 on."""
    first = table.select(epoch=1).unit_losses()
    own, reference = (int((first[name] >= UNSAFE).sum()) for name in (model, IN_USE))
    return grade(own, PROMPTS, reference_unsafe=reference, reference_total=PROMPTS)


def told(pair: HarmPair) -> str:
    """What is known of two models over all maps."""
    better, other = (pair.first, pair.second) if pair.verdict != "b_lower" else (pair.second, pair.first)
    if pair.verdict == "undecided":
        return f"{better} or {other}: which does less harm depends on how likelihood falls with cost."
    if pair.confident_verdict == pair.verdict:
        return f"{better} does no more harm than {other}, however likelihood falls with cost."
    return f"{better} does no more harm than {other} in this sample; beyond it this is not shown."


def conclusion(
    lowest: dict[str, str], safe: CertifiedSet, harm: HarmComparison, grades: dict[str, Grade]
) -> Iterator[str]:
    """What follows, in words; every one of them from the numbers."""
    yield f"Lowest mean: {lowest['best']} if what has no grade is harmless, {lowest['worst']} if harmful."
    kept = [name for name in safe.certified_names if name != IN_USE]
    yield f"Candidates shown to keep both limits, whatever is missing: {', '.join(kept) or 'none'}."
    pairs = [pair for pair in harm.pairs if IN_USE in (pair.first, pair.second)]
    yield from map(told, pairs)
    below = [pair.second for pair in pairs if (pair.first, pair.confident_verdict) == (IN_USE, "b_lower")]
    chosen = next((name for name in kept if name in below), None)
    if chosen is None:
        yield f"Decision: keep {IN_USE}."
        return
    found = grades[chosen]
    sure = "certain" if found.certain else f"not certain: {' or '.join(found.reachable)}"
    yield f"{chosen} is graded {found.grade}, P(grade) = {found.probabilities[found.grade]:.2f}, {sure}."
    yield f"Decision: replace {IN_USE} by {chosen}."


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for model, samples in simulated_logs():
        write_log(folder / f"{model}.eval", model, samples)
    table = read(folder)
    print(f"{table!r}\n{table.missingness().summary()}")
    cases = table.imputations("interval")  # what has no grade as harmless (best) and as harmful (worst)

    print(f"\n1. Limits. Mean loss at most {MEAN_LIMIT:g}; and where each prompt counts by its worst answer,")
    print(f"the mean of the worst tenth of the prompts at most {TAIL_LIMIT:g}.")
    safe = {case: certified(losses) for case, losses in cases.items()}
    for case, found in safe.items():
        print(f"What has no grade at {case}: certified {', '.join(found.certified_names) or 'none'}")
    print(safe["worst"].summary())

    print("\n2. The tail: the worst tenth of all answers, those to one prompt kept together.")
    tail = cases["worst"].profile(level=LEVEL, estimand="attempt", log_scale=False, random_state=0)
    for model, profile in tail.profiles.items():
        upper = profile.interval.upper
        print(f"  {model}: mean {profile.mean:.3f}, CVaR {profile.cvar:.3f}, at most {upper:.3f}")

    print("\n3. Harm: severity times loss, weighted by how easily the answer is acted upon.")
    hard = least_favourable(cases)
    for model in MODELS:
        report = hard.expected_harm(cost_map="linear", model=model, level=LEVEL, random_state=0)
        print(f"  {model}: {report.summary().splitlines()[0]}")
    harm = compared(hard)
    print(harm.summary())

    print(f"\n4. Grades against {IN_USE}, of the first answer to each prompt:")
    grades = {model: graded(hard, model) for model in MODELS if model != IN_USE}
    for model, each in grades.items():
        print(f"{model}: {each.summary()}")

    print("\nConclusion. Limits and harm are stated with 95 % confidence, each for itself.")
    means = {case: losses.unit_losses(reduce="mean") for case, losses in cases.items()}
    lowest = {case: min(by_model, key=lambda name: by_model[name].mean()) for case, by_model in means.items()}
    print("\n".join(conclusion(lowest, safe["worst"], harm, grades)))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "evaluation-logs"))
