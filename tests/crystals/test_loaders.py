"""Loaders for one's own data on small files of the true format, and everything bad input can be."""

import bz2
import gzip
import json
import re
import shutil
import sys
import warnings

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from sklearn.model_selection import KFold

from crystalgraph.crystals import graph_cache, loaders
from crystalgraph.crystals.datasets import FOLDS, make_split
from crystalgraph.crystals.features import published_features
from crystalgraph.crystals.graphs import build_graph
from crystalgraph.crystals.loaders import checks
from crystalgraph.crystals.loaders.checks import collected_warnings
from crystalgraph.crystals.loaders.matbench import matbench_folds
from crystalgraph.errors import CrystalGraphError, CrystalGraphWarning

CIF = """data_{name}
_symmetry_space_group_name_H-M 'P 1'
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
{first}1 {first} 0 0 0 1
Cl1 Cl {x} {x} {x} {occupancy}
"""


def cif(name="x", first="Na", a=4.0, x=0.5, occupancy=1):
    return CIF.format(name=name, first=first, a=a, x=x, occupancy=occupancy)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setattr("crystalgraph.paths.CACHE", tmp_path_factory.mktemp("cache"))


@pytest.fixture
def folder(tmp_path):
    """Four good crystals, with a second target."""
    lines = []
    for number, first in enumerate(["Na", "K", "Rb", "Cs"]):
        (tmp_path / f"{first}.cif").write_text(cif(first, first, a=3.5 + 0.2 * number))
        lines.append(f"{first},{-1.5 - number},{number}")
    (tmp_path / "id_prop.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def add(folder, line, name=None, text=None):
    """One more line in id_prop.csv, its second target empty, and perhaps its CIF file."""
    with open(folder / "id_prop.csv", "a") as file:
        file.write(line + "," * (line.count(",") == 1) + "\n")
    if name:
        (folder / name).write_text(text)


# --- CGCNN folders -------------------------------------------------------------------------------


def remove_unlisted(folder):
    """CIF files without a line would be a problem of their own."""
    table = (folder / "id_prop.csv").read_text(encoding="utf-8")
    for path in folder.glob("*.cif"):
        if path.stem not in table:
            path.unlink()


def test_a_cgcnn_folder(folder):
    dataset = loaders.load_cgcnn_folder(folder)
    assert dataset.name == folder.name
    assert dataset.ids == ["Na", "K", "Rb", "Cs"] and not dataset.problems
    assert dataset.target("target").tolist() == [-1.5, -2.5, -3.5, -4.5]
    assert dataset.target("target_2").tolist() == [0, 1, 2, 3]
    assert dataset.structures[1].composition.reduced_formula == "KCl"
    assert dataset.structures[1].lattice.a == pytest.approx(3.7)


def test_graphs_are_built_once_and_not_read_again(folder, monkeypatch):
    asked, read = [], graph_cache._read
    monkeypatch.setattr(graph_cache, "_read", lambda path: asked.append(path) or read(path))
    dataset = loaders.load_cgcnn_folder(folder)
    assert len(asked) == 1
    assert dataset.graphs()[3].n_atoms == 2 and asked[0] == asked[1]


def test_a_crystal_without_a_graph_costs_the_graphs_of_its_chunk_in_later_runs(folder, monkeypatch):
    built = []

    def counted(structure, name, *arguments):
        built.append(name)
        return build_graph(structure, name, *arguments)

    monkeypatch.setattr(graph_cache, "CHUNK", 2)
    for module in (graph_cache, checks):
        monkeypatch.setattr(module, "build_graph", counted)
    add(folder, "far,1", "far.cif", cif("far", a=30))
    (folder / "Li.cif").write_text(cif("Li", "Li"))
    add(folder, "Li,1")
    first = loaders.load_cgcnn_folder(folder)
    assert first.ids == ["Na", "K", "Rb", "Cs", "Li"] and len(first.problems) == 1
    built.clear()
    again = loaders.load_cgcnn_folder(folder)
    assert again.ids == first.ids and again.problems == first.problems
    assert not {"Na", "K", "Rb", "Cs", str(folder / "Na.cif"), str(folder / "Cs.cif")} & {*built}


def test_a_first_line_of_names_is_recognised(folder):
    table = folder / "id_prop.csv"
    table.write_text("id,energy,gap\n" + table.read_text())
    dataset = loaders.load_cgcnn_folder(folder, "gap")
    assert list(dataset.targets) == ["energy", "gap"] and len(dataset) == 4


def test_a_first_line_with_a_bad_number_is_no_header(folder):
    table = folder / "id_prop.csv"
    table.write_text("Na,n/a,1\nK,2.5,3\n")
    dataset = loaders.load_cgcnn_folder(folder)
    assert dataset.ids == ["K"] and "line 1" in dataset.problems[0]


def test_spaces_empty_lines_windows_ends_and_byte_order_mark(folder):
    (folder / "id_prop.csv").write_bytes(b"\xef\xbb\xbfNa , 1.5\r\n\r\n  K,2\r\n")
    dataset = loaders.load_cgcnn_folder(folder)
    assert dataset.ids == ["Na", "K"] and dataset.target("target").tolist() == [1.5, 2.0]


def test_a_number_missing_in_another_column_is_nan(folder):
    add(folder, "Li,1.0", "Li.cif", cif(first="Li"))
    assert np.isnan(loaders.load_cgcnn_folder(folder).target("target_2")[-1])
    by_second = loaders.load_cgcnn_folder(folder, "target_2")
    assert len(by_second) == 4 and "'Li' in column 'target_2' is missing" in by_second.problems[0]


def test_an_atom_init_replaces_the_published_numbers(folder):
    table = {str(z): [z / 100, 1.0] for z in (11, 17, 19, 37)}
    (folder / "atom_init.json").write_text(json.dumps(table))
    dataset = loaders.load_cgcnn_folder(folder)
    assert loaders.dataset_features(folder).n_features == 2
    assert dataset.ids == ["Na", "K", "Rb"] and "'Cs' is not an element" in dataset.problems[0]


def test_without_an_atom_init_it_is_ours(folder):
    assert loaders.dataset_features(folder).key == published_features().key
    assert loaders.dataset_features("perovskites").key == published_features().key


BAD_ENTRIES = {
    "garbage": ("bad,1", "nonsense", r"bad\.cif is not a CIF file that can be read .*export it"),
    "cut off": ("bad,1", cif()[:150], r"bad\.cif is not a CIF file that can be read"),
    "empty CIF": ("bad,1", "", r"bad\.cif is empty; download or export"),
    "no file": ("bad,1", None, r"id_prop\.csv, line 5: there is no .*bad\.cif; add the file"),
    "unknown element": ("bad,1", cif(first="Qq"), r"bad\.cif: 'Qq' is not an element.*correct"),
    "element without features": ("bad,1", cif(first="Lr"), r"bad\.cif: 'Lr' is not an element"),
    "disordered": ("bad,1", cif(occupancy=0.5), r"bad\.cif: site 1 .* partly empty; give an order"),
    "isolated": ("bad,1", cif(a=40), r"bad\.cif: atom 0 \(Na\) has no neighbor within 8 angstrom"),
    "one atom twice": ("bad,1", cif(x=0.001), r"bad\.cif: atoms 0 and 1 are only 0\.007 angstrom"),
    "NaN": (
        "bad,nan",
        cif(),
        r"line 5: the value of 'bad' in column 'target' is 'nan', not a numb",
    ),
    "infinite": (
        "bad,inf",
        cif(),
        r"line 5: the value of 'bad' .* is 'inf', not a number; correct",
    ),
    "word": ("bad,high", cif(), r"line 5: the value of 'bad' .* is 'high', not a number"),
    "no target": ("bad", cif(), r"line 5: the value of 'bad' .* is missing; correct it or remove"),
    "no id": (",1", cif(), r"line 5: the id is missing; write the name of the CIF file"),
}


@pytest.mark.parametrize("line, text, message", BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_one_bad_entry_is_left_out_and_named(folder, line, text, message):
    add(folder, line, "bad.cif" if text is not None else None, text)
    dataset = loaders.load_cgcnn_folder(folder)
    assert dataset.ids == ["Na", "K", "Rb", "Cs"]
    assert len(dataset.problems) == 1
    [problem] = dataset.problems
    assert "\n" not in problem and str(folder) in problem
    assert re.search(message, problem), problem


MALFORMED = {
    "decimal commas in one line": (
        "Na,-1.5\nK,-2,13\nRb,-3.5\n",
        "line 2: 'K,-2,13' has 3 cells and line 1 has 2; .*decimal points",
    ),
    "decimal commas in most lines": (
        "Na,-1.5\nK,-2,13\nRb,-3,5\nCs,-4,5\n",
        "line 1: 'Na,-1.5' has 2 cells and line 2 has 3; .*decimal points",
    ),
    "decimal commas in all lines": (
        "Na,-1,5\nK,-2,13\n",
        "line 1: 'Na,-1,5' holds a number with a decimal comma, or .* names of the columns",
    ),
    "decimal commas beside a word": (
        "Na,-1,5,PBE\nK,-2,13,PBE+U 3.1\n",
        "line 1: 'Na,-1,5,PBE' holds a number with a decimal comma",
    ),
    "decimal commas beside a missing value": (
        "Na,-1,5\nK,-2,13\nRb,N/A,\n",
        "line 1: 'Na,-1,5' holds a number with a decimal comma",
    ),
    "decimal commas beside a half line": (
        "Na,-3,\nK,-2,13\n",
        "line 2: 'K,-2,13' holds a number with a decimal comma",
    ),
    "decimal commas beside decimal points": (
        "Na,-1,5,0.5\nK,-2,13,.25\n",
        "line 1: 'Na,-1,5,0.5' holds a number with a decimal comma",
    ),
    "decimal commas and exponents": (
        "Na,1,5E-5\nK,2,1e+3\n",
        "line 1: 'Na,1,5E-5' holds a number with a decimal comma",
    ),
    "decimal commas below names": (
        "id,e_form\nNa,-1,5\nK,-2,13\n",
        r"line 2: 'Na,-1,5' has 3 cells and line 1 has 2 \(see also line 3\)",
    ),
    "commas between thousands": (
        "Na,-1,234.5\nK,-2,345.25\n",
        "line 1: 'Na,-1,234.5' holds a number .* commas between thousands",
    ),
    "commas between thousands beside a number": (
        "Na,0.5,1,234.5\nK,0.25,12,345\n",
        "line 1: 'Na,0.5,1,234.5' holds a number .* commas between thousands",
    ),
    "ids alone": ("Na\nK\n", "the first: .*line 1: the value of 'Na' .* is missing"),
    "paths": ("Na,-1.5\n./K,-2.5\n", r"line 2: the id '\./K' is a path; write 'K'"),
    "paths of files": (
        "Na,-1.5\ncifs\\K.cif,-2\n",
        r"line 2: the id 'cifs\\K\.cif' is a path; write 'K'",
    ),
    "a joined line": ("Na,-1.5\nK,-2.1Rb,-3.5\nCs,1\n", "line 2: 'K,-2.1Rb,-3.5' has 3 cells"),
    "a shorter line": ("Na,-1.5,0\nK,2\nRb,-3.5,1\n", "line 2: 'K,2' has 2 cells and line 1 has 3"),
    "a stray quotation mark": (
        'Na,-1.5\nK,"-2.5\nRb,-3.5\nCs,-4.5"\n',
        "line 2: there is a single quotation mark .*remove it",
    ),
    "ditto marks": ('Na,-1.5,PBE\nK,-2.5,"\nRb,-3.5,"\n', "line 2: there is a single quotation"),
    "quoted lines": ('"Na,-1.5"\n"K,-2.5"\n', "line 1: quotation marks enclose more than one cell"),
    "semicolons": ("Na;-1.5\nK;-2.5\n", "line 1: semicolons separate the cells; write commas"),
    "semicolons and decimal commas": ("id;e\nNa;-1,5\n", "line 1: semicolons .*decimal points"),
    "a semicolon in one line": ("Na,-1.5\nK;-2.5\n", "line 2: semicolons separate the cells"),
    "tabs": ("Na\t-1.5\nK\t-2.5\n", "line 1: tabs separate the cells; write commas"),
    "spaces": ("Na -1.5 3\nK -2.5 4\n", "line 1: spaces separate the cells; write commas"),
    "a column of line numbers": (
        "0,Na,-1.5\n1,K,-2.5\n",
        "line 1: the id 'Na' is in column 2; put",
    ),
    "pandas' index": (
        ",id,e\n0,Na,-1.5\n1,K,-2.5\n",
        "line 1: column 1 has no name; write one, or remove it .*index=F",
    ),
    "pandas' index, read and written again": (
        "Unnamed: 0,id,e\n0,Na,-1.5\n1,K,-2.5\n",
        "line 1: column 1 has no name; write one",
    ),
    "ids last": ("-1.5,Na\n-2.5,K\n", "line 1: the id 'Na' is in column 2; put the ids into col"),
    "ids with .cif": (
        "Na.cif,-1.5\nK.cif,-2\n",
        r"line 1: the id 'Na\.cif' ends in \.cif; write 'Na'",
    ),
    "one id with .CIF": ("Na,-1.5\nK.CIF,-2\n", r"line 2: the id 'K\.CIF' ends in .*write 'K'"),
    "a column without name": ("id,,gap\nNa,-1.5,0\n", "line 1: column 2 has no name; write one"),
    "a name twice": ("id,e,e\nNa,-1.5,0\n", "line 1: 2 columns are called 'e'; give each a name"),
    "a cut end": ("Na,-1.5\nK,-2.5\nRb,-3", "line 3: the file ends with '-3', the only .*cut off"),
}


@pytest.mark.parametrize("table, message", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_table_is_refused_and_the_line_named(folder, table, message):
    (folder / "id_prop.csv").write_text(table)
    with pytest.raises(CrystalGraphError) as refused:
        loaders.load_cgcnn_folder(folder)
    [said] = str(refused.value).splitlines()
    assert str(folder / "id_prop.csv") in said and re.search(message, said), said


FAULTY_NUMBERS = {
    '"-2,13"': "is '-2,13', a number with a decimal comma; correct it",
    "-2.": "is '-2.', a number that looks cut off; correct it",
    "-2.1e-": "is '-2.1e-', a number that looks cut off",
    "−2.1": "is '−2.1', a number with a dash in place of the minus sign",
    "1_000": "is '1_000', not a number",
    "N/A": "is 'N/A', not a number; correct it",
    "-2.5eV": "is '-2.5eV', not a number",
}


@pytest.mark.parametrize("cell, message", FAULTY_NUMBERS.items(), ids=FAULTY_NUMBERS)
@pytest.mark.parametrize("name, line", [("Na", 1), ("lost", 1), ("Na", 5)])
def test_a_faulty_number_is_named_with_its_cause_wherever_it_is(folder, name, line, cell, message):
    """In the first line it is not taken for the name of a column, even without a CIF file."""
    good = "K,-2.5\nRb,-3.5\nCs,-4.5\n" + "Li,-5.5\n" * (line == 5)
    (folder / "Li.cif").write_text(cif(first="Li"))
    bad = f"{name},{cell}\n"
    (folder / "id_prop.csv").write_text(bad + good if line == 1 else good + bad, encoding="utf-8")
    remove_unlisted(folder)
    dataset = loaders.load_cgcnn_folder(folder)
    assert dataset.ids == [row.split(",")[0] for row in good.splitlines()]
    [problem] = dataset.problems
    assert f"line {line}: the value of '{name}' in column 'target' {message}" in problem


RIGHT = {
    "an empty last column with a blank name": "id,e,\nNa,-1.5,\nK,-2.5,\n",
    "a comma too many in some lines": "id,e\nNa,-1.5,,\nK,-2.5\n",
    "no name of the ids": ",e\nNa,-1.5\nK,-2.5\n",
    "quotation marks around each cell": '"id","e"\n"Na","-1.5"\n"K","-2.5"\n',
    "a column of words": "id,e,how\nNa,-1.5,PBE\nK,-2.5,PBE; relaxed\n",
    "whole numbers with names": "id,e,number\nNa,-1.5,5\nK,-2.5,12\n",
    "no line break at the end": "id,e\nNa,-1.5\nK,-2.5",
}


@pytest.mark.parametrize("table", RIGHT.values(), ids=RIGHT)
def test_a_right_table_in_another_form_is_read(folder, table):
    (folder / "id_prop.csv").write_text(table)
    remove_unlisted(folder)
    dataset = loaders.load_cgcnn_folder(folder)
    assert dataset.ids == ["Na", "K"] and not dataset.problems
    assert dataset.target("e").tolist() == [-1.5, -2.5]


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("names", ["", "row,id,e\n"])
def test_a_count_of_lines_is_no_column_of_ids(folder, names, start):
    for number in range(4):
        (folder / f"{number}.cif").write_text(cif())
    lines = [f"{row + start},{3 - row},-{row}.5" for row in range(3)]
    (folder / "id_prop.csv").write_text(names + "\n".join(lines) + "\n")
    with pytest.raises(CrystalGraphError, match="the id '3' is in column 2; put the ids into col"):
        loaders.load_cgcnn_folder(folder)


def test_ids_that_count_stay_ids_beside_classes(folder):
    for number in range(3):
        (folder / f"{number}.cif").write_text(cif())
    for table in ("id,metal,e\n0,1,.5\n1,0,.5\n2,1,.5\n", "0,2\n1,0\n2,1\n"):
        (folder / "id_prop.csv").write_text(table)
        assert loaders.load_cgcnn_folder(folder).ids == ["0", "1", "2"]


def test_warnings_are_collected_up_to_an_error():
    with pytest.raises(ValueError), collected_warnings() as said:
        warnings.warn("first", CrystalGraphWarning, stacklevel=1)
        raise ValueError
    assert said == ["first"]


def test_what_was_said_of_a_crystal_that_cannot_be_used_is_a_problem(folder):
    add(folder, "bad,1", "bad.cif", cif(a=40).replace("_symmetry_space_group_name_H-M 'P 1'", ""))
    problems = loaders.load_cgcnn_folder(folder).problems
    assert len(problems) == 2 and "bad.cif: it states no symmetry" in problems[0]


def test_several_targets_of_whole_numbers_need_names(folder):
    (folder / "id_prop.csv").write_text("id,metal,magnetic\nNa,0,1\nK,1,1\n")
    assert loaders.load_cgcnn_folder(folder, "magnetic").target("magnetic").tolist() == [1, 1]
    (folder / "id_prop.csv").write_text("Na,1,-2\nK,0,4\n")
    assert loaders.load_cgcnn_folder(folder).target("target_2").tolist() == [-2, 4]


def test_bad_entries_do_not_hide_each_other(folder):
    add(folder, "a,1", "a.cif", "nonsense")
    add(folder, "b,1", "b.cif", cif(a=40))
    add(folder, "c,1", "c.cif", cif(a=50))
    add(folder, "d,x")
    dataset = loaders.load_cgcnn_folder(folder)
    assert len(dataset) == 4 and len(dataset.problems) == 4
    assert len(dataset.graphs()) == 4


def test_equal_lines_count_once_and_contradicting_ones_not_at_all(folder):
    add(folder, "Na,-1.5,0")
    add(folder, "K,7,1")
    dataset = loaders.load_cgcnn_folder(folder)
    assert dataset.ids == ["Na", "Rb", "Cs"]
    same, different = dataset.problems
    assert "lines 1, 5: the same line for 'Na' is there 2 times and was used once" in same
    assert "lines 2, 6: the lines of id 'K' differ, so all of them were left out" in different


@pytest.mark.parametrize(
    "content, message",
    [
        (None, "cannot be read .*No such file.*needs this file"),
        (b"", "is empty; write one line 'id,target'"),
        (b"\n\n", "is empty"),
        (b"Na,1\nM\xfcll,2\n", "line 2: this is not UTF-8 text; save"),
        (b"\xff\xfeN\x00a\x00", "line 1: this is not UTF-8 text"),
        (b"a,1\nb,2\n", "none of its 2 entries can be used; the first: .*no .*a.cif; add the file"),
        (b"a,1\n", "has no usable crystal: .*a.cif; add"),
    ],
    ids=["missing", "empty", "blank", "latin-1", "utf-16", "all bad", "the only one bad"],
)
def test_a_folder_that_cannot_be_used_at_all(folder, content, message):
    table = folder / "id_prop.csv"
    table.unlink() if content is None else table.write_bytes(content)
    with pytest.raises(CrystalGraphError, match=message):
        loaders.load_cgcnn_folder(folder)


def test_an_unknown_column_names_those_there_are(folder):
    with pytest.raises(CrystalGraphError, match="no column 'gap'; choose one of target, target_2"):
        loaders.load_cgcnn_folder(folder, "gap")


def test_a_cif_with_an_author_in_latin_1_is_read(folder):
    (folder / "Na.cif").write_bytes("# Müller\n".encode("latin-1") + cif().encode())
    assert not loaders.load_cgcnn_folder(folder).problems


def test_cif_files_with_other_endings_are_read(folder):
    (folder / "Na.cif").rename(folder / "Na.CIF")
    (folder / "K.cif").rename(folder / "K.cif.txt")
    dataset = loaders.load_cgcnn_folder(folder)
    assert dataset.ids == ["Na", "K", "Rb", "Cs"] and not dataset.problems


def test_cif_files_without_a_line_are_named(folder):
    (folder / "Li.CIF").write_text(cif(first="Li"))
    [problem] = loaders.load_cgcnn_folder(folder).problems
    assert "id_prop.csv has no line for Li.CIF; add one" in problem


def test_a_cif_that_contradicts_itself_is_left_out_unless_it_is_accepted(folder):
    wrong = cif(first="Li") + "_chemical_formula_sum 'Li Cl2'\n"
    add(folder, "Li,1,4", "Li.cif", wrong)
    for options, n_crystals in (({}, 4), ({"accept_warnings": True}, 5)):
        dataset = loaders.load_dataset(folder, **options)
        assert len(dataset) == n_crystals
        [problem] = dataset.problems
        assert "Li.cif: its formula is 'Li Cl2', but its atoms" in problem


def test_what_a_cif_only_suggests_is_a_problem_of_the_dataset(folder):
    (folder / "Na.cif").write_text(cif().replace("_symmetry_space_group_name_H-M 'P 1'\n", ""))
    dataset = loaders.load_cgcnn_folder(folder)
    assert len(dataset) == 4 and "Na.cif: it states no symmetry" in dataset.problems[0]


def test_a_cell_in_nanometers_is_said_for_new_and_for_cached_graphs(folder, recwarn):
    (folder / "Na.cif").write_text(cif(a=0.35))
    for _ in range(2):
        dataset = loaders.load_cgcnn_folder(folder)
        [problem] = dataset.problems
        assert len(dataset) == 4 and "Na.cif: the nearest neighbor of atom 0 is 0.303" in problem
        assert "check that the cell is in angstrom" in problem
    assert not recwarn.list  # said once, as a problem


# --- matbench ------------------------------------------------------------------------------------


def crystal(first="Na", a=4.0):
    return Structure(Lattice.cubic(a), [first, "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def matbench_table(structures=None, energies=(1.0, 2.0, 3.0)):
    """The form that matminer's store_dataframe_as_json writes, MontyEncoder and orient="split"."""
    structures = structures or [crystal("Na"), crystal("K"), crystal("Rb")]
    rows = [[s.as_dict(), energy] for s, energy in zip(structures, energies, strict=True)]
    return {"index": list(range(len(rows))), "columns": ["structure", "e_form"], "data": rows}


def write(path, table, opener=open):
    with opener(path, "wt") as file:
        json.dump(table, file)
    return path


@pytest.mark.parametrize("suffix, opener", [("", open), (".gz", gzip.open), (".bz2", bz2.open)])
def test_a_matbench_file(tmp_path, suffix, opener):
    path = write(tmp_path / f"matbench_perovskites.json{suffix}", matbench_table(), opener)
    dataset = loaders.load_matbench(path)
    assert dataset.name == "matbench_perovskites" and not dataset.problems
    assert dataset.ids == ["0", "1", "2"]
    assert dataset.target("e_form").tolist() == [1.0, 2.0, 3.0]
    assert dataset.structures[1].composition.reduced_formula == "KCl"


def test_a_matminer_file_with_more_columns(tmp_path):
    """The columns of castelli_perovskites, numbers and others."""
    columns = [
        "fermi level",
        "fermi width",
        "e_form",
        "gap is direct",
        "structure",
        "mu_b",
        "formula",
        "vbm",
        "cbm",
        "gap gllbsc",
    ]
    rows = [
        [0.3, 0.001, 2.0, True, crystal().as_dict(), 0.0, "NaCl", None, None, 1.4],
        [0.6, 0.001, 1.0, False, crystal("K").as_dict(), 0.0, "KCl", 5.2, 6.1, 0.0],
    ]
    table = {"index": [7, 9], "columns": columns, "data": rows}
    dataset = loaders.load_matbench(write(tmp_path / "castelli_perovskites.json", table))
    assert next(iter(dataset.targets)) == "e_form" and dataset.ids == ["7", "9"]
    assert dataset.target("gap is direct").tolist() == [1.0, 0.0]
    assert np.isnan(dataset.target("vbm")[0]) and dataset.records[1] == {"formula": "KCl"}
    by_vbm = loaders.load_matbench(tmp_path / "castelli_perovskites.json", "vbm")
    assert by_vbm.ids == ["9"] and "row 7: vbm is None, not a number" in by_vbm.problems[0]


def test_bad_rows_of_a_matbench_file_are_left_out_and_named(tmp_path):
    table = matbench_table(
        [crystal(), crystal("K"), crystal("Rb"), crystal("Cs"), crystal("Li"), crystal(a=50)],
        [1.0, float("nan"), "3", 4.0, 5.0, 6.0],
    )
    table["index"] = ["mb-1", "mb-2", "mb-3", "mb-4", "mb-4", "mb-6"]
    table["data"].append([{"lattice": "none"}, 7.0])
    table["index"].append("mb-7")
    dataset = loaders.load_matbench(write(tmp_path / "m.json", table))
    assert dataset.ids == ["mb-1"]
    assert len(dataset.problems) == 6
    text = "\n".join(dataset.problems)
    assert "row mb-2: e_form is nan, not a number; remove the row." in text
    assert "row mb-3: e_form is '3', not a number" in text
    assert text.count("row mb-4: this index is there 2 times") == 2
    assert "row mb-7: the structure cannot be read" in text
    assert "row mb-6: atom 0 (Na) has no neighbor" in text


@pytest.fixture
def mixed_table():
    """17 rows of the true form, one of which has no number."""
    crystals = [crystal("Na", 4 + row / 100) for row in range(17)]
    energies = [float(row) for row in range(17)]
    energies[5] = None
    return matbench_table(crystals, energies)


def test_the_folds_of_a_matbench_file_are_those_of_all_its_rows(mixed_table, tmp_path):
    """A row that is left out changes no other row's fold: the rule is matbench's, on all rows."""
    dataset = loaders.load_matbench(write(tmp_path / "m.json.gz", mixed_table, gzip.open))
    assert len(dataset) == 16
    rule = KFold(5, shuffle=True, random_state=18012019).split(range(17))
    tested = []
    for name, (_, expected) in zip(FOLDS, rule, strict=True):
        split = make_split(dataset, name)
        tested += (ids := [dataset.ids[row] for row in split.test])
        assert ids == [str(row) for row in expected if row != 5]
        assert sorted([*split.train, *split.val, *split.test]) == list(range(16))
        assert len(split.val) == round((16 - len(ids)) / 10)
    assert sorted(tested) == sorted(dataset.ids)


def test_the_folds_of_classes_have_equal_shares(mixed_table, tmp_path):
    for row, cells in enumerate(mixed_table["data"]):
        cells[1] = row < 10
    dataset = loaders.load_matbench(write(tmp_path / "m.json", mixed_table))
    for name in FOLDS:
        assert dataset.target("e_form")[make_split(dataset, name).test].sum() == 2
    assert matbench_folds([0.0] * 9 + [1.0] * 4) == [{}] * 13


def test_only_matbench_files_have_folds(tmp_path):
    small = loaders.load_matbench(write(tmp_path / "m.json", matbench_table()))
    with pytest.raises(CrystalGraphError, match="m has no split 'fold_0', since it is no matb"):
        make_split(small, "fold_0")
    with pytest.raises(CrystalGraphError, match="No split 'fold_5'"):
        make_split(small, "fold_5")


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "cannot be read as .packed. JSON .*download it again"),
        ('{"index": [0], "columns"', "cannot be read as"),
        ("[1, 2]", "not a table of the form index, columns, data"),
        ('{"index": [0], "columns": ["a"], "data": []}', "not a table of the form"),
        ('{"index": [0], "columns": ["a", "b"], "data": [[1]]}', "rows differ in length"),
        ('{"index": [0], "columns": ["a"], "data": [[1]]}', "no column of crystal structures"),
        ('{"index": [], "columns": ["structure", "e_form"], "data": []}', "no column of crystal"),
    ],
)
def test_a_matbench_file_that_cannot_be_used_at_all(tmp_path, content, message):
    (tmp_path / "m.json").write_text(content)
    with pytest.raises(CrystalGraphError, match=message):
        loaders.load_matbench(tmp_path / "m.json")


def test_a_cut_off_gz_file(tmp_path):
    path = write(tmp_path / "m.json.gz", matbench_table(), gzip.open)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(CrystalGraphError, match="cannot be read as"):
        loaders.load_matbench(path)


# --- Materials Project ---------------------------------------------------------------------------


class Document:
    """What mp-api's summary search returns: attributes, ids that are no plain strings."""

    class Id(str):
        pass

    def __init__(self, number, **fields):
        self.material_id = self.Id(f"mp-{number}")
        self.structure = crystal()
        self.formation_energy_per_atom = -1.0 * number
        self.energy_above_hull = 0.0
        self.band_gap = None
        vars(self).update(fields)


class Client:
    """A stand-in for MPRester: client.materials.summary.search(**query, fields=...)."""

    def __init__(self, documents):
        self.materials = self.summary = self
        self.documents = documents

    def search(self, **query):
        self.query = query
        if isinstance(self.documents, Exception):
            raise self.documents
        return self.documents


def test_materials_project_documents():
    client = Client([Document(1), Document(2)])
    dataset = loaders.load_materials_project(client=client, chemsys="Na-Cl", is_stable=True)
    assert dataset.ids == ["mp-1", "mp-2"] and not dataset.problems
    assert dataset.target("formation_energy_per_atom").tolist() == [-1.0, -2.0]
    assert np.isnan(dataset.target("band_gap")).all()
    assert client.query["chemsys"] == "Na-Cl" and client.query["is_stable"] is True
    assert {"material_id", "structure", "formation_energy_per_atom"} <= set(client.query["fields"])


def test_materials_project_answers_as_dictionaries():
    document = {"material_id": "mp-5", "structure": crystal().as_dict(), "band_gap": 2.0}
    dataset = loaders.load_materials_project(None, "band_gap", Client([document]), formula="NaCl")
    assert dataset.target("band_gap").tolist() == [2.0]


def test_bad_materials_project_entries_are_left_out():
    documents = [
        Document(1),
        Document(1),
        Document(2, formation_energy_per_atom=None),
        Document(3, structure=None),
        Document(4, structure=crystal(a=60)),
    ]
    dataset = loaders.load_materials_project(client=Client(documents), chemsys="Na-Cl")
    assert dataset.ids == ["mp-1"]
    text = "\n".join(dataset.problems)
    assert "mp-1 came twice and was used once" in text
    assert "mp-2 has no formation_energy_per_atom" in text
    assert "mp-3 has no structure" in text
    assert "mp-4: atom 0 (Na) has no neighbor" in text


def test_materials_project_errors_are_sentences(monkeypatch):
    load = loaders.load_materials_project
    monkeypatch.delenv("MP_API_KEY", raising=False)
    with pytest.raises(CrystalGraphError, match="asks for an API key; copy yours"):
        load(chemsys="Na-Cl")
    monkeypatch.setitem(sys.modules, "mp_api.client", None)
    with pytest.raises(CrystalGraphError, match="mp-api is not installed; `pip install mp-api`"):
        load("key", chemsys="Na-Cl")
    with pytest.raises(CrystalGraphError, match="Say what to download"):
        load("key")
    with pytest.raises(CrystalGraphError, match="no column 'density'; choose one of formation_"):
        load("key", "density", chemsys="Na-Cl")
    with pytest.raises(CrystalGraphError, match="did not answer chemsys='Na-Cl' .no route"):
        load(client=Client(OSError("no route\nto host")), chemsys="Na-Cl")
    with pytest.raises(CrystalGraphError, match="answer to chemsys='Na-Xe' holds no crystals"):
        load(client=Client([]), chemsys="Na-Xe")


# --- dispatch ------------------------------------------------------------------------------------


def test_load_dataset_takes_a_name_a_folder_or_a_file(folder, tmp_path_factory):
    assert len(loaders.load_dataset("perovskites")) == 700
    assert len(loaders.load_dataset(str(folder))) == 4
    path = write(tmp_path_factory.mktemp("m") / "m.json", matbench_table())
    assert len(loaders.load_dataset(path)) == 3


@pytest.mark.parametrize("name", ["perovskite", "nothing.json", "id_prop.csv"])
def test_an_unknown_dataset_says_what_can_be_given(folder, name, monkeypatch):
    monkeypatch.chdir(folder)
    words = f"no dataset '{name}'; give perovskites or oxides, a folder"
    with pytest.raises(CrystalGraphError, match=words):
        loaders.load_dataset(name)


def test_two_loads_give_the_same_graphs_from_the_cache(folder):
    first = loaders.load_cgcnn_folder(folder).graphs()
    again = loaders.load_cgcnn_folder(folder).graphs()
    assert [graph.n_edges for graph in first] == [graph.n_edges for graph in again]
    shutil.rmtree(folder)
