"""What a reader sees: text within its width, escaped Markdown and HTML, a picture without overlaps."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from riskstats.scores import wording
from riskstats.scores.coding import ColumnCoding
from riskstats.scores.render_text import _width
from riskstats.scores.risk_table import RiskTable
from riskstats.scores.rules import AtLeast, Value
from riskstats.scores.scorecard import ScoreCard

from .cards import Claim, counted_card, mixed_card, with_table

ADULT = {"Married": 2, "AnyCapitalGains": 2, "JobManagerial": 1, "HSDiploma": -1, "NoHS": -2}
NASTY = 'a<b>&"c"|d*e_f`g\\[x](y)$\n\x1b[31m'


def adult_card(**changes):
    """The card of five lines whose table is known in full."""
    names = (*ADULT, *(f"other{i}" for i in range(31)))
    columns = tuple(ColumnCoding(name, "numeric", (Value(name),), value_range=(0.0, 1.0)) for name in ADULT)
    lines = tuple((Value(name), points) for name, points in ADULT.items())
    card = ScoreCard("Over50K = 1", (0, 1), lines, columns, names, -2, 1.0)
    rows = json.loads((Path(__file__).parents[1] / "golden" / "risk_tables.json").read_text())["adult"]
    total, n, events = ([row[key] for row in rows] for key in ("total", "n", "events"))
    table = RiskTable.from_counts(total, n, events, card.risk(total), data="adult, training rows")
    claim = Claim(0.383348, 0.383348, 0.0, "OPTIMAL")
    return replace(card, **({"table": table, "certificate": claim} | changes))


def nasty_card():
    column = ColumnCoding(NASTY, "numeric", (AtLeast(NASTY, 3.5, "µg/L"),))
    card = ScoreCard(
        f"died of {NASTY}", ("<no>", "yes|&"), ((column.rules[0], -2),), (column,), (NASTY,), 0, 1.0
    )
    return replace(
        card, table=card.risk_table({NASTY: [1.0, 5.0, 6.0]}, ["<no>", "yes|&", "<no>"], data=f"from {NASTY}")
    )


def long_names_card():
    names = [f"{'a long name of a measurement ' * 4}number {i}" for i in range(3)]
    return counted_card((*names, "x" * 230), high=5)


CARDS = {
    "adult": adult_card,
    "mixed": lambda: with_table(mixed_card(), certificate=Claim()),
    "no table": mixed_card,
    "long names": long_names_card,
    "sixty totals": lambda: counted_card(("a", "b", "c", "d", "e", "f"), high=10),
    "wide characters": lambda: counted_card(("年龄", "Größe", "e\u0301tat", "μ-opioid"), high=3),
    "nasty": nasty_card,
    "empty": lambda: ScoreCard("y = 1", (0, 1), (), (), ("a",), 3, 2.0),
}


# text


@pytest.mark.parametrize("width", [60, 80, 100])
@pytest.mark.parametrize("name", CARDS)
def test_text_keeps_within_its_width(name, width):
    text = CARDS[name]().text(width)
    assert max(map(_width, text.splitlines())) <= width
    assert not any(line != line.rstrip() for line in text.splitlines())
    assert text.isascii() or text.replace("\n", "").isprintable()


EXPECTED = """\
Risk of Over50K = 1                                                5 of 36 features · proven optimal
risk = 1 / (1 + exp(2 - total))                    objective 0.383348, lower bound 0.383348, gap 0 %

  Married           +2      total          -2     -1      0      1      2      3      4      5
  AnyCapitalGains   +2      risk %        1.8    4.7   11.9   26.9   50.0   73.1   88.1   95.3
  JobManagerial     +1      observed %    1.1    2.1    9.5   28.5   54.2   69.5   85.3   93.4
  HSDiploma         -1      95 % low      0.7    1.8    8.8   27.4   52.8   67.3   82.7   89.8
  NoHS              -2      95 % high     1.6    2.4   10.3   29.5   55.6   71.5   87.7   96.0
  total = sum of points     n            2321   8871   5999   7427   4971   1902    784    286

The risk is that of class 1; predict says 1 above total 2, else 0.
Table: adult, training rows, n = 32,561, 7,841 of them Over50K = 1; exact 95 % intervals
(Clopper-Pearson).
4,971 rows (15.3 %) sit exactly at risk 1/2, total 2: predicted 0.
Possible, but without a row: total -3 (risk 0.7 %)."""


def test_the_card_reads_as_designed():
    assert str(adult_card()) == EXPECTED


def test_points_are_per_unit_only_where_something_is_counted():
    text = with_table(mixed_card()).text()
    printed = {line.label: line.text for line in wording.point_lines(with_table(mixed_card()))}
    assert printed["age >= 45 years"] == "+2"
    assert printed["smoker"] == "+2"
    assert printed["count"] == "x 1 point per unit"
    assert "x 1 point per unit" in text
    column = ColumnCoding("dose", "numeric", (Value("dose", "mg"),), value_range=(0.0, 1.0))
    assert "dose (mg)   x -3 points per mg" in str(
        ScoreCard("y", (0, 1), ((Value("dose", "mg"), -3),), (column,), ("dose",), 0, 1)
    )


def test_rules_of_a_column_stay_together_under_the_highest_points():
    labels = [line.label for line in wording.point_lines(mixed_card())]
    assert labels == [
        "job = clerk",
        "job other than clerk, boss",
        "age >= 45 years",
        "age >= 60 years",
        "age missing",
        "smoker",
        "count",
    ]


def test_many_totals_are_pooled_and_said_so():
    card = CARDS["sixty totals"]()
    assert len(card.table) > wording.MOST_TOTALS
    assert len(wording.bands(card)) <= wording.POOLED_LINES
    text = card.text()
    first = next(band for band in wording.bands(card) if band.pooled)
    assert f"{int(first.first)}..{int(first.last)}" in text
    assert f"The {len(card.table)} totals are pooled into ranges" in text
    assert len(card.to_dict()["table"]["total"]) == len(card.table)


@pytest.mark.parametrize(
    ("intercept", "multiplier", "expected"),
    [
        (0, 1.0, "exp(-total)"),
        (0, 2.5, "exp(-total / 2.5)"),
        (-2, 1.0, "exp(2 - total)"),
        (3, 1.0, "exp(-3 - total)"),
        (-17, 7.8203125, "exp((17 - total) / 7.82031)"),
    ],
)
def test_formula_means_what_the_card_computes(intercept, multiplier, expected):
    card = mixed_card(intercept=intercept, multiplier=multiplier)
    formula = wording.formula(card)
    assert expected in formula
    total = np.arange(-30, 31)
    printed = eval(formula.removeprefix("risk = "), {"exp": np.exp, "total": total})
    np.testing.assert_allclose(printed, card.risk(total), rtol=1e-4)


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (None, "no certificate"),
        (Claim(0.3, 0.3, 0.0, "OPTIMAL"), "proven optimal"),
        (Claim(0.3, 0.3, 0.0, "OPTIMAL", "solver bound"), "optimal by the solver's bound"),
        (Claim(0.3, 0.297, 0.01, "GAP"), "within 1.0 % of the best possible"),
        (Claim(0.3, 0.29999, 0.00003334, "TIME_LIMIT"), "within 0.01 % of the best possible"),
        (Claim(0.3, -np.inf, np.inf, "HEURISTIC", "none"), "found by search, nothing proven"),
    ],
)
def test_the_proof_is_never_overstated(claim, expected):
    assert wording.proof(mixed_card(certificate=claim)) == expected
    assert expected in mixed_card(certificate=claim).text()


@pytest.mark.parametrize(
    ("share", "expected"),
    [(0.0, "0.0"), (1.0, "100.0"), (1e-9, "<0.1"), (1 - 1e-9, ">99.9"), (0.1234, "12.3")],
)
def test_a_share_is_never_rounded_to_certainty(share, expected):
    assert wording.percent(share) == expected


def test_weighted_tables_say_so():
    card = mixed_card()
    rows = {"age": [20.0, 50.0], "job": ["boss", "boss"], "count": [0, 0], "smoker": [0, 0]}
    weighted = replace(card, table=card.risk_table(rows, [0, 1], sample_weight=[0.5, 2.25]))
    assert "n and observed are weighted; the intervals are about the 2 rows themselves" in weighted.text()
    assert "weighted" not in replace(card, table=card.risk_table(rows, [0, 1])).text()


def test_control_characters_never_reach_a_terminal():
    assert "\x1b" not in nasty_card().text()
    assert "\x1b" not in nasty_card().html()
    assert "\x1b" not in nasty_card().markdown()


# Markdown


@pytest.mark.parametrize("name", CARDS)
def test_markdown_tables_have_whole_rows(name):
    lines = CARDS[name]().markdown().splitlines()
    for start in (i for i, line in enumerate(lines) if line.startswith(("| :-", "| -:"))):
        pipes = {
            line.replace("\\|", "").count("|") for line in lines[start - 1 :][: lines[start - 1 :].index("")]
        }
        assert len(pipes) == 1


def test_markdown_escapes_names():
    text = nasty_card().markdown()
    assert "a\\<b\\>\\&" in text
    assert "\\|d\\*e\\_f\\`g" in text
    assert "<b>" not in text


# HTML


class Outline(HTMLParser):
    """Checks that tags close in order; keeps texts, tags and attributes."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.texts, self.tags, self.attributes = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("document", [True, False])
@pytest.mark.parametrize("name", CARDS)
def test_html_is_well_formed_and_self_contained(name, document):
    card = CARDS[name]()
    html = card.html(document=document)
    outline = Outline(html)
    assert not {"script", "link", "img", "iframe", "b<"} & set(outline.tags)
    assert not any(key in ("href", "src", "onclick", "onload") for key, _ in outline.attributes)
    assert not [outside for outside in ("url(", "@import", "http") if outside in html]
    assert html.startswith("<!DOCTYPE html>") is document
    assert outline.tags.count("caption") == (1 if card.table is None else 2)
    assert ("scope", "row") in outline.attributes


def test_html_escapes_names():
    outline = Outline(nasty_card().html())
    label = wording.point_lines(nasty_card())[0].label
    assert label in outline.texts
    assert 'a<b>&"c"|d*e_f`g' in label


def test_html_shows_every_number_of_the_table():
    texts = Outline(adult_card().html()).texts
    for shown in ("\N{MINUS SIGN}2", "1.8 %", "54.2 %", "52.8 \N{EN DASH} 55.6 %", "4,971", "proven optimal"):
        assert shown in texts


def test_notebooks_show_the_card_as_a_fragment():
    assert adult_card()._repr_html_() == adult_card().html(document=False)


# picture


def _texts(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(figure).get_renderer()
    return [(text.get_text(), text.get_window_extent(renderer)) for text in figure.texts if text.get_text()]


@pytest.mark.parametrize("name", [name for name in CARDS if name not in ("wide characters", "nasty")])
def test_picture_has_no_overlapping_and_no_clipped_text(name):
    pytest.importorskip("matplotlib")
    figure = CARDS[name]().plot()
    edge = figure.bbox
    placed = _texts(figure)
    assert len(placed) > 8
    for place, (text, box) in enumerate(placed):
        assert edge.x0 < box.x0 < box.x1 < edge.x1, text
        assert edge.y0 < box.y0 < box.y1 < edge.y1, text
        for other, other_box in placed[place + 1 :]:
            width = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
            height = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
            assert width <= 1 or height <= 3, (text, other)


def test_picture_tells_the_whole_card():
    pytest.importorskip("matplotlib")
    texts = [text for text, _ in _texts(adult_card().plot())]
    wanted = [
        "Risk of Over50K = 1",
        "risk = 1 / (1 + exp(2 - total))",
        "Married",
        "+2",
        "\N{MINUS SIGN}2",
        "proven optimal",
    ]
    for text in [*wanted, "54.2", "52.8", "55.6", "4971"]:
        assert text in texts
    assert any("objective 0.383348, lower bound 0.383348, gap 0 %" in text for text in texts)


def test_dollar_signs_are_no_mathematics(tmp_path):
    pytest.importorskip("matplotlib")
    card = replace(nasty_card(), outcome="cost > $5 and < $_9$")
    card.plot().savefig(tmp_path / "card.png", dpi=50)
    assert (tmp_path / "card.png").read_bytes().startswith(b"\x89PNG")


def test_picture_changes_no_global_setting_and_needs_no_pyplot():
    pytest.importorskip("matplotlib")
    code = (
        "import sys, matplotlib; before = dict(matplotlib.rcParams); sys.path.insert(0, sys.argv[1]); "
        "from tests.scores.test_rendering import adult_card; adult_card().plot(); "
        "assert dict(matplotlib.rcParams) == before; assert 'matplotlib.pyplot' not in sys.modules"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", code, root], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_chart_goes_into_axes_that_are_given():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    figure = Figure()
    ax = figure.add_subplot()
    assert adult_card().plot(ax) is figure
    assert [label.get_text() for label in ax.get_xticklabels()][:2] == ["\N{MINUS SIGN}2", "\N{MINUS SIGN}1"]
    heights = [bar.get_height() for bar in ax.patches]
    np.testing.assert_allclose(heights, adult_card().table.predicted, rtol=1e-12)
