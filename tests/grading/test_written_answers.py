"""Pages for written answers: what is on them, grading in a browser, and the way back."""

import html
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime

import nbformat
import pytest
from browser import BROWSERS, find_program, running_browser
from grading_course import environment
from hand_in_builder import HandInBuilder, put
from nbgrader.api import Gradebook
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait
from shown_page import Contents

from crystalgraph.cli import main
from crystalgraph.errors import CrystalGraphError
from crystalgraph.grading.intake.answers import read_answers
from crystalgraph.grading.reports.gradebook import CourseGradebook
from crystalgraph.grading.reports.written_answers import read_points, write_page
from crystalgraph.grading.result import Result, Status, TaskResult
from crystalgraph.labs import LABS

HW = LABS["hw"]
QUESTION = next(one for one in HW.questions if one.id == "q2_1")
NETWORK = QUESTION.notebook.removesuffix(".ipynb")
EVIL = "<script>steal()</script><img src=x onerror=steal()>"
PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5E"
    "rkJggg=="
)
WRITTEN = {
    "s001": f"Because of **symmetry**, $a<b$. {EVIL}",
    "s002": "A sum does not know an order.",
    "s003": "YOUR ANSWER HERE",
}


def hand_in(student, text):
    """Nothing solved, one question answered, a text and a picture in a cell above it."""
    work = HandInBuilder(solved=())
    notebook = nbformat.reads(work.files[QUESTION.notebook].decode(), as_version=4)
    (cell,) = (
        c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == "q2_1"
    )
    cell.source = text
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    data = {"image/png": PNG, "text/html": EVIL}
    first.outputs = [
        nbformat.v4.new_output("stream", text=f"seen by {student} {EVIL}"),
        nbformat.v4.new_output("display_data", data),
    ]
    work.files[QUESTION.notebook] = nbformat.writes(notebook).encode()
    return work.hand_in(student)


def keep(gradebook, student, text, submitted=None):
    """Put a hand-in into the gradebook and autograded/, as `crystalgraph grade` does."""
    handed_in = replace(hand_in(student, text), submitted=submitted)
    tasks = [TaskResult(task, Status.NOT_IMPLEMENTED) for task in HW.tasks]
    gradebook.write(Result.of(handed_in, HW, tasks), read_answers(handed_in, HW))


@pytest.fixture(scope="module")
def graded(released_by_nbgrader, tmp_path_factory):
    """A course with three hand-ins, not to be changed."""
    course = tmp_path_factory.mktemp("written") / "course"
    shutil.copytree(released_by_nbgrader, course)
    with CourseGradebook(course, HW).opened() as gradebook:
        for student, text in WRITTEN.items():
            keep(gradebook, student, text)
    return course


@pytest.fixture
def gradebook(graded, tmp_path):
    course = shutil.copytree(graded, tmp_path / "course")
    with CourseGradebook(course, HW).opened() as opened:
        yield opened


def given(course):
    """{student: (points by hand, waits for a person, comment)} of the question."""
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}", "crystalgraph") as book:
        found = {}
        for student in WRITTEN:
            name = (QUESTION.id, NETWORK, HW.id, student)
            grade, comment = book.find_grade(*name), book.find_comment(*name)
            found[student] = grade.manual_score, grade.needs_manual_grade, comment.manual_comment
    return found


UNSEEN = {"points": None, "comment": ""}
UNTOUCHED = {"s001": (None, True, None), "s002": (None, True, None), "s003": (None, False, None)}


# --- the page -------------------------------------------------------------------------------------


def test_a_page_has_all_answers_the_question_the_model_answer_and_the_outputs(gradebook, tmp_path):
    page, number = write_page(gradebook, QUESTION, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert (page.name, number) == ("q2_1.html", 2)  # s003 wrote nothing
    assert (tmp_path / ".gitignore").read_text() == "*\n"  # points stay out of every repository
    assert "Because of <strong>symmetry</strong>, $a&lt;b$. " in text
    assert "A sum does not know an order." in text and "s003" not in text
    assert "<strong>Rubric.</strong> 1 point each." in text and "<h3>q2.1 Invariance" in text
    assert "seen by s001" in text and text.count(f"data:image/png;base64,{PNG}") == 2
    assert "BEGIN SOLUTION" not in text and "YOUR ANSWER" not in text


def test_nothing_of_a_student_acts_on_the_page(gradebook, tmp_path):
    page, _ = write_page(gradebook, QUESTION, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "steal()" in text and EVIL not in text
    assert text.count("<script") == 1 and "onerror=steal()>" not in text
    answers = text.split('<section class="answer"')[1:]
    assert len(answers) == 2
    own = {"input", "textarea"}  # the page's
    for answer in answers:
        acting = Contents(f"<section {answer.partition('</section>')[0]}").acting
        assert {tag for tag, name, _ in acting if name != "class"} <= own
    assert "://" not in text.partition("<main")[0]  # nothing is loaded


def test_points_given_before_are_on_the_page(gradebook, tmp_path):
    file = saved(gradebook, tmp_path, s002=(1.5, "half of it"))
    read_points(gradebook, file)
    text = write_page(gradebook, QUESTION, tmp_path)[0].read_text(encoding="utf-8")
    assert text.count('value="1.5"') == text.count("half of it</textarea>") == 1


# --- the way back ---------------------------------------------------------------------------------


def on_the_page(gradebook, tmp_path):
    """{student: what the page knows of the answer}."""
    text = write_page(gradebook, QUESTION, tmp_path)[0].read_text(encoding="utf-8")
    sections = re.findall(r'data-student="(.*?)" data-version="(.*?)"\s+data-was="(.*?)"', text)
    return {
        student: {"version": version, "was": json.loads(html.unescape(was))}
        for student, version, was in sections
    }


def saved(gradebook, tmp_path, lab="hw", question="q2_1", **points):
    """A file as the page saves it."""
    known, other = on_the_page(gradebook, tmp_path), {"version": "x", "was": UNSEEN}
    answers = {
        student: {**known.get(student, other), "points": number, "comment": comment}
        for student, (number, comment) in points.items()
    }
    file = tmp_path / f"saved_{len([*tmp_path.glob('saved*')])}.json"
    file.write_text(json.dumps({"lab": lab, "question": question, "answers": answers}))
    return file


def test_points_and_comments_reach_the_gradebook(gradebook, tmp_path):
    course = tmp_path / "course"
    assert given(course) == UNTOUCHED
    file = saved(gradebook, tmp_path, s001=(2.5, ""), s002=(0, "why?"))
    assert read_points(gradebook, file) == (2, [])
    assert given(course) == UNTOUCHED | {"s001": (2.5, False, None), "s002": (0, False, "why?")}


@pytest.mark.parametrize("points", [-0.5, 3.5, float("nan"), float("inf"), "many"])
def test_impossible_points_are_refused_and_nothing_is_written(gradebook, tmp_path, points):
    file = saved(gradebook, tmp_path, s001=(1, ""), s002=(points, ""))
    with pytest.raises(CrystalGraphError, match=r"saved_0\.json.*(0 to 3|save it again)"):
        read_points(gradebook, file)
    assert given(tmp_path / "course") == UNTOUCHED


def test_points_are_taken_back_and_a_comment_needs_none(gradebook, tmp_path):
    read_points(gradebook, saved(gradebook, tmp_path, s001=(2.5, "good")))
    file = saved(gradebook, tmp_path, s001=(None, ""), s002=(None, "come and see me"))
    assert read_points(gradebook, file) == (2, [])
    now = given(tmp_path / "course")
    assert now == UNTOUCHED | {"s002": (None, True, "come and see me")}


@pytest.mark.parametrize("later", [(1, ""), (2, "other words"), (None, "")])
def test_of_two_graders_the_second_does_not_overwrite_the_first(gradebook, tmp_path, later):
    both = {"s001": (2.5, "good"), "s002": (3, "")}
    read_points(gradebook, saved(gradebook, tmp_path, s001=(2, "")))
    first, second = (saved(gradebook, tmp_path, **one) for one in (both, both | {"s001": later}))
    assert read_points(gradebook, first) == read_points(gradebook, first) == (2, [])
    number, (refused,) = read_points(gradebook, second)
    assert number == 1 and refused.startswith("s001: ") and "make the pages again" in refused
    expected = {"s001": (2.5, False, "good"), "s002": (3, False, None)}
    assert given(tmp_path / "course") == UNTOUCHED | expected


def test_a_page_has_what_the_gradebook_held_whole(gradebook, tmp_path):
    comment = 'long \N{RIGHT-TO-LEFT OVERRIDE}\r\n"<b>' * 1000
    read_points(gradebook, saved(gradebook, tmp_path, s001=(0.5, comment)))
    known = on_the_page(gradebook, tmp_path)
    assert known["s001"]["was"] == {"points": 0.5, "comment": comment}
    assert known["s002"]["was"] == UNSEEN
    assert read_points(gradebook, saved(gradebook, tmp_path, s001=(1, comment))) == (1, [])


@pytest.mark.parametrize("was", [None, {}, {"points": "x", "comment": ""}, {"points": 1}])
def test_a_file_that_does_not_say_what_was_there_is_refused(gradebook, tmp_path, was):
    file = saved(gradebook, tmp_path, s001=(1, ""))
    content = json.loads(file.read_text())
    content["answers"]["s001"]["was"] = was
    file.write_text(json.dumps(content))
    with pytest.raises(CrystalGraphError, match="save it again from the page"):
        read_points(gradebook, file)


@pytest.mark.parametrize("wrong", [{"lab": "other"}, {"question": "q9_9"}])
def test_files_of_something_else_are_refused(gradebook, tmp_path, wrong):
    with pytest.raises(CrystalGraphError, match="save it again from the page"):
        read_points(gradebook, saved(gradebook, tmp_path, s001=(1, ""), **wrong))


@pytest.mark.parametrize("content", ["", "[]", "{", '{"lab": "hw"}', '{"lab": "hw", "answers": 3}'])
def test_damaged_files_are_refused(gradebook, tmp_path, content):
    (tmp_path / "saved.json").write_text(content)
    with pytest.raises(CrystalGraphError, match="save it again from the page"):
        read_points(gradebook, tmp_path / "saved.json")


def test_points_for_an_answer_that_has_changed_are_not_written(gradebook, tmp_path):
    file = saved(gradebook, tmp_path, s001=(3, ""), s002=(1, ""), nobody=(2, ""))
    keep(gradebook, "s001", "Something else.", datetime(2026, 3, 1, tzinfo=UTC))
    number, refused = read_points(gradebook, file)
    assert number == 1 and [line.partition(":")[0] for line in refused] == ["s001", "nobody"]
    assert "handed in again" in refused[0] and "no hand-in" in refused[1]
    assert given(tmp_path / "course") == UNTOUCHED | {"s002": (1, False, None)}


# --- the command, and the page in a browser -------------------------------------------------------


def run(course, *arguments):
    command = [sys.executable, "-m", "crystalgraph", "answers", "--assignment", "hw", *arguments]
    return subprocess.run(command, cwd=course, env=environment(), capture_output=True, text=True)


@pytest.mark.parametrize("place", ["", "hw", "hw/q1_1.html/x"])
def test_where_no_page_can_be_written_one_sentence_says_so(
    graded, monkeypatch, tmp_path, capsys, place
):
    monkeypatch.chdir(shutil.copytree(graded, tmp_path / "course"))
    put(tmp_path / "out", {place: b""}) if place else (tmp_path / "out").touch()
    assert main(["answers", "--assignment", "hw", "--out", str(tmp_path / "out")]) == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    assert f"{tmp_path / 'out' / 'hw'} cannot be written to" in sentence and "--out" in sentence


@pytest.mark.slow
def test_grading_by_keyboard_and_reading_the_points_back(graded, tmp_path):
    browser, driver = find_program(*BROWSERS), find_program("chromedriver")
    course = shutil.copytree(graded, tmp_path / "course")
    done = run(course)
    assert done.returncode == 0, done.stderr
    assert "answers/hw/q2_1.html: 2 answers\n" in done.stdout
    assert len(done.stdout.splitlines()) == len(HW.questions)
    page, downloads = course / "answers" / "hw" / "q2_1.html", tmp_path / "downloads"
    with running_browser(browser, driver, tmp_path / "profile") as chrome:
        options = {"behavior": "allow", "downloadPath": str(downloads)}
        chrome.execute_cdp_cmd("Browser.setDownloadBehavior", options)
        chrome.get(page.as_uri())
        typed = ["2", ".", "f", "c", "well said, j0", Keys.ESCAPE, "j", "3", "9", Keys.BACKSPACE]
        for keys in (*typed, "1"):
            ActionChains(chrome).send_keys(keys).perform()
        assert chrome.find_element(By.ID, "given").text == "2"
        picture = chrome.find_element(By.CSS_SELECTOR, ".answer details img")
        assert picture.is_displayed() and picture.get_property("naturalWidth") == 1
        chrome.refresh()  # a closed tab loses nothing
        assert chrome.find_element(By.ID, "given").text == "2"
        ActionChains(chrome).send_keys("s").perform()
        file = downloads / "hw_q2_1.json"
        WebDriverWait(chrome, 60).until(lambda _: file.is_file())
        problems = [one for one in chrome.get_log("browser") if one["level"] == "SEVERE"]
    assert problems == []
    done = run(course, "--read", str(file))
    assert (done.returncode, done.stdout) == (0, f"{file}: 2 answers have their points.\n")
    expected = {"s001": (2.5, False, "well said, j0"), "s002": (1, False, None)}
    assert given(course) == UNTOUCHED | expected


@pytest.mark.slow
def test_a_page_saves_what_was_changed_and_shows_what_the_gradebook_has(gradebook, tmp_path):
    browser, driver = find_program(*BROWSERS), find_program("chromedriver")
    read_points(gradebook, saved(gradebook, tmp_path, s001=(1.5, "half\r\nof it"), s002=(2, "")))
    page = write_page(gradebook, QUESTION, tmp_path)[0].as_uri()
    with running_browser(browser, driver, tmp_path / "profile") as chrome:
        chrome.get(page)
        assert chrome.execute_script("return content().answers") == {}
        typed = [Keys.BACKSPACE, "j", "c", "words alone", Keys.ESCAPE]
        for keys in typed:
            ActionChains(chrome).send_keys(keys).perform()
        for _ in range(2):  # a closed tab loses nothing
            content = chrome.execute_script("return content()")
            given_now = {name: one["points"] for name, one in content["answers"].items()}
            assert given_now == {"s001": None, "s002": 2}
            assert content["answers"]["s002"]["comment"] == "words alone"
            assert content["answers"]["s001"]["was"] == {"points": 1.5, "comment": "half\r\nof it"}
            chrome.refresh()
        (tmp_path / "mine.json").write_text(json.dumps(content))
        read_points(gradebook, saved(gradebook, tmp_path, s001=(3, "another person")))
        write_page(gradebook, QUESTION, tmp_path)
        chrome.refresh()
        fields = chrome.find_elements(By.TAG_NAME, "input")
        assert [float(field.get_property("value")) for field in fields] == [3, 2]
        ActionChains(chrome).send_keys("3").perform()  # the same once more: looked at
        kept = chrome.execute_script("return content().answers")
        assert {name: one["points"] for name, one in kept.items()} == {"s001": 3, "s002": 2}
    number, (refused,) = read_points(gradebook, tmp_path / "mine.json")
    assert number == 1 and refused.startswith("s001: ")
    now = given(tmp_path / "course")
    assert now["s001"] == (3, False, "another person") and now["s002"] == (2, False, "words alone")
