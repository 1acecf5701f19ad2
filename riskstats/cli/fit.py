"""`riskstats fit`: learn a score card from a table and prove how good it is."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskstats.cli import _parser as kinds
from riskstats.cli._output import STDOUT, check_destination, write_text
from riskstats.cli._running import DONE, GATE_NOT_MET
from riskstats.cli._wording import in_options
from riskstats.exceptions import InvalidInput

if TYPE_CHECKING:
    from riskstats._validation import Table
    from riskstats.datasets import Dataset
    from riskstats.scores.estimator import RiskScoreClassifier
    from riskstats.scores.pool_result import CardPool
    from riskstats.scores.scorecard import ScoreCard

HELP = "learn a card from a table, with a proof"
DESCRIPTION = """\
Learn the integer risk score of least logistic loss from a table and prove how good it is.
Prints the card and its certificate; -o also saves the card, and the proof beside it;
with --pool, so are all cards that are nearly as good."""
EPILOG = """\
examples:
  riskstats fit data.csv --target y -o card.json
  riskstats fit data.csv --target died --positive yes --drop id --max-features 4 --sign age=+1 -o card.json
  riskstats fit data.csv --target y --special income=-9,-8 --unit age=years --required-gap 0.01 -o card.json
  riskstats fit data.csv --target y --pool 0.01 -o card.json

exit codes: 0 done, 1 failed, 2 bad usage or bad input, 3 gap above --required-gap (the card is written)"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    _data_arguments(parser)
    _card_arguments(parser)
    _binning_arguments(parser)
    _search_arguments(parser)
    _pool_arguments(parser)
    _output_arguments(parser)


def _data_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("data")
    group.add_argument(
        "data", metavar="data.csv", help="CSV, TSV or Parquet with a header; - is CSV on standard input"
    )
    group.add_argument(
        "--target", required=True, metavar="COLUMN", help="the outcome, a column of two values"
    )
    group.add_argument(
        "--positive", metavar="LABEL", help="value that the risk is about (default: the larger)"
    )
    group.add_argument("--weight", metavar="COLUMN", help="column of row weights")
    which = group.add_mutually_exclusive_group()
    which.add_argument("--features", nargs="+", action="extend", metavar="A,B", help="use these columns only")
    which.add_argument("--drop", nargs="+", action="extend", metavar="A,B", help="use all columns but these")


def _card_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("card")
    _value(group, "--max-features", kinds.whole(1), 5, "K", "most lines of the card")
    _value(group, "--points", int, (-5, 5), ("LOW", "HIGH"), "range of points")
    _value(group, "--penalty", kinds.amount, 1e-6, "C", "loss that a line must save")
    scale = "points per unit of log-odds: a number, or `certified` for the proven best"
    _value(group, "--multiplier", kinds.multiplier, "certified", "M", scale)
    _value(group, "--multiplier-range", float, (1.0, 20.0), ("LOW", "HIGH"), "where the multiplier is sought")
    _named(group, "--sign", kinds.sign, "NAME=+1", "risk rises (+1) or falls (-1) with a column")
    _named(group, "--feature-range", kinds.box, "NAME=LOW:HIGH", "range of points of one column")


def _binning_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("binning of continuous columns")
    group.add_argument(
        "--max-bins", type=kinds.whole(2), metavar="N", help="most bins of a column (default 5)"
    )
    group.add_argument(
        "--bin-method", choices=("quantile", "tree"), help="source of edges (default quantile)"
    )
    group.add_argument("--no-binning", action="store_true", help="use every column as it is")
    _named(group, "--special", kinds.codes, "NAME=CODE,CODE", "codes that get a bin of their own")
    _named(group, "--unit", str, "NAME=UNIT", "unit to print, e.g. sugar=mg/dL")


def _search_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("search")
    engines = "bnb proves (default), scip gives a solver's word, beam only searches"
    group.add_argument("--engine", choices=("bnb", "scip", "beam"), default="bnb", help=engines)
    _value(group, "--time-limit", kinds.amount, 60.0, "S", "seconds")
    _value(group, "--gap", kinds.share, 0.0, "G", "stop at this relative gap")
    group.add_argument("--required-gap", type=kinds.share, metavar="G", help="exit with 3 above this gap")
    group.add_argument(
        "--seed", type=kinds.whole(0), metavar="N", help="recorded on the card; no engine has chance in it"
    )


def _pool_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("pool of cards nearly as good")
    group.add_argument(
        "--pool",
        type=kinds.amount,
        metavar="EPSILON",
        help="list every card within this share of the best loss",
    )
    group.add_argument(
        "--pool-kind", choices=("relative", "additive"), help="relative: a share (default); additive: nats"
    )
    group.add_argument("--pool-max", type=kinds.whole(1), metavar="N", help="most cards (default 10000)")
    group.add_argument(
        "--pool-out", metavar="FILE", help="where the pool goes (default: card.pool.json beside the card)"
    )


def _output_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o", "--output", metavar="card.json", help="where the card goes; - is standard output"
    )
    where = group.add_mutually_exclusive_group()
    where.add_argument(
        "--proof", metavar="FILE", help="where the proof goes (default: card.proof.npz beside the card)"
    )
    where.add_argument("--no-proof", action="store_true", help="do not save the proof")
    group.add_argument("--json", action="store_true", help="print card and certificate as JSON")
    group.add_argument("--quiet", action="store_true", help="no progress, no warnings")


def _value(group: Any, option: str, kind: Any, default: Any, metavar: Any, text: str) -> None:
    """An option whose help tells the default; two names in `metavar` make it an option of two values."""
    pair = isinstance(metavar, tuple)
    shown = " ".join(f"{part:g}" if isinstance(part, float) else str(part) for part in _tuple(default))
    extra: dict[str, Any] = {"nargs": 2} if pair else {}
    group.add_argument(
        option, type=kind, default=default, metavar=metavar, help=f"{text} (default {shown})", **extra
    )


def _tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _named(group: Any, option: str, read: Any, form: str, text: str) -> None:
    kind = kinds.assignment(read, form)
    group.add_argument(option, nargs="+", action="extend", type=kind, default=[], metavar=form, help=text)


def run(args: argparse.Namespace) -> int:
    """Read, fit, save, print, and check the required gap."""
    check_destination(args.output)
    if args.proof and args.engine != "bnb":
        raise InvalidInput(
            f"--engine {args.engine} makes no proof for --proof {args.proof}. Use --engine bnb."
        )
    proof_path = None if args.no_proof else args.proof or proof_beside(args.output)
    check_destination(proof_path)
    pool_path = _pool_path(args)
    check_destination(pool_path)
    data = _read(args)
    with in_options():
        model = _estimator(args, data)
        card = fit_card(model, data)
    pool = None if model.pool_ is None else replace(model.pool_, outcome=data.outcome, classes=data.classes)
    if proof_path is not None and model.proof_ is not None:
        model.proof_.save(proof_path)
    if pool_path is not None and pool is not None:
        pool.save(pool_path)
    _print(card, pool, args)
    return _gate(card, args)


def proof_beside(card_path: str | Path | None) -> Path | None:
    """Where the proof of a card lies by default: ``card.proof.npz`` beside ``card.json``."""
    return _beside(card_path, ".proof.npz")


def pool_beside(card_path: str | Path | None) -> Path | None:
    """Where the pool of a card lies by default: ``card.pool.json`` beside ``card.json``."""
    return _beside(card_path, ".pool.json")


def _beside(card_path: str | Path | None, suffix: str) -> Path | None:
    if card_path is None or str(card_path) == STDOUT:
        return None
    return Path(card_path).with_suffix(suffix)


def _pool_path(args: argparse.Namespace) -> str | Path | None:
    """Where the pool goes; without --pool its other options have nothing to say."""
    if args.pool is None:
        for option in ("pool_kind", "pool_max", "pool_out"):
            if getattr(args, option) is not None:
                name = "--" + option.replace("_", "-")
                raise InvalidInput(f"{name} goes with --pool EPSILON, which is not given. Add it.")
        return None
    if args.pool_out == STDOUT:
        raise InvalidInput("--pool-out - would mix the pool with the card. Give the name of a file.")
    return args.pool_out or pool_beside(args.output)


def fit_card(model: RiskScoreClassifier, data: Dataset) -> ScoreCard:
    """Fit; the card names the outcome and classes of the file."""
    model.fit(data.X, data.y, sample_weight=data.sample_weight)
    return replace(model.scorecard_, outcome=data.outcome, classes=data.classes)


def _read(args: argparse.Namespace) -> Dataset:
    from riskstats._tables import read_table
    from riskstats.datasets import dataset_from

    table = read_table(args.data)
    return dataset_from(
        table,
        target=args.target,
        positive=args.positive,
        features=None if args.features is None else column_list(args.features, table),
        drop=column_list(args.drop or (), table),
        weight=args.weight,
    )


def column_list(words: Sequence[str], table: Table) -> list[str]:
    """Column names from words such as ``a,b``; a word that is a column as a whole stays whole."""
    names: list[str] = []
    for word in words:
        names.extend([word] if word in table else [part.strip() for part in word.split(",") if part.strip()])
    return names


def _estimator(args: argparse.Namespace, data: Dataset) -> RiskScoreClassifier:
    from riskstats.scores.estimator import RiskScoreClassifier

    return RiskScoreClassifier(
        max_features=args.max_features,
        coefficient_range=tuple(args.points),
        coefficient_penalty=args.penalty,
        multiplier=args.multiplier,
        multiplier_range=tuple(args.multiplier_range),
        sign=_known(args.sign, "--sign", data) or None,
        feature_ranges=_known(args.feature_range, "--feature-range", data) or None,
        binning=_binning(args, data),
        solver=args.engine,
        time_limit=args.time_limit,
        gap=args.gap,
        pool=_pool(args),
        verbose=not args.quiet,
        random_state=args.seed,
    )


def _pool(args: argparse.Namespace) -> Any:
    """The `Pool` that the options ask for, or None."""
    if args.pool is None:
        return None
    from riskstats.scores.pool import Pool

    given = {"max_cards": args.pool_max, "epsilon_kind": args.pool_kind}
    return Pool(args.pool, **{name: value for name, value in given.items() if value is not None})


def _binning(args: argparse.Namespace, data: Dataset) -> Any:
    """What the options say about binning: "auto", None, or a `Binning`."""
    special = {
        name: _codes(name, codes, data) for name, codes in _known(args.special, "--special", data).items()
    }
    units = _known(args.unit, "--unit", data)
    options = {
        "max_bins": args.max_bins,
        "method": args.bin_method,
        "special_values": special,
        "units": units,
    }
    given = {name: value for name, value in options.items() if value}
    if args.no_binning and given:
        raise InvalidInput(
            "--no-binning goes with none of --max-bins, --bin-method, --special and --unit. Drop one."
        )
    if args.no_binning:
        return None
    if not given:
        return "auto"
    from riskstats.scores.binning import Binning

    return Binning(**given)


def _codes(name: str, codes: Sequence[str], data: Dataset) -> list[Any]:
    """Special codes of a column, as numbers if the column holds numbers."""
    if data.X.column(name).dtype == object:
        return list(codes)
    try:
        return [float(code) for code in codes]
    except ValueError:
        raise InvalidInput(
            f"--special {name}: the column holds numbers, so its codes must be; got {codes}."
        ) from None


def _known(pairs: Sequence[tuple[str, Any]], option: str, data: Dataset) -> dict[str, Any]:
    """The pairs of an option as a dict; every name must be a feature, given once."""
    names = [name for name, _ in pairs]
    for name in names:
        if name not in data.X:
            raise InvalidInput(
                f"{option} names '{name}', which is not a feature: {', '.join(data.X.names[:8])}."
            )
        if names.count(name) > 1:
            raise InvalidInput(f"{option} names '{name}' twice. Give it once.")
    return dict(pairs)


def _print(card: ScoreCard, pool: CardPool | None, args: argparse.Namespace) -> None:
    if args.output == STDOUT:
        write_text(card.to_json(), STDOUT)
        return
    if args.output is not None:
        card.save(args.output)
    if args.json:
        write_text(json.dumps(json.loads(card.to_json())["card"], indent=1), STDOUT)
    else:
        write_text(described(card, pool), STDOUT)
    if args.output is None and not args.quiet:
        print("riskstats fit: the card was not saved; pass -o card.json to keep it", file=sys.stderr)


def described(card: ScoreCard, pool: CardPool | None = None) -> str:
    """The card, what is proven about it, and the cards nearly as good."""
    parts = [card.text(), *(part.summary() for part in (card.certificate, pool) if part is not None)]
    return "\n\n".join(part.rstrip("\n") for part in parts)


def _gate(card: ScoreCard, args: argparse.Namespace) -> int:
    if args.required_gap is None:
        return DONE
    found = math.inf if card.certificate is None else card.certificate.gap
    if found <= args.required_gap:
        return DONE
    gap = f"the gap is {100 * found:.3g} %" if math.isfinite(found) else "no gap is known"
    print(f"riskstats fit: {gap}, above the required {100 * args.required_gap:g} %", file=sys.stderr)
    return GATE_NOT_MET
