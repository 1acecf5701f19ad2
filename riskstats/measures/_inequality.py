"""What measures of inequality ask of the losses."""

from __future__ import annotations

from riskstats.exceptions import InvalidInput

__all__ = ["refuse_negative"]


def refuse_negative(smallest: float, measure: object) -> None:
    """`InvalidInput` where a loss is, or may be, below 0."""
    if smallest < 0:
        raise InvalidInput(
            f"`{measure}` needs losses >= 0; got down to {smallest:g}. Inequality has no meaning for losses "
            "of both signs."
        )
