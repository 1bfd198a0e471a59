"""Crystals from files of any format and from objects: one crystal, whatever it was written as."""

import json
import sys

import ase.io
import numpy as np
import pytest
from ase import Atoms
from pymatgen.core import Lattice, Molecule, Structure
from small_crystals import salt

from crystalgraph import paths
from crystalgraph.crystals.graphs import build_graph
from crystalgraph.crystals.loaders.checks import check_crystal, collected_warnings
from crystalgraph.crystals.loaders.structure_files import (
    as_structure,
    find_structure_files,
    read_crystals,
)
from crystalgraph.crystals.symmetry import quotient, same_quotient
from crystalgraph.errors import CrystalGraphError

RUTILE = paths.DATA / "crystals" / "TiO2_rutile.cif"


def atoms_of(structure, **options):
    """The crystal as ASE's object."""
    options = {"pbc": True, "cell": structure.lattice.matrix, **options}
    return Atoms(numbers=structure.atomic_numbers, positions=structure.cart_coords, **options)


@pytest.fixture(scope="module")
def rutile():
    return Structure.from_file(RUTILE)


def same_crystal(one, other):
    """Both have the same graph, up to the order of atoms."""
    return same_quotient(quotient(build_graph(one)), quotient(build_graph(other)))


def written(structure, path):
    """Write a crystal in the format that the name asks for."""
    if path.suffix in (".xyz", ".extxyz", ".gen", ".traj", ".cssr", ".xsf"):
        ase.io.write(path, atoms_of(structure), format="extxyz" if "xyz" in path.suffix else None)
    elif path.suffix == ".json":
        path.write_text(json.dumps(structure.as_dict()))
    elif path.suffix == ".cif":
        structure.to(str(path), fmt="cif")
    else:
        structure.to(str(path), fmt="poscar")
    return path


@pytest.mark.parametrize(
    "name",
    ["a.cif", "POSCAR", "CONTCAR_2", "a.vasp", "a.xyz", "at@0.extxyz", "a.json", "a.xsf", "a.traj"],
)
def test_one_crystal_in_every_format(name, rutile, tmp_path):
    path = written(rutile, tmp_path / name)
    [found] = read_crystals(path)
    assert len(found.structure) == 6 and same_crystal(found.structure, rutile)
    assert not same_crystal(found.structure, salt())
    assert found.where == str(path)
    expected = {"POSCAR": tmp_path.name, "CONTCAR_2": "CONTCAR_2", "at@0.extxyz": "at@0"}.get(
        name, "a"
    )
    assert found.id == expected


def test_objects_of_pymatgen_and_ase_are_one_crystal(rutile):
    assert as_structure(rutile, "x") is rutile
    assert same_crystal(as_structure(atoms_of(rutile), "x"), rutile)
    for other in ("text", 3, Molecule("O", [[0, 0, 0]])):
        with pytest.raises(CrystalGraphError, match="crystal 0 is a .*; give a Structure"):
            as_structure(other, "crystal 0")


def test_frames_of_a_file_are_crystals_with_numbers(rutile, tmp_path):
    path = tmp_path / "two.xyz"
    ase.io.write(path, [atoms_of(rutile), atoms_of(salt())], format="extxyz")
    first, second = read_crystals(path)
    assert (first.id, second.id) == ("two@0", "two@1")
    assert second.where == f"{path}, crystal 1" and same_crystal(second.structure, salt())
    (tmp_path / "two.json").write_text(json.dumps([rutile.as_dict(), salt().as_dict()]))
    assert [one.id for one in read_crystals(tmp_path / "two.json")] == ["two@0", "two@1"]


def test_scaled_and_cartesian_poscars(rutile, tmp_path):
    text = rutile.to(fmt="poscar")
    rows = text.splitlines()
    assert rows[1] == "1.0"
    cell = np.array([row.split() for row in rows[2:5]], float)
    half = [" ".join(map(str, vector)) for vector in cell / 2]
    (tmp_path / "POSCAR").write_text("\n".join([rows[0], "2.0", *half, *rows[5:]]))
    assert same_crystal(read_crystals(tmp_path / "POSCAR")[0].structure, rutile)
    volume = f"{-rutile.volume}"
    (tmp_path / "POSCAR").write_text("\n".join([rows[0], volume, *half, *rows[5:]]))
    [found] = read_crystals(tmp_path / "POSCAR")
    assert found.structure.volume == pytest.approx(rutile.volume)
    places = [" ".join(map(str, place)) for place in rutile.cart_coords]
    cartesian = [*rows[5:7], "Selective dynamics", "Cartesian", *(f"{p} T T F" for p in places)]
    (tmp_path / "POSCAR").write_text("\n".join([*rows[:5], *cartesian]))
    assert same_crystal(read_crystals(tmp_path / "POSCAR")[0].structure, rutile)
    # pymatgen multiplies these positions by the negative number
    (tmp_path / "POSCAR").write_text("\n".join([rows[0], volume, *half, *cartesian]))
    with pytest.raises(CrystalGraphError, match="its second line is a volume and its positions"):
        read_crystals(tmp_path / "POSCAR")


def test_a_poscar_without_elements_is_not_hydrogen_and_helium(rutile, tmp_path):
    rows = rutile.to(fmt="poscar").splitlines()
    rows = [*rows[:5], *rows[6:8], *(" ".join(row.split()[:3]) for row in rows[8:])]
    path = tmp_path / "POSCAR"
    path.write_text("\n".join(rows))
    with pytest.raises(CrystalGraphError, match="does not name its elements; add a line"):
        read_crystals(path)


SALT = Structure.from_spacegroup(
    "Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
).to(fmt="poscar")
SALT_TO_MOVE = SALT.replace("direct", "Selective dynamics\ndirect")
XYZ = "1\n{comment}\nCu 0 0 0\n"
FCC = 'Lattice="0 1.8 1.8 1.8 0 1.8 1.8 1.8 0" Properties=species:S:1:pos:R:3'


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("POSCAR", "", "is not a POSCAR that can be read"),
        ("POSCAR", "a\n1.0\n1 0 0\n0 1 0\n", "is not a POSCAR that can be read"),
        ("a.json", "{", "is not JSON of pymatgen's structures"),
        ("a.json", "[]", "holds no crystal; export it again"),
        ("a.json", '{"lattice": 1}', "is not JSON of pymatgen's structures"),
        ("a.json", json.dumps(Molecule("O", [[0, 0, 0]]).as_dict()), "is not JSON of pymatgen's"),
        ("a.xyz", "nonsense", "cannot be read by ase"),
        ("a.foo", "nonsense", "cannot be read by ase"),
        ("a.xyz", XYZ.format(comment="no cell"), "has no cell of three vectors, so it is a mol"),
        ("a.xyz", XYZ.format(comment=FCC + ' pbc="T T F"'), "is not periodic in all three dir"),
        ("POSCAR", SALT.replace("4 4", "4 3"), "it has more positions than the 7 atoms that it co"),
        ("POSCAR", SALT.replace("4 4", "4 5"), r"can be read .a line or a number is missing."),
        ("POSCAR", SALT_TO_MOVE.replace("4 4", "3 4"), "more positions than the 7 atoms"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_sentence(name, content, message, tmp_path):
    (tmp_path / name).write_text(content)
    with pytest.raises(CrystalGraphError, match=message) as raised:
        read_crystals(tmp_path / name)
    said = str(raised.value)
    assert name in said and "\n" not in said and said.endswith(".")
    [found] = _read_again(tmp_path)
    assert found.structure.composition.reduced_formula == "Cu"


def _read_again(folder):
    """What was refused is refused for its fault: without the fault it is read."""
    (folder / "right.xyz").write_text(XYZ.format(comment=FCC))
    return read_crystals(folder / "right.xyz")


@pytest.mark.parametrize("name", ["lost.cif", "POSCAR", "lost.json", "lost.xyz"])
def test_a_missing_file_is_named(name, tmp_path):
    with pytest.raises(CrystalGraphError, match=f"{name} cannot be read .[Nn]o such file"):
        read_crystals(tmp_path / name)


def test_a_slab_of_pymatgen_is_not_periodic():
    slab = Structure(Lattice(np.eye(3) * 4, pbc=(True, True, False)), ["Cu"], [[0, 0, 0]])
    with pytest.raises(CrystalGraphError, match="crystal 0 is not periodic"):
        as_structure(slab, "crystal 0")


@pytest.mark.parametrize("after", ["", "\n", "\n" + "0.1 0 0\n" * 8, "Cartesian\n0.1 0 0\n"])
@pytest.mark.parametrize("text", [SALT, SALT_TO_MOVE], ids=["plain", "selective"])
def test_what_follows_the_positions_of_a_poscar_is_not_looked_at(text, after, tmp_path):
    (tmp_path / "POSCAR").write_text(text.rstrip("\n") + "\n" + after)
    assert len(read_crystals(tmp_path / "POSCAR")[0].structure) == 8


@pytest.mark.parametrize(
    "cell, position, message",
    [
        ([[4, 0, 0], [0, 4, 0], [0, 4, 0]], 0, "vectors of the cell lie in one plane; correct"),
        ([[4, 0, 0], [0, 4, 0], [0, 0, 0]], 0, "vectors of the cell lie in one plane"),
        (np.eye(3) * 4, np.nan, "a number of the cell or of a position is not finite; correct it"),
        (np.diag([4, 4, np.inf]), 0, "a number of the cell or of a position is not finite"),
    ],
)
def test_a_crystal_without_a_cell_is_refused_whatever_it_comes_from(cell, position, message):
    structure = Structure(Lattice(cell), ["Cu"], [[0, 0, position]])
    with pytest.raises(CrystalGraphError, match=message):
        check_crystal(as_structure(structure, "it"), "it")


def test_an_atom_of_no_element_is_refused_as_in_cif_files():
    atoms = Atoms("XCu", positions=[[0, 0, 0], [2, 2, 2]], cell=[4, 4, 4], pbc=True)
    with pytest.raises(CrystalGraphError, match="'X' is not an element"):
        check_crystal(as_structure(atoms, "it"), "it")


def test_cif_text_under_another_name_is_still_read_with_care(rutile, tmp_path):
    path = tmp_path / "crystal.dat"
    path.write_text(RUTILE.read_text())
    assert same_crystal(read_crystals(path)[0].structure, rutile)
    path.write_text(rutile.to(fmt="cif").replace("'Ti2 O4'", "'Ti2 O3'").replace("TiO2", "Ti2O3"))
    with pytest.raises(CrystalGraphError, match="formula"):
        read_crystals(path)
    with collected_warnings() as said:
        read_crystals(path, accept_warnings=True)
    assert "formula" in said[0]


def test_without_ase_the_other_formats_are_read(rutile, tmp_path, monkeypatch):
    for name in ("ase", "ase.io"):
        monkeypatch.setitem(sys.modules, name, None)
    rutile.to(str(tmp_path / "POSCAR"), fmt="poscar")
    assert len(read_crystals(tmp_path / "POSCAR")[0].structure) == 6
    (tmp_path / "a.xyz").write_text(XYZ.format(comment=FCC))
    with pytest.raises(CrystalGraphError, match="needs the package ase, which is not installed"):
        read_crystals(tmp_path / "a.xyz")


def test_a_folder_gives_its_crystals_and_names_the_rest(tmp_path):
    for name in ("b.CIF", "POSCAR", "a.xyz", "c.vasp", "notes.txt", "results.json", "id_prop.csv"):
        (tmp_path / name).write_text("")
    with collected_warnings() as said:
        found = find_structure_files([tmp_path])
    assert [path.name for path in found] == ["POSCAR", "a.xyz", "b.CIF", "c.vasp"]
    assert len(said) == 1 and "were left out: notes.txt, results.json (not the name of" in said[0]
    assert find_structure_files([tmp_path / "*.json"]) == [tmp_path / "results.json"]
    with pytest.raises(CrystalGraphError, match="There is no structure file in .*cube"):
        find_structure_files([tmp_path / "*.cube"])
