"""The release: in sync, complete, and nothing of the solution in it; breaking it is noticed."""

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from course_copy import copy_course, edit_code, filled, nbgrader

from crystalgraph.checks.tasks import NOTEBOOKS, TASKS
from crystalgraph.nbgrader_plugins import NumberOrNothing
from crystalgraph.paths import REPO
from crystalgraph.release import (
    MARKERS,
    STUDENT_MODEL,
    ReleaseError,
    clear_holes,
    find_holes,
    find_leaks,
    secret_lines,
    stub_line,
)

sys.path.insert(0, str(REPO / "tools"))
import release as tool  # noqa: E402

RELEASE = REPO / "assignments" / "hw"
SOLUTIONS = REPO / "solutions" / "hw"
RELEASED = sorted(RELEASE.glob("*.ipynb"))
FIRST, SECOND, THIRD = (NOTEBOOKS[number] for number in "123")


def read(path):
    return nbformat.read(path, as_version=4)


def settings(cell):
    return cell.metadata.get("nbgrader", {})


# --- what is committed ---------------------------------------------------------------------------


def test_the_committed_release_is_what_would_be_made(capsys):
    assert tool.main(["--check"]) == 0, capsys.readouterr().out


def test_every_notebook_and_the_model_are_released():
    assert {path.name for path in RELEASED} == {path.name for path in SOLUTIONS.glob("*.ipynb")}
    assert set(NOTEBOOKS.values()) <= {path.name for path in RELEASED}
    assert (RELEASE / STUDENT_MODEL).read_bytes() == (REPO / STUDENT_MODEL).read_bytes()


def test_no_solution_line_is_released():
    secrets = secret_lines(REPO, SOLUTIONS.glob("*.ipynb"))
    assert len(secrets) > 40
    for path in [*RELEASED, RELEASE / STUDENT_MODEL]:
        raw = path.read_text(encoding="utf-8")
        assert not [marker for marker in MARKERS if marker in raw]
        sources = [cell.source for cell in read(path).cells] if path in RELEASED else [raw]
        assert not find_leaks("\n".join(sources), secrets)


def test_a_leak_is_found_whatever_its_indentation():
    secrets = secret_lines(REPO, [])
    line = "softmax  = 1\n  edge_messages   = torch.sigmoid(gate) * self.activation(core)  # ha"
    assert find_leaks(line, secrets)
    assert not find_leaks("optimizer.zero_grad()", secrets)


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_released_notebooks_are_clean(path):
    notebook = read(path)
    nbformat.validate(notebook)
    cell_ids = [cell.id for cell in notebook.cells]
    grade_ids = [settings(cell)["grade_id"] for cell in notebook.cells if settings(cell)]
    assert len(set(cell_ids)) == len(cell_ids) and len(set(grade_ids)) == len(grade_ids)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
    assert cell_ids == [cell.id for cell in read(SOLUTIONS / path.name).cells]
    written = [c for c in notebook.cells if c.cell_type == "markdown" and settings(c).get("grade")]
    assert all(cell.source.endswith("YOUR ANSWER HERE") for cell in written)


def test_every_task_has_its_stub_its_check_and_its_points():
    codes = {path.name: [c for c in read(path).cells if c.cell_type == "code"] for path in RELEASED}
    model = (RELEASE / STUDENT_MODEL).read_text(encoding="utf-8")
    for task in TASKS.values():
        code = codes[task.notebook]
        checks = [cell for cell in code if f'points("{task.id}"' in cell.source]
        graded = [settings(cell)["points"] for cell in checks if settings(cell).get("grade")]
        assert graded == [task.points], task
        sources = [model] if task.where == STUDENT_MODEL else [cell.source for cell in code]
        assert sum(source.count(stub_line(task)) for source in sources) == 1, task
        assert f"Task {task.id}: fill in {task.name}" in stub_line(task)


# --- stub and solution differ only inside the holes ----------------------------------------------

REGION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION$", re.M | re.S)
STUB = re.compile(r'^( *)raise NotImplementedError\("Task \d\.\d+: [^"]*"\)$', re.M)


def code_pairs():
    """(name, solution, stub) of model.py and of every code cell that has a hole."""
    yield "model.py", *((REPO / n).read_text(encoding="utf-8") for n in ("model.py", STUDENT_MODEL))
    for path in RELEASED:
        solution = {cell.id: cell for cell in read(SOLUTIONS / path.name).cells}
        for cell in read(path).cells:
            if cell.cell_type == "code":
                yield f"{path.stem}, {cell.id}", solution[cell.id].source, cell.source


def test_stub_and_solution_differ_only_inside_the_holes():
    n_holes = 0
    for name, solution, stub in code_pairs():
        source = solution.replace("YOUR-COURSE/crystalgraph", tool.read_repository(REPO))
        outside = REGION.sub(r"\1<hole>", source)
        assert outside == STUB.sub(r"\1<hole>", stub), name
        n_holes += outside.count("<hole>")
    assert n_holes == len(TASKS)


def test_the_stub_of_the_model_still_is_python_with_the_same_names():
    names = {}
    for file in ("model.py", STUDENT_MODEL):
        code = compile((REPO / file).read_text(encoding="utf-8"), file, "exec")
        names[file] = (code.co_names, len(code.co_consts))
    assert names["model.py"] == names[STUDENT_MODEL]


def test_the_stub_of_the_model_imports_nothing_in_vain():
    tree = ast.parse((REPO / STUDENT_MODEL).read_text(encoding="utf-8"))
    imported = {alias.asname or alias.name for n in ast.walk(tree) for alias in names_of(n)}
    assert imported <= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def names_of(node):
    """What an import statement binds."""
    return node.names if isinstance(node, ast.Import | ast.ImportFrom) else []


# --- holes ---------------------------------------------------------------------------------------


def hole(function, *body):
    return "\n".join([f"def {function}(", "    x,", ") -> int:", "    y = x", *body])


WHOLE = hole("mean_pool", "    ### BEGIN SOLUTION", "    y = 2", "    ### END SOLUTION", "    y")


def test_a_hole_becomes_one_line_at_its_indentation():
    cleared = clear_holes(WHOLE, "here").split("\n")
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
        clear_holes(source, "here")


def test_a_method_is_named_with_its_class():
    source = "class A:\n    def f(self):\n        def g():\n            pass\n"
    source += "        ### BEGIN SOLUTION\n        ### END SOLUTION"
    assert [hole.function for hole in find_holes(source, "here")] == ["A.f"]


# --- breaking it on purpose ----------------------------------------------------------------------


@pytest.fixture
def course(tmp_path):
    """The course, freshly released, to be broken."""
    folder = copy_course(tmp_path / "course")
    assert tool.main(["--root", str(folder)]) == 0
    return folder


def change(path, do):
    """Edit a notebook's cells in place."""
    notebook = read(path)
    do(notebook.cells)
    nbformat.write(notebook, path)


def cell_with(cells, text):
    return next(cell for cell in cells if text in cell.source)


def no_end_in_model(course):
    edit_code(course / "model.py", "return sums / n_atoms.unsqueeze(1)\n    ### END SOLUTION", "")


def hole_without_task(course):
    edit_code(course / "model.py", "def mean_pool(", "def average_pool(")


def hole_missing(course):
    text = (course / "model.py").read_text()
    (course / "model.py").write_text(
        text.replace("### BEGIN SOLUTION", "", 1).replace("### END SOLUTION", "", 1)
    )


def no_end_in_notebook(course):
    edit_code(course / "solutions" / "hw" / FIRST, "    ### END SOLUTION", "")


def solution_line_in_text(course):
    line = "message = torch.zeros_like(atom_features).index_add(0, center, edge_messages)"
    cell = nbformat.v4.new_markdown_cell(f"Hint:\n```\n    {line}\n```")
    change(course / "solutions" / "hw" / SECOND, lambda cells: cells.append(cell))


def solution_cell_without_region(course):
    def do(cells):
        cell_with(cells, "def atom_vectors").source = "def atom_vectors(structure): return 1"

    change(course / "solutions" / "hw" / FIRST, do)


def other_points(course):
    def do(cells):
        cell_with(cells, 'points("3.4"').metadata["nbgrader"]["points"] = 80

    change(course / "solutions" / "hw" / THIRD, do)


def check_missing(course):
    change(
        course / "solutions" / "hw" / THIRD,
        lambda cells: cells.remove(cell_with(cells, 'points("3.4"')),
    )


def grade_cell_without_points(course):
    edit_code(course / "solutions" / "hw" / THIRD, 'points("3.4"', 'print("3.4"')


def same_id_twice(course):
    def do(cells):
        for cell in cells:
            if cell.source.startswith("points("):
                cell.metadata["nbgrader"]["grade_id"] = "check"

    change(course / "solutions" / "hw" / SECOND, do)


def file_beside(course):
    (course / "solutions" / "hw" / "answers.py").write_text("ANSWER = 42\n")


BROKEN = {
    no_end_in_model: "model.py, line",
    hole_without_task: "average_pool",
    hole_missing: "ConvLayer.forward has 0 solution regions, and the task table expects 1",
    no_end_in_notebook: "'### BEGIN SOLUTION' without '### END SOLUTION'",
    solution_line_in_text: "gives away 'message = torch",
    solution_cell_without_region: "has no solution region",
    other_points: "it is worth 80 points, and the task table says 8",
    check_missing: "task 3.4 (training_step) has 1 stubs and 0 checks",
    grade_cell_without_points: "a grade cell calls points(...) once",
    same_id_twice: "Duplicate grade id: check",
    file_beside: "answers.py would be released as it is",
}


@pytest.mark.parametrize("break_it", BROKEN, ids=lambda function: function.__name__)
def test_a_broken_course_is_not_released(break_it, course, capsys):
    before = {path: path.read_bytes() for path in tool.files_in(course / "assignments")}
    break_it(course)
    assert tool.main(["--root", str(course)]) == 2
    assert BROKEN[break_it] in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in tool.files_in(course / "assignments")}


@pytest.mark.slow
@pytest.mark.parametrize(
    "break_it",
    [no_end_in_notebook, hole_without_task, solution_line_in_text, file_beside],
    ids=lambda function: function.__name__,
)
def test_nbgrader_fails_loudly_and_leaves_nothing_to_hand_out(break_it, course):
    break_it(course)
    done = nbgrader(course, "generate_assignment", "hw", "--force")
    assert done.returncode != 0
    assert BROKEN[break_it] in done.stdout
    assert not (course / "assignments" / "hw").exists()


# --- nbgrader and the tool -----------------------------------------------------------------------


@pytest.mark.slow
def test_nbgrader_gives_the_committed_bytes(course):
    (course / STUDENT_MODEL).unlink()
    done = nbgrader(course, "generate_assignment", "hw", "--force")
    assert done.returncode == 0, done.stdout
    for path in [*tool.files_in(RELEASE), REPO / STUDENT_MODEL]:
        made = course / path.relative_to(REPO)
        assert made.read_bytes() == path.read_bytes(), path.name
    made = {path.name for path in (course / "assignments" / "hw").iterdir()}
    assert made == {path.name for path in tool.files_in(RELEASE)}


def test_outputs_and_what_editors_leave_change_nothing(course, capsys):
    path = course / "solutions" / "hw" / FIRST

    def run_and_scroll(cells):
        for cell in cells:
            if cell.cell_type == "code":
                cell.execution_count = 7
                cell.outputs = [nbformat.v4.new_output("stream", text="secret")]
                cell.metadata.update(execution={"iopub.execute_input": "now"}, scrolled=True)

    change(path, run_and_scroll)
    notebook = read(path)
    notebook.metadata.kernelspec = {"name": "mine", "display_name": "mine", "language": "python"}
    nbformat.write(notebook, path)
    (path.parent / ".ipynb_checkpoints").mkdir()
    (path.parent / ".ipynb_checkpoints" / FIRST).write_text("{}")
    assert tool.main(["--root", str(course), "--check"]) == 0, capsys.readouterr().out


def test_what_has_changed_is_named(course, capsys):
    edit_code(course / "model.py", "Average the atom features", "Mean of the atom features")
    (course / "assignments" / "hw" / "old.png").write_bytes(b"")
    assert tool.main(["--root", str(course), "--check"]) == 1
    said = capsys.readouterr().out.splitlines()[-3:]
    assert said == [
        "assignments/hw/old.png: no longer made",
        "assignments/hw/model_hw.py: changed",
        "model_hw.py: changed",
    ]
    assert tool.main(["--root", str(course)]) == 0
    assert tool.main(["--root", str(course), "--check"]) == 0
    assert "Mean of" in (course / STUDENT_MODEL).read_text(encoding="utf-8")


def test_the_repository_is_written_into_the_notebooks(course):
    cell = nbformat.v4.new_markdown_cell("https://github.com/YOUR-COURSE/crystalgraph/blob/main")
    change(course / "solutions" / "hw" / FIRST, lambda cells: cells.append(cell))
    edit_code(course / "pyproject.toml", '/YOUR-COURSE/crystalgraph"', '/somebody/some-course"')
    assert tool.main(["--root", str(course)]) == 0
    text = (course / "assignments" / "hw" / FIRST).read_text(encoding="utf-8")
    assert "https://github.com/somebody/some-course/blob/main" in text
    assert "YOUR-COURSE" not in text


# --- the last value of a check -------------------------------------------------------------------


def graded(text, *, stream=None, error=False):
    """Outputs of a 4-point check after NumberOrNothing: types, and the streams' names."""
    cell = nbformat.v4.new_code_cell(
        "points('2.3', f)",
        metadata={
            "nbgrader": {
                "grade": True,
                "solution": False,
                "locked": True,
                "points": 4,
                "grade_id": "x",
            }
        },
    )
    if stream:
        cell.outputs.append(nbformat.v4.new_output("stream", name=stream, text="42"))
    if text is not None:
        data = {"text/plain": text}
        cell.outputs.append(nbformat.v4.new_output("execute_result", data=data))
    if error:
        cell.outputs.append(nbformat.v4.new_output("error", ename="E", evalue="", traceback=[]))
    cell, _ = NumberOrNothing().preprocess_cell(cell, {}, 0)
    return [output.get("name", output.output_type) for output in cell.outputs]


@pytest.mark.parametrize("text", ["4.0", "0.5", "4", "0.0"])
def test_a_number_within_the_points_counts(text):
    assert graded(text) == ["execute_result"]


@pytest.mark.parametrize("text", [None, "np.float64(1.0)", "'4.0'", "-1.0", "4.1", "nan", "inf"])
def test_anything_else_is_an_error(text):
    assert graded(text)[-1] == "error"


def test_stderr_costs_nothing_and_an_error_stays_one():
    assert graded("4.0", stream="stderr") == ["stdout", "execute_result"]
    assert graded(None, error=True) == ["error"]


# --- the student's copy --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def student_copy(tmp_path_factory):
    """The unpacked student's zip."""
    folder = tmp_path_factory.mktemp("student")
    assert tool.pack(REPO, folder / "course.zip") > 20
    with zipfile.ZipFile(folder / "course.zip") as archive:
        archive.extractall(folder)
    return folder / "crystalgraph"


def test_the_zip_has_nothing_of_the_instructor(student_copy):
    names = {path.relative_to(student_copy).as_posix() for path in student_copy.rglob("*")}
    assert {"start.py", "model_hw.py", "assignments/hw/" + FIRST, "data/perovskites"} <= names
    for name in ("model.py", "solutions", "tests", "tools", "nbgrader_config.py", "benchmarks"):
        assert name not in names
    assert not [name for name in names if "hidden" in name or "rubric" in name]
    assert not [name for name in names if name.startswith("crystalgraph/grading")]
    secrets = secret_lines(REPO, [])
    for name in names:
        if name.endswith((".py", ".md", ".ipynb")):
            assert not find_leaks((student_copy / name).read_text("utf-8"), secrets), name


def test_the_zip_is_reproducible(student_copy):
    again = student_copy.parent / "again.zip"
    tool.pack(REPO, again)
    assert again.read_bytes() == (student_copy.parent / "course.zip").read_bytes()


def test_grading_in_the_students_copy_is_refused_in_a_sentence(student_copy):
    done = subprocess.run(
        [sys.executable, "-m", "crystalgraph", "grade", ".", "--assignment", "hw"],
        cwd=student_copy,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("crystalgraph grade: grading needs the instructor's copy")
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_the_board_starts_in_the_students_copy(student_copy):
    done = subprocess.run(
        [sys.executable, "-m", "crystalgraph", "check", "assignments/hw"],
        cwd=student_copy,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2.1" in done.stdout and str(Path(student_copy).parent) not in done.stderr
