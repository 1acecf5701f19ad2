"""Packaging of riskstats; the version is the one in `riskstats/__init__.py`."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
FRAMES = ["pandas", "pyarrow", "polars"]
LOGS = ["zstandard"]
VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "riskstats" / "__init__.py").read_text(), re.MULTILINE)

if VERSION is None:
    raise RuntimeError("riskstats/__init__.py has no line `__version__ = ...`.")

setup(
    name="riskstats",
    version=VERSION[1],
    description="Risk numbers with a proof: what it is, how sure, how bad if the world shifts, which model",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="The riskstats developers",
    license="BSD-3-Clause",
    license_files=["LICENSE"],
    packages=find_packages(include=["riskstats*"]),
    package_data={"riskstats": ["py.typed"]},
    python_requires=">=3.11",
    install_requires=[
        "numpy>=2.0",
        "scipy>=1.14",
        "scikit-learn>=1.7",
        "cvxpy>=1.6",
        "pyscipopt>=5.5",
        "jax>=0.8",
        "narwhals",
        "joblib",
        "threadpoolctl",
        "matplotlib",
        "rich",
    ],
    extras_require={
        "test": ["pytest", "hypothesis", "mpmath", "pytest-xdist", *LOGS, *FRAMES],
        "frames": FRAMES,
        "logs": LOGS,
        "sketch": ["datasketches"],
        "dev": ["ruff", "mypy", "build"],
        "cuda12": ["jax[cuda12]"],
        "cuda13": ["jax[cuda13]"],
    },
    entry_points={"console_scripts": ["riskstats = riskstats.cli:main"]},
    keywords=["risk score", "CVaR", "risk control", "distributional robustness", "predictive multiplicity"],
    classifiers=[
        "Development Status :: 3 - Alpha",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Topic :: Scientific/Engineering",
        "Typing :: Typed",
    ],
)
