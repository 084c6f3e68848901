"""One plot of a report, ready to stand in a page."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plot:
    """A picture and the words around it.

    Attributes:
        name: unique in a page; the page's anchor and the prefix of its ids.
        title: what it shows, in words.
        svg: one ``<svg>`` element, see ``visavis.report.svg.inline_svg``.
        caption: n, intervals, and how to read it.
    """

    name: str
    title: str
    svg: str
    caption: str
