"""Rows and numeric targets of the robust estimators at the gate."""

from __future__ import annotations

from typing import Any

import numpy as np

from riskstats._validation import Floats, finite_vector
from riskstats.exceptions import InvalidInput

__all__ = ["finite_rows", "number_target"]


def finite_rows(X: Floats) -> Floats:
    """(n, d) numbers without NaN or infinite values."""
    bad = ~np.isfinite(X)
    if bad.any():
        row, column = (int(place) for place in np.argwhere(bad)[0])
        raise InvalidInput(
            f"`X` has {int(bad.sum())} non-finite values (NaN or inf), first at row {row}, column {column}. "
            "Impute or drop them."
        )
    return X


def number_target(y: Any) -> Floats:
    """(n,) finite numbers; (n, 1) is accepted with scikit-learn's `DataConversionWarning`."""
    from sklearn.utils import column_or_1d

    if y is None:
        raise InvalidInput("this estimator requires y to be passed, but the target y is None.")
    try:
        values = column_or_1d(y, warn=True)
    except ValueError as error:
        raise InvalidInput(f"`y` must be one number per row; {error}") from error
    return finite_vector(values, "y")
