"""Who calls a library's function that is the answer to a task is found; nobody else is."""

import pytest
from hand_in_builder import HandInBuilder

from crystalgraph.grading.intake.answers import read_answers
from crystalgraph.grading.library_answers import called, library_answers
from crystalgraph.labs import LABS

HW = LABS["hw"]
RIGHT_ANSWERS = HW.instructor("right_answers").RIGHT_ANSWERS
FUNCTIONS = ("roc_auc_score", "log_softmax")


def found(builder):
    return library_answers(read_answers(builder.hand_in(), HW), HW)


@pytest.mark.parametrize(
    "source",
    [
        "from sklearn.metrics import roc_auc_score\nx = roc_auc_score(a, b)",
        "from sklearn.metrics import roc_auc_score as area\nx = area(a, b)",
        "from sklearn.metrics import (\n    auc,\n    roc_auc_score as area,\n)\nx = area(a, b)",
        "import sklearn.metrics\nx = sklearn.metrics.roc_auc_score(a, b)",
        "import sklearn.metrics as m\nf = m.roc_auc_score\nx = f(a, b)",
        "def f(a, b):\n    from sklearn.metrics import roc_auc_score as s\n    return s(a, b)",
        "from sklearn.metrics import roc_auc_score\ng = roc_auc_score\nx = g(a, b)",
        "x = map(m . roc_auc_score, a, b)",
        "x = m.roc_auc_score(a, b",
    ],
)
def test_it_is_found_under_any_name(source):
    assert called([source], [], FUNCTIONS) == ("roc_auc_score",)
    imports, _, rest = source.rpartition("\n")
    assert called([rest], [imports], FUNCTIONS) == ("roc_auc_score",) or "def" in imports


@pytest.mark.parametrize(
    "source",
    [
        "def log_softmax(scores):\n    return log_softmax(scores)",
        "log_softmax = lambda scores: scores",
        "# m.roc_auc_score\nx = 'm.roc_auc_score'",
        "from torch.nn.functional import log_softmax",
        "import roc_auc_score",
        "",
        "\x00 def (",
    ],
)
def test_own_functions_comments_and_mere_imports_are_not(source):
    assert called([source], [], FUNCTIONS) == ()


def test_a_hand_in_is_searched_task_by_task():
    assert found(HandInBuilder()) == {}
    assert found(HandInBuilder(solved=())) == {}
    body = (
        "from crystalgraph.crystals import graphs\n    graph = graphs.build_graph(structure, k=k)"
    )
    cheating = HandInBuilder(solved=()).hole("1.2", body)
    assert found(cheating) == {"1.2": ("build_graph",)}
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
    listed = [(right, HW.library_answers.get(right.task, ())) for right in RIGHT_ANSWERS]
    named = [right for right, functions in listed if called([right.source], [], functions)]
    print([(right.task, right.style) for right in named])
    assert len(named) < len(RIGHT_ANSWERS) / 20


def test_the_list_names_tasks_of_the_lab():
    assert set(HW.library_answers) <= set(HW.tasks)
