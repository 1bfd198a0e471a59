"""Who calls a library's function that is the answer to a task is found; nobody else is."""

import pytest
from hand_in_builder import HandInBuilder

from crystalgraph.grading.intake.answers import read_answers
from crystalgraph.grading.library_answers import called, library_answers
from crystalgraph.labs import LABS

HW = LABS["hw"]
RIGHT_ANSWERS = HW.instructor("right_answers").RIGHT_ANSWERS
FUNCTIONS = ("roc_auc_score", "log_softmax", "matrix")


def found(builder):
    return library_answers(read_answers(builder.hand_in(), HW), HW)


@pytest.mark.parametrize(
    "source",
    [
        "from sklearn.metrics import roc_auc_score\ndef f(a): return roc_auc_score(a, a)",
        "from sklearn.metrics import roc_auc_score as area\ndef f(a): return area(a, a)",
        "from m import (\n    auc,\n    roc_auc_score as area,\n)\ndef f(a): return area(a, a)",
        "import sklearn.metrics\ndef f(a): return sklearn.metrics.roc_auc_score(a, a)",
        "import sklearn.metrics as m\ng = m.roc_auc_score\ndef f(a): return g(a, a)",
        "def f(a):\n    from m import roc_auc_score as s\n    return s(a, a)",
        "from m import roc_auc_score\ng = roc_auc_score\nf = lambda a: g(a, a)",
        "from m import roc_auc_score\nf = roc_auc_score",
        "def h(a): return m.roc_auc_score(a, a)\ndef f(a): return h(a)",
        "class f:\n    def forward(self, a):\n        return m . roc_auc_score(a, a",
    ],
)
def test_it_is_found_under_any_name(source):
    assert called("f", [source], FUNCTIONS) == ("roc_auc_score",)
    assert called("f", source.split("\nd")[:1], FUNCTIONS, [source]) in ((), ("roc_auc_score",))


@pytest.mark.parametrize(
    "source",
    [
        "def log_softmax(a):\n    return log_softmax(a)\nf = log_softmax",
        "# m.roc_auc_score(a)\ndef f(a): return 'm.roc_auc_score(a)'",
        "from torch.nn.functional import log_softmax\ndef f(a): return a",
        "def f(a): return a\nprint(f(1) - m.roc_auc_score(1))",
        "def h(a): return m.roc_auc_score(a)\ndef f(a): return a",
        "def f(a): return a.lattice.matrix @ a.matrix[0]",
        "",
        "\x00 def (",
    ],
)
def test_own_functions_trials_comments_and_mere_imports_are_not(source):
    assert called("f", [source], FUNCTIONS) == ()


def test_a_hand_in_is_searched_task_by_task():
    assert found(HandInBuilder()) == {}
    assert found(HandInBuilder(solved=())) == {}
    body = (
        "from crystalgraph.crystals import graphs\n    graph = graphs.build_graph(structure, k=k)"
    )
    cheating = HandInBuilder(solved=()).hole("1.2", body)
    assert found(cheating) == {"1.2": ("build_graph",)}
    body = (
        "from crystalgraph.networks.engine import row_sums\n"
        "    return row_sums.weighted_sums(atom_features, shares, crystal, starts)"
    )
    assert found(HandInBuilder(solved=()).hole("2.3", body)) == {
        "2.3": ("weighted_sums",),
        "2.5": ("weighted_sums",),  # it calls 2.3
    }
    helper = "area = sklearn.metrics.roc_auc_score\ndef roc_auc(a, b): return area(a, b)"
    assert found(HandInBuilder().cell("4.5", helper)) == {"4.5": ("roc_auc_score",)}


@pytest.mark.parametrize(
    "body",
    [
        "return torch.log_softmax(scores * 1.0, 1)",
        "return torch.distributions.Categorical(logits=scores).logits",
        "return torch.distributions.OneHotCategorical(logits=scores).logits",
        "return -torch.stack([torch.nn.functional.cross_entropy(scores, y) for y in rows], 1)",
    ],
)
def test_a_ready_made_log_softmax_is_named_where_no_check_can_refuse_it(body):
    assert "4.1" in found(HandInBuilder(solved=()).hole("4.1", body))


def test_right_answers_in_other_styles_write_it_themselves():
    named = [
        right
        for right in RIGHT_ANSWERS
        if (task := HW.tasks[right.task])
        and called(task.object_name, [right.source], HW.library_answers.get(task.id, ()))
    ]
    print([(right.task, right.style) for right in named])
    assert len(named) < len(RIGHT_ANSWERS) / 20


def test_the_list_names_tasks_of_the_lab():
    assert set(HW.library_answers) <= set(HW.tasks)
