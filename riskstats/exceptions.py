"""What can go wrong, by kind. Every message says what came, what was expected and what to do."""

__all__ = [
    "AssumptionWarning",
    "CertificateError",
    "IncompatibleBound",
    "Infeasible",
    "InvalidInput",
    "InvalidInputType",
    "NotConverged",
    "StoppedEarly",
    "Unavailable",
]


class InvalidInput(ValueError):
    """An argument, a table or a file cannot be used as it is."""


class InvalidInputType(InvalidInput, TypeError):
    """A value has a type that no column, target or option can hold."""


class CertificateError(InvalidInput):
    """A card or proof file is damaged, of a newer schema, or does not match the data."""


class IncompatibleBound(TypeError):
    """Two methods were combined that have no valid statement together; the message names both."""


class Infeasible(RuntimeError):
    """No answer satisfies every requirement; the message names those in conflict."""


class NotConverged(RuntimeError):
    """A computation stopped short of its stated accuracy."""


class Unavailable(ImportError):
    """An optional package is missing; the message names it and the extra that brings it."""


class StoppedEarly(UserWarning):
    """A search ended before its proof; the answer carries the gap that remains."""


class AssumptionWarning(UserWarning):
    """The data look as if an assumption of the method did not hold; the message names it and the remedy."""
