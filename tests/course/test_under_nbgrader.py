"""While nbgrader grades, notebooks leave out what takes long and does nothing for the grade."""

import os
import subprocess
import sys

import pytest

from crystalgraph.crystals.graphs import build_graph
from crystalgraph.figures import structure as plots_structure
from crystalgraph.paths import DATA

NOTEBOOK = """
import gc, os, sys, time
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
path = Path("edited_module.py")

def cell(source):
    shell.run_cell(source).raise_error()

cell("from crystalgraph.course import lab; lab.set_up('hw')")
cell("%load_ext autoreload")
cell("%autoreload 2")
path.write_text("VALUE = 'old'")
sys.path.insert(0, "")
cell("import edited_module")
path.write_text("VALUE = 'new'")
later = time.time() + 10
os.utime(path, (later, later))
cell("print('edited module:', edited_module.VALUE)")
cell("import nbformat, plotly.graph_objects; nbformat.v4.new_code_cell('')")
cell("from crystalgraph.labs.hw.figures import classification, energy")
cell("from crystalgraph.figures.structure import draw_cell")
cell("from pymatgen.core import Lattice, Structure")
cell("draw_cell(Structure(Lattice.cubic(3), ['Po'], [[0, 0, 0]]))")
print("threshold:", gc.get_threshold()[0])
print("loaded:", [name for name in ("lark", "pymatviz") if name in sys.modules])
"""


def first_cells(folder, **changes):
    """What is printed by a fresh process that runs cells like the first ones of a notebook."""
    unset = ("NBGRADER_EXECUTION", "PYTHONPATH")  # support/quick_start leaves out one package
    environment = {name: v for name, v in os.environ.items() if name not in unset}
    return subprocess.run(
        [sys.executable, "-c", NOTEBOOK],
        cwd=folder,
        env=environment | changes,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_grader_loads_and_watches_less(tmp_path):
    said = first_cells(tmp_path, NBGRADER_EXECUTION="autograde")
    assert "edited module: old" in said and "loaded: []" in said and "threshold: 100000" in said


def test_a_student_gets_everything(tmp_path):
    """Were these not loaded without our doing, there would be nothing to leave out."""
    said = first_cells(tmp_path)
    assert "edited module: new" in said and "loaded: ['lark', 'pymatviz']" in said
    assert "threshold: 100000" not in said


@pytest.fixture(scope="module")
def salt():
    return plots_structure.Structure.from_file(DATA / "crystals" / "NaCl.cif")


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
