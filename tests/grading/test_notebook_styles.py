"""A notebook is run as a notebook runs: this grader and stock nbgrader give the same points."""

import pytest
from course_copy import copy_course, nbgrader
from grading_course import in_gradebook
from marked_tasks import TaskMarker
from notebook_styles import STYLES, hand_ins

from crystalgraph.labs import LABS

HW = LABS["hw"]
HAND_INS = hand_ins()


def expected(style):
    """The points of a style."""
    return HW.tasks[style.task].points if style.points is None else style.points


@pytest.fixture(scope="module")
def marker():
    """Marks single tasks of hand-ins."""
    made = TaskMarker(HW)
    yield made
    made.close()


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_a_right_answer_in_any_style_gets_its_points(style, marker):
    (work,) = (work for work, inside in HAND_INS if style in inside)
    result, log = marker.mark(work.hand_in(), [style.task])
    assert result.points == expected(style), log


@pytest.mark.nightly
@pytest.mark.slow
def test_stock_nbgrader_gives_the_same_points(tmp_path):
    course = copy_course(tmp_path / "course")
    with (course / "nbgrader_config.py").open("a") as config:
        config.write("\nc.Execute.timeout = 600\n")  # the computer may be busy
    for number, (work, _) in enumerate(HAND_INS):
        work.put_submitted(course, f"s{number}")
    for command in (["generate_assignment", "hw", "--force"], ["autograde", "hw"]):
        done = nbgrader(course, *command)
        assert done.returncode == 0, done.stdout
    graded = in_gradebook(course)
    for number, (_, inside) in enumerate(HAND_INS):
        points = {
            at[1]: said[0] for at, said in graded[f"s{number}"].items() if at[-1] != "comment"
        }
        checks = {style.name: f"check_{style.task.replace('.', '_')}" for style in inside}
        found = {name: points[check] for name, check in checks.items()}
        assert found == {style.name: expected(style) for style in inside}
