"""Pictures of crystals, of their graphs and of the features that a network reads.

Crystals are drawn with pymatviz and plotly (turn them with the mouse; offline, in Colab and in
exported HTML), everything flat with matplotlib. A browser shows at most about 16 three-dimensional
pictures on one page, so use them sparingly.
"""

from __future__ import annotations

import itertools
import runpy
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from numpy.typing import ArrayLike
from pymatgen.core import Element, Structure
from pymatgen.core.structure import PeriodicNeighbor
from scipy.spatial import ConvexHull

from crystalgraph.checking.autograding import autograding
from crystalgraph.crystals.features import GAUSSIAN_CENTERS, AtomFeatures, published_features
from crystalgraph.errors import CrystalGraphError

SHELL_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9")
NOT_CHOSEN = "#C8C8C8"
SAME_SHELL = 0.02  # angstrom: distances closer than this are drawn as one shell
CAMERA = {"eye": {"x": 1.95, "y": 0.85, "z": 0.75}, "up": {"x": 0, "y": 0, "z": 1}}
BUTTONS_LEFT_OUT = ["toImage", "pan", "orbitRotation", "tableRotation", "zoom3d", "resetCameraLast"]
BLOCK_NAMES = {  # short enough to stand under a block of 4 columns
    "group": "group",
    "period": "period",
    "electronegativity": "electro-\nnegativity",
    "covalent_radius": "covalent\nradius",
    "valence_electrons": "valence\nelectrons",
    "ionization_energy": "ionization\nenergy",
    "electron_affinity": "electron\naffinity",
    "block": "block",
    "atomic_volume": "atomic\nvolume",
}


# ---- crystals, in three dimensions


def draw_cell(structure: Structure, title: str = "", width: int = 520) -> go.Figure:
    """Draw one unit cell with its atoms, those on its faces, edges and corners repeated.

    Args:
        structure: any crystal.
        title: default the formula.
        width: in pixels.

    Returns:
        The figure; turn it with the mouse.
    """
    figure = _cell(structure, 13)
    figure.update_scenes(camera=CAMERA)
    title = title or f"{structure.composition.reduced_formula}, {len(structure)} atoms per cell"
    return _framed(figure, title, width)


def draw_octahedron(structure: Structure, center: int, corners: str, title: str = "") -> go.Figure:
    """Draw one unit cell and the cage of nearest atoms around one of its atoms.

    Args:
        structure: any crystal.
        center: index of the atom in the cage.
        corners: element at the corners of the cage ("O" in SrTiO3).
        title: default the formula.

    Returns:
        The figure.
    """
    found = structure.get_neighbors(structure[center], 8.0)
    near = sorted((site for site in found if site.specie.symbol == corners), key=_distance)[:6]
    points = np.array([site.coords for site in near])
    hull = ConvexHull(points).simplices
    figure = draw_cell(structure, title)
    figure.add_trace(
        go.Mesh3d(
            **dict(zip("xyz", points.T, strict=True)),
            **dict(zip("ijk", hull.T, strict=True)),
            color=css(structure[center].specie.symbol),
            opacity=0.45,
            flatshading=True,
            showlegend=False,
            hoverinfo="skip",
        )
    )
    return figure


def draw_neighbors(
    structure: Structure,
    atom: int,
    center: np.ndarray,
    neighbor: np.ndarray,
    distance: np.ndarray,
    title: str = "",
    image: np.ndarray | None = None,
) -> go.Figure:
    """Draw one unit cell, faint, and light the neighbors of one atom, one color per shell.

    Args:
        structure: the crystal.
        atom: index of the atom whose neighbors are lit.
        center, neighbor, distance: (E,) edges of the crystal's graph; distances in angstrom.
        title: default says how many neighbors.
        image: (E, 3) cell in which each neighbor lies; without it any equally far image is lit.

    Returns:
        The figure. Edges that fit no pair of atoms of the crystal are counted in the title.

    Raises:
        CrystalGraphError: the three arrays have different lengths, or no edge starts at the atom.
    """
    center, neighbor, distance = _edge_arrays(center, neighbor, distance)
    mine = center == atom
    if not mine.any():
        raise CrystalGraphError(f"No edge has center {atom}: its neighbors cannot be drawn.")
    if image is None:
        points, labels, unplaced = _place(structure, atom, neighbor[mine], distance[mine])
    else:
        points = structure.lattice.get_cartesian_coords(
            structure.frac_coords[neighbor[mine]] + image[mine]
        )
        labels, unplaced = [structure[i].specie.symbol for i in neighbor[mine]], 0
    figure = _cell(structure, 9, site_labels=False)
    figure.update_traces(opacity=0.6, selector={"mode": "markers"})
    start = structure[atom].coords
    for number, shell in enumerate(_shells(np.linalg.norm(points - start, axis=1))):
        _add_shell(figure, number, start, points[shell], [labels[i] for i in shell])
    figure.add_trace(_spheres([start], [structure[atom].specie.symbol], 16, "black", "the atom"))
    figure.update_scenes(camera=CAMERA)
    title = title or f"{mine.sum()} neighbors of atom {atom} ({structure[atom].specie.symbol})"
    return _framed(figure, title + (f"; {unplaced} fit no atom" if unplaced else ""), 640)


def side_by_side(left: go.Figure, right: go.Figure, width: int = 820) -> go.Figure:
    """Put two crystal pictures into one row.

    Args:
        left, right: figures of this module.
        width: of both together, in pixels.

    Returns:
        One figure with two scenes and both titles; the legends are left out.
    """
    figure = go.Figure(left)
    for trace in right.data:
        figure.add_trace(trace.update(scene="scene2", showlegend=False))
    halves = {"left": (0.0, 0.49), "right": (0.51, 1.0)}
    titles = [
        {"text": part.layout.title.text, "x": x[0], "xanchor": "left", "y": 1, "yanchor": "bottom"}
        | {"xref": "paper", "yref": "paper", "showarrow": False, "font": {"size": 15}}
        for part, x in zip((left, right), halves.values(), strict=True)
    ]
    figure.update_layout(
        scene={"domain": {"x": halves["left"], "y": (0, 1)}},
        scene2=right.layout.scene.update(domain={"x": halves["right"], "y": (0, 1)}),
        title={"text": ""},
        showlegend=False,
        width=width,
    )
    figure.layout.annotations = titles  # pymatviz leaves an empty one that must go
    return figure


def _cell(structure: Structure, atom_size: int, **options: Any) -> go.Figure:
    """One unit cell by pymatviz, whose import takes two seconds; a plain one for the grader."""
    if autograding():
        return _plain_cell(structure, atom_size)
    from pymatviz import structure_3d  # pyright: ignore[reportPrivateImportUsage]

    return structure_3d(structure, atom_size=atom_size, subplot_title=False, **options)


def _plain_cell(structure: Structure, atom_size: int) -> go.Figure:
    """The atoms of one unit cell, none repeated, and the edges of the cell."""
    corners = np.array(list(itertools.product((0.0, 1.0), repeat=3)))
    gap = np.full(3, np.nan)  # a point that is no number lifts the pen
    pairs = (pair for pair in itertools.combinations(corners, 2) if np.ptp(pair, axis=0).sum() == 1)
    edges = np.array([end for start, stop in pairs for end in (start, stop, gap)])
    path = structure.lattice.get_cartesian_coords(edges)
    line = go.Scatter3d(
        **dict(zip("xyz", path.T, strict=True)),
        mode="lines",
        line={"color": "black", "width": 1},
        hoverinfo="skip",
        showlegend=False,
    )
    symbols = [site.specie.symbol for site in structure]
    atoms = _spheres(structure.cart_coords, symbols, atom_size, "black", "")
    hidden = {"visible": False}
    scene = {"xaxis": hidden, "yaxis": hidden, "zaxis": hidden, "aspectmode": "data"}
    return go.Figure([line, atoms], {"scene": scene})


def _framed(figure: go.Figure, title: str, width: int) -> go.Figure:
    return figure.update_layout(
        title={"text": title, "x": 0.02, "font": {"size": 15}},
        width=width,
        height=420,
        showlegend=True,
        modebar={"remove": BUTTONS_LEFT_OUT, "bgcolor": "white", "color": "#999999"},
        margin={"l": 0, "r": 0, "t": 45, "b": 0},
        legend={"x": 1, "xanchor": "right", "y": 0.02, "yanchor": "bottom", "font": {"size": 13}},
        paper_bgcolor="white",
    )


def _place(
    structure: Structure, atom: int, neighbor: np.ndarray, distance: np.ndarray
) -> tuple[np.ndarray, list[str], int]:
    """Find where the neighbors of an atom are: edges without images leave a choice, take any."""
    near = structure.get_neighbors(structure[atom], float(distance.max()) + SAME_SHELL)
    free: dict[int, list] = {}
    for site in sorted(near, key=_distance):
        free.setdefault(site.index, []).append(site)
    points, labels = [], []
    for index, length in sorted(zip(neighbor.tolist(), distance.tolist(), strict=True)):
        fits = [site for site in free.get(index, []) if abs(site.nn_distance - length) < SAME_SHELL]
        if fits:
            free[index].remove(fits[0])
            points.append(fits[0].coords)
            labels.append(fits[0].specie.symbol)
    return np.array(points).reshape(-1, 3), labels, len(neighbor) - len(points)


def _add_shell(
    figure: go.Figure, number: int, start: np.ndarray, points: np.ndarray, symbols: list[str]
) -> None:
    """Add the lines from an atom to one shell of neighbors, and the neighbors."""
    color = SHELL_COLORS[number % len(SHELL_COLORS)]
    counts = " + ".join(f"{n} {symbol}" for symbol, n in Counter(symbols).items())
    radius = np.linalg.norm(points - start, axis=1).mean()
    gap = np.full(3, np.nan)  # a point that is no number lifts the pen
    path = np.array([end for point in points for end in (start, point, gap)])
    line = {"color": color, "width": 7}
    figure.add_trace(
        go.Scatter3d(
            **dict(zip("xyz", path.T, strict=True)),
            mode="lines",
            line=line,
            name=f"{counts} at {radius:.2f} Å",
            hoverinfo="skip",
            showlegend=True,
        )
    )
    figure.add_trace(_spheres(points, symbols, 12, color, ""))


def _spheres(
    points: ArrayLike, symbols: Sequence[str], size: int, outline: str, name: str
) -> go.Scatter3d:
    return go.Scatter3d(
        **dict(zip("xyz", np.array(points).T, strict=True)),
        mode="markers",
        marker={
            "size": size,
            "color": [css(symbol) for symbol in symbols],
            "line": {"color": outline, "width": 4},
            "opacity": 1,
        },
        text=list(symbols),
        hoverinfo="text",
        name=name,
        showlegend=False,
    )


def _distance(site: PeriodicNeighbor) -> float:
    return site.nn_distance


@cache
def element_colors() -> dict[str, tuple[float, float, float]]:
    """Red, green and blue (0 to 1) of each element, as pymatviz draws it.

    They are read from pymatviz's file: to import the package takes two seconds.
    """
    spec = find_spec("pymatviz")
    assert spec and spec.origin  # a dependency of this package
    file = Path(spec.origin).with_name("colors.py")
    return runpy.run_path(str(file))["ELEM_COLORS_JMOL"]


def css(symbol: str) -> str:
    """An element's color, as HTML and plotly write it."""
    red, green, blue = (round(255 * part) for part in element_colors()[symbol])
    return f"rgb({red},{green},{blue})"


# ---- shells and graphs, flat


def _finished(figure: Figure) -> Figure:
    """Forget the figure in pyplot: a notebook would show it twice, as pyplot's and as the value."""
    plt.close(figure)
    return figure


def _shells(distance: np.ndarray) -> list[np.ndarray]:
    """Row numbers of the edges in each shell, nearest first."""
    order = np.argsort(distance)
    cuts = np.flatnonzero(np.diff(distance[order]) > SAME_SHELL) + 1
    return np.split(order, cuts)


def plot_shells(structure: Structure, atom: int = 0, k: int = 12, radius: float = 6.0) -> Figure:
    """Draw how many neighbors an atom has at each distance, and how many up to there.

    Args:
        structure: the crystal.
        atom: index of the atom.
        k: where the line "k nearest" is drawn.
        radius: up to which distance, in angstrom.

    Returns:
        The figure.
    """
    figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
    sites = structure.get_neighbors(structure[atom], radius)
    distance = np.array([site.nn_distance for site in sites])
    total = 0
    for number, shell in enumerate(_shells(distance)):
        where, size = distance[shell].mean(), len(shell)
        color = SHELL_COLORS[number] if total < k else NOT_CHOSEN
        ax.bar(where, size, width=0.09, bottom=total, color=color, zorder=2)
        counts = Counter(sites[i].specie.symbol for i in shell)
        label = " + ".join(f"{n} {symbol}" for symbol, n in counts.items())
        spot = (where - 0.1, total + size / 2)
        backed = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        ax.annotate(label, spot, ha="right", va="center", fontsize=9, zorder=4, bbox=backed)
        total += size
    ax.axhline(k, color="black", linestyle="--", linewidth=1, zorder=3)
    ax.text(radius, k + 0.6, f"k = {k}", ha="right")
    ax.set(xlim=(0, radius), xlabel="distance (Å)", ylabel="neighbors up to here")
    ax.set_title(f"Shells around atom {atom} ({structure[atom].specie.symbol})", fontsize=11)
    return _finished(figure)


def draw_graph(
    atomic_numbers: np.ndarray, center: np.ndarray, neighbor: np.ndarray, distance: np.ndarray
) -> Figure:
    """Draw a crystal graph: one dot per atom, one line per pair, thicker for more edges.

    Args:
        atomic_numbers: (N,).
        center, neighbor, distance: (E,) edges; distances in angstrom.

    Returns:
        The figure; colors are shells, a loop is an atom that is its own neighbor, an arrow (from
        the center to its neighbor) an edge that has no partner in the other direction.
    """
    center, neighbor, distance = _edge_arrays(center, neighbor, distance)
    size = 5.4 if len(atomic_numbers) > 4 else 3.8  # inches
    figure, ax = plt.subplots(figsize=(size, size), layout="constrained")
    figure.set_label("Crystal graph: one dot per atom, a line for each pair that has edges")
    spots = _on_circle(len(atomic_numbers))
    for number, shell in enumerate(_shells(distance)):
        color = SHELL_COLORS[number % len(SHELL_COLORS)]
        pairs = Counter(zip(center[shell].tolist(), neighbor[shell].tolist(), strict=True))
        label = f"{distance[shell].mean():.2f} Å: {_edges_in_words(pairs)}"
        ax.plot([], [], color=color, linewidth=3, label=label)
        for (a, b), n in pairs.items():
            _draw_pair(ax, spots[a], spots[b], color, n, one_way=pairs[b, a] != n)
    for index, (spot, number) in enumerate(zip(spots, atomic_numbers, strict=True)):
        _draw_atom(ax, spot, f"{Element.from_Z(int(number)).symbol}\n{index}", int(number))
    ax.set(xlim=(-1.6, 1.6), ylim=(-1.6 if size > 5 else -2.3, 1.6), aspect="equal")
    ax.axis("off")
    ax.legend(loc="lower center", ncols=2 if size > 5 else 1, fontsize=9, frameon=False)
    return _finished(figure)


def _edges_in_words(pairs: Counter[tuple[int, int]]) -> str:
    """What the lines and loops of a shell stand for: "4 edges each way, loops of 6 edges"."""
    loops = {n for (a, b), n in pairs.items() if a == b}
    both = {n for (a, b), n in pairs.items() if a != b and pairs[b, a] == n}
    single = {n for (a, b), n in pairs.items() if a != b and pairs[b, a] != n}
    kinds = ((both, "{} each way"), (single, "{} one way"), (loops, "loops of {}"))
    words = [(sizes, phrase) for sizes, phrase in kinds if sizes]
    return ", ".join(phrase.format(_edges(sizes)) for sizes, phrase in words)


def _edges(sizes: set[int]) -> str:
    numbers = " or ".join(map(str, sorted(sizes)))
    return f"{numbers} edge{'s' * (sizes != {1})}"


def _on_circle(n: int) -> np.ndarray:
    angle = 2 * np.pi * np.arange(n) / n + np.pi / 2
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _draw_pair(
    ax: Axes, start: np.ndarray, end: np.ndarray, color: str, n: int, one_way: bool
) -> None:
    width = 0.4 + 0.4 * n
    if np.allclose(start, end):  # a loop, drawn outside the circle
        x, y = 1.25 * start
        ax.add_patch(Circle((x, y), 0.25, fill=False, color=color, linewidth=width))
    elif one_way:
        style = {"arrowstyle": "-|>", "connectionstyle": "arc3,rad=0.12", "shrinkB": 15}
        ax.annotate(
            "", tuple(end), tuple(start), arrowprops=style | {"color": color, "linewidth": width}
        )
    else:
        ax.plot(*np.array([start, end]).T, color=color, linewidth=width, zorder=1)


def _draw_atom(ax: Axes, spot: np.ndarray, label: str, atomic_number: int) -> None:
    red, green, blue = element_colors()[Element.from_Z(atomic_number).symbol]
    color = "black" if 0.3 * red + 0.6 * green + 0.1 * blue > 0.4 else "white"
    ax.scatter(*spot, s=900, color=[(red, green, blue)], edgecolor="black", zorder=3)
    ax.annotate(label, tuple(spot), ha="center", va="center", color=color, fontsize=9, zorder=4)


def plot_adjacency(
    center: np.ndarray, neighbor: np.ndarray, crystal: np.ndarray, names: Sequence[str] = ()
) -> Figure:
    """Draw who is whose neighbor as a square of N x N, one box per crystal.

    Args:
        center, neighbor: (E,) indices of atoms.
        crystal: (N,) index of the crystal that each atom belongs to.
        names: of the crystals.

    Returns:
        The figure. An edge outside the boxes would join two crystals.
    """
    columns = (np.asarray(column).astype(int) for column in (center, neighbor, crystal))
    center, neighbor, crystal = columns
    n = max(len(crystal), center.max(initial=0) + 1, neighbor.max(initial=0) + 1)
    count = np.zeros((n, n), dtype=int)
    np.add.at(count, (center, neighbor), 1)
    figure, ax = plt.subplots(figsize=(4.8, 4.2), layout="constrained")
    top = count.max(initial=1)  # a narrow part of the color map, so that the numbers stay readable
    ax.imshow(np.where(count, count, np.nan), cmap="Blues", vmin=-top, vmax=3 * top)
    for row, column in zip(*np.nonzero(count), strict=True):
        ax.text(column, row, str(count[row, column]), ha="center", va="center")
    for number in np.unique(crystal):
        atoms = np.flatnonzero(crystal == number)
        corner, size = atoms.min() - 0.5, int(np.ptp(atoms)) + 1
        ax.add_patch(Rectangle((corner, corner), size, size, fill=False, linewidth=2.5))
        name = names[int(number)] if number < len(names) else f"crystal {number}"
        ax.text(n - 0.3, corner + size / 2, name, va="center")
    ax.set(xlabel="neighbor", ylabel="center", xticks=range(n), yticks=range(n))
    ax.set_title("edges between each pair of atoms", fontsize=11)
    return _finished(figure)


def _edge_arrays(*columns: np.ndarray) -> list[np.ndarray]:
    """The columns as arrays of one length."""
    arrays = [np.asarray(column) for column in columns]
    shapes = [array.shape for array in arrays]
    if len(set(shapes)) != 1 or len(shapes[0]) != 1:
        raise CrystalGraphError(
            f"center, neighbor and distance have shapes {shapes}: all three must be (E,)."
        )
    if not len(arrays[0]):
        raise CrystalGraphError("There are no edges to draw: center is empty; check what made it.")
    return arrays


# ---- features


def plot_atom_vectors(
    vectors: np.ndarray, symbols: Sequence[str], features: AtomFeatures, title: str = ""
) -> Figure:
    """Draw atom features as rows of dark (1) and light (0) squares, with the blocks named.

    Args:
        vectors: (N, F).
        symbols: N labels of the rows.
        features: what made the vectors; says where one property ends and the next begins.
        title: above the picture.

    Returns:
        The figure.
    """
    vectors = np.atleast_2d(vectors)
    figure, ax = plt.subplots(figsize=(10.5, 1.3 + 0.27 * len(vectors)), layout="constrained")
    colors = ListedColormap(["#EEF1F5", SHELL_COLORS[0]])
    ax.pcolormesh(vectors, cmap=colors, vmin=0, vmax=1, edgecolors="white", linewidth=0.6)
    edges = np.cumsum([0] + [encoder.size for _, encoder in features.columns])
    for (name, _), left, right in zip(features.columns, edges, edges[1:], strict=False):
        ax.axvline(right, color="black", linewidth=1)
        label = BLOCK_NAMES.get(name, name)
        ax.text((left + right) / 2, len(vectors) + 0.45, label, ha="center", va="top", fontsize=8)
    ax.set(ylim=(len(vectors), 0), yticks=np.arange(len(vectors)) + 0.5, yticklabels=symbols)
    ax.set_xticks([])
    ax.tick_params(length=0)
    ax.set_title(title, fontsize=11)
    return _finished(figure)


def plot_expansion(
    distance: np.ndarray, expansion: np.ndarray, centers: np.ndarray = GAUSSIAN_CENTERS
) -> Figure:
    """Draw each distance's row of numbers over the centers of the Gaussians.

    Args:
        distance: (E,) in angstrom; give few.
        expansion: (E, K) numbers between 0 and 1.
        centers: (K,) in angstrom.

    Returns:
        The figure.
    """
    figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
    for number, (length, row) in enumerate(zip(distance, np.atleast_2d(expansion), strict=True)):
        color = SHELL_COLORS[number % len(SHELL_COLORS)]
        ax.vlines(centers + 0.02 * number, 0, row, color=color, linewidth=4)
        ax.axvline(length, color=color, linestyle=":", label=f"d = {length:.2f} Å")
    ax.set(xlabel="center of the Gaussian (Å)", ylabel="number in that column", ylim=(0, 1.05))
    ax.set_xlim(centers.min() - 0.1, centers.max() + 0.1)
    ax.legend(frameon=False)
    return _finished(figure)


# ---- what right looks like, drawn before a task


def target_atom_vectors() -> Figure:
    """Draw the atom features of a crystal, SrTiO3."""
    features = published_features()
    vectors = features.matrix(np.array([38, 22, 8, 8, 8]))
    title = "What right looks like, for SrTiO$_3$: five atoms, 92 columns"
    return plot_atom_vectors(vectors, ["Sr", "Ti", "O", "O", "O"], features, title)


def target_expansion() -> Figure:
    """Draw the bond features of two made-up distances."""
    distance = np.array([1.5, 3.1])
    curve = np.linspace(0, 8, 400)
    height = np.exp(-(((distance[:, None] - GAUSSIAN_CENTERS) / 0.2) ** 2))
    figure = plot_expansion(distance, height)
    for number, length in enumerate(distance):
        bell = np.exp(-(((curve - length) / 0.2) ** 2))
        figure.axes[0].plot(curve, bell, color=SHELL_COLORS[number], linewidth=1)
    figure.axes[0].set_title("What right looks like, for 1.5 Å and 3.1 Å", fontsize=11)
    return figure


def target_batch() -> Figure:
    """Draw a batch of two small made-up graphs, a chain of 3 and a pair."""
    center = np.array([0, 1, 1, 2, 3, 4])
    neighbor = np.array([1, 0, 2, 1, 4, 3])
    figure = plot_adjacency(center, neighbor, np.array([0, 0, 0, 1, 1]), ["chain", "pair"])
    figure.axes[0].set_title("What right looks like: edges in a batch of two graphs", fontsize=11)
    return figure
