import ast
import importlib
import inspect
import subprocess
import sys

import pytest

import riskstats
import riskstats.scores

HEAVY = {
    "cvxpy",
    "jax",
    "jaxlib",
    "matplotlib",
    "narwhals",
    "numpy",
    "pandas",
    "pyarrow",
    "pyscipopt",
    "rich",
    "scipy",
    "sklearn",
}

PUBLIC = {
    "riskstats": {
        "Binning", "Certificate", "CertificateError", "Distribution", "IncompatibleBound", "Infeasible",
        "InvalidInput", "InvalidInputType", "NotConverged", "Result", "RiskScoreClassifier", "ScoreCard",
        "Solution", "Status", "StoppedEarly", "Unavailable", "Verification", "verify_certificate",
        "datasets", "distribution", "exceptions", "losses", "results", "scores",
    },
    "riskstats.scores": {
        "Binning", "Certificate", "IntegerScoreProblem", "RiskScoreClassifier", "ScoreCard", "SolveOptions",
        "Verification", "verify_certificate", "beam", "bnb", "scip",
    },
}  # fmt: skip


def loaded_after(code: str) -> set[str]:
    """The top-level modules in memory after `code` in a new interpreter."""
    script = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "code", ["import riskstats", "import riskstats, riskstats.scores; dir(riskstats); dir(riskstats.scores)"]
)
def test_importing_the_package_loads_nothing_heavy(code):
    assert not HEAVY & loaded_after(code)


def test_a_distribution_needs_numpy_alone():
    loaded = loaded_after("import riskstats; riskstats.Distribution([1.0, 2.0])")
    assert "numpy" in loaded
    assert not (HEAVY - {"numpy"}) & loaded


@pytest.mark.parametrize("package", PUBLIC)
def test_the_public_surface_is_frozen(package):
    module = importlib.import_module(package)
    assert set(module.__all__) == PUBLIC[package]
    assert set(dir(module)) >= PUBLIC[package]


@pytest.mark.parametrize(
    ("package", "name"), [(package, name) for package in PUBLIC for name in sorted(PUBLIC[package])]
)
def test_every_public_name_loads(package, name):
    value = getattr(importlib.import_module(package), name)
    assert inspect.ismodule(value) or value.__name__ == name


@pytest.mark.parametrize("package", PUBLIC)
def test_type_checkers_see_the_same_names(package):
    module = importlib.import_module(package)
    tree = ast.parse(inspect.getsource(module))
    seen = {
        alias.asname: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen == module._NAMES


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="module 'riskstats' has no attribute 'nonsense'"):
        _ = riskstats.nonsense


def test_the_version_is_the_installed_one():
    metadata = importlib.import_module("importlib.metadata")
    try:
        installed = metadata.version("riskstats")
    except metadata.PackageNotFoundError:
        pytest.skip("riskstats is not installed")
    assert installed == riskstats.__version__
