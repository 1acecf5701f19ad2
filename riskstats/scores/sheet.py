"""A sheet of paper that is written on in inches, in fonts and colours of its own.

Neither pyplot nor the reader's matplotlib settings take part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from riskstats.exceptions import Unavailable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Sheet", "blank_sheet", "measure", "require_matplotlib", "wrap"]

PAPER, INK, FAINT = "#fffdf6", "#1d232b", "#d3dde6"
WIDE = 8.27  # A5 landscape

_FALLBACKS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Hiragino Sans",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
    "Arial Unicode MS",
)


@dataclass(frozen=True)
class Sheet:
    """A figure that is written on in inches from its top left corner."""

    figure: Figure
    width: float
    height: float

    def write(self, x: float, y: float, text: str, size: float, **style: Any) -> None:
        """Write a line of text with its baseline at y; `size` in points, `style` as of a matplotlib text."""
        mono, weight = style.pop("mono", False), style.pop("weight", "normal")
        fixed: dict[str, Any] = {"va": "baseline", "usetex": False, "parse_math": False}
        fixed |= {"color": INK, "ha": "left", "fontproperties": _font(size, weight, mono)} | style
        self.figure.text(x / self.width, 1.0 - y / self.height, text, **fixed)

    def line(self, x0: float, x1: float, y: float, color: str = FAINT, width: float = 0.7) -> None:
        """Draw a level line, `width` in points."""
        from matplotlib.lines import Line2D

        level = 1.0 - y / self.height
        ends = [x0 / self.width, x1 / self.width]
        self.figure.add_artist(
            Line2D(ends, [level, level], color=color, linewidth=width, linestyle="-", marker="")
        )

    def box(
        self, x: float, y: float, width: float, height: float, color: str, *, fill: bool, **style: Any
    ) -> None:
        """Draw a box with round corners, filled or as an outline."""
        from matplotlib.patches import FancyBboxPatch
        from matplotlib.transforms import Affine2D

        box = FancyBboxPatch(
            (x, self.height - y - height),
            width,
            height,
            boxstyle="round,pad=0,rounding_size=0.08",
            transform=Affine2D().scale(1.0 / self.width, 1.0 / self.height) + self.figure.transFigure,
            facecolor=color if fill else "none",
            edgecolor="none" if fill else color,
            **({"linewidth": 0.9} | style),
        )
        self.figure.add_artist(box)

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Return axes without frame or ticks."""
        bottom = 1.0 - (y + height) / self.height
        place = (x / self.width, bottom, width / self.width, height / self.height)
        axes = self.figure.add_axes(place)
        axes.set_axis_off()
        return axes


def require_matplotlib() -> None:
    """Raise `Unavailable`, with the extra that brings it, where matplotlib is missing."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as missing:
        raise Unavailable(
            "a picture needs matplotlib. Install it with: pip install 'riskstats[plot]'"
        ) from missing


def blank_sheet(height: float) -> Sheet:
    """Return an empty sheet with a thin border, `WIDE` inches wide."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDE, height), dpi=200, facecolor=PAPER, edgecolor=PAPER)
    FigureCanvasAgg(figure)
    sheet = Sheet(figure, WIDE, height)
    sheet.box(0.16, 0.16, WIDE - 0.32, height - 0.32, FAINT, fill=False)
    return sheet


def _font(size: float, weight: str = "normal", mono: bool = False) -> Any:
    from matplotlib.font_manager import FontProperties, fontManager

    known = {font.name for font in fontManager.ttflist}
    first = "DejaVu Sans Mono" if mono else "DejaVu Sans"
    family = [first, *(name for name in _FALLBACKS if name in known)]
    return FontProperties(
        family=family, size=size, weight=weight, style="normal", stretch="normal", variant="normal"
    )


def measure(text: str, size: float, weight: str = "normal", mono: bool = False) -> float:
    """Return the width of a text in inches."""
    from matplotlib.backends.backend_agg import RendererAgg

    width, _, _ = RendererAgg(1, 1, 720).get_text_width_height_descent(
        text, _font(size, weight, mono), ismath=False
    )
    return float(width) / 720.0


def wrap(text: str, room: float, size: float, weight: str = "normal") -> list[str]:
    """Return the text in lines of at most `room` inches, broken at spaces, or inside a long word."""
    lines = [""]
    for word in text.replace(" %", "\N{NO-BREAK SPACE}%").split(" "):
        joined = f"{lines[-1]} {word}".strip()
        if measure(joined, size, weight) <= room:
            lines[-1] = joined
            continue
        lines += [""] if lines[-1] else []
        for char in word if measure(word, size, weight) > room else [word]:
            if lines[-1] and measure(lines[-1] + char, size, weight) > room:
                lines.append("")
            lines[-1] += char
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
