"""Problems that several tests of the level set share."""

import json
from functools import cache
from pathlib import Path

import numpy as np

from riskstats.levelset import ConvexProblem, LevelSet
from riskstats.levelset.baseline import fit_baseline

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "multiplicity.json").read_text())


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@cache
def breast_cancer():
    """Standardised features (569, 30) and labels -1, +1."""
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), 2.0 * y - 1.0


@cache
def cosines():
    """Features (400, 6) and labels -1, +1 by the recipe in the golden file."""
    i, j = np.arange(1, 401)[:, None], np.arange(1, 7)
    X = np.sqrt(2) * np.cos(i * np.sqrt([2, 3, 5, 7, 11, 13]) + j)
    chance = sigmoid(X @ [1, -0.8, 0.6, -0.4, 0.2, 0] - 0.25)
    return X, np.where(np.modf(0.6180339887498949 * i[:, 0])[0] < chance, 1.0, -1.0)


def golden_problem(name):
    """(problem, golden values, features) of an entry of the golden file."""
    X, y = breast_cancer() if name == "breast_cancer" else cosines()
    penalty = 0.0 if name.endswith("logloss_only") else 1 / len(y)
    return ConvexProblem.of(X, y, penalty=penalty), GOLDEN[name], X


def logistic_sample(rng, n=60, d=4, strength=1.0):
    """Features and labels of both classes, with overlap."""
    X = rng.normal(size=(n, d))
    y = np.where(rng.logistic(size=n) < strength * X @ rng.normal(size=d), 1.0, -1.0)
    y[:2] = [1.0, -1.0]
    return X, y


def level_set(problem, epsilon=0.05, relative=True, device="numpy"):
    return LevelSet.near_optimal(problem, fit_baseline(problem), epsilon, relative=relative, device=device)


def both_ends(models, directions, **options):
    """Inner and outer ends (k, 2) of q'theta, least first."""
    k = len(directions)
    found = models.support(np.concatenate([-directions, directions]), **options)
    return (
        np.stack([-found.inner[:k], found.inner[k:]], axis=1),
        np.stack([-found.outer[:k], found.outer[k:]], axis=1),
    )
