"""nbgrader's gradebook after `crystalgraph grade`: as after stock `nbgrader autograde`, and usable.

The hand-ins of one term are graded by both, in two copies of a course. Then people work with ours:
formgrader in a browser, a written answer graded by hand, feedback, export.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from browser import (
    BROWSERS,
    TOKEN,
    find_program,
    free_port,
    running_browser,
    stop,
    wait_for_server,
)
from course_copy import nbgrader, points_of
from fake_grader import mark
from graded_term import DUE, EXPECTED
from grading_course import WHOLE, grade, in_gradebook, is_free, release, write_hand_in
from hand_in_builder import HandInBuilder, put, zip_of
from nbgrader.api import Gradebook
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from crystalgraph.course.hand_in.names import TIME_FORMAT
from crystalgraph.grading.batch import Batch
from crystalgraph.grading.intake.answers import Answers, read_answers
from crystalgraph.grading.intake.hand_ins import HandIn
from crystalgraph.grading.intake.sources import find_sources
from crystalgraph.grading.reports.gradebook import CourseGradebook
from crystalgraph.grading.result import Result, Status, TaskResult
from crystalgraph.grading.results_folder import ResultsFolder
from crystalgraph.labs import LABS
from crystalgraph.releasing.gradebook_lock import gradebook_lock

HW = LABS["hw"]
NOTEBOOKS, TASKS = HW.notebooks, HW.tasks


@pytest.fixture(scope="module")
def courses(term, tmp_path_factory):
    """Two copies of a course: graded by us and by nbgrader."""
    ours = shutil.copytree(term.collected, tmp_path_factory.mktemp("courses") / "ours")
    done = grade(ours, "submitted")
    assert done.returncode == 0, done.stdout + done.stderr
    return ours, term.course


@pytest.mark.slow
def test_the_gradebook_is_that_of_stock_nbgrader(courses):
    ours, stock = map(in_gradebook, courses)
    assert set(ours) == {*EXPECTED, "mistaken"}
    for student in ours:
        assert ours[student] == stock[student], student


@pytest.mark.slow
def test_export_and_feedback_go_on_working(courses):
    ours, stock = courses
    for command in (
        ("export", "--to", "grades.csv"),
        ("generate_feedback", "hw", "--student", "late"),
    ):
        done = nbgrader(ours, *command)
        assert done.returncode == 0, done.stdout
    tables = [(course / "grades.csv").read_text().splitlines() for course in courses]
    assert sorted(tables[0]) == sorted(tables[1])
    page = ours / "feedback" / "late" / "hw" / NOTEBOOKS["2"].replace("ipynb", "html")
    text = page.read_text(encoding="utf-8")
    assert "Task 2.1, ConvLayer.forward: 10 of 10 points" in text
    assert "symmetry" in text


@pytest.mark.nightly
def test_grading_again_by_stock_nbgrader_still_works(courses, tmp_path):
    """Somebody may go back: submitted/ is as it was."""
    course = shutil.copytree(courses[0], tmp_path / "course")
    done = nbgrader(course, "autograde", "hw", "--student", "late", "--force")
    assert done.returncode == 0, done.stdout
    assert in_gradebook(course)["late"][WHOLE][1] == points_of(EXPECTED["late"])


# --- formgrader ----------------------------------------------------------------------------------


@contextmanager
def formgrader(course, folder):
    """Jupyter in the course's folder, and a browser that is logged in."""
    browser, driver = find_program(*BROWSERS), find_program("chromedriver")
    port = free_port()
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--port", str(port)]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")
    environment = os.environ | {name: str(folder / name) for name in folders}
    log = folder / "server.log"
    with log.open("w") as stream:
        server = subprocess.Popen(
            command, cwd=course, env=environment, stdout=stream, stderr=stream
        )
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for_server(address, server, log)
            with running_browser(browser, driver, folder / "profile") as chrome:
                chrome.get(f"{address}/login?token={TOKEN}")
                yield chrome, address
        finally:
            stop(server)


def wait(chrome, found, what):
    """Wait until a function gives something true."""
    passing = (NoSuchElementException, StaleElementReferenceException)  # the page is redrawn
    waiting = WebDriverWait(chrome, 120, 0.2, ignored_exceptions=passing)
    return waiting.until(lambda _: found(), f"waited in vain for {what}")


def table(chrome):
    """The rows of the table on the page, as text."""
    rows = chrome.find_elements(By.CSS_SELECTOR, "table tbody tr")
    return [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in rows]


@pytest.mark.slow
def test_formgrader_shows_the_scores_and_takes_a_manual_one(courses, tmp_path):
    course = shutil.copytree(courses[0], tmp_path / "course")
    (tmp_path / "browser").mkdir()
    with formgrader(course, tmp_path / "browser") as (chrome, address):
        chrome.get(f"{address}/formgrader/manage_submissions/hw")
        students = {*EXPECTED, "mistaken"}
        rows = wait(chrome, lambda: len(found := table(chrome)) == len(students) and found, "rows")
        text = {row[1]: " ".join(row) for row in rows}
        chrome.save_screenshot(str(tmp_path / "submissions.png"))
        assert set(text) == students, rows
        for student, said in in_gradebook(course).items():
            assert f"{said[WHOLE][1]:g} / 165" in text[student], text
        grade_by_hand(chrome, address, course, tmp_path)
    expected = in_gradebook(course)
    notebook = NOTEBOOKS["1"].removesuffix(".ipynb")
    assert expected["late"][notebook, "q1_1"] == (None, 2.0, False)
    score, penalty = expected["late"][notebook, ""]
    assert (score, penalty) == (10.0, 8.0), "the penalty is from before the two points"
    expected["late"][notebook, ""] = (score, score)  # nbgrader's rule: late work counts nothing
    done = grade(course, "submitted", "--resume")
    assert done.returncode == 0, done.stderr
    assert in_gradebook(course) == expected, "what a human did is left alone"


def grade_by_hand(chrome, address, course, pictures):
    """Open the first notebook of a hand-in and give two points to a written answer."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "crystalgraph") as gradebook:
        name = NOTEBOOKS["1"].removesuffix(".ipynb")
        page = gradebook.find_submission_notebook(name, "hw", "late").id
        answer = gradebook.find_grade("q1_1", name, "hw", "late").id
    chrome.get(f"{address}/formgrader/submissions/{page}/")
    box = wait(chrome, lambda: chrome.find_element(By.ID, "q1_1"), "the score's box")
    chrome.save_screenshot(str(pictures / "notebook.png"))
    shown = chrome.find_element(By.TAG_NAME, "body").text
    assert "Task 1.1, atom_vectors: 4 of 4 points" in shown
    assert "Because of symmetry." in shown
    box.clear()
    box.send_keys("2", Keys.TAB)
    wait(chrome, lambda: _manual_score(course, answer) == 2.0, "the score to be saved")


def _manual_score(course, grade_id):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "crystalgraph") as gradebook:
        return gradebook.find_grade_by_id(grade_id).manual_score


# --- what came late ------------------------------------------------------------------------------


def add_to_config(course, *lines):
    with (course / "nbgrader_config.py").open("a") as config:
        config.write("\n".join(["", *lines, ""]))


def graded_here(course, resume=True):
    """Grade zips/ in this process with a grader that runs nothing; {student: result}, penalties."""
    graded = []

    def grader(hand_ins):
        for hand_in in hand_ins:
            graded.append(hand_in.student)
            yield hand_in, *mark(hand_in, "hw", "secret", True)

    with CourseGradebook(course, HW).opened() as book:
        batch = Batch(ResultsFolder(course / "results", HW), book)
        results = batch.grade(find_sources(course / "zips", HW), grader, resume)
        assert not batch.unwritten
        penalties = {
            submission.student.id: submission.late_submission_penalty
            for submission in book.book.assignment_submissions("hw")
        }
    return {result.student: result for result in results}, penalties, graded


def late_zips(course):
    """The names that Canvas gives to hand-ins of 14 points made so many minutes after DUE."""
    made = {"roe_3_4_hw_intime": -60, "doe_LATE_1_2_hw_marked": -60, "moe_5_6_hw_late": 90}
    files = HandInBuilder(solved=()).files | {"model_hw.py": b"# right: 2.1 3.1\n# seconds:\n# do:"}
    for name, minutes in made.items():
        comment = (DUE + timedelta(minutes=minutes)).strftime(TIME_FORMAT)
        put(course / "zips", {f"{name}.zip": zip_of(files, comment)})
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "crystalgraph") as gradebook:
        gradebook.update_or_create_assignment("hw", duedate=DUE.replace(tzinfo=None))


@pytest.mark.slow
def test_a_late_policy_that_is_set_after_grading_is_applied_without_grading_again(course):
    late_zips(course)
    results, penalties, graded = graded_here(course)
    late = {student: result.late for student, result in results.items()}
    assert late == {
        "intime": "",
        "marked": "late, as the platform says",
        "late": "late by 1:30:00",
    }
    assert set(penalties.values()) == {0.0} and len(graded) == 3
    page = course / "results" / "hw" / "late" / "feedback.html"
    assert "late by 1:30:00" in page.read_text()
    assert "late, as the platform says" in (page.parents[1] / "class_report.html").read_text()
    for lines, expected in (
        (['c.LateSubmissionPlugin.penalty_method = "zero"'], (14.0, 14.0)),
        (["c.LatePolicy.percent_per_day = 10"], (1.4, 1.4)),
        (["c.LatePolicy.grace_minutes = 120"], (0.0, 0.0)),
        (["c.LatePolicy.grace_minutes = 0", 'c.LatePolicy.extra_days = {"marked": 1}'], (0.0, 1.4)),
    ):
        add_to_config(course, *lines)
        results, penalties, graded = graded_here(course)
        assert (penalties["marked"], penalties["late"]) == pytest.approx(expected), lines
        assert penalties["intime"] == 0.0 and graded == []
    assert results["marked"].late == "" and results["late"].late
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "crystalgraph") as gradebook:
        gradebook.grant_extension("hw", "late", hours=3)
    results, penalties, graded = graded_here(course)
    assert (results["late"].late, penalties["late"], graded) == ("", 0.0, [])
    assert "late by" not in page.read_text()


# --- what can go wrong ---------------------------------------------------------------------------


def test_without_a_release_one_sentence_says_what_to_do(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    write_hand_in(tmp_path / "zips", "s001")
    done = grade(tmp_path, "zips", fake=True)
    assert done.returncode == 2
    assert "hw was never released" in done.stderr
    assert "nbgrader generate_assignment hw --force" in done.stderr
    assert not (tmp_path / "gradebook.db").exists()


def test_a_password_is_not_printed(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
    write_hand_in(tmp_path / "zips", "s001")
    url = "postgresql+psycopg://grader:geheim@127.0.0.1:9/course"
    done = grade(tmp_path, "zips", "--gradebook", url, fake=True)
    assert done.returncode == 2
    assert "postgresql+psycopg://grader:***@127.0.0.1:9/course" in done.stderr
    assert "geheim" not in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_of_a_class_that_is_known_the_missing_are_named(course):
    (course / "roster.csv").write_text("id,first_name,last_name\ns001,Ada,B\ns002,Chen,D\ns003,,\n")
    assert not nbgrader(course, "db", "student", "import", "roster.csv").returncode
    write_hand_in(course / "zips", "s001")
    done = grade(course, "zips", fake=True)
    assert "  not handed in: s002, s003\n" in done.stdout
    folder = course / "results" / "hw"
    page = (folder / "class_report.html").read_text(encoding="utf-8")
    assert "s001</a> Ada B" in page and "s002 Chen D" in page
    assert (folder / ".gitignore").read_text() == "*\n"


@pytest.mark.slow
def test_a_new_written_answer_alone_is_shown_and_graded_again(course):
    tasks = [TaskResult(task.id, Status.NOT_IMPLEMENTED) for task in TASKS.values()]
    builder = HandInBuilder(solved=())
    question = HW.questions[0]
    name = question.notebook.removesuffix(".ipynb")
    with CourseGradebook(course, HW).opened() as book:
        for text in ("Because.", "Therefore."):
            change = change_answer(question.id, text)
            hand_in = builder.json(question.notebook, change).hand_in("s001")
            result = Result.of(hand_in, HW, tasks)
            book.write(result, read_answers(hand_in, HW))
            shown = course / "autograded" / "s001" / "hw" / question.notebook
            assert text in shown.read_text(encoding="utf-8")
            grade = book.book.find_grade(question.id, name, "hw", "s001")
            assert grade.needs_manual_grade
            grade.manual_score, grade.needs_manual_grade = 2.0, False
            book.book.db.commit()
        book.write(result, read_answers(hand_in, HW))
        assert not book.book.find_grade(question.id, name, "hw", "s001").needs_manual_grade


def change_answer(grade_id, text):
    def change(notebook):
        for cell in notebook["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id:
                cell["source"] = text

    return change


@pytest.mark.slow
def test_a_locked_gradebook_costs_one_result_and_not_the_next(course):
    tasks = [TaskResult(task.id, Status.OK, float(task.points)) for task in TASKS.values()]
    first, second = (Result.of(HandIn(one, "", {}), HW, tasks) for one in ("first", "second"))
    book = CourseGradebook(course, HW)
    with book.opened():
        other = sqlite3.connect(course / "gradebook.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Exception, match="locked"):
            book.write(first, Answers())
        other.execute("ROLLBACK")
        other.close()
        book.write(second, Answers())
        assert [*in_gradebook(course)] == ["second"]
        book.write(first, Answers())
        assert {one: said[WHOLE][1] for one, said in in_gradebook(course).items()} == {
            "first": 120.0,
            "second": 120.0,
        }


@pytest.mark.slow
def test_stock_nbgrader_and_we_keep_each_other_out(course):
    HandInBuilder(solved=()).put_submitted(course, "s001")
    url = f"sqlite:///{course / 'gradebook.db'}"
    with gradebook_lock(url):
        done = nbgrader(course, "autograde", "hw")
    assert done.returncode == 1 and "crystalgraph grade" in done.stdout, done.stdout
    assert not (course / "autograded" / "s001").exists()
    command = [sys.executable, "-m", "nbgrader", "autograde", "hw"]
    process = subprocess.Popen(
        command, cwd=course, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        while is_free(url) and process.poll() is None:
            time.sleep(0.05)
        assert process.poll() is None, process.stdout.read().decode()
    finally:
        process.kill()
        process.communicate()
    assert is_free(url), "a dead one locks nothing"


# --- PostgreSQL ----------------------------------------------------------------------------------


@contextmanager
def postgres():
    """An empty database of a PostgreSQL server of our own; gives its address."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    initdb, server, createdb = (
        find_program(name, package="postgresql", places=places)
        for name in ("initdb", "postgres", "createdb")
    )
    folder = Path(tempfile.mkdtemp(prefix="crystalgraph-postgres-"))  # pytest's are root's alone
    options = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if os.geteuid() == 0:  # it refuses to run as root
        shutil.chown(folder, "nobody")
        options["user"] = "nobody"
    data, port = str(folder / "data"), str(free_port())
    create = [initdb, "-D", data, "-U", "grader", "-A", "trust", "--no-sync"]
    subprocess.run(create, check=True, timeout=300, **options)
    run = [server, "-D", data, "-k", "", "-p", port, "-c", "listen_addresses=127.0.0.1"]
    process = subprocess.Popen(run, **options)
    try:
        login = [createdb, "-h", "127.0.0.1", "-p", port, "-U", "grader", "course"]
        end = time.monotonic() + 120
        while subprocess.run(login, **options).returncode and time.monotonic() < end:
            time.sleep(0.2)
        yield f"postgresql+psycopg://grader@127.0.0.1:{port}/course"
    finally:
        stop(process)
        shutil.rmtree(folder)


@pytest.mark.nightly
def test_the_gradebook_may_be_in_postgresql(tmp_path):
    for solved in ("s001", ["1.1", "2.1"]), ("s002", ["3.1"]):
        write_hand_in(tmp_path / "course" / "zips", *solved)
    with postgres() as url:
        course = release(tmp_path / "course", "--db", url)
        assert not (course / "gradebook.db").exists()
        for _ in range(2):  # the second time there is something to take back
            done = grade(course, "zips", "--gradebook", url, fake=True)
            assert done.returncode == 0, done.stdout + done.stderr
        scores = {student: said[WHOLE][1] for student, said in in_gradebook(course, url).items()}
    assert scores == {"s001": 14.0, "s002": 4.0}
