"""Validation, drawing: reliability, risk-coverage and AUROC as SVG, from the figures alone.

Plain text made here, so that equal figures give equal bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

SIDE = 320
LEFT, TOP = 52, 34
INK, GREY, OWN, OTHER = "#222222", "#bbbbbb", "#1b5e8c", "#a65000"
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {w} {h}" width="{w}" height="{h}" '
    'font-family="sans-serif" font-size="12" role="img" aria-label="{title}">\n'
    '<rect width="{w}" height="{h}" fill="#ffffff"/>\n'
    '<text x="{left}" y="20" font-weight="bold" fill="#222222">{title}</text>\n'
)


def reliability(title: str, rows: Sequence[Sequence[float]]) -> str:
    """Mean probability against the share that erred; circles grow with the faces in a bin."""
    parts = [_frame(title, "probability said", "share that erred")]
    parts.append(_line([(0, 0), (1, 1)], GREY, dashed=True))
    most = max((row[2] for row in rows), default=1)
    for said, erred, count in rows:
        x, y = _at(said, erred)
        radius = 3 + 6 * (count / most) ** 0.5
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="{radius:.1f}" fill="{OWN}" fill-opacity="0.65">'
            f"<title>{said:.2f} said, {erred:.2f} erred, {count:.0f} faces</title></circle>\n"
        )
    return "".join(parts) + "</svg>\n"


def risk_coverage(title: str, curve: Sequence[Sequence[float]], prevalence: float) -> str:
    """Share that erred among the faces of least risk, against how many are kept."""
    parts = [_frame(title, "share of faces kept, least risk first", "share that erred")]
    parts.append(_line([(0, prevalence), (1, prevalence)], GREY, dashed=True))
    parts.append(_line([(c, e) for c, e in curve], OWN))
    return "".join(parts) + "</svg>\n"


def areas(title: str, bars: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """AUROC with its interval, one line each; the first is the risk."""
    height = TOP + 26 * len(bars) + 44
    parts = [HEAD.format(w=560, h=height, left=12, title=escape(title))]
    left, width = 190, 340

    def x_of(value: float) -> float:
        return round(left + width * (min(max(value, 0.4), 1.0) - 0.4) / 0.6, 1)

    base = TOP + 26 * len(bars)
    for tick in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        x = x_of(tick)
        parts.append(f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{base}" stroke="#e4e4e4"/>\n')
        parts.append(_text(x, base + 16, f"{tick:.1f}", "middle"))
    parts.append(_text(left + width / 2, base + 34, "AUROC, 95 % interval over people", "middle"))
    for number, (name, figure) in enumerate(bars):
        y, ink = TOP + 26 * number + 13, OWN if number == 0 else OTHER
        low, value, high = (x_of(figure[k]) for k in ("low", "value", "high"))
        parts.append(_text(left - 10, y + 4, name, "end"))
        parts.append(
            f'<line x1="{low}" y1="{y}" x2="{high}" y2="{y}" stroke="{ink}" stroke-width="2"/>\n'
            f'<circle cx="{value}" cy="{y}" r="4.5" fill="{ink}">'
            f"<title>{escape(name)} {figure['value']:.3f}</title></circle>\n"
        )
    return "".join(parts) + "</svg>\n"


def _frame(title: str, below: str, beside: str) -> str:
    wide, high = LEFT + SIDE + 20, TOP + SIDE + 48
    parts = [HEAD.format(w=wide, h=high, left=LEFT, title=escape(title))]
    parts.append(
        f'<rect x="{LEFT}" y="{TOP}" width="{SIDE}" height="{SIDE}" fill="none" stroke="{INK}"/>\n'
    )
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _at(tick, tick)
        parts.append(_text(x, TOP + SIDE + 16, f"{tick:g}", "middle"))
        parts.append(_text(LEFT - 6, y + 4, f"{tick:g}", "end"))
    parts.append(_text(LEFT + SIDE / 2, TOP + SIDE + 36, below, "middle"))
    middle = TOP + SIDE / 2
    parts.append(
        f'<text x="14" y="{middle}" transform="rotate(-90 14 {middle})" text-anchor="middle" '
        f'fill="{INK}">{escape(beside)}</text>\n'
    )
    return "".join(parts)


def _at(x: float, y: float) -> tuple[float, float]:
    return round(LEFT + SIDE * x, 1), round(TOP + SIDE * (1 - y), 1)


def _line(points: Sequence[tuple[float, float]], ink: str, *, dashed: bool = False) -> str:
    path = " ".join(f"{x},{y}" for x, y in (_at(*point) for point in points))
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<polyline points="{path}" fill="none" stroke="{ink}" stroke-width="2"{dash}/>\n'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}">{escape(text)}</text>\n'
    )
