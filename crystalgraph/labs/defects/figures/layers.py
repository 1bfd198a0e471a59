"""Layers with and without defects, in three dimensions; turn them with the mouse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from pymatgen.core import Element, Structure

from crystalgraph.crystals.datasets import CrystalDataset
from crystalgraph.figures.structure import css
from crystalgraph.labs.defects.making import KINDS, Cell, make_defect, perfect_cell

COLUMNS = 3
RING = "#D55E00"
CAMERA = {"eye": {"x": 0.5, "y": -1.2, "z": 1.1}, "projection": {"type": "orthographic"}}
HIDDEN_AXIS = {"visible": False}


def draw_kinds(dataset: CrystalDataset, name: str, n: int = 3, seed: int = 4) -> go.Figure:
    """Draw the perfect n x n cell of a host, and one with each kind of defect.

    Args:
        dataset: of hosts.
        name: id of the host.
        n: of the cells.
        seed: of what is drawn in making the defects.
    """
    host = dataset.structures[dataset.ids.index(name)]
    rng = np.random.default_rng(seed)
    cells = [perfect_cell(host, n), *(make_defect(host, n, kind, 0, rng) for kind in KINDS)]
    titles = [f"{cell.kind}: {cell.structure.composition.formula}" for cell in cells]
    return _side_by_side([_drawn(cell) for cell in cells], titles)


def draw_scores(cells: Sequence[Cell], scores: Sequence[np.ndarray], titles: Sequence[str]):
    """Draw cells with each atom colored by its score; rings are at the defect.

    Args:
        cells: supercells.
        scores: for each cell (N,) one number per atom; the color goes from the lowest to the
            highest score of the cell.
        titles: of the cells.

    Returns:
        The figure.
    """
    drawn = [_drawn(cell, one) for cell, one in zip(cells, scores, strict=True)]
    return _side_by_side(drawn, titles)


def _side_by_side(drawn: Sequence[list[go.Scatter3d]], titles: Sequence[str]) -> go.Figure:
    columns = min(COLUMNS, len(drawn))
    rows = -(-len(drawn) // columns)
    figure = make_subplots(
        rows,
        columns,
        specs=[[{"type": "scene"}] * columns] * rows,
        subplot_titles=list(titles),
        horizontal_spacing=0.01,
        vertical_spacing=0.06,
    )
    for number, traces in enumerate(drawn):
        for trace in traces:
            figure.add_trace(trace, number // columns + 1, number % columns + 1)
    axes = {f"{axis}axis": HIDDEN_AXIS for axis in "xyz"}
    figure.update_scenes(camera=CAMERA, aspectmode="data", **axes)
    figure.update_layout(
        height=290 * rows, width=310 * columns, margin={"l": 0, "r": 0, "t": 40, "b": 0}
    )
    return figure


def _drawn(cell: Cell, scores: np.ndarray | None = None) -> list[go.Scatter3d]:
    """Atoms as balls, colored by element or by score, and rings at the defect."""
    atoms = _balls(cell.structure, _around_defect(cell, cell.structure.cart_coords), scores)
    if not len(cell.places):
        return [atoms]
    x, y, z = _around_defect(cell, cell.places).T
    ring = go.Scatter3d(
        x=x,
        y=y,
        z=z,
        mode="markers",
        marker={"size": 19, "color": "rgba(0,0,0,0)", "line": {"color": RING, "width": 5}},
        hovertext="here",
        hoverinfo="text",
        showlegend=False,
        name="the defect",
    )
    ring.marker.symbol = "circle-open"
    ring.marker.color = RING
    return [atoms, ring]


def _around_defect(cell: Cell, points: np.ndarray) -> np.ndarray:
    """Images of points (N, 3) in angstrom for which the defect is in the middle of the picture."""
    if not len(cell.places):
        return points
    lattice = cell.structure.lattice
    way = lattice.get_fractional_coords(points - cell.places[0])
    way[:, :2] -= np.round(way[:, :2])
    return lattice.get_cartesian_coords(way)


def _balls(structure: Structure, places: np.ndarray, scores: np.ndarray | None) -> go.Scatter3d:
    symbols = [site.specie.symbol for site in structure]
    radius = np.array([float(Element(one).atomic_radius or 1.2) for one in symbols])
    marker: dict = {"size": 5 + 5 * radius, "line": {"color": "#444444", "width": 1}, "opacity": 1}
    if scores is None:
        marker["color"] = [css(one) for one in symbols]
        words = symbols
    else:
        marker |= {"color": scores, "colorscale": "Cividis"}
        words = [f"{one} {score:.2f}" for one, score in zip(symbols, scores, strict=True)]
    x, y, z = places.T
    return go.Scatter3d(
        x=x, y=y, z=z, mode="markers", marker=marker, hovertext=words, hoverinfo="text",
        showlegend=False, name="atoms",
    )  # fmt: skip
