import mpmath
import numpy as np
import pytest

from riskstats.levelset import LogisticLoss, SquaredLoss

MARGINS = np.array([-40.0, -3.0, -0.2, 0.0, 0.7, 5.0, 60.0])
TARGET = np.array([1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0])


def exact(loss, order):
    """A derivative of the loss at the margins, in 40 digits."""
    with mpmath.workdps(40):
        values = []
        for m, y in zip(MARGINS, TARGET, strict=True):

            def f(z, y=y):
                return (z - y) ** 2 / 2 if isinstance(loss, SquaredLoss) else mpmath.log1p(mpmath.exp(-y * z))

            values.append(float(mpmath.diff(f, mpmath.mpf(m), order)))
        return np.array(values)


@pytest.mark.parametrize("loss", [LogisticLoss(), SquaredLoss()], ids=lambda loss: loss.name)
def test_derivatives(loss):
    answers = [*loss.terms(MARGINS, TARGET), *loss.bends(MARGINS, TARGET)]
    for order, answer in enumerate(answers):
        np.testing.assert_allclose(answer, exact(loss, order), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("loss", [LogisticLoss(), SquaredLoss()], ids=lambda loss: loss.name)
def test_tangent(loss):
    value, slope, intercept, size = loss.tangent(MARGINS, TARGET)
    np.testing.assert_allclose(value, exact(loss, 0), rtol=1e-14)
    np.testing.assert_allclose(slope, exact(loss, 1), rtol=1e-14)
    np.testing.assert_allclose(intercept, exact(loss, 0) - MARGINS * exact(loss, 1), rtol=1e-11, atol=1e-12)
    assert (size >= np.abs(intercept)).all()


@pytest.mark.parametrize("loss", [LogisticLoss(), SquaredLoss()], ids=lambda loss: loss.name)
def test_constants(loss):
    z = np.linspace(-50, 50, 2001)
    for y in (-1.0, 1.0):
        target = np.full_like(z, y)
        curvature = loss.terms(z, target)[2]
        assert curvature.max() <= loss.largest_curvature
        assert (np.abs(loss.bends(z, target)[0]) <= loss.self_concordance * curvature + 1e-300).all()
