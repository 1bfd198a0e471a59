"""Solution regions become holes with one line in them; wrong markers are refused."""

import re

import pytest
from course_copy import filled

from crystalgraph.labs import LABS
from crystalgraph.releasing.holes import ReleaseError, clear_holes, find_holes

HW = LABS["hw"]


def hole(function, *body):
    return "\n".join([f"def {function}(", "    x,", ") -> int:", "    y = x", *body])


WHOLE = hole("mean_pool", "    ### BEGIN SOLUTION", "    y = 2", "    ### END SOLUTION", "    y")


def test_a_hole_becomes_one_line_at_its_indentation():
    cleared = clear_holes(HW, WHOLE, "here").split("\n")
    assert (
        cleared[4] == '    raise NotImplementedError("Task 2.3: fill in mean_pool in model_hw.py")'
    )
    assert cleared[:4] + cleared[5:] == WHOLE.split("\n")[:4] + WHOLE.split("\n")[7:]
    assert filled(WHOLE, "here", ["2.3"]).split("\n")[4] == "    y = 2"


@pytest.mark.parametrize(
    "source, sentence",
    [
        (WHOLE.replace("    ### END SOLUTION\n", ""), "'### BEGIN SOLUTION' without"),
        (WHOLE.replace("    ### BEGIN SOLUTION\n", ""), "does not fit"),
        (WHOLE.replace("y = 2", "### BEGIN SOLUTION"), "does not fit"),
        (WHOLE.replace("### END SOLUTION", "# END SOLUTION"), "does not fit"),
        (WHOLE.replace("mean_pool", "median_pool"), "median_pool belongs to no task"),
        ("x = 1\n### BEGIN SOLUTION\nx = 2\n### END SOLUTION", "not inside a function"),
    ],
)
def test_wrong_markers_are_refused(source, sentence):
    with pytest.raises(ReleaseError, match=re.escape(sentence)):
        clear_holes(HW, source, "here")


def test_a_method_is_named_with_its_class():
    source = "class A:\n    def f(self):\n        def g():\n            pass\n"
    source += "        ### BEGIN SOLUTION\n        ### END SOLUTION"
    assert [hole.function for hole in find_holes(source, "here")] == ["A.f"]
