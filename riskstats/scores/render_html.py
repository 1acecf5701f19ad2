"""The card as HTML: one self-contained page, without scripts, for screens, printers and screen readers."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING, Any

from riskstats.scores import wording
from riskstats.scores.risk_table import RiskBand

if TYPE_CHECKING:
    from riskstats.scores.scorecard import ScoreCard

__all__ = ["render_html"]

_STYLE = """
.riskstats-card{--paper:#fffdf8;--ink:#1d232b;--soft:#5c6570;--line:#dcd8cd;--rule:#b5482f;--risk:#0072b2;
--seen:#c24e00;
box-sizing:border-box;max-width:62rem;margin:1.5rem auto;padding:1.6rem 2rem 1.3rem;background:var(--paper);
color:var(--ink);
border:1px solid var(--line);border-radius:10px;
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
box-shadow:0 1px 2px rgb(0 0 0/.06),0 8px 28px rgb(0 0 0/.08);overflow-wrap:anywhere}
.riskstats-card *{box-sizing:border-box}
.riskstats-card header{border-bottom:2px solid var(--rule);padding-bottom:.7rem;margin-bottom:1.1rem}
.riskstats-card h2{margin:0 0 .3rem;padding:0;border:0;font-size:1.6rem;line-height:1.2;font-weight:650;
letter-spacing:-.01em;color:inherit}
.riskstats-card p{margin:0}
.riskstats-card .facts{color:var(--soft);display:flex;flex-wrap:wrap;gap:.2rem .9rem}
.riskstats-card .facts strong{color:var(--ink)}
.riskstats-card .formula{margin:.35rem 0 0;
font:1rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.riskstats-card .sides{display:flex;flex-wrap:wrap;gap:1.4rem 2.4rem;align-items:flex-start}
.riskstats-card .sides>*{flex:1 1 17rem;min-width:0;overflow-x:auto}
.riskstats-card .sides>.risk{flex:1.7 1 27rem}
.riskstats-card table{border-collapse:collapse;width:100%;margin:0;font-size:inherit;background:none;
color:inherit;
font-variant-numeric:tabular-nums lining-nums}
.riskstats-card caption{caption-side:top;text-align:left;padding:0 0 .35rem;font-size:.78rem;
font-weight:600;letter-spacing:.08em;
text-transform:uppercase;color:var(--soft)}
.riskstats-card tr{background:none}
.riskstats-card th,.riskstats-card td{padding:.28rem .5rem;border:0;border-bottom:1px solid var(--line);
text-align:right;
vertical-align:middle;font-weight:400;color:inherit;background:none;white-space:nowrap}
.riskstats-card thead th,.riskstats-card thead td{font-size:.85rem;color:var(--soft);
border-bottom-color:var(--soft)}
.riskstats-card .points th{text-align:left;white-space:normal;padding-left:0}
.riskstats-card .points td{font-weight:650}
.riskstats-card .points tfoot th,.riskstats-card .points tfoot td{border-bottom:0;font-weight:650;
color:var(--ink)}
.riskstats-card .risk tbody th{font-weight:650}
.riskstats-card .risk .total{padding-left:0}
.riskstats-card .strip{width:28%;min-width:7rem;text-align:left}
.riskstats-card svg{display:block;width:100%;height:.95rem;overflow:visible}
.riskstats-card .bar{fill:var(--risk);opacity:.28}
.riskstats-card .edge{stroke:var(--risk);stroke-width:2;vector-effect:non-scaling-stroke}
.riskstats-card .span{stroke:var(--seen);stroke-width:2;vector-effect:non-scaling-stroke}
.riskstats-card .dot{stroke:var(--seen);stroke-width:7;stroke-linecap:round;
vector-effect:non-scaling-stroke}
.riskstats-card .key{margin-top:.45rem;font-size:.85rem;color:var(--soft)}
.riskstats-card .key b{font-weight:650}.riskstats-card .key .a{color:var(--risk)}.riskstats-card .key .b{
color:var(--seen)}
.riskstats-card .notes{margin:1.1rem 0 0;padding:.7rem 0 0 1.1rem;border-top:1px solid var(--line);
font-size:.9rem;color:var(--soft)}
.riskstats-card .notes li{margin:.1rem 0}
.riskstats-card details{margin-top:.6rem;font-size:.85rem;color:var(--soft)}
.riskstats-card summary{cursor:pointer}
.riskstats-card dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.4rem 0 0}
.riskstats-card dd{margin:0}
@media(max-width:36rem){.riskstats-card{padding:1.1rem 1rem}
.riskstats-card .strip,.riskstats-card .key{display:none}}
@media(prefers-color-scheme:dark){.riskstats-card{--paper:#1b1f24;--ink:#e8e6e0;--soft:#a3abb5;
--line:#363c44;--rule:#e07a5f;
--risk:#56b4e9;--seen:#f2a35e;box-shadow:none}}
@media print{.riskstats-card{--paper:#fff;--ink:#000;--soft:#444;--line:#bbb;--rule:#b5482f;--risk:#0072b2;
--seen:#c24e00;
max-width:none;margin:0;padding:0;border:0;box-shadow:none;font-size:12px;print-color-adjust:exact;
-webkit-print-color-adjust:exact}
.riskstats-card tr{break-inside:avoid}.riskstats-card details{display:none}}
"""

_PAGE_STYLE = """
:root{color-scheme:light dark}body{margin:0;padding:0 1rem;background:#efece4}
@media(prefers-color-scheme:dark){body{background:#101316}}
@media print{body{background:none;padding:0}@page{margin:12mm}}
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="riskstats">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{card}
</main>
</body>
</html>
"""


def render_html(card: ScoreCard, *, document: bool = True) -> str:
    """Return a whole HTML page, or the card alone with its style to place in another page."""
    body = "\n".join(_article(card))
    if not document:
        return f"<style>{_STYLE}</style>\n{body}"
    return _PAGE.format(title=_text(wording.title(card)), style=_PAGE_STYLE + _STYLE, card=body)


def _text(text: str) -> str:
    return escape(wording.clean(text), quote=True)


def _article(card: ScoreCard) -> Iterator[str]:
    title = _text(wording.title(card))
    yield f'<article class="riskstats-card" aria-label="Score card: {title}">'
    yield f"<header>\n<h2>{title}</h2>"
    facts = [
        _text(wording.size(card)),
        f"<strong>{_text(wording.proof(card))}</strong>",
        wording.certificate_line(card),
    ]
    yield '<p class="facts">' + "".join(f"<span>{fact}</span>" for fact in facts if fact) + "</p>"
    yield f'<p class="formula">{_text(wording.formula(card))}</p>\n</header>'
    yield '<div class="sides">'
    yield from _points(card)
    yield from _risks(card)
    yield "</div>"
    yield '<ul class="notes">' + "".join(f"<li>{_text(note)}</li>" for note in wording.notes(card)) + "</ul>"
    yield from _provenance(card)
    yield "</article>"


def _points(card: ScoreCard) -> Iterator[str]:
    yield '<div class="points"><table>\n<caption>Points</caption>\n<tbody>'
    for line in wording.point_lines(card):
        points = _text(line.text).replace("-", "\N{MINUS SIGN}", 1) if line.points < 0 else _text(line.text)
        yield f'<tr><th scope="row">{_text(line.label)}</th><td>{points}</td></tr>'
    yield '</tbody>\n<tfoot><tr><th scope="row">total</th><td>sum of points</td></tr></tfoot>\n</table></div>'


def _risks(card: ScoreCard) -> Iterator[str]:
    if card.table is None:
        return
    sure = wording.level(card.table.confidence_level)
    heads = ("Total", "Risk", "Observed", f"{sure} interval", "n")
    cells = "".join(f'<th scope="col">{head}</th>' for head in heads[:2])
    cells += '<td class="strip" aria-hidden="true"></td>'
    cells += "".join(f'<th scope="col">{head}</th>' for head in heads[2:])
    yield '<div class="risk"><table>\n<caption>From total to risk</caption>'
    yield f"<thead><tr>{cells}</tr></thead>\n<tbody>"
    yield from (_risk_row(band) for band in wording.bands(card))
    yield "</tbody>\n</table>"
    yield (
        '<p class="key" aria-hidden="true"><b class="a">bar</b>: risk by the card · '
        f'<b class="b">dot and line</b>: observed rate and its {sure} interval</p></div>'
    )


def _risk_row(band: RiskBand) -> str:
    shares = [
        _text(wording.percent(share)) for share in (band.predicted, band.observed, band.lower, band.upper)
    ]
    total = wording.total_text(band, " to ").replace("-", "\N{MINUS SIGN}")
    return (
        f'<tr><th scope="row" class="total">{total}</th><td>{shares[0]} %</td>'
        f'<td class="strip" aria-hidden="true">{_strip(band)}</td><td>{shares[1]} %</td>'
        f"<td>{shares[2]} \N{EN DASH} {shares[3]} %</td><td>{wording.count(band.n)}</td></tr>"
    )


def _strip(band: RiskBand) -> str:
    """Return the risk as a bar from 0 to 1, with the observed rate and its interval over it."""
    risk, seen, low, high = (
        f"{100 * share:.2f}" for share in (band.predicted, band.observed, band.lower, band.upper)
    )
    return (
        '<svg viewBox="0 0 100 10" preserveAspectRatio="none" focusable="false">'
        f'<rect class="bar" x="0" y="0" width="{risk}" height="10"/><path class="edge" d="M{risk} 0V10"/>'
        f'<path class="span" d="M{low} 5H{high}"/><path class="dot" d="M{seen} 5h0"/></svg>'
    )


def _provenance(card: ScoreCard) -> Iterator[str]:
    facts: dict[str, Any] = {**card.provenance, "checksum": card.checksum}
    rows = "".join(
        f"<dt>{_text(str(name))}</dt><dd>{_text(str(value))}</dd>" for name, value in facts.items()
    )
    yield f"<details><summary>Provenance</summary><dl>{rows}</dl></details>"
