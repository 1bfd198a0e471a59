"""While nbgrader grades, notebooks leave out what takes long and does nothing for the grade."""

import os
import subprocess
import sys

import pytest

from crystalgraph import plots_structure
from crystalgraph.graphs import build_graph
from crystalgraph.paths import DATA

SET_UP = """
import sys
from crystalgraph.colab import set_up
set_up()
from IPython.extensions.autoreload import ModuleReloader
import nbformat
import crystalgraph.plots_classification, crystalgraph.plots_energy
from crystalgraph.plots_structure import draw_cell
from pymatgen.core import Lattice, Structure
draw_cell(Structure(Lattice.cubic(3), ["Po"], [[0, 0, 0]]))
print("autoreload checks:", ModuleReloader(None).check.__code__.co_argcount > 0)
print("loaded:", [name for name in ("lark", "pymatviz") if name in sys.modules])
"""


def run_set_up(**changes):
    """What a fresh process prints after the first cells of a notebook."""
    environment = {name: v for name, v in os.environ.items() if name != "NBGRADER_EXECUTION"}
    return subprocess.run(
        [sys.executable, "-c", SET_UP],
        env=environment | changes,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture(scope="module")
def salt():
    return plots_structure.Structure.from_file(DATA / "crystals" / "NaCl.cif")


def test_the_grader_loads_and_watches_less():
    said = run_set_up(NBGRADER_EXECUTION="autograde")
    assert "autoreload checks: False" in said and "loaded: []" in said


def test_a_student_gets_everything():
    said = run_set_up()
    assert "autoreload checks: True" in said and "'pymatviz'" in said


def test_the_grader_sees_plain_crystals_of_the_same_colors(salt, monkeypatch):
    usual = plots_structure.draw_cell(salt)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    plain = plots_structure.draw_cell(salt)
    line, atoms = plain.data
    assert len(atoms.x) == len(salt) and len(set(atoms.marker.color)) == 2
    assert len(line.x) == 12 * 3  # edges of a cell: two ends and a gap
    assert plain.layout.title.text == usual.layout.title.text
    graph = build_graph(salt)
    edges = graph.center, graph.neighbor, graph.distance
    lit = plots_structure.draw_neighbors(salt, 4, *edges, image=graph.image)
    both = plots_structure.side_by_side(plain, lit)
    assert len(both.data) == len(plain.data) + len(lit.data)
    cage = plots_structure.draw_octahedron(salt, center=4, corners="Na")
    assert cage.data[-1].type == "mesh3d"


def test_colors_are_those_of_pymatviz():
    from pymatviz.colors import ELEM_COLORS_JMOL

    assert plots_structure.element_colors() == ELEM_COLORS_JMOL
    assert plots_structure.css("Na") == "rgb(171,92,242)"
