"""Small reports in the layout of garak 0.17: setup, attempts, `eval` entries, completion."""

import gzip
import json

TARGET = "test.Blank"


def write(folder, verdicts, *, name="run.report.jsonl", finished=True, wrong=0, zstd=False, target=TARGET):
    """A report of {probe: {detector: [[verdict of each output] of each attempt]}}; `wrong` spoils a total."""
    kind, _, called = target.partition(".")
    lines = [
        {"entry_type": "start_run setup", "plugins.target_type": kind, "plugins.target_name": called},
        {"entry_type": "init", "garak_version": "0.17.1", "run": "r1"},
    ]
    for probe, detectors in verdicts.items():
        attempts = max(len(each) for each in detectors.values())
        for seq in range(attempts):
            own = {detector: each[seq] for detector, each in detectors.items() if seq < len(each)}
            lines += [attempt(probe, seq, {}, 1), attempt(probe, seq, own, 2)]
        for detector, each in detectors.items():
            lines.append({"entry_type": "eval", "probe": probe, "detector": detector, **totals(each, wrong)})
    if finished:
        lines.append({"entry_type": "completion", "run": "r1"})
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
    path = folder / name
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else zstandard(text) if zstd else text)
    return path


def attempt(probe, seq, results, status):
    """An entry of an attempt; before the detectors run its status is 1."""
    return {
        "entry_type": "attempt",
        "uuid": f"u-{probe}-{seq}",
        "seq": seq,
        "status": status,
        "probe_classname": probe,
        "outputs": [{"text": "placeholder"}],
        "detector_results": results,
        "goal": "placeholder goal",
        "intent": None,
    }


def totals(attempts, wrong):
    """What the tool writes of a probe and detector, with its threshold of 0.5."""
    flat = [verdict for verdicts in attempts for verdict in verdicts]
    seen = [verdict for verdict in flat if verdict is not None]
    return {
        "passed": sum(verdict < 0.5 for verdict in seen) + wrong,
        "fails": sum(verdict >= 0.5 for verdict in seen),
        "nones": len(flat) - len(seen),
        "total_evaluated": len(seen),
        "total_processed": len(flat),
    }


def zstandard(raw):
    """zstd."""
    from tests.evaluations.logs.inspect_ai import packed

    return packed(raw)
