"""Times `samples_df` of inspect_ai on a log and prints JSON. Runs in its own environment.

Called by `evaluations.py` as `python peer_inspect.py FILE REPEATS`. Needs inspect-ai, pandas and pyarrow.
Seconds are without imports and the first call.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from importlib import metadata


def main(path: str, repeats: int) -> int:
    """Print the median seconds; exit code 3 where the package cannot be imported."""
    try:
        from inspect_ai.analysis import samples_df
    except ImportError as error:
        print(error, file=sys.stderr)
        return 3
    samples = samples_df(path, quiet=True)
    wall, cpu = [], []
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        samples = samples_df(path, quiet=True)
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    answer = {
        "seconds": statistics.median(wall),
        "cpu": statistics.median(cpu),
        "rows": len(samples),
        "version": metadata.version("inspect-ai"),
    }
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
