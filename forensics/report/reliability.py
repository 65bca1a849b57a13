"""Reliability: stated probability against how often faces erred, as inline SVG without colour."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

from forensics.records import JudgedTarget
from forensics.report.language import _

WIDTH: Final = 360
HEIGHT: Final = 300
_LEFT, _TOP, _SIDE = 64, 14, 230
_MOST_RADIUS: Final = 9.0


def reliability_chart(name: str, about: str, target: JudgedTarget) -> Markup:
    """One circle a bin, its area the number of faces; on the line a probability is as stated.

    Empty where the record holds no bins.
    """
    if not target.reliability:
        return Markup("")
    most = max(faces for _, _, faces in target.reliability)
    dots = Markup("").join(
        Markup(
            '<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="#4a6f96" fill-opacity="0.75"/>'
        ).format(
            x=_LEFT + stated * _SIDE,
            y=_TOP + (1 - erred) * _SIDE,
            r=max(2.0, _MOST_RADIUS * (faces / most) ** 0.5),
        )
        for stated, erred, faces in target.reliability
    )
    said = "; ".join(
        _("stated {stated:.0%}, erred {erred:.0%} of {faces}").format(
            stated=stated, erred=erred, faces=faces
        )
        for stated, erred, faces in target.reliability
    )
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" class="reliability" viewBox="0 0 {w} {h}"'
        ' width="{w}" height="{h}" role="img" aria-labelledby="rel-{name}-t rel-{name}-d"'
        ' font-family="Report Sans, Open Sans, Report Shapes, system-ui, sans-serif"'
        ' font-size="13"><title id="rel-{name}-t">{title}</title><desc id="rel-{name}-d">{said}'
        "</desc>{frame}{dots}</svg>"
    ).format(
        w=WIDTH,
        h=HEIGHT,
        name=name,
        title=_("Stated probability against how often faces erred: {about}").format(about=about),
        said=said,
        frame=_frame(),
        dots=dots,
    )


def _frame() -> Markup:
    right, bottom = _LEFT + _SIDE, _TOP + _SIDE
    middle = _TOP + _SIDE // 2
    return Markup(
        '<path class="rule" d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#565d66"/>'
        '<path class="rule" d="M{left} {bottom}L{right} {top}" fill="none" stroke="#565d66"'
        ' stroke-dasharray="4 4"/>'
        '<text class="quiet" fill="#565d66" x="{left}" y="{below}">0</text>'
        '<text class="quiet" fill="#565d66" x="{right}" y="{below}" text-anchor="end">{whole}'
        "</text>"
        '<text class="quiet" fill="#565d66" x="{centre}" y="{below}" text-anchor="middle">{stated}'
        "</text>"
        '<text class="quiet" fill="#565d66" x="{side}" y="{high}" text-anchor="end">{whole}</text>'
        '<text class="quiet" fill="#565d66" x="{side}" y="{middle}" text-anchor="end">{erred}'
        "</text>"
    ).format(
        whole=_("100 %"),
        stated=_("stated"),
        erred=_("erred"),
        left=_LEFT,
        top=_TOP,
        right=right,
        bottom=bottom,
        below=bottom + 20,
        centre=(_LEFT + right) // 2,
        side=_LEFT - 6,
        high=_TOP + 10,
        middle=middle,
    )
