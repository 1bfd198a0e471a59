"""Reading CIF files: what is meant is read, what contradicts itself is refused with the reason."""

import warnings

import numpy as np
import pytest

from crystalgraph.crystals.loaders import cif as cif_module
from crystalgraph.crystals.loaders.cif import read_cif
from crystalgraph.crystals.loaders.cif_symmetry import _name_key, _table
from crystalgraph.errors import CrystalGraphError, CrystalGraphWarning

SALT = (5.64, 5.64, 5.64, 90, 90, 90)
DIAMOND = (3.567, 3.567, 3.567, 90, 90, 90)
HEXAGONAL = (2.95, 2.95, 4.68, 90, 90, 120)
RHOMBOHEDRAL = (4.13, 4.13, 4.13, 54.1, 54.1, 54.1)
CELL_TAGS = [f"_cell_length_{axis}" for axis in "abc"]
CELL_TAGS += [f"_cell_angle_{name}" for name in ("alpha", "beta", "gamma")]
PAIR = "Na1 Na 0 0 0\nCl1 Cl 0.5 0.5 0.5"
FULL = "label type_symbol fract_x fract_y fract_z"
BARE = "label fract_x fract_y fract_z"
OCCUPIED = f"{FULL} occupancy"


def cif(group="", atoms=PAIR, cell=SALT, columns=FULL, more=""):
    """A CIF file; `group` and `more` are lines about the crystal as a whole."""
    lines = [
        "data_x",
        group,
        *(f"{tag} {value}" for tag, value in zip(CELL_TAGS, cell, strict=True)),
    ]
    lines += [more, "loop_", *(f"_atom_site_{column}" for column in columns.split()), atoms]
    return "\n".join(lines) + "\n"


def name(symbol):
    return f"_symmetry_space_group_name_H-M '{symbol}'"


def formula(text, units):
    return f"_chemical_formula_sum '{text}'\n_cell_formula_units_Z {units}"


def operations(*texts):
    return "loop_\n_symmetry_equiv_pos_as_xyz\n" + "\n".join(f"'{text}'" for text in texts)


def table_operations(symbol):
    """The operations of a setting in the table of names."""
    (*_, texts), *_ = _table()[_name_key(symbol)]
    return operations(*texts)


def half_of_salt(said):
    """Rock salt without the operations of its centering: the structure of CsCl."""
    texts = table_operations("F m -3 m").splitlines()
    return cif(said + "\n" + "\n".join(texts[: 2 + 48]))


P1 = name("P 1")
CUBIC = name("F m -3 m")


@pytest.fixture
def read(tmp_path):
    """Write a text (or bytes) as a CIF file and read it; also what was said."""

    def reading(content, **options):
        path = tmp_path / "crystal.cif"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            structure = read_cif(path, **options)
        assert all(one.category is CrystalGraphWarning for one in said)
        return structure, [str(one.message) for one in said]

    return reading


def test_a_crystal_without_a_choice_of_settings_is_compared_with_no_other(read, monkeypatch):
    def compared(_):
        raise AssertionError("neighbors are looked for, which takes long")

    monkeypatch.setattr(cif_module, "_distances_of_kinds", compared)
    assert len(read(cif(P1))[0]) == 2
    with pytest.raises(AssertionError, match="takes long"):
        read(cif(name("F d -3 m"), "C1 C 0 0 0", DIAMOND))


def diamond(group, position="0 0 0"):
    return cif(group, f"C1 C {position}", DIAMOND)


def arsenic(group, cell=RHOMBOHEDRAL, position="0.227 0.227 0.227"):
    return cif(group, f"As1 As {position}", cell)


HEX_ARSENIC = {"cell": (3.76, 3.76, 10.55, 90, 90, 120), "position": "0 0 0.227"}


def repeated(symbol, count):
    """As many atoms in places of their own."""
    rows = range(count)
    return "\n".join(f"{symbol}{n} {symbol} {n / count:.4f} {n % 5 / 5} {n % 7 / 7}" for n in rows)


MULTIPLE = f"{FULL} symmetry_multiplicity"
DISORDERED = f"{FULL} disorder_group"

# File, formula of the cell, shortest distance in angstrom.
UNDERSTOOD = {
    "name": (cif(CUBIC), "Na4 Cl4", 2.82),
    "name in capitals": (cif(name("F M -3 M")), "Na4 Cl4", 2.82),
    "name before 1935": (cif(name("Fm3m")), "Na4 Cl4", 2.82),
    "Hall symbol": (cif("_space_group_name_Hall '-F 4 2 3'"), "Na4 Cl4", 2.82),
    "number": (cif("_space_group_IT_number 225"), "Na4 Cl4", 2.82),
    "full name and number": (
        cif("_space_group_name_H-M_alt 'F m -3 m'\n_space_group_IT_number 225"),
        "Na4 Cl4",
        2.82,
    ),
    "origin 1": (diamond(name("F d -3 m :1")), "C8", 1.5446),
    "origin 2": (diamond(name("F d -3 m :2"), "0.125 0.125 0.125"), "C8", 1.5446),
    "origin 1 as S": (diamond(name("F d -3 m S")), "C8", 1.5446),
    "origin by Hall": (
        diamond(name("F d -3 m") + "\n_space_group_name_Hall 'F 4d 2 3 -1d'"),
        "C8",
        1.5446,
    ),
    "origin by formula": (diamond(name("F d -3 m") + "\n" + formula("C", 8)), "C8", 1.5446),
    "rhombohedral": (arsenic(name("R -3 m :R")), "As2", 2.5144),
    "rhombohedral by cell": (arsenic(name("R -3 m")), "As2", 2.5144),
    "hexagonal as H": (arsenic(name("R -3 m H"), **HEX_ARSENIC), "As6", 2.5168),
    "hexagonal by cell": (arsenic(name("R -3 m"), **HEX_ARSENIC), "As6", 2.5168),
    "third with 3 digits": (
        cif(name("P 63/m m c"), "Ti1 Ti 0.333 0.667 0.25", HEXAGONAL),
        "Ti2",
        2.8958,
    ),
    "third with 2 digits": (
        cif(name("P 63/m m c"), "Ti1 Ti 0.33 0.67 0.25", HEXAGONAL),
        "Ti2",
        2.8958,
    ),
    "third cut off": (
        cif(name("P 63/m m c"), "Ti1 Ti 0.333 0.666 0.25", HEXAGONAL),
        "Ti2",
        2.8958,
    ),
    "x, 2x rounded": (
        cif(name("P 63/m m c"), "Ti1 Ti 0.1567 0.3133 0.25", (6, 6, 6, 90, 90, 120)),
        "Ti6",
        2.8206,
    ),
    "operations around another origin": (
        cif(
            name("P 1 21/c 1")
            + "\n_space_group_name_H-M_ref 'P 1 21/n 1'\n_space_group_IT_number 14\n"
            + operations("x,y,z", "1/2-x,y+1/2,1/2-z", "1/2-x,1/2-y,-z", "x,-y,z-1/2"),
            "C1 C 0.1 0.2 0.3",
            (5, 6, 7, 90, 100, 90),
        ),
        "C4",
        2.9986,
    ),
    "operations of other axes than the number's first": (
        cif(
            "_space_group_IT_number 14\n" + table_operations("P 1 1 21/b"),
            "C1 C 0.1 0.2 0.3",
            (5, 6, 7, 90, 90, 100),
        ),
        "C4",
        3.0806,
    ),
    "types with more than the symbol": (
        cif(CUBIC, "a Na0+ 0 0 0\nb CL_pv 0.5 0.5 0.5"),
        "Na4 Cl4",
        2.82,
    ),
    "label of a carbon beside B": (
        cif(P1, "C1A 0 0 0\nC1B .5 .5 .5", columns=BARE, more="_chemical_formula_sum C"),
        "C2",
        4.8844,
    ),
    "multiplicity": (
        cif(CUBIC, "Na1 Na 0 0 0 4\nCl1 Cl 0.5 0.5 0.5 48", columns=MULTIPLE),
        "Na4 Cl4",
        2.82,
    ),
    "one disorder group": (
        cif(P1, "Na1 Na 0 0 0 .\nCl1 Cl 0.5 0.5 0.5 1", columns=DISORDERED),
        "Na1 Cl1",
        4.8844,
    ),
    "triclinic": (
        cif(f"{P1}\n_symmetry_cell_setting Triclinic\n_space_group_name_schoenflies C1^1"),
        "Na1 Cl1",
        4.8844,
    ),
    "a count that is not whole": (
        cif(P1, repeated("C", 99) + "\nC99 C .01 .33 .77", more=formula("C25.1", 4)),
        "C100",
        None,
    ),
    "third in an operation": (
        cif(
            operations(
                *("x,y,z", "-y,x-y,z", "-x+y,-x,z", "x+0.333,y+0.667,z+0.667"),
                *("-y+0.333,x-y+0.667,z+0.667", "-x+y+0.333,-x+0.667,z+0.667"),
                *("x+0.667,y+0.333,z+0.333", "-y+0.667,x-y+0.333,z+0.333"),
                "-x+y+0.667,-x+0.333,z+0.333",
            ),
            "Na1 Na 0 0 0",
            (3.76, 3.76, 10.55, 90, 90, 120),
        ),
        "Na3",
        3.76,
    ),
    "occupancy left out": (
        cif(CUBIC, "Na1 Na 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 .", columns=OCCUPIED),
        "Na4 Cl4",
        2.82,
    ),
    "type unknown, label clear": (cif(CUBIC, PAIR.replace("Cl ", "? ")), "Na4 Cl4", 2.82),
    "type with charge": (
        cif(CUBIC, "Na1 Na1+ 0 0 0\nCl1 Cl- 0.5 0.5 0.5"),
        "Na4 Cl4",
        2.82,
    ),
    "labels only": (
        cif(CUBIC, "Na1 0 0 0\nCl1 0.5 0.5 0.5", columns=BARE),
        "Na4 Cl4",
        2.82,
    ),
    "standard uncertainties": (cif(CUBIC, cell=("5.64(2)",) * 3 + (90,) * 3), "Na4 Cl4", 2.82),
    "formula of the cell, and Z": (
        cif(CUBIC, more=formula("Na4 Cl4", 4) + "\n_cell_volume 179.41(9)"),
        "Na4 Cl4",
        2.82,
    ),
    "tags in capitals": (cif(CUBIC).replace("_cell_", "_CELL_"), "Na4 Cl4", 2.82),
    "keywords in capitals": (cif(CUBIC).replace("loop_", "LOOP_"), "Na4 Cl4", 2.82),
    "magnetic": (
        cif(
            "loop_\n_space_group_symop_magn_operation.xyz\nx,y,z,+1\n-x,-y,-z,+1\n"
            "loop_\n_space_group_symop_magn_centering.xyz\nx,y,z,+1\nx+1/2,y+1/2,z,-1",
            "Fe1 Fe 0 0 0",
            (4, 4, 4, 90, 90, 90),
        ),
        "Fe2",
        2.8284,
    ),
    "byte order mark": (b"\xef\xbb\xbf" + cif(CUBIC).encode(), "Na4 Cl4", 2.82),
    "UTF-16": (cif(CUBIC).encode("utf-16"), "Na4 Cl4", 2.82),
    "UTF-16, big end first": (b"\xfe\xff" + cif(CUBIC).encode("utf-16-be"), "Na4 Cl4", 2.82),
    "UTF-16 without a mark": (cif(CUBIC).encode("utf-16-le"), "Na4 Cl4", 2.82),
    "words of CIF in free text": (
        cif(f"{CUBIC}\n_publ_section_title\n;\ndata_collection\n_cell_length_a 3\n;"),
        "Na4 Cl4",
        2.82,
    ),
    "operations under the second tag": (
        cif(
            f"_symmetry_equiv_pos_as_xyz ?\n{operations('x,y,z', '-x,-y,-z')}".replace(
                "loop_\n_symmetry_equiv_pos_as_xyz", "loop_\n_space_group_symop_operation_xyz"
            ),
            "C1 C 0.25 0.25 0.25",
            DIAMOND,
        ),
        "C2",
        3.0891,
    ),
    "names with other letters": (
        cif(f"# \u2212 \u00e9\n{CUBIC}\n_publ_author_name 'Andr\u00e9'"),
        "Na4 Cl4",
        2.82,
    ),
    "minus of typesetting": (
        cif(name("P \u22121"), "C1 C \u20130.25 -0.25 \u22120.25", DIAMOND),
        "C2",
        3.0891,
    ),
    "minus of Windows": (
        cif(operations("x,y,z", "@x,@y,@z"), "C1 C @0.25 0.75\xa0-0.25", DIAMOND)
        .encode("cp1252")
        .replace(b"@", b"\x96"),
        "C2",
        3.0891,
    ),
    "old line ends": (cif(CUBIC).replace("\n", "\r"), "Na4 Cl4", 2.82),
}


@pytest.mark.parametrize("content, cell, distance", UNDERSTOOD.values(), ids=UNDERSTOOD)
def test_a_right_file_is_read_as_meant_and_without_a_word(read, content, cell, distance):
    structure, said = read(content)
    assert structure.composition.formula == cell and not said
    shortest = structure.get_neighbor_list(6.0)[3].min()
    assert distance is None or shortest == pytest.approx(distance, abs=2e-3)


@pytest.mark.parametrize(
    "content, cell, sentence",
    [
        (cif(), "Na1 Cl1", "states no symmetry; the listed atoms are taken as the whole cell"),
        (
            cif(CUBIC, "Na1 Na 0 0 0 1\nCl1 Cl .5 .5 .5 ?", columns=OCCUPIED),
            "Na4 Cl4",
            "occupancy of atom Cl1 is unknown and is taken as 1",
        ),
        (
            cif(CUBIC, "Na1 Na 0 0 0 1\nCl1 Cl .5 .5 .5 1\nK1 K .2 .2 .2 0", columns=OCCUPIED),
            "Na4 Cl4",
            "atom K1 has the occupancy 0 and is left out",
        ),
        (
            cif(P1, "LI1 0 0 0\nO1 0 0.5 0.3\nHO1 0 0.5 0.5", columns=BARE)
            + "_chemical_formula_sum 'Li O H'\n",
            "Li1 H1 O1",
            "labels that begin with HO are read as H; to be sure, add the column",
        ),
        (
            cif(CUBIC) + cif(CUBIC).replace("data_x", "data_y"),
            "Na4 Cl4",
            "of its 2 crystals only the",
        ),
        (cif(CUBIC, more="stray"), "Na4 Cl4", "Possible issue in CIF file at line: stray"),
        (
            cif(name("F m -3 q"), more=formula("Na Cl", 1)),
            "Na1 Cl1",
            "space group F m -3 q is unknown, so other atoms may be missing",
        ),
        (cif(CUBIC, more="_chemical_formula_sum '(Na Cl)n'"), "Na4 Cl4", "cannot be understood"),
    ],
)
def test_what_is_guessed_is_said(read, content, cell, sentence):
    structure, said = read(content)
    assert structure.composition.formula == cell
    assert any(sentence in one and "crystal.cif: " in one for one in said), said


# File, reason, formula of the cell with accept_warnings.
CONTRADICTIONS = {
    "line above a digit": (
        cif(name("I 4\u0305")),
        "the space group I 4<U+0305> is unknown",
        "Na1 Cl1",
    ),
    "unknown name": (cif(name("F m -3 q")), "space group F m -3 q is unknown", "Na1 Cl1"),
    "unknown Hall symbol": (
        cif("_space_group_name_Hall '-F 4 2 9'"),
        "space group -F 4 2 9 is unknown",
        "Na1 Cl1",
    ),
    "no symmetry": (cif(more=formula("Na Cl", 4)), "a cell of Na1 Cl1", "Na1 Cl1"),
    "name and number": (
        cif(P1 + "\n_symmetry_Int_Tables_number 225"),
        "P 1 and 225 are not the same space group",
        "Na1 Cl1",
    ),
    "two origins": (
        diamond(name("F d -3 m")),
        "may be meant in F d -3 m :1 or F d -3 m :2, which are different crystals",
        "C16",
    ),
    "two origins that both give the formula": (
        cif(
            name("F d -3 m") + "\n" + formula("C", 32),
            "C1 C 0.06 0.06 0.06",
            (9, 9, 9, 90, 90, 90),
        ),
        "may be meant in F d -3 m :1 or F d -3 m :2",
        "C32",
    ),
    "a cell that is not cubic": (
        cif(CUBIC, cell=(5.64, 5.64, 6.2, 90, 90, 90), more=formula("Na Cl", 4)),
        "cell 5.64, 5.64, 6.2, 90, 90, 90 does not have the symmetry of F m -3 m",
        None,
    ),
    "wrong origin": (
        diamond(name("F d -3 m :2") + "\n" + formula("C", 8)),
        "formula is 'C' with Z = 8, but its atoms and its symmetry make a cell of C16",
        "C16",
    ),
    "cell of other axes": (
        arsenic(name("R -3 m :H")),
        "cell 4.13, 4.13, 4.13, 54.1, 54.1, 54.1 does not have the symmetry of R -3 m :H",
        None,
    ),
    "operations of another group": (
        cif(CUBIC + "\n" + operations("x,y,z")),
        "its 1 symmetry operations are not those of space group F m -3 m",
        "Na1 Cl1",
    ),
    "operations without centering": (
        cif(name("I -1") + "\n" + operations("x,y,z", "-x,-y,-z")),
        "its 2 symmetry operations are not those of space group I -1",
        "Na1 Cl1",
    ),
    "operations without centering, Hall symbol": (
        half_of_salt("_space_group_name_Hall '-F 4 2 3'"),
        "its 48 symmetry operations are not those of space group -F 4 2 3",
        "Na1 Cl1",
    ),
    "operations without centering, number": (
        half_of_salt("_space_group_IT_number 225"),
        "its 48 symmetry operations are not those of space group 225",
        "Na1 Cl1",
    ),
    "operations without centering, hexagonal": (
        arsenic(
            "\n".join(f"{name('R -3 m')}\n{table_operations('R -3 m :H')}".splitlines()[:15]),
            **HEX_ARSENIC,
        ),
        "its 12 symmetry operations are not those of space group R -3 m",
        "As2",
    ),
    "operations of a group with as many": (
        diamond(CUBIC + "\n" + table_operations("F d -3 m :1")),
        "its 192 symmetry operations are not those of space group F m -3 m",
        "C8",
    ),
    "name and operations against the number": (
        cif(f"{name('P m -3 m')}\n_space_group_IT_number 225\n{table_operations('P m -3 m')}"),
        "its 48 symmetry operations are not those of space group 225",
        "Na1 Cl1",
    ),
    "operations with the same rotations": (
        cif(
            f"_space_group_IT_number 23\n{table_operations('I 21 21 21')}",
            "C1 C 0.1 0.2 0.3",
        ),
        "its 8 symmetry operations are not those of space group 23",
        "C8",
    ),
    "operations along other axes": (
        cif(
            name("P 1 21/n 1") + "\n" + table_operations("P 1 21/c 1"),
            "C1 C 0.1 0.2 0.3",
            (5, 6, 7, 90, 100, 90),
        ),
        "its 4 symmetry operations are not those of space group P 1 21/n 1",
        "C4",
    ),
    "one molecule of two, group unknown": (
        cif(
            name("P 21/q"),
            more=formula("Na2 Cl2", 2),
            atoms=PAIR + "\nNa2 Na .2 .2 .2\nCl2 Cl .7 .7 .7",
        ),
        "formula is 'Na2 Cl2' with Z = 2, but its atoms and its symmetry make a cell of Na2 Cl2",
        "Na2 Cl2",
    ),
    "one molecule of two, no symmetry": (
        cif(more=formula("Na2 Cl2", 2), atoms=PAIR + "\nNa2 Na .2 .2 .2\nCl2 Cl .7 .7 .7"),
        "formula is 'Na2 Cl2' with Z = 2, but its atoms and its symmetry make a cell of Na2 Cl2",
        "Na2 Cl2",
    ),
    "one atom of many": (
        cif(P1, repeated("C", 100), more=formula("C101", 1)),
        "formula is 'C101' with Z = 1, but its atoms and its symmetry make a cell of C100",
        "C100",
    ),
    "two origins that exchange elements": (
        cif(name("P 42/n n m"), "Na1 Na .25 .25 .25\nCl1 Cl 0 .5 0", (5, 5, 6, 90, 90, 90)),
        "may be meant in P 42/n n m :1 or P 42/n n m :2, which are different crystals",
        "Na4 Cl4",
    ),
    "multiplicity of a symmetry that is not written": (
        cif(P1, "Na1 Na 0 0 0 4\nCl1 Cl 0.5 0.5 0.5 4", columns=MULTIPLE),
        "atom Na1 has the multiplicity 4, but its position and its symmetry make 1 atoms",
        "Na1 Cl1",
    ),
    "two disorder groups": (
        cif(P1, "Na1 Na 0 0 0 .\nCl1 Cl 0.5 0.5 0.5 1\nCl2 Cl .5 .5 .6 2", columns=DISORDERED),
        "its atoms are in several disorder groups, of which one is there",
        "Na1 Cl2",
    ),
    "Schoenflies symbol": (
        cif("_space_group_name_Schoenflies Oh^5"),
        "_space_group_name_schoenflies is 'Oh^5', but no other symmetry is written",
        "Na1 Cl1",
    ),
    "cubic beside P 1": (
        cif(f"{P1}\n_symmetry_cell_setting cubic"),
        "_symmetry_cell_setting is 'cubic', but no other symmetry is written than that of P 1",
        "Na1 Cl1",
    ),
    "label of a molecule": (
        cif(P1, "Na1 0 0 0\nH2O .5 .5 .5", columns=BARE),
        "the label 'H2O' is read as H, and may mean O",
        "Na1 H1",
    ),
    "label of water or tungsten": (
        cif(P1, "Na1 0 0 0\nW1 .5 .5 .5", columns=BARE),
        "the label 'W1' is read as W, and may mean water",
        "Na1 W1",
    ),
    "some operations": (
        cif(operations("x,y,z", "-y,x,z")),
        "its list of 2 symmetry operations is not complete",
        None,
    ),
    "hydrogen in the formula only": (
        cif(P1, "Mg1 Mg 0 0 0\nO1 O 0.5 0.5 0.2\nO2 O 0.5 0.5 0.8", more=formula("Mg O2 H2", 1)),
        "formula is 'Mg O2 H2' with Z = 1, but its atoms and its symmetry make a cell of Mg1 O2",
        "Mg1 O2",
    ),
    "hydrogen without a position": (
        cif(P1, f"{PAIR}\nH1 H ? ? ?"),
        "atom H1 has no position and is left out",
        "Na1 Cl1",
    ),
    "position left out": (cif(P1, f"{PAIR}\nK1 K . . ."), "atom K1 has no position", "Na1 Cl1"),
    "attached hydrogen": (
        cif(P1, "Na1 Na 0 0 0 0\nO1 O .5 .5 .5 2", columns=f"{FULL} attached_hydrogens"),
        "2 hydrogens attached to atom O1 have no positions",
        "Na1 O1",
    ),
    "label of two elements": (
        cif(P1, "CA 0 0 0\nO1 .5 .5 .5", columns=BARE),
        "labels that begin with CA are read as Ca; to be sure, add the column",
        "Ca1 O1",
    ),
    "label of water": (
        cif(P1, "Na1 0 0 0\nWat1 .5 .5 .5", columns=BARE),
        "labels that begin with Wat are read as W",
        "Na1 W1",
    ),
    "label against the formula": (
        cif(P1, "Ho1 0 0 0\nO1 .5 .5 .5", columns=BARE, more="_chemical_formula_sum 'H O'"),
        "formula is 'H O', but its atoms",
        "Ho1 O1",
    ),
    "atom twice": (
        cif(P1, f"{PAIR}\nNa2 Na 1 0 0"),
        "atoms Na1 and Na2 are at the same place",
        "Na1 Cl1",
    ),
    "all atoms, and symmetry": (
        cif(CUBIC, f"{PAIR}\nNa2 Na 0.5 0.5 0"),
        "atoms Na1 and Na2 are at the same place, or one makes the other by symmetry",
        "Na4 Cl4",
    ),
    "volume": (
        cif(CUBIC, cell=(0.564, 0.564, 0.564, 90, 90, 90), more="_cell_volume 179.4"),
        "make a cell of 0.1794 cubic angstrom, but its _cell_volume is 179.4",
        "Na4 Cl4",
    ),
}


@pytest.mark.parametrize("content, reason, cell", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_contradiction_is_refused_unless_it_is_accepted(read, content, reason, cell):
    with pytest.raises(CrystalGraphError) as refused:
        read(content)
    assert reason in str(refused.value) and "\n" not in str(refused.value)
    assert "crystal.cif: " in str(refused.value) and "--accept-warnings" in str(refused.value)
    structure, said = read(content, accept_warnings=True)
    assert any(reason in one for one in said)
    assert cell in (None, structure.composition.formula)


def without(tag):
    return "\n".join(line for line in cif(P1).splitlines() if not line.startswith(tag))


MALFORMED = {
    "no CIF": ("NaCl\n1.0\n5.64 0 0\n", "no line begins with data_"),
    "no atoms": ("data_x\n_cell_length_a 5\n", "no table of atoms with the column _atom_site_fr"),
    "Cartesian": (cif(P1).replace("_fract_", "_Cartn_"), "Cartesian positions only"),
    "no angle": (without("_cell_angle_beta"), "it has no _cell_angle_beta; add it"),
    "no length": (without("_cell_length_c"), "it has no _cell_length_c; add it"),
    "row cut off": (cif(P1).strip()[:-4], "a row of a table has too few or too many values"),
    "decimal comma": (cif(P1, cell=("5,64", 5, 5, 90, 90, 90)), "_cell_length_a is '5,64', not a"),
    "no length at all": (cif(P1, cell=(0, 5, 5, 90, 90, 90)), "no cell has lengths 0, 5, 5"),
    "angles do not close": (cif(P1, cell=(5, 5, 5, 20, 90, 150)), "angles 20, 90, 150; correct"),
    "occupancy above 1": (
        cif(P1, "Na1 Na 0 0 0 4\nCl1 Cl .5 .5 .5 4", columns=OCCUPIED),
        "atom Na1 has the occupancy 4; write a number from 0 to 1",
    ),
    "coordinate": (cif(P1, "Na1 Na 0 1/0 0"), "a coordinate of atom Na1 is '1/0', not a number"),
    "operation": (cif(operations("x,y,q")), "the symmetry operation 'x,y,q' is malformed"),
    "two parts": (cif(operations("x,y")), "the symmetry operation 'x,y' is malformed"),
    "stretching operation": (cif(operations("x,y,x")), "does not keep volumes"),
    "type": (cif(P1, "W1 Wat 0 0 0"), "'Wat' is not an element; correct its type symbol"),
    "type of a molecule": (cif(P1, "W1 H2O 0 0 0"), "'H2O' is not an element; correct its type"),
    "type of two elements": (cif(P1, "a Fe/Co 0 0 0"), "'Fe/Co' is not an element; correct its t"),
    "digits apart": (cif(P1, "Na1 Na 0 0.2_5 0"), "a coordinate of atom Na1 is '0.2_5', not a num"),
    "columns apart": (
        cif(CUBIC, "Na 0 0 0\nCl .5 .5 .5", columns=BARE) + "loop_\n_atom_site_type_symbol\nNa\n",
        "its column _atom_site_type_symbol has 1 values for 2 atoms; write all col",
    ),
    "labels apart": (
        cif(CUBIC, "0 0 0\n.5 .5 .5", columns="fract_x fract_y fract_z")
        + "loop_\n_atom_site_label\nNa\n",
        "its column _atom_site_fract_x has 2 values for 1 atoms; write all col",
    ),
    "label": (cif(P1, "X1 0 0 0", columns=BARE), "the label 'X1' of an atom does not say which"),
    "middle dot": (
        cif(P1, "Na1 Na 0\u00b75 0 0"),
        "a coordinate of atom Na1 is '0<U+00B7>5', not a",
    ),
    "a half as a letter": (cif(operations("x+\u00bd,y,z")), "operation 'x+<U+00BD>,y,z' is malf"),
    "two blocks of one name": (cif(CUBIC) * 2, "has several blocks of the name data_x; give"),
    "two tables of atoms": (
        cif(CUBIC) + cif(CUBIC)[cif(CUBIC).index("loop_") :],
        "has _atom_site_label more than once in the block data_x; keep the one",
    ),
    "tag twice": (cif(more="_CELL_length_a 5"), "has _cell_length_a more than once in the block"),
    "no position": (cif(P1, "Na1 Na ? ? ?"), "it lists no atom with a position"),
}


@pytest.mark.parametrize("content, reason", MALFORMED.values(), ids=MALFORMED)
def test_each_cause_has_a_message_of_its_own(read, content, reason):
    for options in ({}, {"accept_warnings": True}):
        with pytest.raises(CrystalGraphError) as refused:
            read(content, **options)
        assert reason in str(refused.value) and "crystal.cif" in str(refused.value)


def test_shared_sites_stay_shared(read):
    """So that what uses the crystal can refuse it; two half atoms are not one."""
    atoms = "Na1 Na 0 0 0 0.5\nK1 K 0 0 0 0.5\nCl1 Cl .5 .5 .5 1"
    structure, _ = read(cif(CUBIC, atoms, columns=OCCUPIED))
    assert structure.composition.formula == "K2 Na2 Cl4" and len(structure) == 8


def test_atoms_in_general_positions_are_not_moved(read):
    structure, _ = read(cif(P1, "Na1 Na 0.333 0.667 0.1234\nCl1 Cl 0.5 0.5 0.5"))
    assert np.allclose(structure.frac_coords[0], [0.333, 0.667, 0.1234], atol=1e-12)
