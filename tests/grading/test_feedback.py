"""A student's page says what the checks say, and nothing that a hand-in holds can break it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_results import Page, a_result, mistaken, task_result

from crystalgraph.grading.reports import feedback
from crystalgraph.grading.reports.feedback import MOST_LINES
from crystalgraph.grading.reports.pages import MOST_CHARACTERS, WORDS, when
from crystalgraph.grading.result import Status
from crystalgraph.labs import LABS

HW = LABS["hw"]
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60)
NASTY = ANYTHING | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7 * 7 }}", "</p></body>"]
)


def feedback_page(result):
    """The page of one student of the homework."""
    return feedback.feedback_page(result, HW)


def one_line(page):
    return " ".join(Page(page).text.split())


def with_texts(texts):
    """A result in which every text that a hand-in has a say in is one of these."""
    message, step, expected, repair, source, student = texts
    known = {"step": step, "expected": expected}
    tasks = [
        task_result("2.1", Status.WRONG, message=message, cause="exception", **known),
        task_result("2.2", Status.CRASHED, message=message),
    ]
    return a_result(student, tasks, source=source, repairs=(repair,), submitted=source)


@given(st.tuples(*[NASTY] * 6))
def test_nothing_in_a_hand_in_becomes_a_part_of_the_page(texts):
    harmless = Page(feedback_page(with_texts(["x"] * 6)))
    page = feedback_page(with_texts(texts))
    assert Page(page).tags <= harmless.tags
    assert page.encode("utf-8")


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=60))
def test_what_can_be_seen_is_shown_as_it_is(text):
    shown = text.replace("`", "'")  # backticks make code
    page = feedback_page(a_result(tasks=[task_result("2.1", Status.CRASHED, message=shown)]))
    assert shown in Page(page).text


def test_a_text_that_runs_backwards_or_is_no_unicode_is_made_visible():
    message = "\u202egnp.exe\ud800\x00"
    page = feedback_page(a_result(tasks=[task_result("2.1", Status.CRASHED, message=message)]))
    assert "\ufffdgnp.exe\ufffd\ufffd" in page


def test_a_flood_is_cut():
    flood = "\n".join(["x" * 10**6] * 1000)
    long = task_result("2.1", Status.WRONG, message=flood, step=flood, expected=flood)
    page = feedback_page(a_result("y" * 10**6, [long], repairs=("z" * 10**6,) * 10**4))
    assert len(page) < (2 * MOST_LINES + 10) * (MOST_CHARACTERS + 100)
    assert "and 9980 more" in page


def test_the_page_loads_nothing():
    page = feedback_page(a_result(tasks=[mistaken("2.1", "no residual")]))
    assert not Page(page).links
    assert "http" not in page.replace("http-equiv", "")
    assert "default-src 'none'" in page


def test_points_time_and_repairs_are_said():
    repair = "The notebook had another name."
    known = {"submitted": "2026-12-18T17:59:00+00:00", "source": "hw_s001.zip"}
    text = one_line(feedback_page(a_result(repairs=(repair,), **known)))
    assert "116 of 116 points, and 4 bonus points, from" in text
    assert "Handed in as hw_s001.zip, 2026-12-18 17:59 UTC." in text
    assert repair in text


@pytest.mark.parametrize(
    "time, words",
    [
        ("", "at an unknown time"),
        ("2026-12-18T17:59:00+01:00", "2026-12-18 17:59 UTC+01:00"),
        ("yesterday", "yesterday"),
    ],
)
def test_times_in_words(time, words):
    assert when(time) == words


def test_a_mistake_is_named_once_with_what_was_expected():
    mutants = HW.instructor("mutants").MUTANTS
    mutant = next(m for m in mutants if (m.task, m.cause) == ("2.1", "no residual"))
    failure = HW.run_check("2.1", mutant.make()).failure
    expected = HW.checks["2.1"].expected
    assert f"Expected: {expected}" in failure.message
    known = {"step": failure.name, "message": failure.message, "expected": expected}
    wrong = task_result("2.1", Status.WRONG, **known)
    page = feedback_page(a_result(tasks=[wrong]))
    text = one_line(page)
    assert "Likely mistake: the layer forgets what the atom was" in text
    assert text.count(" ".join(expected.split())) == 1
    assert "<code>self.residual * v</code>" in page


def test_a_bonus_does_not_hide_what_is_missing():
    lost = [task_result("2.4", Status.WRONG), task_result("2.8", Status.PARTIAL, points=1.0)]
    text = one_line(feedback_page(a_result(tasks=lost)))
    assert "112 of 116 points, and 1 bonus point, from" in text
    assert "112 of 116 points, from" in one_line(
        feedback_page(a_result(tasks=[lost[0], task_result("2.8", Status.WRONG)]))
    )


@pytest.mark.parametrize("status", Status)
def test_every_status_has_words(status):
    page = feedback_page(a_result(tasks=[task_result("3.1", status)]))
    assert WORDS[status] in Page(page).text
    assert status == Status.OK or status.value not in Page(page).text


@pytest.mark.parametrize("status", [Status.INTERNAL_ERROR, Status.GRADER_BUSY])
def test_students_read_nothing_of_the_graders_own_faults(status):
    failed = task_result("1.2", status, message='File "draw.py", line 12: 0.731')
    page = feedback_page(a_result(tasks=[failed], seen=("It tried to open a socket.",)))
    assert "draw.py" not in page and "0.731" not in page
    assert "socket" not in page
    assert WORDS[status] in page and "not graded" in page


def test_every_task_is_there_under_its_notebook():
    text = Page(feedback_page(a_result())).text
    places = [text.index(name) for task in HW.tasks.values() for name in (task.notebook, task.id)]
    assert all(place >= 0 for place in places)
    assert text.index("2_build") < text.index("ConvLayer.forward") < text.index("3_predict")
