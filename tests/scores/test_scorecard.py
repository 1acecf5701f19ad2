"""The score card: scoring any table, and a file that comes back exactly or is refused in one line."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
import sys
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from riskstats._validation import as_table
from riskstats.exceptions import CertificateError, InvalidInput
from riskstats.scores.coding import ColumnCoding
from riskstats.scores.rules import AtLeast, Value
from riskstats.scores.scorecard import ScoreCard

from .cards import by_hand, mixed_card, mixed_rows, with_table

# scoring


def test_total_is_the_sum_by_hand():
    card, rows = mixed_card(), mixed_rows()
    points = card.contributions(rows)
    assert points.shape == (60, len(card.lines))
    assert points.dtype == np.int64
    assert card.predict_score(rows).dtype == np.int64
    np.testing.assert_array_equal(points.sum(axis=1), card.predict_score(rows))
    np.testing.assert_array_equal(card.predict_score(rows), by_hand(rows))


def test_risk_is_the_formula_and_prediction_its_half():
    card, rows = mixed_card(), mixed_rows()
    total = by_hand(rows)
    expected = 1 / (1 + np.exp(-(-4 + total) / 1.7))
    np.testing.assert_allclose(card.predict_proba(rows)[:, 1], expected, rtol=1e-14)
    np.testing.assert_allclose(card.predict_proba(rows).sum(axis=1), 1.0, rtol=1e-15)
    np.testing.assert_allclose(card.decision_function(rows), (total - 4) / 1.7, rtol=1e-15)
    assert card.predict(rows).tolist() == (total > 4).astype(int).tolist()
    assert (total == 4).any()


def test_any_integer_total_has_a_risk_without_overflow():
    risk = mixed_card().risk([-(10**9), -4000, 4, 4000, 10**9])
    assert risk[0] == 0.0
    assert 0.0 <= risk[1] < 1e-300
    assert risk[2:].tolist() == [0.5, 1.0, 1.0]


def frames(rows):
    usable = {name: values for name, values in rows.items() if name != "when"}
    yield "dict", rows
    yield "Table", as_table(usable)
    pd = pytest.importorskip("pandas")
    yield "pandas", pd.DataFrame(rows, index=range(5, 65))
    yield "pandas nullable", pd.DataFrame(rows).convert_dtypes()
    yield "polars", pytest.importorskip("polars").DataFrame(rows)
    yield "pyarrow", pytest.importorskip("pyarrow").table(usable)


def test_every_kind_of_table_gives_the_same_total():
    rows = mixed_rows()
    card = mixed_card()
    for kind, table in frames(rows):
        np.testing.assert_array_equal(card.predict_score(table), by_hand(rows), err_msg=kind)


def array_card(named=True, names=("a", "b", "c")):
    columns = (ColumnCoding("b", "numeric", (Value("b"),), value_range=(0.0, 3.0)),)
    if not named:
        names = ("x0", "x1", "x2")
        columns = (ColumnCoding("x1", "numeric", (Value("x1"),), value_range=(0.0, 3.0)),)
    return ScoreCard("y", (0, 1), ((columns[0].rules[0], 2),), columns, names, 0, 1.0, named=named)


@pytest.mark.parametrize("named", [True, False])
def test_arrays_are_read_by_position(named):
    X = np.arange(12.0).reshape(4, 3)
    card = array_card(named)
    assert card.predict_score(X).tolist() == [2, 8, 14, 20]
    assert card.predict_score(X.tolist()).tolist() == [2, 8, 14, 20]
    with pytest.raises(InvalidInput, match=r"2 features.*expecting 3"):
        card.predict_score(X[:, :2])


def test_a_card_of_bare_arrays_reads_frames_by_position():
    pd = pytest.importorskip("pandas")
    X = np.arange(12.0).reshape(4, 3)
    card = array_card(named=False)
    for frame in (pd.DataFrame(X), pd.DataFrame(X, columns=["p", "q", "r"])):
        assert card.predict_score(frame).tolist() == [2, 8, 14, 20]
    with pytest.raises(InvalidInput, match="2 features"):
        card.predict_score(pd.DataFrame(X[:, :2], columns=["p", "q"]))


@pytest.mark.parametrize("library", [None, "pandas", "polars"])
def test_missing_columns_are_named_with_near_ones(library):
    rows = {name: values for name, values in mixed_rows().items() if name != "when"}
    rows["Age "] = rows.pop("age")
    rows["smokr"] = rows.pop("smoker")
    table = rows if library is None else pytest.importorskip(library).DataFrame(rows)
    with pytest.raises(InvalidInput, match=r"lacks the columns 'age', 'smoker'.*Near: 'Age ', 'smokr'"):
        mixed_card().predict_score(table)


def test_values_that_training_did_not_have_are_refused():
    rows = mixed_rows()
    rows["count"] = rows["count"].astype(float)
    rows["count"][11] = np.nan
    with pytest.raises(InvalidInput, match=r"'count'.*row 1011"):
        mixed_card().predict_score(rows, first_row=1000)
    columns = list(mixed_card().columns)
    columns[1] = replace(columns[1], other=False)
    with pytest.raises(InvalidInput, match=r"'job'.*'pilot'"):
        mixed_card(columns=tuple(columns)).contributions(mixed_rows())


def test_other_columns_are_not_even_looked_at():
    rows = mixed_rows()
    rows["broken"] = [object()] * 60
    assert len(mixed_card().predict_score(rows)) == 60


def test_fractions_give_fractional_totals():
    assert array_card().predict_score(np.full((2, 3), 0.25)).tolist() == [0.5, 0.5]


def test_an_empty_card_scores_every_row_alike():
    card = ScoreCard("y", (0, 1), (), (), ("a", "b"), 1, 2.0)
    X = np.zeros((3, 2))
    assert card.contributions(X).shape == (3, 0)
    assert card.predict_score({"a": [1, 2, 3]}).tolist() == [0, 0, 0]
    np.testing.assert_allclose(card.predict_proba(X)[:, 1], 1 / (1 + np.exp(-0.5)), rtol=1e-15)
    assert card.possible_totals().tolist() == [0]


# the risk table of a card


@pytest.mark.parametrize("classes", [(0, 1), ("no", "yes"), (False, True), (1.0, 2.0), ("1", 1)])
def test_labels_keep_their_type(classes):
    card, rows = mixed_card(classes=classes), mixed_rows()
    predicted = card.predict(rows)
    assert {type(label) for label in predicted.tolist()} == {type(label) for label in classes}
    table = card.risk_table(rows, predicted)
    np.testing.assert_array_equal(table.events, np.where(table.total > 4, table.n, 0))


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_labels_of_frames(library):
    module = pytest.importorskip(library)
    labels = mixed_card().predict(mixed_rows()).tolist()
    column = module.array(labels) if library == "pyarrow" else module.Series(labels)
    assert mixed_card().risk_table(mixed_rows(), column) == mixed_card().risk_table(mixed_rows(), labels)


def test_bad_labels_are_refused():
    card, rows = mixed_card(), mixed_rows()
    with pytest.raises(InvalidInput, match=r"'maybe', first at row 2.*0 and 1"):
        card.risk_table(rows, [0, 1, "maybe"] + [0] * 57)
    with pytest.raises(InvalidInput, match="nan"):
        card.risk_table(rows, [np.nan] * 60)
    with pytest.raises(InvalidInput, match="59 labels for 60 rows"):
        card.risk_table(rows, [0] * 59)
    with pytest.raises(InvalidInput, match="1 dimension"):
        card.risk_table(rows, np.zeros((60, 2)))


def test_one_class_and_another_level_are_fine():
    table = mixed_card().risk_table(mixed_rows(), [0] * 60, 0.8, data="new rows")
    assert table.events.sum() == 0
    assert (table.confidence_level, table.data) == (0.8, "new rows")


# possible totals


def test_possible_totals_are_those_of_every_combination():
    card = mixed_card()
    ages, jobs = [18.0, 45.0, 60.0, np.nan], ["clerk", "boss", "pilot"]
    rows = [
        (age, job, count, smoker) for age in ages for job in jobs for count in range(5) for smoker in (0, 1)
    ]
    columns = dict(zip(("age", "job", "count", "smoker"), map(list, zip(*rows, strict=True)), strict=True))
    assert card.possible_totals().tolist() == sorted(set(card.predict_score(columns).tolist()))


def test_possible_totals_are_unknown_without_a_range_or_with_fractions():
    card = array_card()
    assert card.possible_totals().tolist() == [0, 2, 4, 6]
    fractional = replace(card, table=card.risk_table(np.full((2, 3), 0.25), [0, 1]))
    assert fractional.possible_totals() is None
    assert replace(card, columns=(replace(card.columns[0], value_range=None),)).possible_totals() is None


# the file


def complete_card():
    provenance = {
        "version": "0.1.0",
        "n": np.int64(300),
        "seed": None,
        "range": (-5, 5),
        "worst": float("inf"),
    }
    return with_table(mixed_card(multiplier=0.1 + 0.2), provenance=provenance)


@pytest.mark.parametrize(
    "classes", [(0, 1), ("no", "ja, ü\n"), (False, True), (1.5, -2.0), (np.int8(3), np.str_("x"))]
)
def test_json_gives_back_an_equal_card(classes):
    card = replace(complete_card(), classes=classes)
    again = ScoreCard.from_json(card.to_json())
    assert again == card
    assert [type(label) for label in again.classes] == [type(label) for label in card.classes]
    assert again.multiplier.hex() == card.multiplier.hex()
    assert again.to_json() == card.to_json()
    assert hash(again) == hash(card)
    np.testing.assert_array_equal(again.predict_score(mixed_rows()), by_hand(mixed_rows()))


def test_numpy_values_become_plain():
    card = mixed_card(
        classes=(np.str_("a"), np.str_("b")), intercept=np.int64(-4), multiplier=np.float64(1.7)
    )
    assert [type(value) for value in (*card.classes, card.intercept, card.multiplier)] == [
        str,
        str,
        int,
        float,
    ]


def test_file_comes_back_and_replaces_whole(tmp_path):
    path = tmp_path / "card ä.json"
    complete_card().save(path)
    complete_card().save(path)
    assert ScoreCard.load(path) == complete_card()
    assert [file.name for file in tmp_path.iterdir()] == ["card ä.json"]


def test_a_card_survives_pickle_and_copy():
    card = complete_card()
    assert pickle.loads(pickle.dumps(card)) == card
    assert copy.deepcopy(card) == card


def test_a_card_with_its_certificate_comes_back():
    certificate = pytest.importorskip("riskstats.scores.certificate")
    found = _certificate(certificate.Certificate)
    card = replace(complete_card(), certificate=found)
    assert ScoreCard.from_json(card.to_json()) == card


def _certificate(kind):
    import dataclasses

    values = {"str": "x", "int": 3, "float": 0.25, "bool": True, "dict[str, Any]": {"k": 5}}
    fields = [field for field in dataclasses.fields(kind) if field.init]
    special = {"status": "OPTIMAL", "kind": "proof", "objective": 0.25, "lower_bound": 0.25, "gap": 0.0}
    return kind(**{field.name: special.get(field.name, values.get(str(field.type))) for field in fields})


def test_every_truncation_is_refused(tmp_path):
    text = complete_card().to_json()
    path = tmp_path / "card.json"
    for end in range(0, len(text) - 2, 131):
        path.write_text(text[:end], encoding="utf-8")
        with pytest.raises(CertificateError, match=r"card\.json.*cut off"):
            ScoreCard.load(path)


def edited(change, seal=False):
    content = json.loads(complete_card().to_json())
    change(content)
    if seal:
        body = json.dumps(content["card"], sort_keys=True, separators=(",", ":"))
        content["sha256"] = hashlib.sha256(body.encode()).hexdigest()
    return json.dumps(content)


def test_checksum_is_that_of_canonical_json():
    text = edited(lambda content: None, seal=True)
    assert ScoreCard.from_json(text) == complete_card()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["card"]["lines"][0].update(points=5), "edited"),
        (lambda c: c["card"].update(intercept=-3), "edited"),
        (lambda c: c["card"]["table"]["events"].__setitem__(0, 1.0), "edited"),
        (lambda c: c["card"].update(classes=[0, "1"]), "edited"),
        (lambda c: c.update(sha256="0" * 64), "edited"),
        (lambda c: c.pop("sha256"), "edited"),
        (lambda c: c.pop("card"), "edited"),
        (lambda c: c.update(card=[]), "edited"),
        (lambda c: c.update(schema_version=2), "version 2.*up to version 1.*Upgrade"),
        (lambda c: c.update(schema_version="1"), "version '1'"),
        (lambda c: c.update(schema_version=True), "version True"),
        (lambda c: c.update(schema="riskstats.proof"), "not a score card"),
        (lambda c: c.pop("schema"), "not a score card"),
    ],
)
def test_edited_and_foreign_files_are_refused(change, message):
    with pytest.raises(CertificateError, match=message) as caught:
        ScoreCard.from_json(edited(change))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: card.pop("lines"), "no part 'lines'"),
        (lambda card: card["lines"][0].update(points=0), "0 points"),
        (lambda card: card["lines"][0].update(points=1.5), "integer"),
        (lambda card: card["lines"][0]["rule"].update(kind="magic"), "magic"),
        (lambda card: card.update(multiplier=-1.0), "multiplier"),
        (lambda card: card.update(columns=[]), "not among the columns"),
        (lambda card: card.update(classes=[0, 0]), "two different classes"),
        (lambda card: card.update(table=[1]), "cannot be read"),
        (lambda card: card["table"].update(n=[1.0]), "equally long"),
    ],
)
def test_sealed_but_wrong_parts_are_refused(change, message):
    with pytest.raises(CertificateError, match=message):
        ScoreCard.from_json(edited(lambda content: change(content["card"]), seal=True))


@pytest.mark.parametrize("text", ["", "[1]", "null", '{"a": NaN}', "no json", b"\xff\xfe\x00", "[" * 100_000])
def test_other_text_is_refused(text):
    with pytest.raises(CertificateError, match="the text"):
        ScoreCard.from_json(text)


def test_unreadable_places_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"cannot be read.*No such file"):
        ScoreCard.load(tmp_path / "absent.json")
    with pytest.raises(InvalidInput, match="cannot be read"):
        ScoreCard.load(tmp_path)
    with pytest.raises(InvalidInput, match="cannot write"):
        mixed_card().save(tmp_path / "absent" / "card.json")


# the parts


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"multiplier": 0.0}, "multiplier"),
        ({"multiplier": float("nan")}, "multiplier"),
        ({"intercept": 1.5}, "intercept"),
        ({"classes": (1, 1)}, "different"),
        ({"classes": (0, None)}, "class label"),
        ({"classes": (0, float("nan"))}, "class label"),
        ({"classes": (0, 1, 2)}, "two different classes"),
        ({"lines": ((AtLeast("age", 45.0, "years"), 0),)}, "0 points"),
        ({"lines": ((AtLeast("height", 45.0), 1),)}, "'height'"),
        ({"input_names": ("age", "job")}, "'count'"),
        ({"input_names": ("age", "age", "job", "count", "smoker")}, "twice"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(InvalidInput, match=message):
        mixed_card(**changes)


def test_a_card_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        mixed_card().intercept = 3


def test_reading_a_card_needs_no_heavy_package(tmp_path):
    import subprocess

    path = tmp_path / "card.json"
    complete_card().save(path)
    code = (
        "import sys; from riskstats.scores.scorecard import ScoreCard; c = ScoreCard.load(sys.argv[1]); "
        "c.text(); c.html(); c.markdown(); "
        "c.predict_proba({'age': [50.0], 'job': ['boss'], 'count': [1], 'smoker': [0]}); "
        "heavy = {'scipy.stats', 'pandas', 'matplotlib', 'jax', 'sklearn', 'cvxpy', 'pyscipopt'}; "
        "bad = heavy & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
