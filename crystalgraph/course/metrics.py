"""Numbers that notebooks report: a small table in the working folder, one row per number.

A notebook calls `record_metric`; `crystalgraph run` collects the rows and prints one table.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

FILE_NAME = "metrics.csv"


class Metric(NamedTuple):
    """One reported number; the value is text, so that "0.068 +- 0.003" is one value."""

    notebook: str
    metric: str
    value: str
    unit: str


def record_metric(
    notebook: str, metric: str, value: float | str, unit: str = "", folder: Path | str = "."
) -> None:
    """Write one number to metrics.csv; the same metric of the same notebook is replaced.

    Args:
        notebook: which notebook reports it, such as "3".
        metric: what was measured, such as "gated, test MAE, formula split".
        value: a number (four significant digits are kept), or text with its error bar.
        unit: such as "eV/atom"; empty for a pure number.
        folder: of metrics.csv; the working folder by default.
    """
    text = value if isinstance(value, str) else f"{value:.4g}"
    new = Metric(notebook, metric, text, unit)
    path = Path(folder) / FILE_NAME
    others = [row for row in read_metrics(path) if row[:2] != new[:2]]
    write_metrics([*others, new], path)


def read_metrics(path: Path | str) -> list[Metric]:
    """The rows of a metrics file, in the order written; none where there is no file."""
    if not Path(path).exists():
        return []
    with open(path, newline="", encoding="utf-8") as handle:
        rows = csv.DictReader(handle)
        return [Metric(*(row.get(field) or "" for field in Metric._fields)) for row in rows]


def write_metrics(metrics: list[Metric], path: Path | str) -> None:
    """Write rows as CSV with the columns notebook, metric, value, unit."""
    with open(path, "w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(Metric._fields)
        writer.writerows(metrics)


def format_metrics(metrics: list[Metric]) -> str:
    """An aligned table for the terminal, values flush right."""
    rows = [Metric._fields, *metrics]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = []
    for notebook, metric, value, unit in rows:
        cells = [notebook.ljust(widths[0]), metric.ljust(widths[1]), value.rjust(widths[2]), unit]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * max(map(len, lines)))
    return "\n".join(lines)
