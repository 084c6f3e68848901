"""A matplotlib figure as SVG to stand inside a page, in the page's own colours and type."""

from __future__ import annotations

import html
import io
import re

from matplotlib.figure import Figure

from visavis.report.style import CSS_COLOURS, house_style

_REFERENCE = re.compile(r'(?:url\(#|href="#)([^")]+)')
_ID = re.compile(r'(?<=\s)id="([^"]+)"\s*')
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")
_FONT = re.compile(r"font: ((?:\w+ )*)([\d.]+)px [^;\"]+")


def inline_svg(figure: Figure, name: str, label: str) -> str:
    """The figure as one ``<svg>`` element, the same bytes each time.

    Text stays text, in the page's type. Colours become the variables of the page's style sheet, so
    that one drawing serves light and dark. Nothing in it points outside the page.

    Args:
        figure: drawn in the colours of ``visavis.report.style``.
        name: put before each id that is kept, so that ids of two plots never meet.
        label: what the picture shows, for those who cannot see it.
    """
    buffer = io.StringIO()
    with house_style(**{"svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    # Its rules would hold for the whole page, whose own style sheet has them already.
    text = re.sub(r"<style\b.*?</style>", "", text, flags=re.DOTALL)
    text = _own_ids(text.replace("xlink:href", "href"), name)
    text = _COLOUR.sub(lambda found: _variable(found.group()), text)
    text = _FONT.sub(r"font: \1\2px var(--type, sans-serif)", text)
    text = re.sub(r"\n\s*", "\n", text)
    return re.sub(
        r"<svg\b[^>]*?(viewBox=\"[^\"]*\")[^>]*>",
        rf'<svg \1 role="img" aria-label="{html.escape(label)}">',
        text,
        count=1,
    ).strip()


def _own_ids(text: str, name: str) -> str:
    used = set(_REFERENCE.findall(text))
    text = _ID.sub(lambda found: f'id="{found[1]}" ' if found[1] in used else "", text)
    for identifier in sorted(used):
        text = text.replace(f'"{identifier}"', f'"{name}-{identifier}"')
        text = text.replace(f"#{identifier}", f"#{name}-{identifier}")
    return text


def _variable(colour: str) -> str:
    return f"var(--{CSS_COLOURS[colour]}, {colour})" if colour in CSS_COLOURS else colour
