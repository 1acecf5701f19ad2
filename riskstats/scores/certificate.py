"""What is proven about a card, in numbers that travel with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from riskstats.exceptions import CertificateError
from riskstats.results import Result, Status, relative_gap
from riskstats.scores.wording import gap_percent

__all__ = ["Certificate"]

_KINDS = ("proof", "solver bound", "none")


@dataclass(frozen=True)
class Certificate(Result):
    """Objective of a card and a lower bound on the objective of every card of its problem.

    Attributes
    ----------
    objective : loss + penalty x number of features, in nats per unit of weight.
    loss : mean logistic loss of the card, in nats.
    lower_bound : no card of the problem has a smaller objective; `-inf` where nothing is known.
    status : how the search ended.
    kind : "proof", re-checkable with `verify_certificate`; "solver bound", the word of a solver in floating
        point; "none", a heuristic.
    engine : "bnb", "scip" or "beam".
    nodes, seconds, compile_seconds : size and time of the search; compilation is part of `seconds`.
    tolerance : an optimal card's bound is within this of its objective.
    problem : the box, the limit on features, the penalty and the range of multipliers the bound is about.
    data_hash : SHA-256 of the compressed training data (`scores.compression.data_hash`).
    proof_hash : SHA-256 of the proof (`Proof.digest`), None without one.
    """

    objective: float
    loss: float
    lower_bound: float
    status: Status
    kind: str
    engine: str
    nodes: int
    seconds: float
    compile_seconds: float
    tolerance: float
    problem: dict[str, Any] = field(default_factory=dict)
    data_hash: str = ""
    proof_hash: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", Status(self.status))
        if self.kind not in _KINDS:
            raise CertificateError(f"a certificate's kind is one of {', '.join(_KINDS)}; got {self.kind!r}.")

    @property
    def gap(self) -> float:
        """Relative gap (objective - lower_bound) / objective; 0 for an optimal card, `inf` without a
        bound."""
        return 0.0 if self.optimal else relative_gap(self.objective, self.lower_bound)

    @property
    def optimal(self) -> bool:
        """Whether the bound meets the objective within the tolerance."""
        return self.status is Status.OPTIMAL

    def summary(self) -> str:
        """Say in a few lines what is known, over which multipliers, and how it was found."""
        known = self.kind != "none" and math.isfinite(self.lower_bound)
        bound = f"{self.lower_bound:.6f}" if known else "none"
        lines = [
            f"objective {self.objective:.6f} (loss {self.loss:.6f}), lower bound {bound}, {self._verdict()}",
            f"{self._scope()}; engine {self.engine}, {self.nodes} nodes, {self.seconds:.1f} s"
            + (f" (compiling {self.compile_seconds:.1f} s)" if self.compile_seconds >= 0.05 else ""),
        ]
        return "\n".join(lines)

    def _verdict(self) -> str:
        if self.optimal:
            return "gap 0 %: " + (
                "proven optimal" if self.kind == "proof" else "optimal by the solver's bound"
            )
        if self.kind == "none" or not math.isfinite(self.lower_bound):
            return "no gap: found by a heuristic"
        return f"gap {gap_percent(self.gap)} ({'proven' if self.kind == 'proof' else 'by the solver'})"

    def _scope(self) -> str:
        first, last = self.problem.get("multiplier_range", (math.nan, math.nan))
        multipliers = (
            f"multiplier {first:g}" if first == last else f"every multiplier from {first:g} to {last:g}"
        )
        most = self.problem.get("max_features")
        return f"over all cards with at most {most} feature{'' if most == 1 else 's'}, {multipliers}"

    def to_dict(self) -> dict[str, Any]:
        """Every field by name, in plain Python types, and the gap."""
        return {**super().to_dict(), "gap": self.gap}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Certificate:
        """Restore what `to_dict` wrote. Raises `CertificateError` for missing or wrong fields."""
        names = {item.name for item in fields(cls)}
        if not isinstance(values, Mapping) or set(values) - {"gap"} != names:
            raise CertificateError(
                f"a certificate has the fields {', '.join(sorted(names))}; got {sorted(values)}."
            )
        try:
            return cls(**{name: values[name] for name in names})
        except (TypeError, ValueError) as error:
            raise CertificateError(f"the certificate cannot be read: {error}") from error
