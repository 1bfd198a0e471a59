"""Finding hand-ins as platforms and people leave them, and reading what strangers put into them."""

import io
import json
import os
import re
import stat
import struct
import tracemalloc
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from course_copy import copy_course, nbgrader
from hand_in_builder import files_of, put, zip_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from crystalgraph.course.hand_in.names import STUDENT_ID, TIME_FORMAT
from crystalgraph.errors import CrystalGraphError
from crystalgraph.grading.intake.archives import MEGABYTE, USUAL_LIMITS, SizeLimits
from crystalgraph.grading.intake.file_names import student_in
from crystalgraph.grading.intake.hand_ins import read
from crystalgraph.grading.intake.sources import Source, find_sources, search
from crystalgraph.grading.reports.gradebook import nbgrader_settings
from crystalgraph.grading.result import Status
from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.releasing.nbgrader_plugins import HandInCollector

HW = LABS["hw"]
FILES, MODEL_FILE, NOTEBOOKS = HW.files, HW.model_file, HW.notebooks
FIRST, SECOND, *_ = NOTEBOOKS.values()
DUE = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WORK = files_of()
UNTOUCHED = {name: (HW.release() / name).read_bytes() for name in FILES}


def made(minutes):
    """The comment of a zip made so many minutes after DUE."""
    return (DUE + timedelta(minutes=minutes)).strftime(TIME_FORMAT)


def hand_in(minutes=0, **more):
    """The zip that the last cell of a notebook makes."""
    return zip_of(WORK | more, made(minutes))


def found(path):
    """{student: source} of everybody found."""
    return {source.student: source for source in find_sources(path, HW)}


def what_is_in(source, limits=USUAL_LIMITS):
    """What is read from one source."""
    return read(source, HW, limits)


def reading(content, tmp_path, name="hw_s001.zip", limits=USUAL_LIMITS):
    """What is read from one zip, given as bytes."""
    put(tmp_path, {name: content})
    (source,) = find_sources(tmp_path, HW)
    return what_is_in(source, limits)


# --- finding -------------------------------------------------------------------------------------


def test_nbgraders_tree_with_its_times(tmp_path):
    for student in ("s001", "jane_doe"):  # any folder is a student's, as for nbgrader
        put(tmp_path / student / "hw", WORK)
    put(tmp_path / "s001" / "hw", {"timestamp.txt": b"2026-11-21 12:30:00 UTC"})
    put(tmp_path / "only_another" / "hw2", WORK)
    sources = found(tmp_path)
    assert list(sources) == ["jane_doe", "s001"]
    assert sources["s001"].submitted == DUE + timedelta(minutes=30)
    assert sources["jane_doe"].submitted is None
    assert what_is_in(sources["s001"]).files == WORK and what_is_in(sources["s001"]).repairs == ()


@pytest.mark.parametrize(
    ("written", "minutes"),
    [("2026-11-21 12:05:00.5 UTC", 5), ("2026-11-21T13:05:00+01:00", 5), ("no date", None)],
)
def test_times_are_read_as_nbgrader_writes_them(tmp_path, written, minutes):
    put(tmp_path / "s001" / "hw", WORK | {"timestamp.txt": written.encode()})
    submitted = found(tmp_path)["s001"].submitted
    expected = None if minutes is None else DUE + timedelta(minutes=minutes)
    assert (submitted and submitted.replace(microsecond=0)) == expected


@pytest.mark.slow
def test_what_nbgraders_collector_makes_is_found_with_its_times(tmp_path):
    course = copy_course(tmp_path / "course")
    archive = put(course / "downloaded" / "hw" / "archive", {"hw_s001.zip": hand_in(7)})
    done = nbgrader(course, "zip_collect", "hw")
    assert done.returncode == 0, done.stdout
    (collected,) = find_sources(course / "submitted", HW)
    (zipped,) = find_sources(archive, HW)
    assert (collected.student, collected.submitted) == (zipped.student, zipped.submitted)
    assert collected.submitted == DUE + timedelta(minutes=7)
    assert what_is_in(collected).files == what_is_in(zipped).files == WORK


PLATFORMS = {
    "hw_{}.zip": "by hand",
    "doejane{}_4711_80{}_hw_{}.zip": "Canvas",
    "doejane{}_LATE_4711_80{}_hw_{}-1.zip": "Canvas, late and again",
    "Jäne Doe_47{}_assignsubmission_file_/hw_{}.zip": "Moodle, in folders",
    "Doe, Jane_47{}_assignsubmission_file_hw_{}.zip": "Moodle, flat",
    "Homework_{}_attempt_2026-11-21-12-00-00_hw_{}.zip": "Blackboard",
    "hw_{} (2).zip": "a browser",
    "Copy of hw_{}.zip": "Google Drive",
}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("pattern", PLATFORMS, ids=PLATFORMS.values())
def test_downloads_of_platforms(tmp_path, pattern, zipped):
    names = {one: re.sub(r"\{\}", one, pattern) for one in ("111", "222")}
    files = {name: hand_in() for name in names.values()}
    path = put(tmp_path, {"all.zip": zip_of(files)} if zipped else files)
    sources = found(path / "all.zip" if zipped else path)
    assert {one: source.source for one, source in sources.items()} == names
    for source in sources.values():
        assert source.submitted == DUE or "2026" in pattern
        assert what_is_in(source).files == WORK


def test_a_download_is_found_in_the_folder_it_was_saved_to(tmp_path):
    put(tmp_path, {"submissions.zip": zip_of({"hw_a.zip": hand_in(), "hw_b.zip": hand_in()})})
    assert list(found(tmp_path)) == ["a", "b"]


def test_a_single_zip_is_a_hand_in(tmp_path):
    more = {"run_01_loss.png": b"", "torch.py": b""}
    put(tmp_path, {"hw_s001.zip": hand_in(3), "homework.zip": zip_of(WORK | more)})
    (source,) = find_sources(tmp_path / "hw_s001.zip", HW)
    assert (source.student, source.submitted) == ("s001", DUE + timedelta(minutes=3))
    (source,) = find_sources(tmp_path / "homework.zip", HW)
    assert source.student == "~homework" and "No id is in the name" in source.repairs[0]
    assert what_is_in(source).files == WORK


@pytest.fixture(scope="module")
def collector():
    """The instructor's collector, as nbgrader_config.py sets it."""
    return HandInCollector(config=nbgrader_settings(REPO))


@given(
    st.from_regex(re.compile(STUDENT_ID, re.A), fullmatch=True),
    st.from_regex(r"([A-Za-z ]{1,9}_){0,3}", fullmatch=True)
    | st.sampled_from(["doejane_4711_8012_", "doejane_LATE_4711_8012_"]),
    st.sampled_from(["", "-1", " (1)", "(12)"]),
)
def test_the_same_student_as_nbgraders_collector(collector, student, before, after):
    assume(not re.search(r"(?:^|_)hw_", student))  # refused when it is handed in
    if after == "-1" and "4711" not in before:
        after = ""  # only Canvas counts like this
    assume("4711" not in before or after == "-1" or not re.search(r"-\d{1,2}$", student))
    name = f"{before}hw_{student}{after}"
    info = collector.collect(f"/c/downloaded/hw/extracted/{name}/{FIRST}")
    assert student_in(f"{name}.zip", HW) == info["student_id"] == student


@pytest.mark.parametrize("platform", ["Moodle", "Canvas"])
@pytest.mark.parametrize("zipped", [False, True])
def test_single_files_are_put_together_by_person(tmp_path, platform, zipped):
    files = {}
    for person in ("doejane_4711", "roejohn_4712"):
        for number, (name, content) in enumerate(WORK.items()):
            if platform == "Moodle":
                files[f"{person}_assignsubmission_file_/{name}"] = content
            else:
                name = name.replace(".py", "-1.py")  # Canvas: handed in again
                files[f"{person}_{number}_{name}"] = content
    files["doejane_4711_assignsubmission_onlinetext_/onlinetext.html"] = b"here it is"
    path = put(tmp_path, {"all.zip": zip_of(files)} if zipped else files)
    sources = found(path / "all.zip" if zipped else path)
    assert list(sources) == ["~doejane_4711", "~roejohn_4712"]
    for source in sources.values():
        assert what_is_in(source).files == WORK
        assert "No id is in the name" in source.repairs[0]


def test_a_folder_for_each_student(tmp_path):
    put(tmp_path, {f"{one}/{name}": WORK[name] for one in "ab" for name in WORK})
    assert {one: what_is_in(source).files == WORK for one, source in found(tmp_path).items()} == {
        "a": True,
        "b": True,
    }


@pytest.mark.parametrize(
    "names",
    [
        ("hw_s001.zip", "hw_s001 (1).zip"),
        ("hw_s001.zip", "again/hw_s001.zip"),
        ("Ann Roe/Version 1/hw_s001.zip", "Ann Roe/Version 2/hw_s001.zip"),
    ],
)
@pytest.mark.parametrize("later", [0, 1])
def test_of_several_the_latest_counts(tmp_path, names, later):
    put(tmp_path, {names[later]: hand_in(9), names[1 - later]: zip_of(UNTOUCHED, made(2))})
    (source,) = find_sources(tmp_path, HW)
    assert source.source == names[later] and source.submitted == DUE + timedelta(minutes=9)
    assert repr(names[1 - later]) in source.repairs[0]
    assert what_is_in(source).files == WORK and what_is_in(source).repairs == source.repairs


def test_without_times_the_higher_number_counts(tmp_path):
    names = ["x_1_2_hw_s001-10.zip", "x_1_2_hw_s001-9.zip", "x_1_2_hw_s001.zip"]
    put(tmp_path, dict.fromkeys(names, zip_of(WORK)))
    assert found(tmp_path)["s001"].source == names[0]


def test_the_time_in_a_name_counts_before_that_in_the_zip(tmp_path):
    put(tmp_path, {"hw_x_attempt_2026-11-22-08-00-00_hw_s001.zip": hand_in()})
    assert found(tmp_path)["s001"].submitted == datetime(2026, 11, 22, 8).astimezone()


@pytest.mark.parametrize("stamp", ["2026-99-99-99-99-99", "0000-01-01-00-00-00"])
def test_digits_that_are_no_time_are_none(tmp_path, stamp):
    put(tmp_path, {f"{stamp}_hw_s001.zip": zip_of(WORK, "handed in 9999-99-99T00:00:00Z")})
    assert found(tmp_path)["s001"].submitted is None


def test_nobody_takes_the_place_of_another_by_handing_in_as_them(tmp_path):
    mallory = zip_of(UNTOUCHED, made(99))
    put(tmp_path, {"doejane_1_2_hw_s001.zip": hand_in(), "mallory_3_4_hw_s001.zip": mallory})
    sources = found(tmp_path)
    assert list(sources) == ["s001~doejane_1", "s001~mallory_3"]
    assert what_is_in(sources["s001~doejane_1"]).files == WORK
    for source in sources.values():
        assert "2 people handed in as 's001'" in source.repairs[0]


def test_who_hands_in_for_another_is_told(tmp_path):
    put(tmp_path, {"doe_1_2_hw_s001.zip": hand_in(), "doe_1_3_hw_s002.zip": hand_in()})
    for source in found(tmp_path).values():
        said = "'doe_1' handed in as 's001' and 's002': find out who is who."
        assert source.repairs == (said,)


def test_names_that_become_the_same_id_stay_apart(tmp_path):
    put(tmp_path, {"my work.zip": zip_of(WORK), "my_work.zip": zip_of(UNTOUCHED)})
    assert len(found(tmp_path)) == 2


def test_who_forgot_the_id_once_is_known_by_the_platform(tmp_path):
    put(tmp_path, {"x_1_2_homework.zip": zip_of(UNTOUCHED), "x_1_3_hw_s001.zip": hand_in()})
    assert found(tmp_path)["s001"].source == "x_1_3_hw_s001.zip"


@pytest.mark.parametrize("name", ["hw_s001.rar", "a_1_2_hw_s001.7z", "hw_s001.zip", "b_1_2_x.zip"])
def test_what_cannot_be_opened_is_not_overlooked(tmp_path, name):
    put(tmp_path, {name: b"Rar!\x1a\x07\x01\x00", "hw_s002.zip": hand_in()})
    sources = found(tmp_path)
    assert len(sources) == 2
    (other,) = (source for student, source in sources.items() if student != "s002")
    problems = what_is_in(other).problems
    assert list(problems) == list(FILES)
    status, sentence = problems[FIRST]
    assert status == Status.MISSING_FILE and "no zip at all" in sentence and name in sentence


def test_what_systems_leave_in_folders_is_nobodys(tmp_path):
    put(tmp_path, {"hw_s001.zip": hand_in(), ".DS_Store": b"", "__MACOSX/._hw_s002.zip": b""})
    put(tmp_path, {".git/hw_s003.zip": b"", "notes.txt": b"", "feedback/s001.html": b""})
    assert list(found(tmp_path)) == ["s001"]


@pytest.mark.parametrize("what", ["gone", "empty", "other", "file", "broken.zip"])
def test_where_there_is_nothing_one_sentence_says_so(tmp_path, what):
    path = tmp_path / what
    if what in ("file", "broken.zip"):
        path.write_text("no zip")
    elif what != "gone":
        put(path, {"notes.txt": b""} if what == "other" else {})
        path.mkdir(exist_ok=True)
    with pytest.raises(CrystalGraphError) as caught:
        find_sources(path, HW)
    assert re.fullmatch(r"[^\n]+\.", str(caught.value)) and what in str(caught.value)


# --- links ---------------------------------------------------------------------------------------


def tampered(hand_in, names=FILES):
    """Whether these files are called tampered with, and not to be had."""
    return all(
        name not in hand_in.files and hand_in.problems[name][0] == Status.TAMPERED for name in names
    )


def test_links_lead_to_nobodys_work(tmp_path):
    victim = put(tmp_path / "course" / "victim" / "hw", WORK)
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "student").symlink_to(victim.parent)
    (tree / "inside").mkdir()
    (tree / "inside" / "hw").symlink_to(victim)
    (tree / "file" / "hw").mkdir(parents=True)
    (tree / "file" / "hw" / FIRST).symlink_to(victim / FIRST)
    sources = found(tree)
    assert tampered(what_is_in(sources["student"])) and tampered(what_is_in(sources["inside"]))
    assert tampered(what_is_in(sources["file"]), [FIRST])
    assert "is a link" in what_is_in(sources["file"]).problems[FIRST][1]
    zips = put(tmp_path / "zips", {"hw_other.zip": hand_in()})
    put(tmp_path, {"secret.zip": hand_in()})
    (zips / "hw_s001.zip").symlink_to(tmp_path / "secret.zip")
    assert tampered(what_is_in(found(zips)["s001"]))


def test_the_folder_itself_may_be_a_link(tmp_path):
    put(tmp_path / "there", {"hw_s001.zip": hand_in()})
    (tmp_path / "here").symlink_to(tmp_path / "there")
    assert what_is_in(found(tmp_path / "here")["s001"]).files == WORK


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no pipes with a name")
@pytest.mark.parametrize("zipped", [False, True])
def test_a_pipe_stops_nothing(tmp_path, zipped):
    put(tmp_path / "s001" / "hw", {MODEL_FILE: WORK[MODEL_FILE]})
    os.mkfifo(tmp_path / ("hw_s001.zip" if zipped else f"s001/hw/{FIRST}"))
    path = tmp_path / "hw_s001.zip" if zipped else tmp_path / "s001" / "hw" / FIRST
    source = Source("s001", path if zipped else path.parent, None, path.name)
    assert FIRST in what_is_in(source).problems


# --- zips made to do harm, or damaged ------------------------------------------------------------


def with_link(name, target):
    """A correct hand-in in which one file is a link."""
    target_zip = io.BytesIO(zip_of({one: WORK[one] for one in FILES if one != name}))
    with zipfile.ZipFile(target_zip, "a") as archive:
        info = zipfile.ZipInfo(name)
        info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, target)
    return target_zip.getvalue()


def test_a_link_in_a_zip_is_no_file(tmp_path):
    hand_in = reading(with_link(FIRST, "/etc/passwd"), tmp_path)
    assert tampered(hand_in, [FIRST]) and len(hand_in.files) == len(FILES) - 1


@pytest.mark.parametrize(
    "path", ["../../evil.py", "/etc/cron.d/evil", "a/../../evil.pth", "C:\\evil.py", "..\\evil.py"]
)
def test_a_path_that_leads_out_of_the_zip(tmp_path, path):
    inside = tmp_path / "a" / "b"
    hand_in = reading(zip_of(WORK | {path: b"evil"}), inside)
    assert tampered(hand_in) and "leads out" in hand_in.problems[FIRST][1]
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "a", inside, inside / "hw_s001.zip"]


def test_info_zips_own_way_of_leading_out_is_no_crime(tmp_path):
    hand_in = reading(zip_of({f"../hw/{name}": WORK[name] for name in FILES}), tmp_path)
    assert hand_in.files == WORK and not hand_in.problems


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    bomb = zip_of({name: bytes(USUAL_LIMITS.notebook + 1) for name in FILES})
    tracemalloc.start()
    hand_in = reading(bomb, tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert tampered(hand_in) and "holds more than 64 MB, packed into" in str(hand_in)
    assert peak < 3 * 64 * MEGABYTE


def test_a_notebook_that_is_too_large_is_no_bomb(tmp_path):
    hand_in = reading(zip_of(WORK), tmp_path, limits=SizeLimits(notebook=10_000))
    assert {hand_in.problems[name][0] for name in NOTEBOOKS.values()} == {Status.BAD_NOTEBOOK}
    assert "clear its outputs" in hand_in.problems[FIRST][1] and MODEL_FILE in hand_in.files


def test_nor_is_one_in_which_a_loop_printed_all_night(tmp_path):
    """The same line over and over packs as well as a bomb does."""
    content = b'{"cells": [{"cell_type": "code", "outputs": [{"text": "' + b"epoch\\n" * 2 * 10**7
    hand_in = reading(zip_of(WORK | {FIRST: content}), tmp_path)
    assert hand_in.problems[FIRST][0] == Status.BAD_NOTEBOOK
    assert "clear its outputs" in hand_in.problems[FIRST][1] and len(hand_in.files) == len(WORK) - 1


def test_a_bomb_beside_the_homework_is_left_alone(tmp_path):
    hand_in = reading(zip_of(WORK | {"weights.bin": bytes(10**8)}), tmp_path)
    assert hand_in.files == WORK and "'weights.bin'" in hand_in.repairs[0]


@pytest.mark.parametrize(("claimed", "said"), [(10, "damaged in the zip"), (2**32 - 2, "")])
def test_a_zip_that_lies_about_sizes(tmp_path, claimed, said):
    content = bytearray(zip_of(WORK))
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", claimed)
    hand_in = reading(bytes(content), tmp_path)
    assert said in hand_in.problems.get(FIRST, ("", ""))[1]
    assert hand_in.files == {name: WORK[name] for name in FILES if name not in hand_in.problems}


def test_a_table_of_contents_without_end(tmp_path):
    content = zip_of({f"{n:09d}": b"" for n in range(2_000)} | WORK)
    hand_in = reading(content, tmp_path, limits=SizeLimits(listed=100_000))
    assert "no zip at all" in hand_in.problems[FIRST][1]


def test_paths_without_end_are_passed_over(tmp_path):
    hand_in = reading(zip_of(WORK | {"a/" * 30_000 + "b": b""}), tmp_path, "homework.zip")
    assert hand_in.files == WORK


def flagged(content, bits):
    """A zip whose files all say that they are encrypted."""
    changed = bytearray(content)
    for sign, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = -1
        while (at := content.find(sign, at + 1)) >= 0:
            changed[at + offset] |= bits
    return bytes(changed)


def test_encrypted_files_are_said_to_be(tmp_path):
    hand_in = reading(flagged(zip_of(WORK), 1), tmp_path)
    assert not hand_in.files
    assert hand_in.problems[FIRST] == (
        Status.MISSING_FILE,
        f"'{FIRST}' is encrypted; zip it without a password.",
    )


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_ways_of_packing_that_can_fill_the_memory_are_not_tried(tmp_path, method):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, content in WORK.items():
            archive.writestr(name, content)
    hand_in = reading(target.getvalue(), tmp_path)
    assert not hand_in.files and "packed in an unusual way" in hand_in.problems[FIRST][1]


def test_one_damaged_file_leaves_the_others(tmp_path):
    content = bytearray(zip_of(WORK))
    at = content.index(b"PK\x03\x04", 10) - 500  # in the first file
    content[at : at + 20] = bytes(20)
    hand_in = reading(bytes(content), tmp_path)
    assert list(hand_in.problems) == [FIRST] and "damaged in the zip" in hand_in.problems[FIRST][1]
    assert hand_in.files == {name: WORK[name] for name in FILES if name != FIRST}


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06", zip_of(WORK)[:-200], b"\x00" * 999])
def test_an_upload_that_broke_off(tmp_path, content):
    hand_in = reading(content, tmp_path)
    assert list(hand_in.problems) == list(FILES) and not hand_in.files
    assert {status for status, _ in hand_in.problems.values()} == {Status.MISSING_FILE}


@given(st.binary(max_size=400) | st.just(zip_of(UNTOUCHED)), st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_is_in_a_zip_reading_does_not_fail(tmp_path_factory, content, data):
    content = bytearray(content)
    for _ in range(data.draw(st.integers(0, 8))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("zip") / "hw_s001.zip"
    path.write_bytes(content)
    hand_in = what_is_in(Source("s001", path, None, path.name))
    assert set(hand_in.files) | set(hand_in.problems) == set(FILES)
    assert not set(hand_in.files) & set(hand_in.problems)
    assert all(sentence.endswith(".") for _, sentence in hand_in.problems.values())


def test_zips_in_zips(tmp_path):
    content = zip_of({"my homework/hw_s001.zip": zip_of(WORK)})
    hand_in = reading(content, tmp_path)
    assert hand_in.files == WORK and "zip in a zip" in hand_in.repairs[0]
    for _ in range(9):
        content = zip_of({"hw_s001.zip": content})
    assert "was not handed in" in reading(content, tmp_path).problems[FIRST][1]


def test_a_library_of_the_students_own_is_left_out(tmp_path):
    extra = {
        "torch.py": b"raise SystemExit",
        "crystalgraph/__init__.py": b"",
        "sitecustomize.py": b"",
    }
    junk = {".ipynb_checkpoints/1_from_salt_to_graph-checkpoint.ipynb": b"", "__MACOSX/x": b""}
    hand_in = reading(zip_of(WORK | extra | junk), tmp_path)
    assert hand_in.files == WORK
    assert hand_in.repairs == (
        "Not part of hw and left out: 'crystalgraph/__init__.py', 'sitecustomize.py', 'torch.py'.",
    )


# --- names ---------------------------------------------------------------------------------------

RENAMED = [
    "Copy of {}.{}",
    "Copy of Copy of {}.{}",
    "hw/{} (1).{}",
    "{}-1.{}",
    "{}.{}.txt",
    "HW/{}.{}",
]


@pytest.mark.parametrize("pattern", RENAMED)
def test_what_colab_and_browsers_make_of_names(tmp_path, pattern):
    renamed = {pattern.format(*name.split(".")): WORK[name] for name in FILES}
    hand_in = reading(zip_of(renamed), tmp_path)
    assert hand_in.files == WORK
    assert len(hand_in.repairs) == (0 if pattern.startswith("HW") else len(FILES))


def without_marks(content):
    """A notebook without metadata and ids, as some editors save it."""
    notebook = json.loads(content)
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        cell.pop("id")
    return json.dumps(notebook | {"nbformat_minor": 4}).encode()


@pytest.mark.parametrize("stripped", [False, True])
def test_notebooks_are_known_by_their_cells(tmp_path, stripped):
    marks = without_marks if stripped else bytes
    notebooks = {name: marks(WORK[name]) for name in NOTEBOOKS.values()}
    renamed = {f"part {9 - n}.ipynb": notebooks[name] for n, name in enumerate(notebooks)}
    renamed |= {"my model.py": WORK[MODEL_FILE], "analysis.ipynb": b'{"cells": []}'}
    hand_in = reading(zip_of(renamed), tmp_path)
    assert hand_in.files == notebooks | {MODEL_FILE: WORK[MODEL_FILE]}
    assert f"{FIRST} was called 'part 9.ipynb'." in hand_in.repairs


def test_the_contents_count_when_names_were_swapped(tmp_path):
    swapped = WORK | {FIRST: WORK[SECOND], SECOND: WORK[FIRST]}
    assert reading(zip_of(swapped), tmp_path).files == WORK


def test_of_two_versions_the_one_with_work_counts(tmp_path):
    copies = {f"Copy of {name}": WORK[name] for name in FILES}
    hand_in = reading(zip_of(UNTOUCHED | copies), tmp_path)
    assert hand_in.files == WORK
    assert hand_in.repairs[0] == (
        f"Of 2 versions of {FIRST}, 'Copy of {FIRST}' counts, the newest with work in it, not "
        f"'{FIRST}'."
    )


def test_a_damaged_version_is_not_hidden_by_an_untouched_one(tmp_path):
    hand_in = reading(zip_of(WORK | {FIRST: b"torn", f"old/{FIRST}": UNTOUCHED[FIRST]}), tmp_path)
    assert hand_in.files[FIRST] == b"torn"


def test_of_two_versions_with_work_the_newer_counts(tmp_path):
    other = files_of({"1.1"})
    old, new = 1_700_000_000, 1_700_009_999
    for first, second, saved in ((WORK, other, (new, old)), (other, WORK, (old, new))):
        target = io.BytesIO(zip_of(first, saved=saved[0]))
        copies = {f"Copy of {name}": second[name] for name in FILES}
        with (
            zipfile.ZipFile(target, "a") as archive,
            zipfile.ZipFile(io.BytesIO(zip_of(copies, saved=saved[1]))) as more,
        ):
            for info in more.infolist():
                archive.writestr(info, more.read(info))
        assert reading(target.getvalue(), tmp_path).files == WORK


def test_a_copy_of_the_model_file_with_the_work_is_graded_and_said_loudly(tmp_path):
    copy = {"model_hw - Kopie.py": WORK[MODEL_FILE], "old.py": UNTOUCHED[MODEL_FILE]}
    hand_in = reading(zip_of(WORK | copy | {MODEL_FILE: UNTOUCHED[MODEL_FILE]}), tmp_path)
    assert hand_in.files == WORK
    (said,) = hand_in.seen
    assert "model_hw.py is as it was handed out" in said and "'model_hw - Kopie.py'" in said
    assert "'model_hw - Kopie.py' counts" in hand_in.repairs[0]
    other = {"model_hw - Kopie.py": files_of({"2.1"})[MODEL_FILE]}
    hand_in = reading(zip_of(WORK | other), tmp_path)
    assert hand_in.files == WORK and not hand_in.seen


def test_a_missing_file_is_said_and_the_others_are_there(tmp_path):
    hand_in = reading(zip_of({name: WORK[name] for name in FILES[1:]}), tmp_path)
    assert hand_in.problems == {FIRST: (Status.MISSING_FILE, f"{FIRST} was not handed in.")}


def test_the_version_put_beside_by_an_update_is_no_hand_in(tmp_path):
    hand_in = reading(zip_of(WORK | {"model_hw.new.py": UNTOUCHED[MODEL_FILE]}), tmp_path)
    assert hand_in.files == WORK


# --- the fingerprint -----------------------------------------------------------------------------


def test_the_fingerprint_changes_with_what_is_graded(tmp_path):
    first = reading(hand_in(), tmp_path / "1")
    assert reading(hand_in(), tmp_path / "2").fingerprint == first.fingerprint
    others = [
        reading(hand_in(minutes=1), tmp_path / "3"),
        reading(hand_in(**{FIRST: UNTOUCHED[FIRST]}), tmp_path / "4"),
        reading(hand_in(), tmp_path / "5", "hw_s002.zip"),
        reading(zip_of({}), tmp_path / "6"),
        reading(b"", tmp_path / "7"),
    ]
    assert len({first.fingerprint, *(one.fingerprint for one in others)}) == 1 + len(others)


# --- two sources, one student --------------------------------------------------------------------


def searched(path):
    """{student: source} of everybody found, and what is left out, as one text."""
    result = search(path, HW)
    return {source.student: source for source in result.sources}, "\n".join(result.left_out)


@pytest.mark.parametrize(
    ("made_up", "written"),
    [
        (["a_1_2_hw_s001.zip", "b_3_4_hw_s001.zip"], "hw_s001.a_1.zip"),
        (["a_1_2_hw_s001.zip", "b_3_4_hw_s001.zip"], "hw_s001.a.1.zip"),
        (["s001.zip"], "hw_s001.zip"),
        (["doe_1_2_work.zip"], "hw_doe_1.zip"),
        (["doe_1_2_work.zip"], "hw_doe.1.zip"),
        (["my work.zip", "my.work.zip"], "hw_my.work.zip"),
    ],
)
def test_an_id_that_is_made_up_is_never_one_that_somebody_wrote(tmp_path, made_up, written):
    put(tmp_path, dict.fromkeys(made_up, zip_of(UNTOUCHED, made(99))) | {written: hand_in()})
    sources = found(tmp_path)
    assert len(sources) == len(made_up) + 1
    name = written.removeprefix("hw_").removesuffix(".zip")
    assert sources[name].source == written and not sources[name].repairs
    for name in made_up:  # the same one in every run
        put(tmp_path / "alone", {name: hand_in()})
    alone = found(tmp_path / "alone")
    assert set(alone) == set(sources) - {written.removeprefix("hw_").removesuffix(".zip")}


@pytest.mark.parametrize("wrapped", ["", "download/"])
@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    "folder",
    ["Doe_Jane_jdoe_{}", "Jane Doe_{}_assignsubmission_file", "{}", "group {}/someone"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_for_each_person_is_a_student_each(tmp_path, folder, packed, zipped, wrapped):
    files = {}
    for number in ("4711", "4712"):
        inside = {"homework.zip": zip_of(WORK)} if packed else WORK
        files |= {f"{wrapped}{folder.format(number)}/{name}": inside[name] for name in inside}
    path = put(tmp_path / "all", {"all.zip": zip_of(files)} if zipped else files)
    sources, left_out = searched(path)
    assert len(sources) == 2 and left_out == ""
    for source in sources.values():
        assert what_is_in(source).files == WORK


def test_ids_with_a_hyphen_or_a_line_are_whole(tmp_path):
    ids = ["ab-101", "ab-102", "ab-1", "ab-2", "jane_doe", "jane-d@x-y.org", "s001_"]
    put(tmp_path, {f"hw_{one}.zip": hand_in() for one in ids})
    assert sorted(found(tmp_path)) == sorted(ids)
    put(tmp_path / "canvas", {f"doe_{n}_7_hw_ab-{n}.zip": hand_in() for n in (101, 102)})
    assert sorted(found(tmp_path / "canvas")) == ["ab-101", "ab-102"]


@pytest.mark.parametrize("before", ["course_2026", "Exercise_3", "section_2_group"])
def test_what_only_begins_like_canvas_makes_nobody_one_person(tmp_path, before):
    put(tmp_path, {f"{before}_hw_ab-{n}.zip": hand_in() for n in (1, 2)})
    put(tmp_path, {f"{before}_{what}.zip": zip_of(UNTOUCHED) for what in ("a", "b")})
    sources = found(tmp_path)
    assert len(sources) == 4 and {"ab-1", "ab-2"} < set(sources)
    assert not sources["ab-1"].repairs and not sources["ab-2"].repairs


def test_nobody_takes_anothers_place_in_folders_of_ilias(tmp_path):
    put(tmp_path, {"Doe_Jane_jdoe_1/hw_jdoe.zip": hand_in()})
    put(tmp_path, {"Roe_Max_max_2/hw_jdoe.zip": zip_of(UNTOUCHED, made(99))})
    assert sorted(found(tmp_path)) == ["jdoe~Doe_Jane_jdoe_1", "jdoe~Roe_Max_max_2"]


TEAMS = {
    "Alice Roe/Version 1/hw_bob.zip": "bob~Alice Roe",
    "Alice Roe/Version 2/hw_bob.zip": "bob~Alice Roe",
    "bob/Version 1/hw_bob.zip": "bob",
}


@pytest.mark.parametrize("wrapped", ["", "download/"])
@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    "files",
    [
        {"alice/hw_bob.zip": "bob~alice", "bob/hw_bob.zip": "bob"},
        {"alice/hw_bob.zip": "bob~alice", "carl/hw_bob.zip": "bob~carl"},
        {"alice/bob/hw_bob.zip": "bob~alice", "bob/hw_bob.zip": "bob"},
        {f"alice/hw_bob/{FIRST}": "bob~alice", "bob/hw_bob.zip": "bob"},
        {"alice/hw_bob.zip": "bob~alice", "eve_1_2_hw_bob.zip": "bob~eve_1"},
        TEAMS,
    ],
)
def test_a_folder_says_whose_the_zips_in_it_are(tmp_path, files, zipped, wrapped):
    content = {
        f"{wrapped}{name}": hand_in(9 * ("alice" in name)) if name.endswith("zip") else WORK[FIRST]
        for name in files
    }
    path = put(tmp_path / "all", {"all.zip": zip_of(content)} if zipped else content)
    sources, left_out = searched(path)
    ids = {re.sub(r"~[0-9a-f]{10}$", "", one.replace("Alice.", "Alice ")) for one in sources}
    assert ids == set(files.values())
    for student, source in sources.items():
        assert ("people handed in as 'bob'" in " ".join(source.repairs)) == ("~" in student)
    assert ("Alice Roe/Version 1" in left_out) == (files is TEAMS)


def test_a_folder_of_files_is_that_persons_too(tmp_path):
    put(tmp_path, {"alice/hw_bob.zip": hand_in(9)} | {f"bob/{one}": WORK[one] for one in WORK})
    assert sorted(found(tmp_path)) == ["bob", "bob~alice"]


@pytest.mark.parametrize("name", ["eve_4711_8012_hw_s001.zip", "eve/hw_s001.zip", "eve/work.zip"])
def test_nobody_takes_the_place_of_one_in_nbgraders_tree(tmp_path, name):
    put(tmp_path, {f"s001/hw/{one}": WORK[one] for one in WORK})
    more = {"s001/hw_s001.zip": zip_of(UNTOUCHED, made(99))} if "work" in name else {}
    put(tmp_path, {name: zip_of(more) if more else zip_of(UNTOUCHED, made(99))})
    sources = found(tmp_path)
    assert len(sources) == 2 and what_is_in(sources.pop("s001")).files == WORK
    assert next(iter(sources)).startswith("s001~eve")


def test_a_zip_in_somebodys_folder_cannot_say_that_a_platform_named_another(tmp_path):
    forged = zip_of({"bob_1_2_hw_bob.zip": zip_of(UNTOUCHED, made(99)), "bob_1_3_work.zip": b""})
    put(tmp_path, {"bob_1_2_hw_bob.zip": hand_in(), "eve/work.zip": forged})
    sources = found(tmp_path)
    assert "bob" not in sources and what_is_in(sources["bob~bob_1"]).files == WORK


def test_the_higher_version_counts_where_nobody_knows_the_times(tmp_path):
    put(
        tmp_path,
        {f"Ann Roe/Version {n}/work.zip": zip_of(WORK | {"n": b"%d" % n}) for n in (9, 10)},
    )
    put(tmp_path, {f"Max/Version {n}/{one}": WORK[one] for n in (9, 10) for one in WORK})
    sources, left_out = searched(tmp_path)
    assert [one.source for one in sources.values()] == [
        "Max/Version 10",
        "Ann Roe/Version 10/work.zip",
    ]
    assert list(sources)[0] == "Max" and left_out.count("Version 9") == 2


def test_every_file_is_graded_or_left_out_with_a_reason(tmp_path):
    put(tmp_path, {"hw_s001.zip": hand_in(5), "again/hw_s001.zip": hand_in(2)})
    put(tmp_path, {FIRST: WORK[FIRST], "notes/read me.txt": b"", "a/1/2/x.ipynb": b""})
    put(tmp_path, {"x.zip": zip_of({"hw_s002.zip": hand_in(), "b.txt": b""})})
    sources, left_out = searched(tmp_path)
    assert list(sources) == ["s001", "s002"]
    assert "'again/hw_s001.zip': s001 handed in 'hw_s001.zip' later." in left_out
    for name in (FIRST, "notes/read me.txt", "a/1/2/x.ipynb", "x.zip/b.txt"):
        assert repr(name) in left_out
    assert left_out.count("\n") == 1


def test_what_lies_beside_nbgraders_folders_is_found(tmp_path):
    put(tmp_path, {f"s001/hw/{name}": WORK[name] for name in WORK})
    put(tmp_path, {"hw_s002.zip": hand_in(), "hw_s001.zip": hand_in(), "s003/ps9/x.ipynb": b""})
    put(tmp_path, {"list.txt": b"", "late/hw_s004.zip": hand_in(), "s001/mine.txt": b""})
    sources, left_out = searched(tmp_path)
    assert list(sources) == ["s001", "s002", "s004"]
    assert "'s001/hw': s001 handed in 'hw_s001.zip' later." in left_out
    assert "'list.txt'" in left_out and "'s001/mine.txt'" in left_out and "ps9" not in left_out


def test_beside_nbgraders_folders_nothing_of_the_lab_is_dropped_without_a_word(tmp_path):
    put(tmp_path, {f"s001/hw/{name}": WORK[name] for name in WORK})
    put(tmp_path, {f"st_HW/HW/{name}": WORK[name] for name in WORK})
    put(tmp_path, {"s009/x/hw_s009.zip": hand_in(), "s003/ps9/x.ipynb": b"", "s003/ps9/y.py": b""})
    put(tmp_path, {f"s004/hw old/{FIRST}": WORK[FIRST], "s005/x/homework.zip": hand_in()})
    put(tmp_path, {f"s001/HW/{FIRST}": WORK[FIRST], f"late/s006/hw/{FIRST}": WORK[FIRST]})
    sources, left_out = searched(tmp_path)
    assert list(sources) == ["s001", "s009", "st_HW"]
    assert what_is_in(sources["st_HW"]).files == WORK == what_is_in(sources["s001"]).files
    for place in (f"s004/hw old/{FIRST}", "s005/x/homework.zip", f"s001/HW/{FIRST}", "late/s006"):
        assert f"'{place}" in left_out
    assert "ps9" not in left_out and "STUDENT/hw/" in left_out


def test_what_is_in_a_students_folder_is_read_whatever_it_is_called(tmp_path):
    put(tmp_path, {f"a/{name}": WORK[name] for name in FILES if name != SECOND})
    put(tmp_path, {"a/part two.ipynb": WORK[SECOND], "a/notes.txt": b""})
    sources, left_out = searched(tmp_path)
    hand_in = what_is_in(sources["a"])
    assert hand_in.files == WORK and left_out == ""
    assert "Not part of hw and left out: 'a/notes.txt'" in hand_in.repairs[-1]


@pytest.mark.parametrize("name", ["j\udcfcrgen", "=cmd", "+1", "s001~doe", "a\x1b[1m", "a\u202eb"])
def test_a_folder_whose_name_cannot_be_an_id_gets_another_one(tmp_path, name):
    put(tmp_path, {f"{name}/hw/{one}": WORK[one] for one in WORK})
    put(tmp_path, {f"s001/hw/{one}": WORK[one] for one in WORK})
    other, student = sorted(found(tmp_path).values(), key=lambda one: one.student == "s001")
    assert student.student == "s001" and other.student.startswith("~")
    assert (other.student + other.source + other.repairs[0]).isprintable()
    assert what_is_in(other).files == WORK


def test_late_is_what_the_platform_says(tmp_path):
    put(tmp_path, {"doe_LATE_1_2_hw_a.zip": hand_in(-60), "roe_3_4_hw_b.zip": hand_in()})
    assert {one: source.late for one, source in found(tmp_path).items()} == {"a": True, "b": False}
    put(tmp_path, {"doe_1_1_hw_a.zip": hand_in(-30)})  # by the clock of the student's computer
    assert found(tmp_path)["a"].source == "doe_LATE_1_2_hw_a.zip"
