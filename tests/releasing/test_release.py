"""The release: in step with its sources, complete, and nothing of the solution in it."""

import ast
import re

import nbformat
import pytest
from course_copy import edit_code, nbgrader
from nbgrader.utils import is_grade

from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.releasing.address import PLACEHOLDER, students_repository
from crystalgraph.releasing.build import (
    TASKS_PAGE,
    check_labs,
    files_in,
    update_texts,
)
from crystalgraph.releasing.holes import ReleaseError, stub_line
from crystalgraph.releasing.leaks import MARKERS, find_leaks, reference_secrets, secret_lines

HW = LABS["hw"]
FIRST, SECOND, THIRD, _ = HW.notebooks.values()
each_lab = pytest.mark.parametrize("lab", LABS.values(), ids=lambda lab: lab.folder)
NOTEBOOKS = [(lab, name) for lab in LABS.values() for name in lab.notebooks.values()]
each_notebook = pytest.mark.parametrize("lab, name", NOTEBOOKS)


def read(path):
    return nbformat.read(path, as_version=4)


def settings(cell):
    return cell.metadata.get("nbgrader", {})


# --- what is committed ---------------------------------------------------------------------------


def test_the_committed_release_is_what_would_be_made():
    """The stored cases are compared where the tests of each lab are."""
    check_labs(REPO)
    assert update_texts(REPO, write=False) == []


@each_lab
def test_every_notebook_and_the_model_are_released(lab):
    solutions = {path.name for path in lab.solutions().glob("*.ipynb")}
    released = {path.name for path in lab.release().iterdir()}
    assert solutions == set(lab.notebooks.values())
    assert set(lab.files) <= released
    if lab.model_file is not None:
        model = (lab.release() / lab.model_file).read_bytes()
        assert model == (REPO / lab.model_file).read_bytes()


@each_lab
def test_no_solution_line_is_released(lab):
    secrets = secret_lines(lab, REPO)
    assert len(secrets) > 2 * len(lab.tasks)
    for name in lab.files:
        path = lab.release() / name
        raw = path.read_text(encoding="utf-8")
        assert not [marker for marker in MARKERS if marker in raw]
        sources = [cell.source for cell in read(path).cells] if name.endswith(".ipynb") else [raw]
        assert not find_leaks("\n".join(sources), secrets)


def test_a_leak_is_found_whatever_its_indentation():
    secrets = reference_secrets(HW, REPO)
    line = "softmax  = 1\n  edge_messages   = torch.sigmoid(gate) * self.activation(core)  # ha"
    assert find_leaks(line, secrets)
    assert not find_leaks("optimizer.zero_grad()", secrets)


@each_notebook
def test_released_notebooks_are_clean(lab, name):
    notebook = read(lab.release() / name)
    nbformat.validate(notebook)
    cell_ids = [cell.id for cell in notebook.cells]
    grade_ids = [settings(cell)["grade_id"] for cell in notebook.cells if settings(cell)]
    assert len(set(cell_ids)) == len(cell_ids) and len(set(grade_ids)) == len(grade_ids)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
    assert cell_ids == [cell.id for cell in read(lab.solutions() / name).cells]
    written = [c for c in notebook.cells if c.cell_type == "markdown" and settings(c).get("grade")]
    assert all(cell.source.endswith("YOUR ANSWER HERE") for cell in written)
    found = {settings(cell)["grade_id"]: settings(cell)["points"] for cell in written}
    assert found == {one.id: one.points for one in lab.questions if one.notebook == name}


@each_lab
def test_every_task_has_its_stub_its_check_and_its_points(lab):
    for task in lab.tasks.values():
        cells = read(lab.release() / task.notebook).cells
        code = [cell for cell in cells if cell.cell_type == "code"]
        checks = [cell for cell in code if f'points("{task.id}"' in cell.source]
        graded = [settings(cell)["points"] for cell in checks if settings(cell).get("grade")]
        assert graded == [task.points], task
        sources = [cell.source for cell in code]
        if not task.in_notebook:
            sources = [(lab.release() / task.where).read_text(encoding="utf-8")]
        assert sum(source.count(stub_line(task)) for source in sources) == 1, task
        assert f"Task {task.id}: fill in {task.name}" in stub_line(task)


def test_the_page_of_tasks_has_every_lab():
    page = (REPO / TASKS_PAGE).read_text(encoding="utf-8")
    for lab in LABS.values():
        assert lab.title in page
        assert all(f"| {task.id} | `{task.name}`" in page for task in lab.tasks.values())


# --- stub and solution differ only inside the holes ----------------------------------------------

REGION = re.compile(r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION$", re.M | re.S)
STUB = re.compile(r'^( *)raise NotImplementedError\("Task [\w.]+: [^"]*"\)$', re.M)


def code_pairs(lab):
    """(name, solution, stub) of the reference and of every code cell that has a hole."""
    if lab.model_file is not None:
        texts = ((REPO / name).read_text(encoding="utf-8") for name in model_pair(lab))
        yield lab.reference, *texts
    for name in lab.notebooks.values():
        solution = {cell.id: cell for cell in read(lab.solutions() / name).cells}
        for cell in read(lab.release() / name).cells:
            if cell.cell_type == "code":
                yield f"{name}, {cell.id}", solution[cell.id].source, cell.source


def model_pair(lab):
    """The reference and the file that students fill in."""
    return lab.reference, lab.model_file


@each_lab
def test_stub_and_solution_differ_only_inside_the_holes(lab):
    n_holes = 0
    for name, solution, stub in code_pairs(lab):
        source = solution.replace(PLACEHOLDER, students_repository(REPO))
        outside = REGION.sub(r"\1<hole>", source)
        assert outside == STUB.sub(r"\1<hole>", stub), name
        n_holes += outside.count("<hole>")
    assert n_holes == len(lab.tasks)


with_model = pytest.mark.parametrize(
    "lab", [lab for lab in LABS.values() if lab.model_file], ids=lambda lab: lab.folder
)


@with_model
def test_the_stub_of_the_model_still_is_python_with_the_same_names(lab):
    names = []
    for file in model_pair(lab):
        code = compile((REPO / file).read_text(encoding="utf-8"), file, "exec")
        names.append((code.co_names, len(code.co_consts)))
    assert names[0] == names[1]


@with_model
def test_the_stub_of_the_model_imports_nothing_in_vain(lab):
    tree = ast.parse((REPO / lab.model_file).read_text(encoding="utf-8"))
    imported = {alias.asname or alias.name for n in ast.walk(tree) for alias in names_of(n)}
    assert imported <= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def names_of(node):
    """What an import statement binds."""
    return node.names if isinstance(node, ast.Import | ast.ImportFrom) else []


# --- breaking it on purpose ----------------------------------------------------------------------


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


def no_reference(course):
    (course / "model.py").unlink()


def no_end_in_notebook(course):
    edit_code(HW.solutions(course) / FIRST, "    ### END SOLUTION", "")


def solution_line_in_text(course):
    line = "message = torch.zeros_like(atom_features).index_add(0, center, edge_messages)"
    cell = nbformat.v4.new_markdown_cell(f"Hint:\n```\n    {line}\n```")
    change(HW.solutions(course) / SECOND, lambda cells: cells.append(cell))


def solution_cell_without_region(course):
    def do(cells):
        cell_with(cells, "def atom_vectors").source = "def atom_vectors(structure): return 1"

    change(HW.solutions(course) / FIRST, do)


def check_missing(course):
    change(
        HW.solutions(course) / THIRD,
        lambda cells: cells.remove(cell_with(cells, 'points("3.4"')),
    )


def grade_cell_without_points(course):
    edit_code(HW.solutions(course) / THIRD, 'points("3.4"', 'print("3.4"')


def same_id_twice(course):
    def do(cells):
        for cell in cells:
            if cell.source.startswith("points("):
                cell.metadata["nbgrader"]["grade_id"] = "check"

    change(HW.solutions(course) / SECOND, do)


def file_beside(course):
    (HW.solutions(course) / "answers.py").write_text("ANSWER = 42\n")


def question_without_row(course):
    def do(cells):
        answers = [cell for cell in cells if settings(cell).get("grade_id") == "q1_1"]
        answers[0].metadata["nbgrader"]["grade_id"] = "q1_9"

    change(HW.solutions(course) / FIRST, do)


BROKEN = {
    no_end_in_model: "model.py, line",
    hole_without_task: "average_pool",
    hole_missing: "ConvLayer.forward has 0 solution regions, and the task table expects 1",
    no_reference: "model_hw.py is made from it",
    no_end_in_notebook: "'### BEGIN SOLUTION' without '### END SOLUTION'",
    solution_line_in_text: "gives away 'message = torch",
    solution_cell_without_region: "has no solution region",
    check_missing: "task 3.4 (training_step) has 1 stubs and 0 checks",
    grade_cell_without_points: "a grade cell calls points(...) once",
    same_id_twice: "Duplicate grade id: check",
    file_beside: "answers.py would be released as it is",
    question_without_row: "the question q1_1 is in the table and not in the notebook",
}


@pytest.mark.parametrize("break_it", BROKEN, ids=lambda function: function.__name__)
def test_a_broken_course_is_not_released(break_it, course):
    before = {path: path.read_bytes() for path in files_in(course / "assignments")}
    break_it(course)
    with pytest.raises(ReleaseError, match=re.escape(BROKEN[break_it])) as caught:
        update_texts(course, write=True)
    assert "\n" not in str(caught.value)
    assert before == {path: path.read_bytes() for path in files_in(course / "assignments")}


@pytest.mark.slow
@pytest.mark.parametrize(
    "break_it", [no_end_in_notebook, solution_line_in_text], ids=lambda function: function.__name__
)
def test_nbgrader_fails_loudly_and_leaves_nothing_to_hand_out(break_it, course):
    """One mistake that stops a notebook's conversion, one that is found when all is converted."""
    break_it(course)
    done = nbgrader(course, "generate_assignment", "hw", "--force")
    assert done.returncode != 0
    assert BROKEN[break_it] in done.stdout
    assert not HW.release(course).exists()


# --- what changes and what does not --------------------------------------------------------------


def test_outputs_and_what_editors_leave_change_nothing(course):
    path = HW.solutions(course) / FIRST

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
    assert update_texts(course, write=False) == []


def test_points_in_the_cells_settings_come_from_the_tables(course):
    def all_80(cells):
        for cell in cells:
            if is_grade(cell):
                cell.metadata["nbgrader"]["points"] = 80

    change(HW.solutions(course) / THIRD, all_80)
    assert update_texts(course, write=False) == []


def test_what_has_changed_is_named(course):
    edit_code(course / "model.py", "Average the atom features", "Mean of the atom features")
    (HW.release(course) / "old.png").write_bytes(b"")
    earlier = course / "assignments" / "earlier_name"
    earlier.mkdir()
    (earlier / FIRST).write_bytes(b"")
    assert update_texts(course, write=False) == [
        f"assignments/earlier_name/{FIRST}: no longer made",
        "assignments/hw/old.png: no longer made",
        "assignments/hw/model_hw.py: changed",
        "model_hw.py: changed",
    ]
    assert update_texts(course, write=True)
    assert update_texts(course, write=False) == []
    assert "Mean of" in (course / "model_hw.py").read_text(encoding="utf-8")


def test_an_assignment_of_the_instructors_own_is_left_alone(course):
    for folder in ("solutions", "assignments"):
        (course / folder / "exam").mkdir()
        (course / folder / "exam" / "exam.ipynb").write_bytes(b"")
    assert update_texts(course, write=True) == []
    assert (course / "assignments" / "exam" / "exam.ipynb").is_file()


def test_the_repository_is_written_into_the_notebooks(course):
    cell = nbformat.v4.new_markdown_cell(f"https://github.com/{PLACEHOLDER}/blob/main")
    change(HW.solutions(course) / FIRST, lambda cells: cells.append(cell))
    edit_code(
        course / "pyproject.toml", '/YOUR-COURSE/crystalgraph"', '/somebody/some-course.git/"'
    )
    update_texts(course, write=True)
    text = (HW.release(course) / FIRST).read_text(encoding="utf-8")
    assert "https://github.com/somebody/some-course/blob/main" in text
    assert "YOUR-COURSE" not in text
