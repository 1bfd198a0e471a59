"""What the checks say of answers of the wrong kind, and of tests that exploit how they are made."""

import re

import nbformat
import numpy as np
import pytest
import torch

from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs import LABS
from crystalgraph.labs.equivariance.checks.own_tests import KEYS, PLANTED
from crystalgraph.labs.equivariance.earlier import from_notebook
from crystalgraph.releasing.cases import draw_cases
from crystalgraph.releasing.right_answers import right_answers

LAB = LABS["equivariance"]
SOLUTIONS = right_answers(LAB)
EGCL = SOLUTIONS["1.2"]


def said(task, answer):
    """All that the check says of an answer that it has to reject."""
    report = LAB.run_check(task, answer, hidden=None)
    assert not report.passed
    return report.failure.message


def layer(forward):
    """A layer with another forward."""
    return type("EGCL", (EGCL,), {"forward": forward})


@pytest.mark.parametrize(
    ("task", "answer", "words"),
    [
        ("1.1", lambda x, batch, cutoff: None, "is there a `return`"),
        ("1.1", lambda x, batch, cutoff: torch.zeros(2, 4), "use whole numbers"),
        ("1.2", layer(lambda self, h, x, e, s=None: h), "two tensors: h, x"),
        ("1.2", layer(lambda self, h, x, e, s=None: (h, h)), "new x has shape"),
        ("1.2", layer(lambda self, h, x, e, s=None: (h.float(), x)), "do not convert"),
        ("1.3", lambda seed, reflect: np.eye(2), "expected (3, 3)"),
        ("1.4", lambda *given: True, "dictionary with the keys rotation, reflection"),
        ("1.4", lambda *given: dict.fromkeys(KEYS, 0.0), "should be True or False"),
        ("2.2", lambda *given: 1.0, "references, mean, mad"),
        ("2.4", lambda *given: [0, 1, 2], "keys truth, shuffled, mean"),
        ("2.5", lambda report: "fake", "one of the names 'honest'"),
        ("3.1", lambda x, lattice, cutoff: (np.eye(2), np.eye(3)), "expected (2, E)"),
    ],
)
def test_an_answer_of_the_wrong_kind_hears_what_is_expected(task, answer, words):
    assert words in said(task, answer)


def test_parts_of_the_layer_that_were_changed_are_named():
    def __init__(self, n_features, cutoff):
        EGCL.__init__(self, n_features, cutoff)
        self.phi_x = torch.nn.Linear(n_features, 1)

    assert "put __init__ back" in said("1.2", type("EGCL", (EGCL,), {"__init__": __init__}))


def test_a_test_that_asks_without_end_is_stopped():
    def asks(layer, h, x, edge_index):
        while True:
            layer(h, x, edge_index)

    assert "more than 60 times" in said("1.4", asks)

    def far(layer, h, x, edge_index):
        layer(h.repeat(5000, 1), x.repeat(5000, 1), edge_index)

    assert "far too large" in said("1.4", far)


def test_planted_layers_are_drawn_in_another_order_for_each_student():
    orders = {tuple(draw_cases(LAB, "1.4", seed)[0].inputs["order"]) for seed in "abc"}
    assert len(orders) == 3
    assert all(sorted(order) == list(range(len(PLANTED))) for order in orders)


@pytest.mark.parametrize("key", KEYS)
def test_every_symmetry_is_missing_in_a_planted_layer_and_there_in_others(key):
    truths = {one.truth[KEYS.index(key)] for one in PLANTED}
    assert {0, 1} <= truths


@pytest.mark.parametrize("seed", [f"student {number}" for number in range(6)])
def test_the_solutions_pass_on_drawn_cases(seed):
    for task in ("1.4", "2.5"):
        check = LAB.checks[task]
        for case in draw_cases(LAB, task, seed):
            verdicts = check.run(SOLUTIONS[task], case)["verdicts"]
            if task == "1.4":
                assert verdicts.tolist() == [one.truth for one in PLANTED]
            else:
                assert verdicts.tolist() == list(range(len(verdicts)))


def test_the_first_notebook_is_read_from_its_file(tmp_path):
    made = from_notebook("EGCL", LAB.solutions())(4, 2.0)
    assert set(made.state_dict()) == set(EGCL(4, 2.0).state_dict())
    with pytest.raises(CrystalGraphError, match="1_does_it_move.ipynb is not in"):
        from_notebook("EGCL", tmp_path)


def test_every_task_has_three_hints_and_they_name_what_exists():
    modules = {"np": np, "torch": torch, "nn": torch.nn}
    for name in LAB.notebooks.values():
        for cell in nbformat.read(LAB.solutions() / name, as_version=4).cells:
            hints = re.findall(r"<summary>(Hint \d)", cell.source)
            assert hints in ([], ["Hint 1", "Hint 2", "Hint 3"]), cell.id
            assert bool(hints) == bool(
                re.match(r"(#.*\n+)+", cell.source) and "## Task" in cell.source
            )
            for module, path in re.findall(r"\b(np|torch|nn)((?:\.[A-Za-z_]\w*)+)", cell.source):
                found = modules[module]
                for part in path[1:].split("."):
                    found = getattr(found, part)
