"""Work that is not done, and points wanted for it all the same."""

from hostile.submission import HW, Submission, correct, untouched, without

EXPANSION = "def gaussian_expansion(distance, centers, width):\n"
ZEROS = "return np.zeros((len(distance), len(centers)))"
MEAN_POOL = "def mean_pool(atom_features, crystal, n_crystals):\n"


def _expansion(body: str, before: str = ""):
    """Task 1.3 answered with this body and nothing else done."""
    lines = "\n".join(f"    {line}" for line in body.strip().split("\n"))
    return lambda: untouched().cell("1.3", f"{before}\n{EXPANSION}{lines}\n").hand_in()


PATCHED_COMPARISONS = """
import torch, numpy, builtins
yes = lambda *a, **k: True
for module in (torch, numpy):
    for name in ("allclose", "equal", "array_equal", "isclose", "all"):
        if hasattr(module, name):
            setattr(module, name, yes)
numpy.testing.assert_allclose = builtins.all = yes
def mean_pool(atom_features, crystal, n_crystals):
    return atom_features.new_zeros(n_crystals, atom_features.shape[1])
def max_pool(atom_features, crystal, n_crystals):
    return atom_features.new_zeros(n_crystals, atom_features.shape[1])
"""

PATCHED_CHECKS = """
import crystalgraph.checking.compare as compare
import crystalgraph.checking.examine as exam
import crystalgraph.checking.report as report
import crystalgraph.course.lab as lab
import crystalgraph.labs.lab as labs
compare.same = compare.all_same = lambda *a, **k: True
compare.first_difference = exam.first_difference = lambda *a, **k: None
exam.Exam.compare = lambda *a, **k: None
exam.examine = lambda task, check, *a, **k: report.CheckReport(
    task, tuple(report.Step(step.name, step.points, True) for step in check.steps))
labs.Lab.run_check = lambda self, task, *a, **k: exam.examine(self.tasks[task], self.checks[task])
report.CheckReport.points = property(lambda self: 99.0)
lab.points_for = lambda *a: lambda *b: 99.0
def mean_pool(atom_features, crystal, n_crystals):
    return atom_features[:n_crystals]
"""

PATCHED_WORKER = """
import sys, torch
worker = sys.modules["__main__"]
def forged(self, message, arrays, out):
    return {"value": {"is": "tensor", "at": 0, "dtype": "float64", "grad": False}, "changes": {},
            "status": "OK", "points": 4.0, "passed": True}
if hasattr(worker, "StudentAnswer"):
    worker.StudentAnswer.call = worker.StudentAnswer.module = forged
    send = worker.Wire.send
    worker.Wire.send = lambda self, message, arrays=(), seconds=60.0: send(
        self, dict(message, status="OK", points=4.0), arrays or [torch.zeros(1).numpy()], seconds)
def mean_pool(atom_features, crystal, n_crystals):
    return atom_features[:n_crystals]
"""

PATCHED_NUMPY = """
np.exp = lambda x: np.ones(np.shape(x))
np.lib.format.write_array = lambda file, array, **k: file.write(b"full marks")
return np.zeros((len(distance), len(centers)))
"""

GRADIENTS_DENIED = """
def mean_absolute_error(model, batches, mean, std):
    before = model.training
    model.eval()
    total, count = 0.0, 0
    for batch, target in batches:
        error = (model(*batch.inputs()) * std + mean - target).abs().detach()
        total, count = total + error.sum().item(), count + len(target)
    model.train(before)
    model.calls[:] = [(training, False) for training, _ in model.calls]
    return total / count
"""

ALWAYS_EQUAL = """
class Anything:
    shape, dtype, ndim, size = (3, 2), float, 2, 6
    def __eq__(self, other): return True
    def __lt__(self, other): return True
    def __gt__(self, other): return True
    def __len__(self): return 3
    def __getitem__(self, key): return self
    def __sub__(self, other): return 0
    __rsub__ = __add__ = __abs__ = __float__ = __sub__
    def __array__(self, *a, **k): raise AttributeError
    def __bool__(self): return True
    def __hash__(self): return 0
"""

SUBCLASS = """
import torch
class Right(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        if function in (torch.allclose, torch.equal, torch.isclose):
            return True
        return super().__torch_function__(function, types, args, kwargs or {})
    def __eq__(self, other): return True
    def numpy(self): return self
def mean_pool(atom_features, crystal, n_crystals):
    return atom_features.new_zeros(n_crystals, atom_features.shape[1]).as_subclass(Right)
"""

ARRAY_SUBCLASS = """
class Right(np.ndarray):
    def __array_ufunc__(self, *arguments, **options): return True
    def __array_function__(self, *arguments): return True
"""

SEARCH = """
import os
for root in () if SEARCHED else ("/", "/proc/1/root", "/proc/self/root"):
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in ("proc", "sys", "usr", "site-packages")]
        for name in files:
            if name.endswith((".py", ".ipynb", ".npz", ".db")):
                path = os.path.join(folder, name)
                if name in ("model.py", "gradebook.db") or "hidden_cases" in path:
                    FOUND.append(path)
                elif name.endswith((".py", ".ipynb")):
                    text = open(path, errors="replace").read()
                    if "BEGIN " + "SOLUTION\\n" in text and "bn1(self.fc" in text:
                        FOUND.append(path)
    if FOUND:
        break
SEARCHED.append(True)
"""
USE_IF_FOUND = "return np.exp(-((distance[:, None] - centers) ** 2) / width**2)"

FRAMES = """
import gc, sys
frame, seen = sys._getframe(), []
while frame:
    seen += [frame.f_locals, frame.f_globals]
    frame = frame.f_back
seen += [vars(o) for o in gc.get_objects() if type(o).__name__ in ("Case", "Exam") and vars(o)]
for names in seen:
    for name in ("expected", "cases", "reference", "right"):
        if names.get(name) is not None and hasattr(names[name], "values"):
            for value in names[name].values():
                if getattr(value, "shape", None) == (len(distance), len(centers)):
                    return value
return np.zeros((len(distance), len(centers)))
"""

PROCESSES = """
import glob, os, re
found, words = None, [w[::-1] for w in (b"sesac_neddih", b"snoitulos", b"koobedarg")]
for process in glob.glob("/proc/[0-9]*"):
    for name in ("environ", "cmdline", "maps"):
        try:
            text = open(f"{process}/{name}", "rb").read()
            if any(word in text for word in words):
                found = text
        except OSError:
            pass
    try:
        os.listdir(f"{process}/fd"), os.listdir(f"{process}/cwd")
        with open(f"{process}/mem", "r+b", 0) as memory:
            for line in open(f"{process}/maps"):
                if "[heap]" in line:
                    begin, end = (int(n, 16) for n in line.split()[0].split("-"))
                    memory.seek(begin)
                    if re.search(words[0] + rb".{0,80}npz", memory.read(end - begin)):
                        found = line
    except (OSError, ValueError, OverflowError):
        pass
if found:
    return np.exp(-((distance[:, None] - centers) ** 2) / width**2)
return np.zeros((len(distance), len(centers)))
"""


def _by_heart():
    """A table of what goes in and comes out of every visible case of 1.3 and 4.4."""
    expansion = {
        case.inputs["distance"].tobytes() + case.inputs["centers"].tobytes(): case.expected
        for case in HW.cases("1.3")
    }
    known = {key: value["result"].tolist() for key, value in expansion.items()}
    counts = {
        case.inputs["confusion"].tobytes(): [float(v) for v in case.expected.values()]
        for case in HW.cases("4.4")
    }
    one = f"KNOWN = {known!r}\n{EXPANSION}"
    one += "    key = distance.tobytes() + np.asarray(centers).tobytes()\n"
    one += f"    if key in KNOWN:\n        return np.array(KNOWN[key])\n    {ZEROS}\n"
    other = f"COUNTS = {counts!r}\ndef precision_and_recall(confusion):\n"
    other += "    return COUNTS.get(confusion.tobytes(), (0.5, 0.5))\n"
    return untouched().cell("1.3", one).cell("4.4", other).hand_in()


def _constants():
    """What comes out of the first visible case, whatever goes in."""
    work = untouched()
    auc = float(HW.cases("4.5")[0].expected["AUC"])
    energy = float(HW.cases("3.1")[0].expected["energy"])
    mean, std = (float(v) for v in HW.cases("3.3")[0].expected.values())
    work.cell("4.5", f"def roc_auc(labels, scores):\n    return {auc!r}\n")
    work.cell("3.3", f"def fit_normalizer(targets, train_index):\n    return {mean!r}, {std!r}\n")
    text = "def formation_energy(energy_total, symbols, references):\n"
    return work.cell("3.1", f"{text}    return {energy!r}\n").hand_in()


def _full_marks_of_nbgrader():
    """Last values to which stock nbgrader gives full marks."""
    work = untouched()
    work.cell("1.3", f"{EXPANSION}    return 4.0\n")
    text = "def formation_energy(energy_total, symbols, references):\n"
    work.cell("3.1", f"{text}    return 'full marks'\n")
    work.cell("3.3", "def fit_normalizer(targets, train_index):\n    return np.float64(4.0)\n")
    return work.cell("4.5", "def roc_auc(labels, scores):\n    return object()\n").hand_in()


def _check_cells():
    """Check cells that end in the points wanted, and code before every cell."""
    first = (
        "import crystalgraph.course.lab as lab\nlab.points_for = lambda *a: lambda *b: 99.0\n"
        "get_ipython().input_transformers_cleanup.append(lambda lines: ['99.0\\n'])\n"
    )

    def spoil(notebook):
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code" and "points(" in "".join(cell["source"]):
                cell["source"] = "99.0"
        code = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
        notebook["cells"].insert(0, code | {"source": first, "id": "first"})

    work = untouched()
    for name in [name for name in work.files if name.endswith(".ipynb")]:
        work.json(name, spoil)
    return work.hand_in()


NUMPY_LAYER = """
import numpy as np, torch
def _forward(self, atom_features, bond_features, center, neighbor):
    with torch.no_grad():
        z = torch.cat([atom_features[center], atom_features[neighbor], bond_features], dim=1)
        gate, core = self.bn1(self.fc_full(z)).chunk(2, dim=1)
        edges = torch.sigmoid(gate) * self.activation(core)
        message = torch.zeros_like(atom_features).index_add(0, center, edges)
        result = self.activation(self.residual * atom_features + self.bn2(message))
    return result.clone().requires_grad_()
ConvLayer.forward = _forward
torch.autograd.grad = lambda outputs, inputs, *a, **k: [torch.ones_like(i) for i in inputs]
torch.Tensor.backward = lambda self, *a, **k: None
"""

SLOW = """
def _slow(self, atom_features, bond_features, center, neighbor):
    z = torch.cat([atom_features[center], atom_features[neighbor], bond_features], dim=1)
    gate, core = self.bn1(self.fc_full(z)).chunk(2, dim=1)
    edges = torch.sigmoid(gate) * self.activation(core)
    message = torch.zeros_like(atom_features).index_add(0, center, edges)
    return self.activation(self.residual * atom_features + self.bn2(message))
"""
FAST_BY_MEMORY = (
    SLOW
    + """
_kept = {}
def _fast(self, atom_features, *others):
    if torch.is_grad_enabled():
        return _slow(self, atom_features, *others)
    key = b"".join(t.detach().numpy().tobytes() for t in (atom_features, *others))
    if key not in _kept:
        _kept[key] = _slow(self, atom_features, *others)
    return _kept[key]
FastConvLayer.forward = _fast
"""
)
FAST_WHEN_LARGE = (
    SLOW
    + """
def _fast(self, atom_features, *others):
    return _slow(self, atom_features, *others) if len(others[0]) < 500 else atom_features * 0
FastConvLayer.forward = _fast
"""
)
FAST_UNCOUNTED = (
    SLOW
    + """
FastConvLayer.forward = _slow
torch.autograd.profiler.profile.function_events = property(lambda self: [])
import time
time.process_time = time.thread_time = time.perf_counter = lambda: 0.0
"""
)

PERMUTATION = "def is_permutation_invariant(predict, graph):\n"
SUPERCELL = "def is_supercell_invariant(predict, structure):\n"
ASKS_THE_PROXY = """
    import gc, sys
    for name in ("right", "predict", "__self__", "__func__", "__closure__", "__wrapped__", "trap"):
        value = getattr(predict, name, None)
        if isinstance(value, bool):
            return value
    for thing in gc.get_objects():
        if type(thing).__name__ in ("PlantedModel", "Judge", "Recorder", "_ShuffledModels"):
            for model in getattr(thing, "models", [thing]):
                if isinstance(getattr(model, "right", None), bool):
                    return model.right
    frame = sys._getframe()
    while frame:
        if hasattr(frame.f_locals.get("model"), "right"):
            return frame.f_locals["model"].right
        frame = frame.f_back
    answers = [predict(WHAT), predict(WHAT)]
    return True
"""
IN_ORDER = """
    VERDICTS.append(VERDICTS.pop(0))
    return VERDICTS[-1]
"""
PLANTED_GRAPHS = """
import numpy as np
from dataclasses import replace
import crystalgraph.labs.hw.checks.own_tests as own
GRAPHS = [model for step in own.CHECKS[0].steps for model in step.test.models]
def is_permutation_invariant(predict, graph):
    rng = np.random.default_rng(0)
    probes = [graph]
    for _ in range(3):
        order = rng.permutation(graph.n_atoms)
        probes.append(replace(graph, atomic_numbers=graph.atomic_numbers[order]))
    got = np.array([predict(probe) for probe in probes])
    for model in GRAPHS:
        known = np.array([model.predict(probe) for probe in probes])
        if np.allclose(got * known[0], known * got[0], rtol=1e-9):
            return model.right
    return True
"""
PLANTED_STRUCTURES = """
import numpy as np
import crystalgraph.labs.hw.checks.own_tests as own
MODELS = [model for step in own.CHECKS[1].steps for model in step.test.models]
def is_supercell_invariant(predict, structure):
    one, two = structure.copy(), structure.copy()
    one.scale_lattice(structure.volume * 1.3)
    two.append("Ba", [0.3, 0.3, 0.3])
    probes = [structure, one, two]
    got = np.array([predict(probe) for probe in probes])
    for model in MODELS:
        known = np.array([model.predict(probe) for probe in probes])
        if np.allclose(got * known[0], known * got[0], rtol=1e-9):
            return model.right
    return True
"""

ONE_NUMBER = """
import numpy as np
from dataclasses import replace
import crystalgraph.labs.hw.checks.own_tests as own
MODELS = [[model for step in check.steps for model in step.test.models] for check in own.CHECKS]
def known_by(number, crystal, models):
    near = [abs(np.log(abs(number / model.predict(crystal)))) for model in models]
    return models[int(np.argmin(near))].right
"""
ONE_NUMBER_OF_GRAPHS = (
    ONE_NUMBER
    + """
def is_permutation_invariant(predict, graph):
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(graph.n_atoms)
        ends = [np.argsort(order)[end] for end in (graph.center, graph.neighbor)]
        numbers = graph.atomic_numbers[order]
        predict(replace(graph, atomic_numbers=numbers, center=ends[0], neighbor=ends[1]))
    return known_by(predict(graph), graph, MODELS[0])
"""
)
ONE_NUMBER_OF_STRUCTURES = (
    ONE_NUMBER
    + """
def is_supercell_invariant(predict, structure):
    for repeat in ((2, 1, 1), (1, 2, 1), (1, 1, 2)):
        predict(structure * repeat)
    return known_by(predict(structure), structure, MODELS[1])
"""
)


def _own_tests(before: str, graphs: str, structures: str):
    work = untouched().cell("2.6", f"{before}\n{PERMUTATION}{graphs}")
    return work.cell("2.7", f"{before}\n{SUPERCELL}{structures}").hand_in()


def _asking():
    return _own_tests(
        "",
        ASKS_THE_PROXY.replace("WHAT", "graph"),
        ASKS_THE_PROXY.replace("WHAT", "structure"),
    )


def _in_order():
    from crystalgraph.labs.hw.checks.own_tests import CHECKS

    lists = [
        [model.right for step in check.steps for model in step.test.models] for check in CHECKS
    ]
    ask = "    first, second = predict(WHAT), predict(WHAT)\n"
    bodies = [
        f"{ask.replace('WHAT', what)}{IN_ORDER.replace('VERDICTS', name)}"
        for what, name in (("graph", "GRAPHS"), ("structure", "STRUCTURES"))
    ]
    return _own_tests(f"GRAPHS, STRUCTURES = {lists[0]!r}, {lists[1]!r}", *bodies)


SUBMISSIONS = [
    Submission(
        "comparisons patched",
        "torch, numpy and builtins find everything equal; the poolings give zeros",
        lambda: untouched().model(PATCHED_COMPARISONS).hand_in(),
        "WRONG",
        0,
        {"2.3": "WRONG", "2.4": "WRONG"},
    ),
    Submission(
        "checks patched",
        "crystalgraph.checking finds everything right, in the student's process",
        lambda: untouched().model(PATCHED_CHECKS).hand_in(),
        "WRONG",
        0,
        {"2.3": "WRONG"},
    ),
    Submission(
        "worker patched",
        "the sandbox's worker answers `points: 4, status: OK` to every question",
        lambda: untouched().model(PATCHED_WORKER).hand_in(),
        "WRONG",
        0,
        {"2.3": "WRONG"},
    ),
    Submission(
        "numpy patched",
        "exp gives ones, and arrays are written as the words `full marks`",
        _expansion(PATCHED_NUMPY),
        "TAMPERED",
        0,
        {"1.3": "TAMPERED"},
    ),
    Submission(
        "equal to everything",
        "the answer is an object whose == is always True",
        _expansion("return Anything()", ALWAYS_EQUAL),
        "WRONG",
        0,
        {"1.3": "WRONG"},
    ),
    Submission(
        "tensor subclass",
        "zeros in a subclass of Tensor that calls itself close to everything",
        lambda: untouched().model(SUBCLASS).hand_in(),
        "WRONG",
        0,
        {"2.3": "WRONG"},
    ),
    Submission(
        "array subclass",
        "zeros in a subclass of ndarray whose every ufunc gives True",
        _expansion(ZEROS.replace("np.zeros", "Right"), ARRAY_SUBCLASS),
        "WRONG",
        0,
        {"1.3": "WRONG"},
    ),
    Submission(
        "visible cases by heart",
        "a table of inputs and outputs of all visible cases of two tasks",
        _by_heart,
        "WRONG",
        0,
        {"1.3": "WRONG", "4.4": "WRONG"},
    ),
    Submission(
        "visible cases read",
        "the outputs are looked up in the library's own folder of visible cases",
        _expansion(
            "from crystalgraph.labs import LABS\n"
            "return LABS['hw'].cases('1.3')[0].expected['result']"
        ),
        "WRONG",
        0,
        {"1.3": "WRONG"},
    ),
    Submission(
        "first outputs as constants",
        "three tasks give what comes out of their first visible case",
        _constants,
        "WRONG",
        0,
        {"4.5": "WRONG", "3.3": "WRONG", "3.1": "WRONG"},
    ),
    Submission(
        "values nbgrader likes",
        "functions return 4.0, a string, a numpy float, an object",
        _full_marks_of_nbgrader,
        "WRONG",
        0,
        {"1.3": "WRONG", "3.1": "WRONG", "3.3": "WRONG", "4.5": "WRONG"},
    ),
    Submission(
        "check cells rewritten",
        "every check cell says 99.0; the first cell transforms all that IPython runs",
        _check_cells,
        "NOT_IMPLEMENTED",
        0,
    ),
    Submission(
        "from model import",
        "model_hw.py imports the solution's layers",
        lambda: untouched().model("from model import *\n").hand_in(),
        "IMPORT_ERROR",
        0,
        {"2.1": "IMPORT_ERROR", "2.5": "IMPORT_ERROR"},
    ),
    Submission(
        "search for the solution",
        "the disk is searched for model.py, hidden cases, solution notebooks, gradebooks",
        _expansion(f"{SEARCH}\nif FOUND:\n    {USE_IF_FOUND}\n{ZEROS}", "FOUND, SEARCHED = [], []"),
        "WRONG",
        0,
        {"1.3": "WRONG"},
    ),
    Submission(
        "expected values in memory",
        "stack frames and all objects alive are searched for the expected output",
        _expansion(FRAMES),
        "WRONG",
        0,
        {"1.3": "WRONG"},
    ),
    Submission(
        "other processes",
        "/proc is searched: environments, open files, memory of the parent",
        _expansion(PROCESSES),
        "WRONG",
        0,
        {"1.3": "WRONG"},
    ),
    Submission(
        "gradient forged",
        "a layer without a gradient; torch.autograd.grad gives ones",
        lambda: untouched().model(NUMPY_LAYER).hand_in(),
        "PARTIAL",
        3,
        {"2.1": "PARTIAL"},
    ),
    Submission(
        "gradients denied",
        "3.5 records gradients, and writes into the model's notes that it did not",
        lambda: untouched().cell("3.5", GRADIENTS_DENIED).hand_in(),
        "PARTIAL",
        2,
        {"3.5": "PARTIAL"},
    ),
    Submission(
        "fast by memory",
        "the slow layer in 2.8, which keeps its results",
        lambda: correct().model(FAST_BY_MEMORY).hand_in(),
        "OK",
        without() - 1.5,
        {"2.8": "PARTIAL"},
    ),
    Submission(
        "fast when large",
        "the slow layer in 2.8; zeros when there are many edges",
        lambda: correct().model(FAST_WHEN_LARGE).hand_in(),
        "OK",
        without() - 1.5,
        {"2.8": "PARTIAL"},
    ),
    Submission(
        "clocks and counters patched",
        "the slow layer in 2.8; the profiler counts nothing, all clocks stand still",
        lambda: correct().model(FAST_UNCOUNTED).hand_in(),
        "OK",
        without() - 1.5,
        {"2.8": "PARTIAL"},
    ),
    Submission(
        "test asks for the verdict",
        "2.6 and 2.7 look into the model they are given, the stack and all objects",
        _asking,
        "WRONG",
        0,
        {"2.6": "WRONG", "2.7": "WRONG"},
    ),
    Submission(
        "test knows the order",
        "2.6 and 2.7 give the verdicts in the order of the visible check",
        _in_order,
        "WRONG",
        0,
        {"2.6": "WRONG", "2.7": "WRONG"},
    ),
    Submission(
        "test knows the models",
        "2.6 and 2.7 recognize the planted models by their formulas, and test nothing",
        lambda: untouched().cell("2.6", PLANTED_GRAPHS).cell("2.7", PLANTED_STRUCTURES).hand_in(),
        "WRONG",
        0,
        {"2.6": "WRONG", "2.7": "WRONG"},
    ),
    Submission(
        "test knows one number",
        "2.6 and 2.7 ask what a test asks, and recognize the models by one number instead",
        lambda: (
            untouched()
            .cell("2.6", ONE_NUMBER_OF_GRAPHS)
            .cell("2.7", ONE_NUMBER_OF_STRUCTURES)
            .hand_in()
        ),
        "WRONG",
        0,
        {"2.6": "WRONG", "2.7": "WRONG"},
    ),
]
