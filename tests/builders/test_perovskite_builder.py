"""tools/perovskites: the builder of the shipped dataset reproduces what it can without GPAW.

One test runs GPAW itself, on the cheapest shipped crystal, with whichever Python has it.
"""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

REPO = Path(__file__).resolve().parents[2]
BUILDER = REPO / "tools" / "perovskites"
SHIPPED = REPO / "data" / "perovskites"
sys.path.insert(0, str(BUILDER))  # its modules import one another by name, as scripts do

import assemble  # noqa: E402
import cells  # noqa: E402
import compositions  # noqa: E402
import dft  # noqa: E402
import differences  # noqa: E402
import geometry  # noqa: E402
import journal  # noqa: E402
import references  # noqa: E402

from crystalgraph.checking.python_file import load_python_file  # noqa: E402


@functools.cache
def load_build():
    """build.py under a name of its own: `build` is also a package on PyPI."""
    return load_python_file(BUILDER / "build.py", "tools_perovskites_build")


@pytest.fixture(scope="module")
def shipped():
    return assemble.read_dataset(SHIPPED)[0]


@pytest.fixture(scope="module")
def per_atom():
    table = assemble.read_dataset(SHIPPED)[1]
    return {element: entry["energy_per_atom"] for element, entry in table.items()}


# ---------------------------------------------------------------- compositions


def test_every_shipped_crystal_is_a_candidate(shipped):
    kinds = {c.id: c.kind for c in compositions.candidates()}
    assert len(shipped) == 700
    assert all(kinds.get(key) == record["kind"] for key, record in shipped.items())


def test_candidates_are_unique_and_have_setups():
    ids = [c.id for c in compositions.candidates()]
    assert len(ids) == len(set(ids)) == 1586
    used = {element for c in compositions.candidates() for element in c.sites}
    assert used <= compositions.PBE_SETUPS
    assert "La" not in used  # in the lists, without a setup


def test_sample_is_seeded_and_holds_most_of_the_shipped(shipped):
    ids = [c.id for c in compositions.sample()]
    assert ids == [c.id for c in compositions.sample()] != [c.id for c in compositions.sample(2)]
    assert len(ids) == len(set(ids)) == 924
    assert len(shipped.keys() & set(ids)) == 649


def test_exchanged_swaps_the_first_two_sites():
    ids = {c.id for c in compositions.exchanged()}
    assert "Ti-Sr-O" in ids and "Sr-Ti-O" not in ids
    assert {c.id for c in compositions.simple()}.isdisjoint(ids)


# -------------------------------------------------------------------- geometry


def test_ideal_cells_are_the_shipped_structures(shipped):
    for record in shipped.values():
        rebuilt = cells.ideal_cell(record["sites"], *cells.cell_parameters(record))
        assert rebuilt["symbols"] == record["symbols"]
        np.testing.assert_allclose(rebuilt["lattice"], record["lattice"], atol=1.1e-6)
        offset = np.subtract(rebuilt["frac_coords"], record["frac_coords"])
        np.testing.assert_allclose(offset - np.round(offset), 0, atol=1.1e-6)


def test_double_cell_puts_x_between_b_and_b2():
    cell = cells.double_cell("Sr", "Mg", "W", "O", 8.0, 0.26)
    lattice, fractional = np.array(cell["lattice"]), np.array(cell["frac_coords"])
    steps = fractional[4] - fractional[2:4]  # from B and from B' to the first X
    lengths = np.linalg.norm((steps - np.round(steps)) @ lattice, axis=1)
    np.testing.assert_allclose(lengths, [0.26 * 8, 0.24 * 8], atol=1e-5)


def test_searches_find_a_known_minimum():
    (length,) = geometry.search_simple(lambda a: (a - 4.05) ** 2 + 0.1 * (a - 4.05) ** 3, 4.1)
    assert length == pytest.approx(4.05, rel=2e-3)
    found = geometry.search_double(lambda a, u: (a - 8.2) ** 2 + 50 * (u - 0.262) ** 2, 4.1)
    assert found == pytest.approx((8.2, 0.262), abs=1e-2)


# -------------------------------------------------------------- energies, gaps


def test_formation_energies_follow_from_energies_and_references(shipped, per_atom):
    for record in shipped.values():
        value = assemble.formation_energy_per_atom(
            record["energy_total"], record["symbols"], per_atom
        )
        assert value == pytest.approx(record["formation_energy_per_atom"], abs=1e-4)


def test_settings_are_those_of_the_dataset():
    for kind, kpoints, symmetry in (
        ("ABX3", {"size": (4, 4, 4), "gamma": False}, {}),
        ("A2BB'X6", {"size": (3, 3, 3), "gamma": True}, {"symmorphic": False}),
    ):
        settings = dft.settings(kind)
        assert settings["kpts"] == kpoints and settings["symmetry"] == symmetry
        assert settings["mode"] == {"name": "pw", "ecut": 600} and settings["xc"] == "PBE"
        assert settings["occupations"] == {"name": "fermi-dirac", "width": 0.05}
        assert settings["convergence"] == {"energy": 1e-3, "density": 1e-3}


def test_gap_on_mesh():
    bands = np.array([[-1.0, 0.0, 2.0], [-1.5, 0.5, 1.5]])
    assert dft.gap_on_mesh(bands, 4) == pytest.approx(1.0)  # 1.5 above 0.5, at one k-point
    assert dft.gap_on_mesh(bands, 3) == 0.0  # odd
    assert dft.gap_on_mesh(bands - [[0, 0, 0], [0, 0, 1.2]], 4) == 0.0  # bands overlap


def test_parabola_minimum():
    scales = (0.985, 1.0, 1.015, 1.03)
    energies = [3 * (scale - 1.01) ** 2 - 2 for scale in scales]
    assert references.parabola_minimum(scales, energies) == pytest.approx((1.01, -2))
    falling = [-scale for scale in scales]  # no minimum in sight: the lowest point
    assert references.parabola_minimum(scales, falling) == (1.03, -1.03)


# ------------------------------------------------------------------- resumable


def test_journal_drops_what_a_killed_process_left(tmp_path):
    path = tmp_path / "stage.jsonl"
    path.write_text('{"id": "a", "x": 1}\n{"id": "b", "x"', encoding="utf-8")
    book = journal.Journal(path)
    assert list(book.records) == ["a"]
    book.append({"id": "b", "x": 2})
    assert path.read_text(encoding="utf-8") == '{"id": "a", "x": 1}\n{"id": "b", "x": 2}\n'
    assert list(journal.Journal(path).records) == ["a", "b"]


def test_journal_names_a_damaged_line(tmp_path):
    path = tmp_path / "stage.jsonl"
    path.write_text('{"id": "a"}\nnonsense\n{"id": "b"}\n', encoding="utf-8")
    with pytest.raises(journal.BuilderError, match="stage.jsonl, line 2"):
        journal.Journal(path)


def test_a_stage_skips_what_is_done_and_survives_failures(tmp_path):
    run_stage, calls = load_build().run_stage, []

    def work(key):
        calls.append(key)
        if key == "b":
            raise RuntimeError("did not converge")
        return {"x": key}

    items = [(key, functools.partial(work, key)) for key in "abc"]
    book = journal.Journal(tmp_path / "stage.jsonl")
    assert run_stage(book, items) == 1
    assert run_stage(journal.Journal(book.path), items) == 0
    assert calls == ["a", "b", "c"]
    assert run_stage(journal.Journal(book.path), items, retry=True) == 1
    assert calls == ["a", "b", "c", "b"]
    assert list(journal.Journal(book.path).successes()) == ["a", "c"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "table.json"
    journal.write_atomically(path, "old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("killed")))
    with pytest.raises(OSError, match="killed"):
        journal.write_atomically(path, "new")
    assert path.read_text(encoding="utf-8") == "old"


# --------------------------------------------------------------------- command


def build(*arguments, python=sys.executable):
    """Run build.py; Returns its exit code, stdout and stderr."""
    command = [python, str(BUILDER / "build.py"), *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    return done.returncode, done.stdout, done.stderr


def write_journals(folder, records, table):
    """Leave the three journals of a finished build in a folder."""
    for record in records:
        journal.Journal(folder / "geometry.jsonl").append(record)
        journal.Journal(folder / "dft.jsonl").append(record)
    for element, entry in table.items():
        journal.Journal(folder / "references.jsonl").append({"id": element, **entry})


def test_assemble_writes_what_is_shipped(tmp_path, shipped):
    table = assemble.read_dataset(SHIPPED)[1]
    some = list(shipped.values())[::35]
    write_journals(tmp_path, some, table)
    assert build("assemble", "--out", tmp_path)[0] == 0
    records, written_table = assemble.read_dataset(tmp_path)
    assert written_table == table
    assert list(records) == [record["id"] for record in some]
    for record in some:
        new, formation = records[record["id"]], "formation_energy_per_atom"
        assert new.pop(formation) == pytest.approx(record[formation], abs=1.01e-4)
        assert new == {key: value for key, value in record.items() if key != formation}


def test_extend_keeps_the_shipped_and_adds_the_new(tmp_path, shipped):
    new = {**shipped["Ba-Ti-O"], "id": "Ba-Ti-O-again"}
    write_journals(tmp_path, [new], {"Ba": {"energy_per_atom": -9.9, "reference": "wrong"}})
    assert build("assemble", "--out", tmp_path, "--extend")[0] == 0
    records, table = assemble.read_dataset(tmp_path)
    assert records.keys() - shipped.keys() == {"Ba-Ti-O-again"}
    assert all(records[key] == shipped[key] for key in shipped)
    assert table["Ba"]["energy_per_atom"] != -9.9  # one reference for all of a dataset


def test_compositions_command(tmp_path):
    assert build("compositions", "--out", tmp_path)[0] == 0
    assert len((tmp_path / "compositions.txt").read_text(encoding="utf-8").split()) == 924


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("geometry", "--out", "nowhere"), "compositions.txt is missing"),
        (("geometry", "--out", "nowhere", "--only", "Sr-Xx-O"), "Sr-Xx-O is not A-B-X"),
        (("dft", "--out", "nowhere", "--only", "Sr-Ti-O"), "no structure for Sr-Ti-O"),
        (("references", "--out", "nowhere", "--only", "La"), "no PBE setup for La"),
        (("compare", "--out", "nowhere"), "nothing to compare"),
    ],
)
def test_wrong_input_is_one_sentence(arguments, words):
    code, _, error = build(*arguments)
    assert code == 2
    assert words in error and "Traceback" not in error and len(error.splitlines()) == 1


# ---------------------------------------------------------------- the evidence


def recomputed():
    return differences.from_csv((SHIPPED / "recomputed.csv").read_text(encoding="utf-8"))


def test_recomputed_table_is_about_the_shipped_numbers(shipped, per_atom):
    columns = {
        "total energy": lambda key: shipped[key]["energy_total"],
        "formation energy": lambda key: shipped[key]["formation_energy_per_atom"],
        "gap on the mesh": lambda key: shipped[key]["gap_mesh"],
        "lattice constant": lambda key: cells.cell_parameters(shipped[key])[0],
        "X position": lambda key: cells.cell_parameters(shipped[key])[1],
        "element reference": lambda key: per_atom[key],
    }
    for row in recomputed():
        value = columns[row["quantity"].split(",")[0]](row["id"])
        assert float(row["shipped"]) == pytest.approx(value, abs=5.1e-5)
        difference = float(row["recomputed"]) - float(row["shipped"])
        assert float(row["difference"]) == pytest.approx(difference, abs=1e-6)


def test_recomputed_table_is_broad_enough(shipped):
    rows = recomputed()
    energies = [shipped[row["id"]] for row in rows if row["quantity"] == "total energy"]
    assert len(energies) >= 8
    assert {"O", "S", "N", "F", "Cl", "Br", "I"} <= {record["sites"][-1] for record in energies}
    assert sum(record["n_atoms"] == 10 for record in energies) >= 2
    assert any(record["gap_mesh"] == 0 for record in energies)
    assert sum(row["quantity"] == "lattice constant" for row in rows) >= 4
    assert sum(row["quantity"] == "element reference" for row in rows) >= 3


def test_readme_quotes_the_command(shipped):
    code, printed, _ = build("compare")
    assert code == 0
    assert printed.strip() in (BUILDER / "README.md").read_text(encoding="utf-8")


# ------------------------------------------------------------------ GPAW itself


@functools.cache
def python_with_gpaw():
    """A Python that imports gpaw: this one, or the system's (Debian: apt install gpaw)."""
    for python in (sys.executable, "/usr/bin/python3"):
        try:
            done = subprocess.run([python, "-c", "import gpaw"], capture_output=True, timeout=60)
        except OSError:
            continue
        if done.returncode == 0:
            return python
    if os.environ.get("CI") == "true":
        pytest.fail("no Python here imports gpaw: install the packages gpaw and gpaw-data")
    pytest.skip("no Python here imports gpaw (Debian: apt install gpaw gpaw-data)")


@pytest.mark.slow
def test_setups_are_those_of_gpaw():
    code = (
        "import json, os, gpaw; names = [f.split('.') for p in gpaw.setup_paths"
        " if os.path.isdir(p) for f in os.listdir(p)];"
        "print(json.dumps(sorted({n[0] for n in names if len(n) > 1 and n[1] == 'PBE'})))"
    )
    done = subprocess.run([python_with_gpaw(), "-c", code], capture_output=True, text=True)
    assert set(json.loads(done.stdout)) >= compositions.PBE_SETUPS


@pytest.mark.slow
def test_gpaw_gives_the_shipped_energy(tmp_path, shipped):
    key = "Na-Be-F"  # the cheapest: few electrons, small cell
    command = ("dft", "--shipped-geometry", "--out", tmp_path, "--only", key)
    code, _, error = build(*command, python=python_with_gpaw())
    assert code == 0, error
    (record,) = journal.Journal(tmp_path / "dft_shipped_geometry.jsonl").successes().values()
    assert record["energy_total"] == pytest.approx(shipped[key]["energy_total"], abs=5e-3)
    assert record["gap_mesh"] == pytest.approx(shipped[key]["gap_mesh"], abs=5e-3)
