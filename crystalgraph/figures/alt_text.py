"""What is on a figure, in words, for those who do not see it.

Titles, axes, legends and labels of a figure say what it shows, so its description is made of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a page is described from its JSON, without matplotlib
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LONGEST = 600  # characters; a screen reader reads all of it


def describe(figure: Figure) -> str:
    """A matplotlib figure in words: its label, titles, axes, categories, legends and texts."""
    panels = [_panel(ax) for ax in figure.axes]
    if len(panels) > 1:
        panels = [f"panel {number}: {text}" for number, text in enumerate(panels, 1)]
    legends = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    panels.append(_list("shown", legends))
    return _shortened([str(figure.get_label()), figure.get_suptitle(), *panels])


def describe_plotly(figure: dict[str, Any]) -> str:
    """A plotly figure, as its JSON, in words: its titles and the entries of its legend."""
    layout = figure.get("layout", {})
    texts = [layout.get("title") or {}, *(layout.get("annotations") or ())]
    titles = [text.get("text") or "" for text in texts]
    traces = figure.get("data", ())
    entries = [trace.get("name") or "" for trace in traces if trace.get("showlegend")]
    return _shortened(["crystal in three dimensions", *titles, _list("shown", entries)])


def _panel(ax: Axes) -> str:
    parts = [ax.get_title()]
    for name, axis in (("x axis", ax.xaxis), ("y axis", ax.yaxis)) if ax.axison else ():
        labels = [label.get_text() for label in axis.get_ticklabels()]
        words = labels if any(map(str.isalpha, "".join(labels))) else []  # numbers are no news
        parts += [_list(name, [axis.get_label_text()]), _list(f"along the {name}", words)]
    legend = ax.get_legend()
    entries = legend.get_texts() if legend else []
    parts.append(_list("shown", [text.get_text() for text in entries]))
    parts.append(_list("written", [text.get_text() for text in ax.texts]))
    return "; ".join(part for part in parts if part)


def _list(name: str, entries: Iterable[str]) -> str:
    words = [" ".join(entry.split()) for entry in entries]
    words = [word for word in dict.fromkeys(words) if word]
    return f"{name}: {', '.join(words)}" if words else ""


def _shortened(parts: Iterable[str]) -> str:
    text = ". ".join(" ".join(part.split()) for part in parts if part.strip())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 4]} ..."
