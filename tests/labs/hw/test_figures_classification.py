"""Pictures of notebook 4 show what they were given."""

import matplotlib

matplotlib.use("Agg")

import numpy as np
import pandas as pd
import pytest
from fake_oxides import fake_oxides
from legends import covered
from matplotlib.figure import Figure
from pymatgen.core import Lattice, Structure

from crystalgraph import experiments
from crystalgraph.labs.hw.figures import classification as draw
from crystalgraph.networks.scores import Interval


@pytest.fixture(scope="module")
def dataset():
    """Twelve formulas, each as a perovskite and as chains of octahedra."""
    dataset, _ = fake_oxides()
    for record in dataset.records:
        kind = record["id"].split("-")[1]
        record["prototype"] = "perovskite_Pm-3m" if kind == "perovskite" else "2H"
        record["formula"] = record["id"].split("-")[0]
    return dataset


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def test_bars_count_crystals_and_those_with_a_twin(dataset):
    figure = draw.plot_prototypes(dataset)
    widths = [[bar.get_width() for bar in axis.patches] for axis in figure.axes]
    assert widths == [[12, 12], [12, 12]]  # all, and with the formula in the other class
    assert [axis.get_title() for axis in figure.axes] == ["perovskites: 12", "other oxides: 12"]


def test_a_twin_is_a_formula_in_the_other_class():
    formulas, labels = ["A", "A", "B", "B", "C"], np.array([1, 0, 1, 1, 0])
    assert draw.has_twin(formulas, labels).tolist() == [True, True, False, False, False]


def test_strips_put_every_crystal_on_the_line_of_its_type(dataset):
    rows = np.arange(24)
    values = rows / 10
    figure = draw.plot_strips(dataset, values, rows, "distance (Å)", threshold=1.0)
    (axis,) = figure.axes
    perovskites, others = (np.asarray(dots.get_offsets()) for dots in axis.collections)
    assert perovskites[:, 0] == pytest.approx(values[::2])
    assert (np.abs(perovskites[:, 1]) < 0.5).all() and (np.abs(others[:, 1] - 1) < 0.5).all()
    assert [tick.get_text() for tick in axis.get_yticklabels()] == ["perovskite Pm-3m", "2H"]
    assert "Å" in axis.get_xlabel()


def test_confusions_show_four_counts_in_their_places():
    figure = draw.plot_confusions({"mine": np.array([[3, 2], [1, 4]])})
    place = {text.get_text(): text.get_position() for text in figure.axes[0].texts}
    assert place == {
        "3\nright": (0, 0),
        "2\nfalse alarms": (1, 0),
        "1\nmissed": (0, 1),
        "4\nfound": (1, 1),
    }


def test_the_drawn_pairs_are_those_of_the_formula():
    figure = draw.target_pairs()
    (axis,) = figure.axes
    won = [line for line in axis.lines if line.get_linestyle() == "-"]
    assert (len(won), len(axis.lines)) == (5, 6) and "5/6 = 0.833" in axis.get_title()
    for line in axis.lines:  # from the perovskite to the other oxide
        (one, other), height = line.get_xdata(), list(line.get_ydata())
        assert height == [1, 0] and (one > other) == (line in won)


def test_the_loss_of_knowing_nothing_is_marked():
    dots = [line.get_xydata()[0] for line in draw.target_loss().axes[0].lines[1:]]
    assert [0.5, pytest.approx(np.log(2))] in [list(dot) for dot in dots]


def test_roc_curves_carry_their_area():
    labels, scores = np.array([1, 0, 1, 0, 0]), np.array([0.9, 0.8, 0.7, 0.3, 0.2])
    figure = draw.plot_roc(labels, {"mine": scores, "reversed": -scores})
    shown = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert shown == ["mine, AUC 0.833", "reversed, AUC 0.167"]


def test_intervals_reach_from_low_to_high():
    figure = draw.plot_intervals({"mine": Interval(0.9, 0.8, 0.95, 0.04)})
    assert list(figure.axes[0].lines[0].get_xdata()) == [0.8, 0.95]
    assert "0.900" in texts(figure)


def test_thresholds_are_drawn_in_their_order():
    figure = draw.plot_thresholds(np.array([0.0, 1.0]), np.array([0.5, 1.0]), np.array([1.0, 0.0]))
    precision, recall = (list(line.get_ydata()) for line in figure.axes[0].lines[:2])
    assert (precision, recall) == ([0.5, 1.0], [1.0, 0.0])


def test_groups_show_every_seed_and_the_baselines():
    groups = [name for name in experiments.GROUPS if name.startswith("oxides_")]
    figure = draw.plot_auc_groups(groups, {"composition": 0.7})
    assert len(figure.axes) == len(groups) == 4
    runs = experiments.load_runs("oxides_gated")
    aucs = sorted(run.scores["test"]["auc"] for run in runs)
    for axis, group in zip(figure.axes, groups, strict=True):
        shown = [sorted(line.get_xdata()) for line in axis.lines]
        assert aucs in shown, group
        assert len(axis.get_yticklabels()) == len(experiments.GROUPS[group])
    assert not covered(draw.plot_auc_groups(groups, {"composition": 0.55, "distance": 0.89}))


def test_mistakes_are_counted_by_prototype(dataset):
    rows = np.arange(4)  # perovskite, chains, perovskite, chains
    probabilities = [np.array([0.9, 0.8, 0.4, 0.1]), np.array([0.9, 0.2, 0.4, 0.1])]
    table = draw.errors_by_prototype(dataset, rows, probabilities)
    assert isinstance(table, pd.DataFrame)
    assert table["mistakes"].to_dict() == {"perovskite_Pm-3m": 1.0, "2H": 0.5}
    assert table["crystals"].tolist() == [2, 2]
    assert table["probability"].to_dict() == {"perovskite_Pm-3m": 0.65, "2H": 0.3}


def test_the_least_right_come_first():
    labels, probability = np.array([1, 1, 0, 0]), np.array([0.9, 0.3, 0.8, 0.1])
    assert draw.least_right(labels, probability, 3).tolist() == [2, 1, 0]


# ---- crystals


def corners(traces) -> tuple[np.ndarray, np.ndarray]:
    mesh = next(trace for trace in traces if trace.type == "mesh3d")
    return np.array([mesh.x, mesh.y, mesh.z]).T, np.array([mesh.i, mesh.j, mesh.k]).T


def test_seven_octahedra_around_b_of_a_perovskite(dataset):
    structure = dataset.structures[0]
    points, faces = corners(draw.polyhedra(structure, dataset.records[0]["b_elements"]))
    assert len(points) == 7 * 6 and len(faces) == 7 * 8
    half = structure.lattice.a / 2
    inner = points[np.linalg.norm(points, axis=1) < 1.01 * half]
    assert len(inner) == 12  # six corners of the first one, each shared with another octahedron
    assert np.abs(inner).max() == pytest.approx(half)


def test_tetrahedra_and_flat_surroundings_are_drawn_too():
    zinc = Structure.from_spacegroup(
        "F-43m", Lattice.cubic(4.6), ["Zn", "O"], [[0, 0, 0], [0.25, 0.25, 0.25]]
    )
    points, faces = corners(draw.polyhedra(zinc, ["Zn"]))
    assert len(faces) == len(points)  # four corners and four faces each
    square = Structure(
        Lattice.tetragonal(3.9, 9.0), ["Cu", "O", "O"], [[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0]]
    )
    traces = draw.polyhedra(square, ["Cu"])
    assert all(trace.type != "mesh3d" for trace in traces)
    assert any(trace.mode == "lines" for trace in traces)


def test_examples_are_the_kinds_that_there_are(dataset):
    figure = draw.draw_examples(dataset, ["perovskite_Pm-3m", "no such kind", "2H"])
    titles = [note.text for note in figure.layout.annotations]
    assert titles == [
        "CaTiO3, perovskite Pm-3m<br>a perovskite",
        "CaTiO3, 2H<br>another oxide",
    ]
    assert len({trace.scene for trace in figure.data}) == 2


def test_a_caption_says_label_type_and_probability(dataset):
    said = draw.caption(dataset, 1, 0.873)
    assert said == "CaTiO3, 2H<br>another oxide, P(perovskite) = 0.87"
