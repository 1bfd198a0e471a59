"""The checks: right answers pass, stubs and faults are told apart and explained."""

import ast
import functools
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from answers import HW, solution

from crystalgraph.checking.limits import Limits
from crystalgraph.checking.python_file import load_python_file
from crystalgraph.checking.report import CheckFailed
from crystalgraph.course import lab as course
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs.hw.checks.network import multiplications
from crystalgraph.labs.lab import HIDDEN
from crystalgraph.paths import PACKAGE

points = course.points_for("hw")


def failure(task, answer, lab=HW):
    """The step at which a wrong answer fails."""
    report = lab.run_check(task, answer, hidden=None)
    assert not report.passed, f"task {task} accepted a wrong answer"
    return report.failure


# --- what a notebook sees ------------------------------------------------------------------------


def test_points_is_a_plain_float(capsys):
    score = points("2.3", solution("2.3"))
    assert type(score) is float and score == 4.0
    assert "4 of 4 points" in capsys.readouterr().out


def test_partial_credit():
    report = HW.run_check("2.8", solution("2.1"), hidden=None)
    assert (report.points, report.failure.cause) == (2.5, "not faster")
    assert points("2.8", solution("2.1")) == 2.5


def test_no_points_is_an_exception_without_traceback():
    with pytest.raises(CheckFailed) as caught:
        points("2.3", lambda v, crystal, n: v)
    shown = "\n".join(caught.value._render_traceback_())
    assert shown.startswith("Task 2.3, mean_pool: 0 of 4 points")
    assert "Traceback" not in shown


def test_report_as_html_is_escaped():
    report = HW.run_check("3.1", lambda *a: "<script>", hidden=None)
    assert "<script>" not in report._repr_html_()
    assert HW.run_check("3.1", solution("3.1"))._repr_html_().count("✓") == 3


NOISE = """
import logging, os, sys, warnings
from crystalgraph.course import lab
points = lab.points_for("hw")
logging.basicConfig()

def formation_energy(total, symbols, references):
    print("to sys.stderr", file=sys.stderr)
    os.write(2, b"to descriptor 2")
    os.system("echo from a child process >&2")
    warnings.warn("a warning")
    logging.error("a log line")
    return (total - sum(references[s] for s in symbols)) / len(symbols)

print(points("3.1", formation_energy))
print("afterwards", file=sys.stderr)
"""


def test_nothing_reaches_stderr(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", NOISE], capture_output=True, text=True, cwd=tmp_path, check=True
    )
    assert result.stderr == "afterwards\n"
    assert result.stdout.endswith("4.0\n")


def test_global_state_is_restored():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    before = sys.stderr
    points("2.5", solution("2.5"))
    assert torch.rand(1) == expected
    assert torch.get_default_dtype() == torch.float32
    assert sys.stderr is before and "write" not in vars(before)


def test_answers_see_float64():
    seen = []

    def mean_pool(v, crystal, n):
        seen.append((torch.get_default_dtype(), v.dtype))
        return solution("2.3")(v, crystal, n)

    assert HW.run_check("2.3", mean_pool).passed
    once = [(default, torch.float32) for default in (torch.float64, torch.float32)]
    assert set(seen) == {(torch.float64, torch.float64), *once}
    assert all(seen.count(one) == 1 for one in once), "to see that the dtype is kept"


def test_unknown_task():
    with pytest.raises(CrystalGraphError, match="no task '9.9'"):
        HW.run_check("9.9", len)


@pytest.mark.parametrize(
    ("task", "answers", "words"),
    [
        ("2.1", (), 'call points("2.1", ConvLayer)'),
        ("2.1", (torch.nn.Linear(1, 1),), "Give the class itself"),
        ("2.3", (3.0,), "Give the function itself"),
        ("2.3", (torch.nn.Linear,), "Give the function itself"),
    ],
)
def test_wrong_objects_are_explained(task, answers, words):
    assert words in HW.run_check(task, *answers, hidden=None).failure.message


# --- faults of any code --------------------------------------------------------------------------


def in_place(v, crystal, n):
    v -= 1
    return solution("2.3")(v, crystal, n)


def crashing(v, crystal, n):
    return v[crystal + 1000]


def quitting(v, crystal, n):
    sys.exit()


FAULTS = {
    "None": (lambda v, crystal, n: None, "return"),
    "numpy": (lambda v, crystal, n: v.numpy(), "should be a torch tensor, but is a numpy"),
    "list": (lambda v, crystal, n: [1.0], "should be a torch tensor"),
    "transposed": (lambda *a: solution("2.3")(*a)[:, :1].T, "has shape"),
    "column": (lambda *a: solution("2.3")(*a)[..., None], "squeeze"),
    "float32": (lambda *a: solution("2.3")(*a).float(), "new_zeros"),
    "NaN": (lambda *a: solution("2.3")(*a) * torch.nan, "NaN, first at crystal 0, feature 0"),
    "infinite": (lambda *a: solution("2.3")(*a) / 0, "infinite at"),
    "constant": (lambda v, crystal, n: v.new_zeros(n, v.shape[1]), "All your values are 0"),
    "sign": (lambda *a: -solution("2.3")(*a), "opposite sign"),
    "factor": (lambda *a: 3 * solution("2.3")(*a), "3 times the right one"),
    "rows": (lambda *a: solution("2.3")(*a).flip(0), "wrong order"),
    "detached": (lambda *a: solution("2.3")(*a).detach(), "no gradient"),
    "in place": (in_place, "changes its input `atom_features` in place"),
    "exception": (crashing, "test_checks.py, line"),
    "exit": (quitting, "SystemExit"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_explained(name):
    answer, words = FAULTS[name]
    assert words in failure("2.3", answer).message


def test_an_error_shows_the_students_line():
    message = failure("2.3", crashing).message
    assert "return v[crystal + 1000]" in message
    assert "index" in message.splitlines()[0]


POOLS = '''import torch


class Other:
    def pool(self, v, crystal, n):
        """Not this one."""
        return v


class Pool:
    def pool(self, v, crystal, n):
        """Reloaded.

        Two paragraphs.
        """
        # the comment and the line breaks are gone when %autoreload has compiled it anew
        rows = (
            v
        )
        return rows[crystal + 1000]
'''


def test_the_line_is_that_of_the_file_after_autoreload(tmp_path):
    file = tmp_path / "model_hw.py"
    file.write_text(POOLS, encoding="utf-8")
    method = ast.unparse(ast.parse(POOLS).body[2].body[0])
    scope = {}
    exec(compile("class Pool:\n" + textwrap.indent(method, "    "), str(file), "exec"), scope)
    message = failure("2.3", lambda *inputs: scope["Pool"]().pool(*inputs)).message
    assert f"at model_hw.py, line {len(POOLS.splitlines())}: return rows[crystal + 1000]" in message


def test_rows_and_columns_exchanged():
    message = failure("1.3", lambda d, mu, w: solution("1.3")(d, mu, w).T).message
    assert "rows and columns are exchanged" in message.lower()


def test_dtype_clash_names_new_zeros():
    def mean_pool(v, crystal, n):
        sums = torch.zeros(n, v.shape[1], dtype=torch.float32).index_add(0, crystal, v)
        return sums / torch.bincount(crystal)[:, None]

    assert "new_zeros" in failure("2.3", mean_pool).message


def test_endless_loops_end():
    impatient = replace(HW, own_limits=Limits(seconds_per_step=0.3))

    def mean_pool(v, crystal, n):
        while True:
            try:
                time.sleep(0.01)
            except Exception:
                pass

    assert "endless loop" in failure("2.3", mean_pool, impatient).message


def test_a_graph_changed_in_place_is_found():
    def batch_crystals(graphs):
        batch = solution("1.4")(graphs)
        for graph in graphs:
            graph.center[:] = 0
        return batch

    fault = failure("1.4", batch_crystals)
    assert fault.cause == "in place" and "changes `center` of a graph" in fault.message


def test_changed_init_is_told():
    class ConvLayer(solution("2.1")):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.extra = torch.nn.Linear(2, 2)

    assert "__init__" in failure("2.1", ConvLayer).message


def test_half_a_gradient_is_found():
    def mean_pool(atoms, crystal, n):
        half = solution("2.3")(atoms / 2, crystal, n)
        return half + solution("2.3")(atoms.detach() / 2, crystal, n)

    def loss(values, labels):
        half = solution("4.2")(values, labels) / 2
        return half + solution("4.2")(values.detach(), labels) / 2

    for task, answer in (("2.3", mean_pool), ("4.2", loss)):
        fault = failure(task, answer)
        assert fault.cause == "wrong gradient"
        assert "not the slope of the result" in fault.message


def test_an_own_test_may_not_ask_for_huge_crystals():
    def is_supercell_invariant(predict, structure):
        large = structure * (7, 7, 7)
        for _ in range(40):
            predict(large)
        return True

    assert "far too large crystals" in failure("2.7", is_supercell_invariant).message


def test_indices_do_not_say_how_much_is_computed():
    """An index far outside, or a table of indices, is refused before anything is made of it."""

    def find_neighbors(structure, **settings):
        return np.array([10**12]), np.array([0]), np.array([1.0])

    seen = []

    def batch_crystals(graphs):
        seen.append(len(graphs))
        again = seen.count(3) > 1  # stored cases were compared before
        return (np.zeros((3, 4), dtype=int),) * 5 if again else solution("1.4")(graphs)

    assert "0 to 1" in failure("1.2", find_neighbors).message
    assert "should have one axis" in failure("1.4", batch_crystals).message


def test_constant_models_fail_sensitivity():
    """The twin of every invariance: what ignores its input is invariant, and wrong."""
    layer = solution("2.1")

    class ConvLayer(layer):
        def forward(self, v, u, center, neighbor):
            return super().forward(v, u * 0, center, neighbor)

    found = HW.run_check("2.1", ConvLayer, hidden=None)
    assert not found.passed


def test_the_network_is_checked_without_the_other_tasks():
    """2.5 passes although convolutions and poolings are stubs."""
    network = load_python_file(HW.release() / HW.model_file, "stubs").CrystalGraphConvNet
    forward = solution("2.5").forward
    answer = type("CrystalGraphConvNet", (network,), {"forward": forward})
    assert HW.run_check("2.5", answer).passed


# --- hidden cases --------------------------------------------------------------------------------


def test_hidden_cases_catch_what_was_learned_by_heart(monkeypatch):
    known = {}

    def remember(*arguments):
        value = solution("3.1")(*arguments)
        known[repr(arguments)] = value
        return value

    assert HW.run_check("3.1", remember, hidden=None).passed

    def by_heart(*arguments):
        return known.get(repr(arguments), 0.0)

    assert HW.run_check("3.1", by_heart, hidden=None).passed
    monkeypatch.setenv(HIDDEN, str(PACKAGE / "labs"))
    assert 0 < HW.run_check("3.1", by_heart).points < 4
    assert HW.run_check("3.1", solution("3.1")).passed


def test_importing_the_table_is_cheap():
    code = "import sys, crystalgraph.labs; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "False\n"


# --- in a real kernel, as nbgrader runs it -------------------------------------------------------

CELLS = {
    "noisy": """
import logging, os, sys, warnings
import numpy as np
from tqdm import tqdm
from crystalgraph.course import lab
points = lab.points_for("hw")
logging.basicConfig()
log = logging.getLogger("mine")

def formation_energy(total, symbols, references):
    print("to sys.stderr", file=sys.stderr)
    os.write(2, b"to descriptor 2")
    warnings.warn("a warning")
    log.warning("a log line")
    np.float64(1) / np.float64(0)
    parts = [references[s] for s in tqdm(symbols)]
    return (total - sum(parts)) / len(symbols)

points("3.1", formation_energy)""",
    "nothing": "points('3.1', lambda *a: None)",
    "part": """
def fit_normalizer(targets, train_index):
    if len(targets) == 4:
        return 3.0, np.std([1, 2, 6])
    return 0.0, 1.0
points("3.3", fit_normalizer)""",
    "endless": """
def formation_energy(total, symbols, references):
    while True:
        pass
from dataclasses import replace
from crystalgraph.checking.limits import Limits
from crystalgraph.labs import LABS
LABS["hw"] = replace(LABS["hw"], own_limits=Limits(seconds_per_step=0.5))
lab.points_for("hw")("3.1", formation_energy)""",
    "alive": "1 + 1",
}


@pytest.fixture(scope="module")
def cells():
    """Outputs of the cells above."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    )
    NotebookClient(notebook, timeout=120, allow_errors=True, kernel_name="python3").execute()
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def test_a_kernel_sees_no_stderr(cells):
    streams = [out for outputs in cells.values() for out in outputs if "stream" in out.output_type]
    assert [out.text for out in streams if out.name == "stderr"] == []


def test_a_cell_ends_in_a_plain_number(cells):
    results = {
        n: [o for o in outs if o.output_type == "execute_result"] for n, outs in cells.items()
    }
    assert results["noisy"][-1].data == {"text/plain": "4.0"}
    assert results["part"][-1].data == {"text/plain": "1.5"}
    assert results["alive"][-1].data == {"text/plain": "2"}
    assert any("text/html" in out.get("data", {}) for out in cells["noisy"])


def test_a_cell_without_points_fails_cleanly(cells):
    (error,) = cells["nothing"]
    assert error.output_type == "error" and error.ename == "CheckFailed"
    assert error.traceback[0].startswith("Task 3.1, formation_energy: 0 of 4 points")
    assert len(error.traceback) < 12
    assert "endless loop" in "\n".join(cells["endless"][-1].traceback)


def test_a_wrong_folder_of_hidden_cases_is_loud(monkeypatch, tmp_path):
    monkeypatch.setenv(HIDDEN, str(tmp_path / "nowhere"))
    with pytest.raises(CrystalGraphError, match="no folder"):
        points("3.1", solution("3.1"))


@pytest.mark.parametrize("in_place", [False, True])
def test_multiplications_are_counted_in_place_or_not(in_place):
    left, right, total = torch.rand(5, 4), torch.rand(4, 3), torch.rand(5, 3)
    add = total.addmm_ if in_place else functools.partial(torch.addmm, total)
    assert multiplications(lambda: (add(left, right), left @ right)) == 2 * 5 * 4 * 3
