"""The class's page: who got what, what went wrong, what to look at."""

import re
from dataclasses import replace

import pytest
from made_up_results import Page, a_result, mistaken, task_result

from crystalgraph.grading.reports import class_report
from crystalgraph.grading.reports.class_report import (
    common_mistakes,
    common_repairs,
    histogram,
    how_it_went,
    to_look_at,
)
from crystalgraph.grading.reports.feedback import feedback_page
from crystalgraph.grading.result import TO_LOOK_AT, Status
from crystalgraph.grading.results_folder import ResultsFolder
from crystalgraph.grading.similarity import Pair
from crystalgraph.labs import LABS

HW = LABS["hw"]
TASKS = HW.tasks


def report_page(results, similar, from_libraries=(), names=()):
    """The page of a class that did the homework."""
    return class_report.report_page(
        results, class_report.ClassNotes(similar, dict(from_libraries), dict(names)), HW
    )


def one_line(page):
    return " ".join(Page(page).text.split())


def test_the_sums_are_those_of_the_results():
    half = [task_result(name, Status.NOT_IMPLEMENTED) for name in TASKS if name[0] in "12"]
    results = [a_result("a"), a_result("b"), a_result("c", half)]
    left = results[2].points
    text = one_line(report_page(results, []))
    assert f"mean {(240 + left) / 3:.1f}, median 120.0, of 116." in text
    assert "OK 2, PARTIAL 1." in text


@pytest.mark.parametrize("status", [Status.INTERNAL_ERROR, Status.GRADER_BUSY])
def test_what_the_grader_failed_at_is_no_zero(status):
    failed = [task_result(name, status) for name in TASKS]
    text = one_line(report_page([a_result("a"), a_result("b", failed)], []))
    assert "mean 120.0, median 120.0, of 116, without 1 that the grader failed at." in text


@pytest.mark.parametrize("points, bars", [([0, 3, 4.9], [3]), ([0, 60, 64, 120], [1, 2, 1])])
def test_the_histogram_has_a_bar_for_each_range_that_somebody_reached(points, bars):
    heights, picture = [], histogram(points, most=120)
    for path in re.findall(r'<g id="patch_\d+">\s*<path d="([^"]*)" clip-path', picture):
        y = [float(line.split()[-1]) for line in re.findall(r"[ML] ([\d. ]+)", path)]
        heights.append(max(y) - min(y))
    drawn = [height for height in heights if height > 0]
    one = min(drawn)
    expected = [bar / min(bars) for bar in bars]
    assert [round(height / one, 3) for height in drawn] == expected


def test_the_same_results_give_the_same_page():
    results = [a_result("b"), a_result("a", [mistaken("2.1", "no residual")])]
    assert report_page(results, []) == report_page(results[::-1], [])


def test_mistakes_are_counted_by_what_they_are_and_the_most_frequent_stands_first():
    raised = {"cause": "exception", "step": "rock salt"}
    results = [
        a_result("a", [mistaken("2.1", "no residual"), mistaken("1.2", "cut at k")]),
        a_result("b", [mistaken("2.1", "no residual", step="another step")]),
        a_result("c", [task_result("2.1", Status.WRONG, message="KeyError: 'x'", **raised)]),
        a_result("d", [task_result("2.1", Status.WRONG, message="KeyError: 'y'", **raised)]),
        a_result("e", [task_result("2.1", Status.PARTIAL, step="supercell")]),
        a_result("f", [task_result("2.1", Status.NOT_IMPLEMENTED, cause="not implemented")]),
    ]
    found = [(one.task, one.students, one.words) for one in common_mistakes(results, HW)]
    assert [one[:2] for one in found] == [
        ("2.1", ("c", "d")),
        ("2.1", ("a", "b")),
        ("1.2", ("a",)),
        ("2.1", ("e",)),
    ]
    assert found[0][2] == "an error is raised (in: rock salt)"
    assert found[1][2].startswith("the layer forgets what the atom was")
    assert found[3][2] == "no known mistake (in: supercell)"


def test_what_to_look_at_is_sorted_by_gravity():
    results = [
        a_result(status.value, [task_result("1.1", status, message="First.\nSecond.")])
        for status in Status
    ]
    results.append(a_result("quiet", seen=("It tried to open a socket.",)))
    found = to_look_at(results)
    assert [result.student for result, _ in found] == [*TO_LOOK_AT, "quiet"]
    assert found[0][1] == ["INTERNAL_ERROR in 1.1: First."]
    assert found[-1][1] == ["It tried to open a socket."]


def test_one_reason_for_many_tasks_is_named_once():
    lost = [
        task_result(name, Status.MISSING_FILE, message="model_hw.py is not there.")
        for name in ("2.1", "2.2", "2.3")
    ]
    ((_, seen),) = to_look_at([a_result("a", lost)])
    assert seen == ["MISSING_FILE in 2.1, 2.2, 2.3: model_hw.py is not there."]


def test_a_class_at_which_the_grader_failed_has_no_mean_and_no_histogram():
    failed = [task_result(name, Status.INTERNAL_ERROR) for name in TASKS]
    page = report_page([a_result("a", failed), a_result("b", failed)], [])
    assert "2 hand-ins; the grader failed at each of them: run it again with --resume." in (
        one_line(page)
    )
    assert "mean 0" not in page and "<svg" not in page
    assert one_line(page).count("not judged") == len(TASKS)


def test_the_bars_of_a_task_hold_all_hand_ins_and_its_mean_those_that_were_judged():
    results = [a_result(status.value, [task_result("1.1", status)]) for status in Status]
    mean, shares = how_it_went(TASKS["1.1"], results)
    judged = [status for status in Status if not status.is_ours]
    assert mean == TASKS["1.1"].points / len(judged)
    assert [count for *_, count in shares] == [1, 1, 1, 1, len(TO_LOOK_AT)]


def test_repairs_are_counted():
    results = [a_result("a", repairs=("renamed", "renamed")), a_result("b", repairs=("renamed",))]
    assert common_repairs(results) == [("renamed", ["a", "b"])]


def test_pairs_are_named_as_something_to_look_at():
    pair = Pair("a", "b", 0.914, ("2.1", "3.4"))
    text = one_line(report_page([a_result("a"), a_result("b")], [pair]))
    assert "a and b 91 % 2.1, 3.4" in text
    assert "not a verdict" in text
    assert "No two hand-ins are." in one_line(report_page([a_result("a")], []))


def test_links_lead_to_the_pages_beside_it(tmp_path):
    crashed = [task_result("2.2", Status.CRASHED)]
    results = [a_result(one, crashed) for one in ("s001", "ann.b@x", "grades.csv")]
    for result in results:
        folder = ResultsFolder(tmp_path.parent, replace(HW, id=tmp_path.name)).folder(
            result.student
        )
        folder.mkdir()
        (folder / "feedback.html").write_text(feedback_page(result, HW))
        (folder / "log.txt").touch()
    links = Page(report_page(results, [])).links
    (tmp_path / "class_report.html").write_text("")
    assert any(link.endswith("s001/log.txt") for link in links)
    assert {(tmp_path / link.replace("%40", "@")).is_file() for link in links} == {True}


def test_nothing_in_a_hand_in_becomes_a_part_of_the_page():
    evil = "<script>alert(1)</script>"
    wrong = task_result("2.1", Status.WRONG, step=evil, cause=evil, message=evil)
    crashed = task_result("2.2", Status.CRASHED, message=evil)
    known = {"seen": (evil,), "repairs": (evil,), "source": evil, "submitted": evil}
    page = report_page([a_result(f"../../{evil}", [wrong, crashed], **known)], [])
    assert evil in Page(page).text
    assert not any(tag[0] == "script" for tag in Page(page).tags)
    links = [link for link in Page(page).links if not link.startswith("#")]
    assert all(link.count("/") == 2 and link.startswith("./") for link in links)


def test_a_class_without_hand_ins_has_a_page():
    assert "No hand-in was graded." in report_page([], [])


def test_who_called_the_answer_is_named():
    calls = {
        "b": {"1.2": ("build_graph",)},
        "a": {"4.5": ("roc_auc_score",), "1.2": ("build_graph",)},
    }
    text = one_line(report_page([a_result("a"), a_result("b")], [], calls))
    assert "Something to look at, not a verdict: the code for the task names a function" in text
    assert text.index("build_graph") < text.index("roc_auc_score")
    assert class_report.by_function(calls, HW) == [
        ("1.2", "build_graph", ["a", "b"]),
        ("4.5", "roc_auc_score", ["a"]),
    ]


def test_names_and_who_has_not_handed_in():
    names = {"a": "Ada <b>", "b": "", "c": "Chen", "d": ""}
    text = one_line(report_page([a_result("a"), a_result("b")], [], names=names))
    assert "Ada &lt;b&gt;" in report_page([a_result("a")], [], names=names)
    assert "2 of 4 whom the gradebook knows: c Chen, d." in text
    assert "Everybody whom the gradebook knows" in one_line(report_page([a_result("a")], []))


def test_an_id_that_was_made_up_is_nobody_who_has_not_handed_in():
    names = {"a": "", "b": "", "~work": "", "b~doe_1": ""}  # by an earlier run
    assert class_report.ClassNotes(names=names).missing([a_result("a")]) == ["b"]
    text = one_line(report_page([a_result("a")], [], names=names))
    assert "1 of 2 whom the gradebook knows: b." in text
