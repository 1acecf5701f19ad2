"""Columns of small outcome tables."""

import numpy as np


def rows(n):
    """n rows of one model."""
    losses = np.random.default_rng(n).random(n).round(3)
    return {"model": ["m1"] * n, "prompt_id": [f"q{i}" for i in range(n)], "loss": losses.tolist()}


def grid(*, models, prompts, dimensions, epochs=1, judges=1, missing=()):
    """A complete grid with losses strictly inside (0, 1); the rows of `missing` ended by an error."""
    shape = (models, prompts, dimensions, epochs, judges)
    at = np.stack(np.unravel_index(np.arange(np.prod(shape)), shape))
    losses = [float(x) for x in np.random.default_rng(sum(shape)).uniform(0.01, 0.99, at.shape[1])]
    columns = {
        "model": [f"m{i}" for i in at[0]],
        "prompt_id": [f"q{i}" for i in at[1]],
        "dimension": [f"d{i}" for i in at[2]],
        "epoch": [int(i) + 1 for i in at[3]],
        "judge": [f"j{i}" for i in at[4]],
        "loss": losses,
        "status": ["ok"] * at.shape[1],
    }
    for row in missing:
        columns["loss"][row], columns["status"][row] = None, "error"
    return columns
