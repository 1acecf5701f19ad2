"""Small logs in the layout of inspect_ai 0.3: an archive of JSON members, or one JSON file."""

import json
import zipfile
import zlib

import numpy as np

VERSION = "0.3.285"


def scores_of(seed, prompts=6, epochs=2, keys=("bias", "toxicity")):
    """{(prompt, epoch): {key: score}} with three decimals."""
    rng = np.random.default_rng(seed)
    return {
        (f"q{p}", e + 1): {key: round(float(rng.random()), 3) for key in keys}
        for p in range(prompts)
        for e in range(epochs)
    }


def summaries(scores, *, failed=(), limited=(), metadata=None, scorer="harm"):
    """One summary per sample; the samples in `failed` ended by an error, those in `limited` at a limit."""
    found = []
    for number, ((prompt, epoch), value) in enumerate(scores.items()):
        sample = {
            "id": prompt,
            "epoch": epoch,
            "input": f"placeholder prompt {number}",
            "target": "x",
            "metadata": {"category": f"area{number % 3}/x", "severity": number % 5 + 1, **(metadata or {})},
            "scores": {scorer: {"value": value, "history": []}},
            "completed": True,
        }
        if (prompt, epoch) in failed:
            sample |= {"error": "ValueError('placeholder')", "scores": {}}
        if (prompt, epoch) in limited:
            sample["limit"] = "message"
        found.append(sample)
    return found


def header(samples, *, status="success", model="mockllm/model", scorer="harm"):
    """The header with the totals that the tool computes."""
    by_key = {}
    for sample in samples:
        value = sample["scores"].get(scorer, {}).get("value")
        for key, number in value.items() if isinstance(value, dict) else [(scorer, value)]:
            if isinstance(number, (int, float)):
                by_key.setdefault(key, {}).setdefault(sample["id"], []).append(number)
    totals = [
        {
            "name": key,
            "scorer": scorer,
            "scored_samples": len(ids),
            "metrics": {
                "mean": {"name": "mean", "value": float(np.mean([np.mean(v) for v in ids.values()]))}
            },
        }
        for key, ids in by_key.items()
    ]
    return {
        "version": 2,
        "status": status,
        "eval": {"model": model, "config": {"epochs": 2}, "packages": {"inspect_ai": VERSION}},
        "results": {
            "total_samples": len(samples),
            "completed_samples": sum("error" not in sample for sample in samples),
            "scores": totals,
        },
    }


def write(folder, samples, *, name="run.eval", whole=None, zstd=False, finished=True, **more):
    """An archive; `whole` are full metadata of samples whose summaries shorten them."""
    path = folder / name
    head = header(samples, **more)
    members = {"_journal/start.json": {"version": 2, "eval": head["eval"]}}
    for sample in samples:
        full = dict(sample, metadata={**sample["metadata"], **(whole or {})})
        members[f"samples/{sample['id']}_epoch_{sample['epoch']}.json"] = full
    half = len(samples) // 2
    members["_journal/summaries/1.json"], members["_journal/summaries/2.json"] = (
        samples[:half],
        samples[half:],
    )
    if finished:
        members |= {"summaries.json": samples, "header.json": head}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED if zstd else zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            raw = json.dumps(content, ensure_ascii=False).encode()
            archive.writestr(member, packed(raw) if zstd else raw)
            if zstd:
                info = archive.getinfo(member)
                info.compress_type, info.CRC, info.file_size = 93, zlib.crc32(raw), len(raw)
    return path


def write_json(folder, samples, **more):
    """The same log as one JSON file."""
    path = folder / "run.json"
    path.write_text(json.dumps({**header(samples, **more), "samples": samples}, ensure_ascii=False), "utf-8")
    return path


def packed(raw):
    """zstd."""
    import zstandard

    return zstandard.ZstdCompressor().compress(raw)
