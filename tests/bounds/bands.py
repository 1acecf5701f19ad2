"""What the tests of bands share: the golden records, every band, and samples at the edge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from riskstats.bounds.band import Band
from riskstats.bounds.berk_jones import BerkJones
from riskstats.bounds.dkw import DKW
from riskstats.bounds.kolmogorov_smirnov import KolmogorovSmirnov
from riskstats.bounds.order_statistics import OrderStatisticBand
from riskstats.bounds.sample import Sample

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "control.json").read_text(encoding="utf-8"))
UNIT = (0.0, 1.0)
BANDS: list[Band] = [
    DKW(),
    KolmogorovSmirnov(),
    BerkJones(),
    BerkJones((0.9, 1.0)),
    BerkJones((0.5, 0.9)),
    OrderStatisticBand(0.9),
]
EXTREME = {
    "zeros": np.zeros(30),
    "ones": np.ones(30),
    "one atom": np.full(30, 0.3),
    "denormals": np.arange(30) * 5e-324,
    "almost one": np.full(30, np.nextafter(1.0, 0.0)),
    "zeros and ones": np.arange(30) % 2 * 1.0,
    "one unit": np.array([0.4]),
    "two units": np.array([0.0, 1.0]),
}


def golden(quantity: str, **wanted: Any) -> list[dict[str, Any]]:
    return [
        record
        for record in GOLDEN["values"]
        if record["quantity"] == quantity and all(record.get(key) == value for key, value in wanted.items())
    ]


def golden_sample(n: int) -> np.ndarray:
    return ((np.arange(1, n + 1) * 0.6180339887) % 1.0) ** 2


def one(x: np.ndarray, support: tuple[float, float] = UNIT) -> Sample:
    return Sample(np.asarray(x, dtype=np.float64)[np.newaxis], support)


def golden_band(record: dict[str, Any]) -> Band:
    kinds = {"dkw": DKW(), "kolmogorov_smirnov": KolmogorovSmirnov()}
    return kinds.get(record["method"]) or BerkJones(tuple(record.get("levels", UNIT)))
