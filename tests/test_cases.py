"""The stored cases are what the solutions and the mutants give today."""

import numpy as np
import pytest
from answers import REPO, make_cases

from crystalgraph.checks.cases import FOLDER, load_cases
from crystalgraph.checks.tasks import TASKS


@pytest.fixture(scope="module", params=["visible", "hidden"])
def folders(request, tmp_path_factory):
    """The stored folder and a freshly made one."""
    hidden = request.param == "hidden"
    fresh = tmp_path_factory.mktemp(request.param)
    seed = make_cases.HIDDEN_SEED if hidden else make_cases.SEED
    make_cases.make(seed, fresh, hidden)
    return (make_cases.HIDDEN_FOLDER if hidden else FOLDER), fresh


def test_same_files(folders):
    stored, fresh = ({path.name for path in folder.glob("*")} for folder in folders)
    assert stored == fresh == {f"{t}.npz" for t in TASKS if t not in make_cases.NO_CASES}


def test_same_arrays(folders):
    stored, fresh = folders
    for path in fresh.glob("*.npz"):
        with np.load(path) as new, np.load(stored / path.name) as old:
            assert set(new.files) == set(old.files), f"{path.name}: run tools/make_cases.py"
            for key in new.files:
                if new[key].dtype.kind in "US":
                    assert new[key] == old[key], (path.name, key)
                else:
                    same = np.allclose(new[key], old[key], rtol=1e-9, atol=1e-12, equal_nan=True)
                    assert same, f"{path.name}, {key}: run tools/make_cases.py"


def test_hidden_cases_are_others():
    for task in set(TASKS) - set(make_cases.NO_CASES):
        visible = {case.name: case for case in load_cases(task)}
        for case in load_cases(task, make_cases.HIDDEN_FOLDER, hidden=True):
            mine = visible[case.name]
            same = all(np.array_equal(case.inputs[k], mine.inputs.get(k)) for k in case.inputs)
            unchanged = same and case.settings == mine.settings
            assert not unchanged or (task, case.name) in (("1.1", "rock_salt"), ("1.2", "sparse"))


def test_right_and_wrong_outputs_differ():
    for task in set(TASKS) - set(make_cases.NO_CASES):
        cases = load_cases(task)
        mistakes = {mistake for case in cases for mistake in case.wrong}
        assert mistakes, task
        assert all(case.expected for case in cases)


def test_the_library_holds_no_solution():
    """What ships to students has neither the solution's lines nor its imports."""
    for path in (REPO / "crystalgraph" / "checks").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "import model" not in text and "from model " not in text, path.name
