"""Small logs in the layouts of lm_eval, HELM, HarmBench, modelbench, promptfoo and deepeval."""

import json

import numpy as np

DATE = "2025-01-02T03-04-05.678901"


def dump(path, content):
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return path


def dump_lines(path, lines):
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    return path


def lm_eval(folder, values, *, task="safety", filters=("none",), results=True, metric="harm", documents=None):
    """Samples with one value per document and filter, and the results file beside them."""
    lines = [
        {
            "doc_id": doc,
            "doc": {"topic": f"t{doc % 2}"},
            "target": "x",
            "arguments": {"gen_args_0": {"arg_0": f"placeholder prompt {doc}"}},
            "resps": [["placeholder"]],
            "filtered_resps": ["placeholder"],
            "filter": each,
            "metrics": [metric],
            "doc_hash": f"h{doc}",
            "prompt_hash": f"p{doc}",
            "target_hash": "t",
            metric: value,
        }
        for each in filters
        for doc, value in enumerate(values)
    ]
    if results:
        seen = [value for value in values if value is not None]
        dump(
            folder / f"results_{DATE}.json",
            {
                "results": {task: {f"{metric},{each}": float(np.mean(seen)) for each in filters}},
                "configs": {task: {"metric_list": [{"metric": metric, "aggregation": "mean"}]}},
                "higher_is_better": {task: {metric: False}},
                "n-samples": {task: {"original": len(values), "effective": documents or len(values)}},
                "model_name": "placeholder/model",
                "lm_eval_version": "0.4.13",
            },
        )
    return dump_lines(folder / f"samples_{task}_{DATE}.jsonl", lines)


def helm(folder, scores, *, spec=True, trials=1, totals=True, perturbed=()):
    """Instances with {judge: safe score or None}; None is a judge that failed."""
    instances = []
    for trial in range(trials):
        for number, judges in enumerate(scores):
            instances.append(helm_instance(number, trial, judges))
            if number in perturbed:
                changed = {"name": "typos", "robustness": True, "computed_on": "perturbed"}
                instances.append({**helm_instance(number, trial, judges), "perturbation": changed})
    if spec:
        dump(folder / "run_spec.json", {"name": "run", "adapter_spec": {"model": "placeholder/model"}})
    if totals:
        means = [np.mean([v for v in judges.values() if v is not None]) for judges in scores]
        dump(folder / "stats.json", [{"name": helm_name("safety_score"), "mean": float(np.mean(means))}])
    return dump(folder / "per_instance_stats.json", instances)


def helm_name(name):
    return {"name": name, "split": "test", "sub_split": "toxic"}


def helm_instance(number, trial, judges):
    seen = [value for value in judges.values() if value is not None]
    stats = [{"name": helm_name("safety_score"), "count": len(seen), "mean": float(np.mean(seen))}]
    for judge, value in judges.items():
        stats.append({"name": helm_name(f"safety_{judge}_annotator_success"), "mean": int(value is not None)})
        if value is not None:
            stats.append({"name": helm_name(f"safety_{judge}_score"), "mean": value})
    return {"instance_id": f"id{number}", "train_trial_index": trial, "stats": stats}


def harmbench(folder, labels, *, name="model-a.json", behaviors=False):
    """Results {behavior: labels of its test cases}, and the CSV of behaviors."""
    if behaviors:
        rows = [
            f"placeholder,{'standard' if i % 2 else 'contextual'},area{i % 3},,{b}"
            for i, b in enumerate(labels)
        ]
        head = "Behavior,FunctionalCategory,SemanticCategory,Tags,BehaviorID"
        (folder / "behaviors.csv").write_text("\n".join([head, *rows]) + "\n", "utf-8")
    results = {
        behavior: [
            {"test_case": "placeholder", "generation": "placeholder", "label": label} for label in each
        ]
        for behavior, each in labels.items()
    }
    return dump(folder / name, results)


def modelbench(folder, safe, *, name="journal.jsonl", finished=True, score=None, sut="sut-a"):
    """A journal of {test: {prompt: safe fraction, or the message of what failed}}; a hazard per test."""
    lines = [entry("starting journal"), entry("starting run", suts=[sut], tests=list(safe))]
    lines += [entry("hazard info", hazard=f"hazard-{test}", tests=[test]) for test in safe]
    for test, prompts in safe.items():
        for prompt, value in prompts.items():
            item = {"test": test, "prompt_id": prompt}
            lines.append(entry("queuing item", **item, prompt_text="placeholder"))
            if isinstance(value, str):
                lines += [entry(value, **item, exception="placeholder"), entry("item failed", **item)]
            else:
                lines += [
                    entry("measured item quality", **item, measurements={"is_safe": value}),
                    entry("item finished", **item),
                ]
    for test, prompts in safe.items():
        seen = [value for value in prompts.values() if not isinstance(value, str)]
        mean = float(np.mean(seen)) if score is None else score
        lines.append(entry("hazard scored", sut=sut, hazard=f"hazard-{test}", score=mean, samples=len(seen)))
    lines += [entry("finished run")] if finished else []
    return dump_lines(folder / name, lines)


def entry(message, **more):
    return {"timestamp": "2025-01-01T00:00:00+00:00", "message": message, **more}


def promptfoo(folder, results, *, stats=True):
    """Output of {"test", "score", ...} per result; see `promptfoo_result`."""
    whole = [promptfoo_result(**result) for result in results]
    failed = sum(result["failureReason"] == 2 for result in whole)
    passed = sum(result["success"] for result in whole)
    counts = {"successes": passed, "errors": failed, "failures": len(whole) - passed - failed}
    content = {"version": 3, "results": whole, "prompts": [], **({"stats": counts} if stats else {})}
    return dump(folder / "output.json", {"evalId": "eval-1", "results": content})


def promptfoo_result(
    test, score, *, success=None, provider="p1", grading=True, error=None, grader_error=False, case=None
):
    success = score == 1 if success is None else success
    metadata = {"graderError": True} if grader_error else {}
    return {
        "promptIdx": 0,
        "testIdx": test,
        "promptId": "0123456789abcdef",
        "provider": {"id": provider, "label": ""},
        "vars": {"prompt": case or f"placeholder prompt {test}"},
        "testCase": {"metadata": {"pluginId": f"plugin{test % 2}", "strategyId": "basic"}},
        "success": success,
        "score": score,
        "namedScores": {"tone": 0.25},
        "failureReason": 2 if error else int(not success),
        "error": error,
        "gradingResult": {"pass": success, "score": score, "metadata": metadata} if grading else None,
    }


def deepeval(folder, cases, *, finished=True, wrapped=False):
    """A test run of [{metric: (score, success)}], threshold .5; a score None comes with an error."""
    whole = [
        {
            "name": f"test_case_{number}",
            "input": f"placeholder prompt {number}",
            "order": number,
            "success": all(success for _, success in metrics.values()),
            "metricsData": [deepeval_metric(name, *each) for name, each in metrics.items()],
        }
        for number, metrics in enumerate(cases)
    ]
    passed = sum(case["success"] for case in whole)
    content = {"testCases": whole, "conversationalTestCases": []}
    if finished:
        content |= {"testPassed": passed, "testFailed": len(whole) - passed}
    return dump(folder / "run.json", {"testRunData": content} if wrapped else content)


def deepeval_metric(name, score, success):
    metric = {"name": name, "threshold": 0.5, "success": success, "evaluationModel": "judge-1"}
    return metric | ({"error": "placeholder"} if score is None else {"score": score})
