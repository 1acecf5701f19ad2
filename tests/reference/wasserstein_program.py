"""The exact linear programs of worst cases on finite supports, written out in full.

One ball: a plan from atoms to points. Two balls: a joint law gamma of the two targets, and a plan from each
reference to its marginal. No column is left out and nothing is generated.
"""

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import block_diag, csr_array, eye_array, hstack, kron, vstack


def one_ball(points, weights, support, values, budget, order, norm=2):
    """sup sum values dnu over nu within the budget of a reference; None where the set is empty."""
    cost = costs(points, support, norm) ** order
    n, s = cost.shape
    answer = linprog(
        -np.tile(values, n),
        A_ub=cost.reshape(1, -1),
        b_ub=[budget],
        A_eq=kron(eye_array(n), np.ones((1, s))),
        b_eq=weights,
        method="highs",
    )
    return None if answer.status == 2 else -answer.fun


def two_balls(points, weights, supports, table, budgets, order, norm=2):
    """sup sum table dgamma over joint laws whose marginals are within the budgets; None where there is none.

    points, weights, supports : pairs. table : (S1, S2) values.
    """
    plans = [costs(p, s, norm) ** order for p, s in zip(points, supports, strict=True)]
    s1, s2 = table.shape
    rows, transport = [], []
    for plan, weight in zip(plans, weights, strict=True):
        n, s = plan.shape
        rows.append((kron(eye_array(n), np.ones((1, s))), kron(np.ones((1, n)), eye_array(s)), weight))
        transport.append(plan.reshape(1, -1))
    gamma = [kron(eye_array(s1), np.ones((1, s2))), kron(np.ones((1, s1)), eye_array(s2))]
    sizes = [plan.size for plan in plans]
    marginals = [
        hstack([gamma[0], -rows[0][1], csr_array((s1, sizes[1]))]),
        hstack([gamma[1], csr_array((s2, sizes[0])), -rows[1][1]]),
    ]
    sources = [
        hstack([csr_array((len(weights[0]), s1 * s2)), rows[0][0], csr_array((len(weights[0]), sizes[1]))]),
        hstack([csr_array((len(weights[1]), s1 * s2 + sizes[0])), rows[1][0]]),
    ]
    budget = hstack([csr_array((2, s1 * s2)), block_diag(transport)])
    answer = linprog(
        -np.append(table.ravel(), np.zeros(sum(sizes))),
        A_ub=budget,
        b_ub=budgets,
        A_eq=vstack([*marginals, *sources]),
        b_eq=np.concatenate([np.zeros(s1 + s2), *weights]),
        method="highs",
    )
    return None if answer.status == 2 else -answer.fun


def costs(points, support, norm):
    """(n, S) distances."""
    return np.linalg.norm(points[:, None] - support[None], ord=norm, axis=-1)
