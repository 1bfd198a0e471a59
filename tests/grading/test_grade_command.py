"""`crystalgraph grade` as an instructor runs it, with the real grader and its sandbox."""

import os
import pty
import random
import subprocess
import termios
import time
from dataclasses import replace

import pytest
from course_copy import points_of
from grading_course import (
    SECRET_FILE,
    WHOLE,
    command,
    contents,
    environment,
    grade,
    grades,
    in_gradebook,
    kill,
    n_results,
    solved_by_students,
    wait_for_results,
    write_hand_in,
    write_zips,
)
from hand_in_builder import files_of, put, zip_of

from crystalgraph.commands.grade import summary
from crystalgraph.grading.batch import Batch
from crystalgraph.grading.intake.hand_ins import read
from crystalgraph.grading.intake.sources import search
from crystalgraph.grading.result import Result, Status, TaskResult
from crystalgraph.grading.results_folder import ResultsFolder
from crystalgraph.labs import LABS

HW = LABS["hw"]
ALL = set(HW.tasks)
MADE = "handed in 2026-11-21T12:00:00Z"
N_HAND_INS = 60
KILLS = 3

# --- the real grader -----------------------------------------------------------------------------


@pytest.mark.nightly
def test_a_class_of_sixty_killed_three_times(course, tmp_path):
    solved = solved_by_students(N_HAND_INS)
    write_zips(course / "zips", solved)
    calm = grade(course, "zips", "--out", tmp_path / "calm", timeout=3000)
    assert calm.returncode == 0, calm.stderr
    expected = in_gradebook(course)
    moments = sorted(random.Random(time.time_ns()).sample(range(1, N_HAND_INS - 5), KILLS))
    print(f"\nkilled after {moments} results")
    for number, moment in enumerate(moments):
        process = subprocess.Popen(
            command("zips", *["--resume"] * (number > 0)),
            cwd=course,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        wait_for_results(course, moment, process, seconds=1200)
        kill(process)
    kept = contents(course)
    done = grade(course, "zips", "--resume", timeout=3000)
    assert done.returncode == 0, done.stderr
    same = (tmp_path / "calm" / "hw" / "grades.csv").read_bytes()
    assert (course / "results" / "hw" / "grades.csv").read_bytes() == same
    assert in_gradebook(course) == expected
    now = contents(course)
    for path in kept:
        assert path.name != "result.json" or kept[path] == now[path], "done is done"
    for student, row in grades(course / "results").items():
        assert float(row["points"]) == points_of(solved[student]), student


@pytest.mark.slow
def test_what_is_printed_and_written(course):
    write_zips(course / "zips", {"right": ALL, "partly": {"1.1", "2.3"}})
    (course / "zips" / "hw_broken.zip").write_bytes(b"PK\3\4 no zip")
    done = grade(course, "zips")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    first, *rest = done.stdout.splitlines()
    assert first.startswith("3 hand-ins: ") and "1 OK" in first and "1 PARTIAL" in first
    assert [line.split(":")[0].strip() for line in rest] == ["broken", "Grades"]
    rows = grades(course / "results")
    assert {student: row["points"] for student, row in rows.items()} == {
        "right": "120",
        "partly": "8",
        "broken": "0",
    }
    for student in rows:
        names = {path.name for path in (course / "results" / "hw" / student).iterdir()}
        assert names == {"result.json", "log.txt", "feedback.html"}
    assert {one: said[WHOLE][1] for one, said in in_gradebook(course).items()} == {
        "right": 120,
        "partly": 8,
        "broken": 0,
    }
    secret = SECRET_FILE.read_text().strip().encode()
    assert not [path for path, content in contents(course).items() if secret in content]


# --- what is said --------------------------------------------------------------------------------


def test_the_summary_accounts_for_every_file_and_names_what_is_late(tmp_path):
    untouched = files_of(()) | {"model_hw - Kopie.py": files_of({"2.1"})["model_hw.py"]}
    late = zip_of(files_of({"1.1"}), MADE)
    put(
        tmp_path, {"hw_s001.zip": zip_of(untouched, MADE), "work.zip": late, "old/hw_s001.zip": b""}
    )
    put(tmp_path, {"notes.txt": b""})
    found = search(tmp_path, HW)
    results, batch = [], Batch(ResultsFolder(tmp_path / "out", HW), None)
    for hand_in in (read(source, HW) for source in found.sources):
        tasks = [TaskResult(task, Status.OK) for task in HW.tasks]
        result = Result.of(hand_in, HW, tasks)
        results.append(replace(result, late="late by 1:00:00" if "~" in result.student else ""))
        batch.seen |= {hand_in.student: hand_in.seen}
    text = summary(results, batch, tmp_path / "out", found)
    for line in (
        "2 hand-ins: 2 OK.",
        "  ~work: late by 1:00:00",
        "  s001: model_hw.py is as it was handed out; beside it is 'model_hw - Kopie.py' with",
        "  ~work: No id is in the name 'work.zip', so this is '~work'.",
        "  left out: 'old/hw_s001.zip': s001 handed in 'hw_s001.zip' later.",
        "  left out: 'notes.txt': no id,",
    ):
        assert f"\n{line}" in f"\n{text}", text


def test_the_summary_names_the_log_where_it_is(tmp_path):
    put(tmp_path, {"hw_grades.csv.zip": b""})  # the id is the name of a table
    found = search(tmp_path, HW)
    store = ResultsFolder(tmp_path / "out", HW)
    results = [
        Result.of(read(source, HW), HW, [TaskResult(task, Status.CRASHED) for task in HW.tasks])
        for source in found.sources
    ]
    store.write(results[0], "log")
    text = summary(results, Batch(store, None), store.path, found)
    assert f"see {store.path / 'grades.csv~' / 'log.txt'}" in text
    assert (store.path / "grades.csv~" / "log.txt").is_file()


@pytest.mark.slow
def test_the_progress_bar_counts_by_status(course):
    write_hand_in(course / "zips", "s001", ALL)
    write_hand_in(course / "zips", "s002", ["1.1"])
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (40, 160))
    process = subprocess.Popen(
        command("zips", fake=True), cwd=course, env=environment(), stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:  # the other end is closed
        pass
    assert process.wait() == 0
    assert b"2/2" in seen and b"OK=1" in seen and b"PARTIAL=1" in seen


@pytest.mark.slow
def test_without_a_sandbox_nothing_is_graded(course, tmp_path):
    write_hand_in(course / "zips", "s001", ALL)
    (tmp_path / "empty").mkdir()
    done = subprocess.run(
        command("zips"),
        cwd=course,
        env=environment() | {"PATH": str(tmp_path / "empty")},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 2, done.stdout
    assert "bubblewrap" in done.stderr and "Traceback" not in done.stderr
    assert n_results(course) == 0


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["zips", "--workers", "0"], "--workers: 0 is no number of processes"),
        (["zips", "--workers", "many"], "--workers: many is no number of processes"),
        (["zips", "--workers", "2", "--scheduler", "tcp://a:1"], "not allowed with"),
        (["nowhere"], "nowhere"),
        (["empty"], "empty"),
        (["zips", "--gradebook", "gradebook"], "sqlite:////course/gradebook.db"),
    ],
)
def test_wrong_usage_is_one_sentence(tmp_path, arguments, said):
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    (tmp_path / "empty").mkdir()
    write_hand_in(tmp_path / "zips", "s001")
    done = grade(tmp_path, *arguments)
    assert done.returncode == 2
    assert said in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("assignment", ["ps9", "../hw", ""])
def test_an_assignment_that_is_not_there_is_one_sentence(tmp_path, assignment):
    done = grade(tmp_path, "zips", assignment=assignment)
    assert done.returncode == 2
    (sentence,) = done.stderr.splitlines()
    assert f"There is no lab {assignment!r}; choose one of hw" in sentence
    assert not [*tmp_path.iterdir()]
