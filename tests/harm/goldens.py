"""Golden values of harm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "golden" / "tail.json").read_text(encoding="utf-8")
)
DOMINANCE: dict[str, Any] = GOLDEN["harm_dominance"][0]
