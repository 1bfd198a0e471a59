"""`crystalgraph embed`, and the tables and crystals that `crystalgraph predict` writes."""

from importlib.util import find_spec

import ase.io
import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Structure
from small_crystals import salt
from small_networks import trained

from crystalgraph import cli, paths
from crystalgraph.networks.checkpoints import save_checkpoint, save_members
from crystalgraph.networks.predictor import Predictor

CRYSTALS = paths.DATA / "crystals"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return save_checkpoint(trained(), tmp_path_factory.mktemp("one") / "c.pt")


@pytest.fixture
def run(capsys):
    """Run the command; what it returned, and its lines on stdout and stderr."""

    def run(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out.splitlines(), err.splitlines()

    return run


def test_a_row_for_each_crystal(run, checkpoint, tmp_path):
    salt().to(str(tmp_path / "salt.vasp"), fmt="poscar")
    out = tmp_path / "new" / "vectors.csv"
    code, said, problems = run(
        *("embed", "--checkpoint", checkpoint, "--out", out),
        *(CRYSTALS / "NaCl.cif", tmp_path / "salt.vasp"),
    )
    assert code == 0 and not problems
    assert said == [f"2 crystals, vectors of 8 numbers; they are in {out}"]
    table = pd.read_csv(out)
    assert list(table) == ["id", "formula", *(f"v{n}" for n in range(8))]
    assert list(table["id"]) == ["NaCl", "salt"] and set(table["formula"]) == {"NaCl"}
    expected = Predictor.load(checkpoint).embed([CRYSTALS / "NaCl.cif", salt()]).crystals
    np.testing.assert_allclose(table.to_numpy()[:, 2:].astype(float), expected, rtol=1e-7)


def test_a_row_for_each_atom(run, checkpoint, tmp_path):
    out, file = tmp_path / "atoms.csv", CRYSTALS / "SrTiO3.cif"
    code, said, _ = run("embed", "--checkpoint", checkpoint, "--atoms", "--out", out, file)
    assert code == 0 and said[0].startswith("5 atoms, vectors of 8 numbers")
    table = pd.read_csv(out)
    assert list(table)[:7] == ["id", "atom", "element", "frac_a", "frac_b", "frac_c", "v0"]
    assert sorted(table["element"]) == ["O", "O", "O", "Sr", "Ti"]
    crystal = Structure.from_file(file)
    places = {tuple(np.round(site.frac_coords % 1, 3)): site.specie.symbol for site in crystal}
    rows = table[["frac_a", "frac_b", "frac_c"]].to_numpy() % 1
    assert [places[tuple(row)] for row in np.round(rows, 3)] == list(table["element"])
    oxygen = table[table["element"] == "O"].to_numpy()[:, 6:].astype(float)
    assert np.ptp(oxygen, axis=0).max() < 1e-9 < np.ptp(table["v0"])  # equal surroundings


def test_bad_files_are_reported_and_the_others_embedded(run, checkpoint, tmp_path):
    (tmp_path / "bad.xyz").write_text("nonsense")
    out = tmp_path / "v.csv"
    code, said, problems = run(
        "embed", "--checkpoint", checkpoint, "--out", out, tmp_path, CRYSTALS / "Cu.cif"
    )
    assert code == 2 and said[0].startswith("1 crystals") and len(pd.read_csv(out)) == 1
    assert len(problems) == 1 and "bad.xyz cannot be read by ase" in problems[0]
    assert problems[0].startswith("crystalgraph embed: ")


def test_of_an_ensemble_it_is_said_whose_vectors_they_are(run, tmp_path):
    path = save_members([trained(), trained()], tmp_path / "two.pt")
    code, _, said = run(
        "embed", "--checkpoint", path, "--out", tmp_path / "v.csv", CRYSTALS / "Cu.cif"
    )
    assert code == 0 and "is an ensemble of 2 networks, whose vectors do not compare" in said[0]


@pytest.mark.parametrize("command", ["embed", "predict"])
def test_a_file_that_could_not_be_written_costs_no_work(run, command, tmp_path, monkeypatch):
    def refused(name):
        code, out, said = run(
            command, "--checkpoint", tmp_path / "lost.pt", "--out", tmp_path / name, tmp_path
        )
        assert code == 2 and not out and len(said) == 1
        return said[0]

    assert "v.tsv cannot be written, its ending is none of .csv, .parquet" in refused("v.tsv")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "needs the package pyarrow, which is not installed" in refused("v.parquet")
    assert "There is no checkpoint" in refused("v.csv")


def test_a_parquet_table_has_every_digit_where_pyarrow_is_installed(run, checkpoint, tmp_path):
    out = tmp_path / "v.parquet"
    code, _, said = run("embed", "--checkpoint", checkpoint, "--out", out, CRYSTALS / "Cu.cif")
    if find_spec("pyarrow") is None:  # an extra: pandas itself works otherwise where it is there
        assert code == 2 and "`pip install pyarrow` brings it" in said[0] and not out.exists()
        return
    assert code == 0
    table = pd.read_parquet(out)
    expected = Predictor.load(checkpoint).embed([CRYSTALS / "Cu.cif"]).crystals
    assert (table.to_numpy()[:, 2:].astype(float) == expected).all()
    assert table["v0"].dtype == np.float64


def test_predictions_as_a_table_and_as_crystals(run, tmp_path):
    path = save_members([trained(), trained()], tmp_path / "two.pt")
    files = [CRYSTALS / "NaCl.cif", CRYSTALS / "Si.cif"]
    for name in ("p.csv", "p.extxyz"):
        assert run("predict", "--checkpoint", path, "--out", tmp_path / name, *files)[0] == 0
    predictor = Predictor.load(path)
    values, spreads = predictor.predict(files)
    table = pd.read_csv(tmp_path / "p.csv")
    assert list(table) == ["id", "file", "gap_mesh", "spread", "unit"]
    np.testing.assert_allclose(table["gap_mesh"], values, rtol=1e-6)
    frames = ase.io.read(tmp_path / "p.extxyz", index=":")
    assert [frame.info["id"] for frame in frames] == ["NaCl", "Si"]
    for frame, value, spread in zip(frames, values, spreads, strict=True):
        assert frame.info["predicted_gap_mesh"] == pytest.approx(value, rel=1e-6)
        assert frame.info["predicted_gap_mesh_spread"] == pytest.approx(spread, rel=1e-6)
        assert frame.info["predicted_gap_mesh_unit"] == "eV"
        assert frame.calc is None  # no total energy that ASE would calculate with
    again, _ = predictor.predict([tmp_path / "p.extxyz"])
    assert again == pytest.approx(values, rel=1e-5)
