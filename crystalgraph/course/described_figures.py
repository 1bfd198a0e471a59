"""Figures in a notebook carry a description: in their output, and as alt text on exported pages."""

from __future__ import annotations

from typing import Any

PNG = "image/png"


def describe_figures() -> None:
    """Let this kernel add a description to each picture it shows; elsewhere nothing is done.

    It also shows figures that were made without pyplot, which is what teaches a kernel to do that.
    """
    from IPython.core.getipython import get_ipython
    from IPython.core.pylabtools import select_figure_formats

    shell = get_ipython()
    formatter = getattr(shell, "display_formatter", None)
    if formatter is None or getattr(formatter.format, "describes", False):
        return
    select_figure_formats(shell, {"png"})
    plain = formatter.format

    def described(thing: object, *arguments: Any, **settings: Any) -> tuple[dict, dict]:
        data, metadata = plain(thing, *arguments, **settings)
        if PNG in data and (text := _alt_text(thing)):
            metadata.setdefault(PNG, {})["alt"] = text
        return data, metadata

    described.describes = True  # pyright: ignore[reportFunctionMemberAccess]
    formatter.format = described


def _alt_text(thing: object) -> str:
    from matplotlib.figure import Figure

    from crystalgraph.figures.alt_text import describe

    return describe(thing) if isinstance(thing, Figure) else ""
