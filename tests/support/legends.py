"""What a legend of a figure lies on."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D


def covered(figure: Figure) -> list[str]:
    """The lines and bars of a figure, or the labels of its axes, that one of its legends covers."""
    for _ in range(2):  # the first time, a constrained layout finds its place
        figure.canvas.draw()
    boxes = [legend.get_window_extent() for ax in figure.axes if (legend := ax.get_legend())]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    found = []
    for ax in figure.axes:
        under = {f"{ax.get_title()}: {line.get_label()}": _on_screen(line) for line in ax.lines}
        found += [name for name, spots in under.items() for box in boxes if _inside(box, spots)]
        others = [*ax.patches, ax.xaxis.label]
        for box in boxes:
            found += [str(one) for one in others if one.get_window_extent().overlaps(box)]
    return found


def _on_screen(line: Line2D) -> np.ndarray:
    """Points of a line, close to each other; none of a line that is only in the legend."""
    spots = line.get_transform().transform(np.reshape(line.get_xydata(), (-1, 2)))
    pieces = [np.linspace(a, b, 200) for a, b in zip(spots, spots[1:], strict=False)]
    return np.concatenate([spots, *pieces])


def _inside(box, spots: np.ndarray) -> bool:
    return bool(((spots > box.min) & (spots < box.max)).all(axis=1).any())
