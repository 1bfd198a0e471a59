"""The figures of the lab, drawn from the recorded numbers: units on every axis, all data shown."""

import numpy as np
import pytest

from crystalgraph.labs.trust import clinic, figures, study


@pytest.fixture(autouse=True)
def recorded(monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")


def labels(figure):
    """All texts at the axes of a figure."""
    axes = figure.axes
    return " | ".join(text for one in axes for text in (one.get_xlabel(), one.get_ylabel()))


def test_every_patient_has_a_panel_with_its_curves():
    figure = figures.plot_charts(study.patients(), 1.15)
    titles = [axes.get_title()[0] for axes in figure.axes]
    assert titles == list(clinic.WRONG)
    stopped = figure.axes[titles.index("I")].texts[0].get_text()
    assert "Expected more than 1 value" in stopped.replace("\n", " ")
    assert "mean |error| (eV/atom)" in labels(figure) and "epoch" in labels(figure)


def test_parity_and_elements():
    found = study.measured("ensemble")
    target, prediction = np.array(found["target"]), np.mean(found["prediction"], axis=0)
    symbols = [["O", "O", "Ti"], ["Sr", "O"], ["O"]]
    figure = figures.plot_parity(target, prediction, {"O": 0.1, "Ti": 0.3, "Sr": 0.2}, symbols)
    assert [text.get_text() for text in figure.axes[1].texts] == ["1", "1", "3"]
    bars = [patch.get_height() for patch in figure.axes[1].patches]
    assert bars == [0.3, 0.2, 0.1] and labels(figure).count("(eV/atom)") == 3


def test_learning_curve_and_line():
    found = study.measured("learning curve")
    errors = np.array(found["error"])
    figure = figures.plot_learning_curve(found["size"], errors, -0.7, 2.7)
    points, line = figure.axes[0].lines
    assert len(points.get_xdata()) == errors.size
    slope = np.polyfit(np.log(line.get_xdata()), np.log(line.get_ydata()), 1)[0]
    assert slope == pytest.approx(-0.7) and "(eV/atom)" in labels(figure)


def test_each_setting_has_a_row():
    rows = dict.fromkeys(study.CHANGES, "small, large")
    figure = figures.plot_sensitivity(study.measured("sensitivity"), rows)
    assert len(figure.axes[0].get_yticklabels()) == len(study.CHANGES)
    assert "(eV/atom)" in labels(figure)


def test_calibration_has_lines_at_one_and_two_spreads():
    spread = np.array([0.1, 0.2, 0.4])
    figure = figures.plot_calibration(np.array([0.1, -0.3, 0.2]), spread)
    _, one, two = figure.axes[0].lines
    assert (
        np.allclose(two.get_ydata(), 2 * one.get_ydata()) and labels(figure).count("eV/atom") == 2
    )


def test_the_leak_has_a_bar_for_each_split_and_method():
    found = study.measured("leak")
    figure = figures.plot_leak(found)
    heights = sorted(patch.get_height() for patch in figure.axes[0].patches)
    assert heights == pytest.approx(sorted(v for one in found.values() for v in one.values()))
    assert "(eV/atom)" in labels(figure)


def test_every_edge_has_a_gate_in_each_panel():
    found = study.measured("gates")
    figure = figures.plot_gates(found)
    assert len(figure.axes) == 3 and "(Å)" in labels(figure)
    for axes in figure.axes:
        assert sum(len(line.get_xdata()) for line in axes.lines) == len(found["distance"])


def test_searches_have_a_curve_each():
    curves = study.measured("search")["curves"]
    figure = figures.plot_search(curves)
    assert [line.get_label() for line in figure.axes[0].lines] == list(curves)
    assert "(eV/atom)" in labels(figure)
