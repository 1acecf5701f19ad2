"""Symmetric linear systems of the solvers: badly scaled, and singular to rounding at the end."""

from __future__ import annotations

import numpy as np

from riskstats._validation import Floats

__all__ = ["Factor"]


class Factor:
    """A Cholesky factor with columns scaled to unit diagonal, a ridge where singular to rounding, and one
    step of refinement."""

    def __init__(self, matrix: Floats) -> None:
        from scipy.linalg.lapack import dpotrf

        self.matrix = matrix
        diagonal = np.diag(matrix)
        floor = 1e-30 * float(diagonal.max(initial=0.0))
        self.scale = 1.0 / np.sqrt(np.where(diagonal > floor, diagonal, floor or 1.0))
        scaled = matrix * self.scale * self.scale[:, None]
        self.root, failed = dpotrf(scaled, lower=True)
        ridge = 1e-15
        while failed:
            if not ridge < 1e3:
                raise np.linalg.LinAlgError("the matrix is not finite or far from positive semidefinite")
            self.root, failed = dpotrf(scaled + ridge * np.eye(len(scaled)), lower=True)
            ridge *= 100.0

    def solve(self, right: Floats) -> Floats:
        """matrix^-1 right."""
        answer = self._once(right)
        refined = answer + self._once(right - self.matrix @ answer)
        return np.where(np.isfinite(refined), refined, answer)

    def _once(self, right: Floats) -> Floats:
        from scipy.linalg.lapack import dpotrs

        return np.asarray(self.scale * dpotrs(self.root, self.scale * right, lower=True)[0])
