"""The one face that notebooks see; what stands behind it has tests of its own."""

import logging
import subprocess
import sys

import pytest

from crystalgraph.checking.limits import BUSY, ComputerTooBusy
from crystalgraph.checking.report import CheckFailed
from crystalgraph.course import lab
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.releasing.right_answers import right_answers

HEAVY = ("torch", "pymatgen", "numpy", "matplotlib", "IPython", "nbformat")


def test_importing_it_needs_no_package():
    """In Colab the set-up installs them afterwards."""
    code = f"import sys; from crystalgraph.course import lab; print(sys.modules.keys() & {HEAVY})"
    command = [sys.executable, "-P", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPO)
    assert done.stdout == "set()\n", done.stderr


def test_a_lab_goes_by_its_id_and_by_its_folder():
    for folder, one in LABS.items():
        assert lab.points_for(folder).__name__ == lab.points_for(one.id).__name__ == "points"
    with pytest.raises(CrystalGraphError, match="There is no lab 'no-such-lab'; choose one of hw"):
        lab.set_up("no-such-lab")


def test_points_are_a_plain_number_above_the_report(capfd):
    def stub(*_):
        print("noise", file=sys.stderr)
        raise NotImplementedError

    points = lab.points_for("hw")
    with pytest.raises(CheckFailed, match="Task 4.6 is not implemented yet"):
        points("4.6", stub)
    score = points("1.3", right_answers(LABS["hw"])["1.3"])
    assert type(score) is float and score == 4.0
    out, err = capfd.readouterr()
    assert "Task 1.3, gaussian_expansion: 4 of 4 points" in out and not err
    with pytest.raises(CrystalGraphError, match="There is no task '9.9'"):
        points("9.9", stub)
    assert logging.getLogger("autoreload").disabled


def test_cells_that_go_on_without_an_answer_ask_whether_it_passes(capsys):
    assert lab.passes("hw", "1.3", right_answers(LABS["hw"])["1.3"])
    assert capsys.readouterr().out == ""
    assert not lab.passes("hw", "1.3", lambda *_: None)
    assert capsys.readouterr().out.startswith("Task 1.3, gaussian_expansion, does not pass yet")


def test_a_computer_that_is_too_busy_is_one_sentence():
    def answer(structure, k):
        raise ComputerTooBusy

    with pytest.raises(CheckFailed) as refused:
        lab.points_for("hw")("1.1", answer)
    assert str(refused.value).splitlines()[1:] == [BUSY]
    assert not lab.passes("hw", "1.1", answer)


def test_nothing_is_shown_or_packed_while_grading(monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    lab.show_board("hw", notebook="1")
    lab.hand_in("hw", notebook="1", student_id="s001")
    assert capsys.readouterr().out == "No board while grading.\nNothing is packed while grading.\n"


def test_without_an_id_the_cell_says_where_to_write_it(monkeypatch, capsys):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    lab.hand_in("hw", notebook="1", student_id="")
    assert 'student_id="..."' in capsys.readouterr().out
