"""CIF files of a folder: read once, on all cores; again when what decides is another."""

import os
import signal
import subprocess
import sys
import time
import warnings

import pytest

from crystalgraph import paths
from crystalgraph.crystals import all_cores, loaders
from crystalgraph.crystals.loaders import many_cifs
from crystalgraph.crystals.loaders.cif import crystal_of, read_cif
from crystalgraph.crystals.loaders.many_cifs import read_cifs
from crystalgraph.errors import CrystalGraphError

CIF = """data_{a}
_symmetry_space_group_name_H-M '{group}'
_cell_length_a {a}
_cell_length_b {a}
_cell_length_c {a}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_chemical_formula_sum '{formula}'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
{atoms}
"""
SALT = "Na1 Na 0 0 0 1\nCl1 Cl 0.5 0.5 0.5 1"


def cif(number, atoms=SALT, formula="Na1 Cl1", group="P 1"):
    """A cell whose length, a third more for each number, needs all digits."""
    return CIF.format(a=3 + number / 3, atoms=atoms, formula=formula, group=group)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(paths, "CACHE", folder)
    return folder / "cifs"


@pytest.fixture
def folder(tmp_path):
    for number in range(6):
        (tmp_path / f"{number}.cif").write_text(cif(number))
    return tmp_path


@pytest.fixture
def counted(monkeypatch):
    """Names of the files that were read, and not taken from the cache."""
    names = []

    def read(path, *arguments):
        names.append(path.name)
        return crystal_of(path, *arguments)

    monkeypatch.setattr(many_cifs, "crystal_of", read)
    return names


def files_of(folder):
    return sorted(folder.glob("*.cif"))


def records(readings):
    return [
        str(reading)
        if isinstance(reading, CrystalGraphError)
        else (reading[0].as_dict(), reading[1])
        for reading in readings
    ]


def read(folder, accept_warnings=False):
    return records(read_cifs(folder, files_of(folder), accept_warnings))


def as_read_alone(folder, accept_warnings=False):
    """What read_cif gives for each file and says about it."""
    found = []
    for file in files_of(folder):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            try:
                structure = read_cif(file, accept_warnings)
                found.append((structure.as_dict(), [str(one.message) for one in said]))
            except CrystalGraphError as error:
                found.append(str(error))
    return found


@pytest.fixture
def difficult(folder):
    """Shared and partly empty sites, an isotope, remarks, contradictions, no CIF at all."""
    for name, text in {
        "shared": cif(1, "Na1 Na 0 0 0 0.7\nK1 K 0 0 0 0.3", "Na0.7 K0.3"),
        "empty": cif(1, "Na1 Na 0 0 0 0.9", "Na0.9"),
        "heavy": cif(1, "D1 D 0 0 0 1\nCl1 Cl .5 .5 .5 1", "H Cl"),
        "remark": cif(1, formula="salt, pure"),
        "wrong": cif(1, formula="Na2 Cl1"),
        "cubic": cif(1, "Na1 Na 0 0 0 1", "Na4", "F m -3 m"),
        "text": "This is not a CIF file.",
        "nothing": "",
    }.items():
        (folder / f"{name}.cif").write_text(text)
    return folder


@pytest.mark.parametrize("accept_warnings", [False, True])
@pytest.mark.parametrize("n_processes", [1, 2])
def test_new_and_cached_crystals_are_what_read_cif_gives(
    difficult, n_processes, accept_warnings, monkeypatch, recwarn
):
    monkeypatch.setattr(many_cifs, "ENOUGH", 2)
    monkeypatch.setattr(all_cores, "AT_ONCE", 3)
    monkeypatch.setattr(all_cores, "_n_processes", lambda: n_processes)
    expected = as_read_alone(difficult, accept_warnings)
    refused = [one for one in expected if isinstance(one, str)]
    assert len(refused) == 2 + (not accept_warnings) and any(one[1] for one in expected)
    assert read(difficult, accept_warnings) == expected
    assert read(difficult, accept_warnings) == expected and not recwarn.list


def test_a_file_is_read_once(folder, counted):
    first = read(folder)
    assert len(counted) == 6 and read(folder) == first and len(counted) == 6


def test_a_file_that_changed_or_is_new_is_read(folder, counted):
    read(folder)
    (folder / "2.cif").write_text(cif(20))
    (folder / "new.cif").write_text(cif(21))
    assert read(folder) == as_read_alone(folder) and counted[6:] == ["2.cif", "new.cif"]


def test_a_file_that_was_renamed_is_known_and_called_by_its_name(folder, counted):
    (folder / "0.cif").write_text(cif(0, formula="salt, pure"))
    read(folder)
    (folder / "0.cif").rename(folder / "00.cif")
    [(_, [remark]), *_] = read(folder)
    assert remark.startswith(f"{folder / '00.cif'}: its formula") and len(counted) == 6


def test_what_was_accepted_with_warnings_is_refused_without(folder):
    (folder / "wrong.cif").write_text(cif(1, formula="Na2 Cl1"))
    assert not isinstance(read(folder, accept_warnings=True)[-1], str)
    assert "Na2 Cl1" in read(folder)[-1]


@pytest.mark.parametrize(
    "version", [("2030.1.1", None), (None, "other code")], ids=["pymatgen", "code"]
)
def test_another_version_reads_again(folder, counted, version, monkeypatch):
    read(folder)
    now = many_cifs._version_of_code()
    other = tuple(new or old for new, old in zip(version, now, strict=True))
    monkeypatch.setattr(many_cifs, "_version_of_code", lambda: other)
    read(folder)
    assert len(counted) == 12


def garbage(_):
    return b"\xff\0 garbage without a line break"


def cut_off(content):
    return content[:-40]


def wrong_digit(content):
    place = content.index(b"0.5")
    return content[:place] + b"0.4" + content[place + 3 :]


@pytest.mark.parametrize(
    ("damage", "n_lost"),
    [(garbage, 6), (cut_off, 1), (wrong_digit, 1)],
    ids=lambda one: getattr(one, "__name__", str(one)),
)
def test_what_is_damaged_is_read_again(folder, cache, counted, damage, n_lost):
    first = read(folder)
    [file] = cache.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert read(folder) == first and len(counted) == 6 + n_lost
    assert read(folder) == first and len(counted) == 6 + n_lost


def test_a_cache_that_cannot_be_written_is_no_error(folder, cache):
    cache.write_text("a file where the folder should be")
    assert read(folder) == read(folder) == as_read_alone(folder)


def test_interrupted_reading_goes_on_where_it_ended(folder, counted, monkeypatch):
    def interrupted(path, *arguments):
        if path.name == "4.cif":
            raise KeyboardInterrupt
        return crystal_of(path, *arguments)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(many_cifs, "crystal_of", interrupted)
        read(folder)
    assert read(folder) == as_read_alone(folder) and counted == ["4.cif", "5.cif"]


def test_what_is_no_longer_used_is_discarded_in_the_end(folder, cache, counted):
    for number in range(0, 60, 6):
        for row, file in enumerate(files_of(folder)):
            file.write_text(cif(number + row))
        read(folder)
    [file] = cache.iterdir()
    assert file.read_bytes().count(b"lattice") <= 12 and len(counted) == 60
    read(folder)
    assert len(counted) == 60


def test_a_target_that_few_crystals_have_keeps_the_others_in_the_cache(folder, counted):
    (folder / "id_prop.csv").write_text("id,all,one\n0,1,1\n1,2,\n2,3,\n3,4,\n4,5,\n5,6,\n")
    for target in ("all", "one", "one", "all"):
        assert len(loaders.load_cgcnn_folder(folder, target)) == (6 if target == "all" else 1)
    assert len(counted) == 6


def test_problems_are_the_same_and_in_the_same_order_from_the_cache(difficult):
    names = [file.stem for file in files_of(difficult)]
    lines = [f"{name},{'n/a' if name == '3' else 1}" for name in names] + ["missing,1", ",2"]
    (difficult / "id_prop.csv").write_text("\n".join(lines) + "\n")
    first, again = (loaders.load_cgcnn_folder(difficult) for _ in range(2))
    assert first.ids == again.ids and first.problems == again.problems
    places = [
        next(place for place, one in enumerate(first.problems) if sign in one)
        for sign in (
            "'3' in column",
            "nothing.cif",
            "text.cif",
            "wrong.cif",
            "no " + str(difficult / "missing"),
        )
    ]
    assert places == sorted(places)


LOAD = """
import sys
from crystalgraph.crystals import all_cores
from crystalgraph.crystals.loaders import load_cgcnn_folder
all_cores._n_processes = lambda: 2
print("ready", flush=True)
print(len(load_cgcnn_folder(sys.argv[1])))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="one process only")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_a_command_that_is_ended_leaves_a_cache_to_go_on_from(folder, cache, counted, sent):
    n_files = 1500
    for number in range(n_files):
        (folder / f"{number}.cif").write_text(cif(number))
    (folder / "id_prop.csv").write_text("".join(f"{n},1\n" for n in range(n_files)))
    environment = os.environ | {"CRYSTALGRAPH_CACHE": str(cache.parent)}
    process = subprocess.Popen(
        [sys.executable, "-c", LOAD, folder],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not cache.is_dir() or sum(file.stat().st_size for file in cache.iterdir()) < 20_000:
        time.sleep(0.01)
        assert process.poll() is None
    os.killpg(process.pid, sent)
    output, errors = process.communicate(timeout=60)
    assert output == "ready\n"
    assert ("Traceback" in errors) == (sent == signal.SIGINT), errors
    assert errors.rstrip().endswith("KeyboardInterrupt") == (sent == signal.SIGINT), errors
    [file] = cache.iterdir()
    kept = [line for line in file.read_bytes().splitlines() if line]
    files = [folder / f"{number}.cif" for number in range(len(kept) + 1)]
    assert records(read_cifs(folder, files, False))[5][0]["lattice"]["a"] == 3 + 5 / 3
    assert 20 < len(kept) < n_files and len(counted) == 1
