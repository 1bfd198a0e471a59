"""Nothing stops a batch and nothing is lost: killed graders, lost workers, failing regrades.

What grades is fake_grader here, so that the batch itself can be tried hard; the command, Dask, the
files and the gradebook are real. test_grade_command.py has the real grader.
"""

import csv
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

import psutil
import pytest
from browser import free_port
from fake_grader import mark
from grading_course import (
    WHOLE,
    command,
    contents,
    environment,
    grade,
    grades,
    in_gradebook,
    kill,
    n_results,
    wait_for_results,
    write_hand_in,
)

from crystalgraph.errors import CrystalGraphError
from crystalgraph.grading.batch import Batch
from crystalgraph.grading.intake.hand_ins import HandIn
from crystalgraph.grading.intake.sources import Source, find_sources
from crystalgraph.grading.reports.gradebook import CourseGradebook
from crystalgraph.grading.result import Result, Status, TaskResult
from crystalgraph.grading.results_folder import ResultsFolder, grades_table
from crystalgraph.grading.workers import workers
from crystalgraph.labs import LABS

HW = LABS["hw"]
TASKS = HW.tasks
N_HAND_INS = 12
KILLS = 3


def points(row):
    """{task: points} of a line of grades.csv, only what is not zero."""
    return {task: row[task] for task in TASKS if row[task] != "0"}


def write_class(folder, number, seconds):
    """Hand-ins that all get something else; returns {student: {task: points}}."""
    chance, expected = random.Random(4), {}
    for student in (f"s{i:03}" for i in range(number)):
        right = chance.sample(sorted(TASKS), chance.randrange(len(TASKS)))
        write_hand_in(folder, student, right, seconds=chance.uniform(0, 2 * seconds))
        expected[student] = {task: str(TASKS[task].points) for task in TASKS if task in right}
    return expected


def graded(course):
    """{student: {task: points}} of grades.csv."""
    return {student: points(row) for student, row in grades(course / "results").items()}


def started(course, *arguments, notes=None):
    """The command, running."""
    return subprocess.Popen(
        command(*arguments, fake=True),
        cwd=course,
        env=environment(notes),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.mark.slow
def test_killed_three_times_and_resumed_gives_the_same_grades(course, tmp_path):
    write_class(course / "zips", N_HAND_INS, seconds=0.1)
    calm = grade(course, "zips", "--out", tmp_path / "calm", fake=True)
    assert calm.returncode == 0, calm.stderr
    expected = in_gradebook(course)
    shutil.copyfile(course / "gradebook.db", tmp_path / "calm.db")

    (course / "gradebook.db").unlink()
    shutil.rmtree(course / "autograded")
    shutil.copyfile(course.parent / "calm.db", course / "gradebook.db")
    moments = sorted(random.Random(8).sample(range(1, N_HAND_INS - 5), KILLS))
    kept = {}
    for number, moment in enumerate(moments):
        process = started(course, "zips", *["--resume"] * (number > 0))
        wait_for_results(course, moment, process)
        kill(process)
        before, kept = kept, contents(course)
        for path, content in before.items():
            if path.name == "log.txt" and path.with_name("result.json") in before:
                assert kept[path] == content, "graded once, and for good"
    done = grade(course, "zips", "--resume", fake=True)
    assert done.returncode == 0, done.stderr
    for name in ("grades.csv", "class_report.html"):
        same = (tmp_path / "calm" / "hw" / name).read_bytes()
        assert (course / "results" / "hw" / name).read_bytes() == same
    assert in_gradebook(course) == expected
    assert not [*course.rglob("*.part")]


@pytest.mark.slow
def test_a_lost_worker_costs_no_grade(course):
    expected = write_class(course / "zips", 12, seconds=0.2)
    process = started(course, "zips", "--workers", "2")
    wait_for_results(course, 3, process)
    log = next((course / "results" / "hw").glob("*/log.txt")).read_text()
    psutil.Process(int(log.split()[-1])).send_signal(signal.SIGKILL)
    output = process.communicate(timeout=120)[0].decode()
    assert process.returncode == 0, output
    assert graded(course) == expected


@pytest.mark.slow
def test_one_that_cannot_be_graded_does_not_stop_the_others(course, tmp_path):
    write_hand_in(course / "zips", "good", ["1.1", "2.1"])
    write_hand_in(course / "zips", "bad", TASKS, do="raise")
    write_hand_in(course / "zips", "fatal", TASKS, do="die")
    write_hand_in(course / "zips", "unlucky", ["3.1"], do="die once")
    done = grade(course, "zips", fake=True, notes=tmp_path)
    assert done.returncode == 1
    assert "4 hand-ins: 2 " in done.stdout and "ZeroDivisionError" not in done.stderr
    rows = grades(course / "results")
    assert points(rows["good"]) == {"1.1": "4", "2.1": "10"}
    assert points(rows["unlucky"]) == {"3.1": "4"}
    for student in ("bad", "fatal"):
        assert rows[student]["status"] == "INTERNAL_ERROR" and rows[student]["points"] == ""
        assert {rows[student][task] for task in TASKS} == {""}, "no score, not a zero"
    log = (course / "results" / "hw" / "bad" / "log.txt").read_text()
    assert "the grader has a bug" in log
    said = in_gradebook(course)["bad"]
    checks = {said[place] for place in said if place[1].startswith("check") and len(place) == 2}
    assert checks == {(None, None, True)}


@pytest.mark.slow
def test_a_failed_regrade_leaves_no_old_score(course):
    for student in ("s001", "s002"):
        write_hand_in(course / "zips", student, TASKS)
    assert grade(course, "zips", fake=True).returncode == 0
    assert in_gradebook(course)["s001"][WHOLE][1] == 120
    write_hand_in(course / "zips", "s001", TASKS, do="raise")
    done = grade(course, "zips", fake=True)
    assert done.returncode == 1
    rows = grades(course / "results")
    assert rows["s001"]["points"] == "" and rows["s002"]["points"] == "120"
    assert in_gradebook(course)["s001"][WHOLE][1:] == (0, True)
    page = (course / "results" / "hw" / "s001" / "feedback.html").read_text()
    assert "120" not in page


@pytest.mark.slow
def test_a_regrade_that_is_killed_leaves_no_old_score(course):
    write_class(course / "zips", 6, seconds=0.0)
    assert grade(course, "zips", fake=True).returncode == 0
    first = contents(course)
    write_class(course / "zips", 6, seconds=1.0)
    process = started(course, "zips", "--workers", "1")
    while n_results(course):  # the old ones go
        time.sleep(0.001)
    wait_for_results(course, 1, process)
    kill(process)
    done = {path.parent.name for path in contents(course) if path.name == "result.json"}
    assert 1 <= len(done) < 6
    for path, content in contents(course).items():
        assert path.name != "log.txt" or content != first[path]
    assert set(grades(course / "results")) <= done
    for student, said in in_gradebook(course).items():
        assert student in done or said[WHOLE][1:] == (0, True)


@pytest.mark.slow
def test_resume_grades_what_is_new_what_has_changed_and_what_was_damaged(course):
    for student in ("same", "changed", "damaged"):
        write_hand_in(course / "zips", student, ["1.1"])
    assert grade(course, "zips", fake=True).returncode == 0
    first = contents(course)
    write_hand_in(course / "zips", "changed", ["1.1", "1.2"])
    write_hand_in(course / "zips", "new", ["1.3"])
    damaged = course / "results" / "hw" / "damaged" / "result.json"
    damaged.write_text(damaged.read_text()[: len(damaged.read_text()) // 2])
    assert grade(course, "zips", "--resume", fake=True).returncode == 0
    rows = grades(course / "results")
    assert {student: row["points"] for student, row in rows.items()} == {
        "same": "4",
        "changed": "10",
        "damaged": "4",
        "new": "4",
    }
    now = contents(course)
    unchanged = {path for path in first if first[path] == now[path]}
    assert {str(path.parent) for path in unchanged if path.name == "log.txt"} == {"same"}
    assert in_gradebook(course)["changed"][WHOLE][1] == 10
    assert Result.from_json(damaged.read_text()).points == 4


@pytest.mark.slow
def test_two_graders_do_not_write_into_one_folder(course):
    write_hand_in(course / "zips", "s001", seconds=30)
    process = started(course, "zips")
    while not (course / "results" / "hw" / "grades.csv").exists():
        time.sleep(0.05)
    second = grade(course, "zips", "--resume", fake=True)
    kill(process)
    assert second.returncode == 2 and "another `crystalgraph grade` is writing" in second.stderr
    write_hand_in(course / "zips", "s001")
    assert grade(course, "zips", fake=True).returncode == 0, "a dead one locks nothing"


@pytest.mark.slow
def test_a_cluster_of_ones_own(course, tmp_path):
    """A scheduler and two workers, started as on other machines, one of them killed."""
    expected = write_class(course / "zips", 12, seconds=0.2)
    (tmp_path / "elsewhere").mkdir()
    options = {"cwd": tmp_path / "elsewhere", "env": environment(), "stderr": subprocess.DEVNULL}
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    run = [sys.executable, "-m", "dask"]
    scheduler = [*run, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
    worker = [*run, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    processes = [subprocess.Popen(scheduler, **options)]
    processes += [subprocess.Popen(worker, **options) for _ in range(2)]
    try:
        grading = started(course, "zips", "--scheduler", address)
        wait_for_results(course, 3, grading)
        processes[-1].kill()
        output = grading.communicate(timeout=120)[0].decode()
        assert grading.returncode == 0, output
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert graded(course) == expected


def test_no_scheduler_is_said():
    sentence = "no Dask scheduler answers at tcp://127.0.0.1:9"
    with (
        pytest.raises(CrystalGraphError, match=sentence),
        workers(scheduler="tcp://127.0.0.1:9", seconds_to_connect=1),
    ):
        pass


# --- files ---------------------------------------------------------------------------------------


def result(student="s001", status=Status.OK):
    tasks = [TaskResult(task.id, status, float(task.points)) for task in TASKS.values()]
    hand_in = HandIn(student, "", {}, datetime(2026, 11, 21, 10, tzinfo=UTC))
    return Result.of(hand_in, HW, tasks)


OURS = [status for status in Status if status.is_ours]


@pytest.mark.parametrize("status", OURS)
def test_the_table_has_points_only_where_something_was_graded(status):
    results = [result(), result("s002", status)]
    lines = grades_table(results, HW).splitlines()
    assert lines[0] == ",".join(["student", "status", "points", "max_points", *TASKS, "submitted"])
    assert lines[1].startswith("s001,OK,120,116,4,6,") and lines[1].endswith("+00:00")
    assert lines[2].startswith(f"s002,{status},,116,,,")


@pytest.mark.parametrize("status", Status)
def test_what_the_grader_could_not_judge_is_tried_again(tmp_path, status, monkeypatch):
    store = ResultsFolder(tmp_path, HW)
    store.write(result("s001", status), "log")
    hand_in = HandIn("s001", "", {}, datetime(2026, 11, 21, 10, tzinfo=UTC))
    monkeypatch.setattr(Batch, "_read", lambda batch, source: hand_in)
    batch = Batch(store, cast(CourseGradebook, None))
    assert batch._done(Source("s001", tmp_path, None, ""), set()) == (status not in OURS)


@pytest.mark.parametrize("student", ["=cmd|' /C calc'!A0", "+1", "-1", "@sum(1)", "\t=1"])
def test_no_cell_of_the_table_is_computed_by_a_spreadsheet(student):
    _, line = csv.reader(grades_table([result(student)], HW).splitlines())
    assert line[0] == f"'{student}"
    assert not any(cell.startswith(tuple("=+-@\t\r")) for cell in line)


ACTING = "\ud83d \x1b[31m \u202e \x9b \x00"


def test_what_acts_or_cannot_be_written_does_not_come_out(tmp_path):
    texts = dict.fromkeys(TaskResult.TEXTS, ACTING)
    tasks = [TaskResult(task, Status.WRONG, **texts) for task in TASKS]
    made = Result.of(HandIn("s001", "", {}), HW, tasks, [ACTING], [ACTING])
    store = ResultsFolder(tmp_path, HW)
    store.write(made, f"one\n\t{ACTING}\n")
    store.write_tables()
    assert store.read("s001") == made
    for path in (tmp_path / "hw").rglob("*"):
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        assert all(one.isprintable() or one in "\n\t" for one in text.replace("\xa0", "")), path
    assert (tmp_path / "hw" / "s001" / "log.txt").read_text().startswith("one\n\t\ufffd")


@pytest.mark.parametrize("what", ["file", "file/below", "results/hw is a file"])
def test_a_place_for_results_that_is_a_file_is_one_sentence(tmp_path, what):
    (tmp_path / "file").write_text("")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "hw").write_text("")
    store = ResultsFolder(tmp_path / what.split(" ")[0].removesuffix("/hw"), HW)
    with pytest.raises(CrystalGraphError, match=r" cannot be written to .*--out$"), store.locked():
        pass


@pytest.mark.parametrize("student", ["grades.csv", "class_report.html", "grades.csv.part"])
def test_an_id_that_is_the_name_of_a_table_harms_nothing(tmp_path, student):
    store = ResultsFolder(tmp_path, HW)
    store.write(result(student), "log")
    store.write(result(f"{student}_"), "log")
    store.write_tables()
    assert store.read(student) == result(student)
    assert store.results() == [result(student), result(f"{student}_")]


def test_results_of_other_tasks_are_none(tmp_path):
    """After the points of a task were changed, a grading that is resumed begins anew."""
    ResultsFolder(tmp_path, HW).write(result(), "log")
    first, *others = TASKS.values()
    changed = {first.id: replace(first, points=99)} | {task.id: task for task in others}
    for tasks in (changed, {task.id: task for task in others}):
        assert ResultsFolder(tmp_path, replace(HW, tasks=tasks)).read("s001") is None
    assert ResultsFolder(tmp_path, HW).read("s001") == result()


class Book:
    """In the place of a gradebook: `fails` names the method that fails."""

    def __init__(self, fails=""):
        self.fails = fails

    def lateness(self, hand_in):
        return ""

    def names(self):
        return {}

    def void(self, students):
        if self.fails == "void":
            raise KeyboardInterrupt

    def write(self, result, answers):
        if self.fails == "write" and result.student == "s001":
            raise OSError("the disk is full")


def grade_here(tmp_path, book, resume=False):
    """Grade all zips of a folder in this process; returns the batch and who was graded."""
    students = []

    def grader(hand_ins):
        for hand_in in hand_ins:
            students.append(hand_in.student)
            yield hand_in, *mark(hand_in, "hw", "secret", True)

    batch = Batch(ResultsFolder(tmp_path, HW), book)
    batch.grade(find_sources(tmp_path / "zips", HW), grader, resume)
    return batch, students


def test_a_gradebook_that_fails_does_not_stop_the_batch(tmp_path):
    for student in ("s001", "s002"):
        write_hand_in(tmp_path / "zips", student, ["1.1"])
    batch, students = grade_here(tmp_path, Book(fails="write"))
    assert students == ["s001", "s002"] and len(batch.store.results()) == 2
    assert batch.unwritten == {"s001": "OSError: the disk is full"}


def test_stopped_while_old_results_are_taken_back_all_are_graded_again(tmp_path):
    for student in ("s001", "s002"):
        write_hand_in(tmp_path / "zips", student, ["1.1"])
    grade_here(tmp_path, Book())
    assert grade_here(tmp_path, Book(), resume=True)[1] == []
    with pytest.raises(KeyboardInterrupt):
        grade_here(tmp_path, Book(fails="void"))
    assert grade_here(tmp_path, Book(), resume=True)[1] == ["s001", "s002"]
    assert grade_here(tmp_path, Book(), resume=True)[1] == []
