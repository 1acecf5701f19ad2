"""Choose a prompt by its worst answers: 30 prompts, 964 tasks, 10 answers to each, certified after looking.

Run it with: python examples/prompt_selection.py [PICTURE]
The losses are simulated: no language model takes part. Some prompts are steady, others do well on average and
fail on the hard tasks. Seed and limits were picked so that mean and tail disagree; a real study writes its
limits down before it measures.
"""

from __future__ import annotations

import sys

import numpy as np

from riskstats import CVaR, Mean, certify, lower_bound, upper_bound
from riskstats.bounds import unit_losses
from riskstats.control import Requirement, certify_jointly, difference_bound

PROMPTS, TASKS, ANSWERS = 30, 964, 10
NAMES = [f"prompt {j}" for j in range(PROMPTS)]


def simulated() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whether each answer failed (prompts, answers), its length in thousand tokens, its task (answers,)."""
    rng = np.random.default_rng(0)
    difficulty = rng.normal(size=TASKS) + rng.normal(0, 0.4, (PROMPTS, TASKS))
    temper = rng.uniform(0.5, 2.2, (PROMPTS, 1))
    level = rng.normal(-1.1 - 0.7 * temper, 0.35)
    chance = 1 / (1 + np.exp(-level - temper * difficulty))
    failed = rng.random((PROMPTS, TASKS, ANSWERS)) < chance[:, :, np.newaxis]
    length = rng.gamma(4.0, rng.uniform(0.04, 0.12, (PROMPTS, 1, 1)), failed.shape)
    rows = PROMPTS, TASKS * ANSWERS
    return failed.reshape(rows), np.minimum(length, 2.0).reshape(rows), np.repeat(np.arange(TASKS), ANSWERS)


def compare(losses: np.ndarray) -> None:
    """Two prompts named before the measurement, then all against the prompt in use: `prompt 0`."""
    pair = difference_bound(losses[1], losses[0])
    print("Prompt 1 less prompt 0, task by task:", pair.summary().splitlines()[0])
    apart = upper_bound(losses[1], confidence_level=0.975).value
    apart -= lower_bound(losses[0], confidence_level=0.975).value
    print(f"Two separate bounds show only that it is at most {apart:.4f}.")
    better = certify(losses[1:] - losses[0], risk_limit=0.0, support=(-1.0, 1.0), names=NAMES[1:])
    print("Of the other 29, shown to fail less often:", ", ".join(better.certified_names) or "none")


def main(picture: str | None) -> None:
    failed, length, task = simulated()
    print("Simulated losses of 30 prompts. What was drawn at random is the task, not the answer:")
    tasks, losses = unit_losses(failed, task)
    print(f"{len(task)} answers become {len(tasks)} units, each the share of its answers that fail.\n")

    print("1. The tail: of the tenth of the tasks that come out worst, at most 60 % of the answers fail.")
    tail = certify(losses, CVaR(0.9), risk_limit=0.6, names=NAMES)
    print(tail.summary(), "\n")

    print("2. The mean: at most 20 % of all answers fail.")
    mean = certify(losses, risk_limit=0.2, names=NAMES)
    print(mean.summary())
    best = mean.selected
    print(f"Its own tail: {tail.measure} {tail.estimates[best]:.2f}, certified: {best in tail.certified}.\n")

    print("3. Both at once, and answers of at most 400 tokens on average. The limits share no error:")
    lengths = unit_losses(length, task)[1]
    wanted = [
        Requirement(losses, CVaR(0.9), risk_limit=0.6, name="failures"),
        Requirement(losses, Mean(), risk_limit=0.2, name="failures"),
        Requirement(lengths, Mean(), risk_limit=0.4, support=(0.0, 2.0), name="length"),
    ]
    joint = certify_jointly(wanted, names=NAMES)
    print(joint.summary(), "\n")

    print("4. Against the prompt in use, on the same tasks:")
    compare(losses)

    if picture is not None:
        tail.plot().savefig(picture)
        print("\nSaved in", picture)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
