"""Hints and messages side by side: they name things that exist, and do not contradict each other.

What no test can do was done by eye, once for each task: reading the hints beside all messages.
"""

import inspect
import re
from collections import defaultdict
from functools import cache

import nbformat
import numpy as np
import pytest
import torch
from answers import HW, REPO, solution

from crystalgraph.checking import compare

HINT = re.compile(r"<details><summary>(.*?)</summary>(.*?)</details>", re.S)
MODULES = {"np": np, "torch": torch, "nn": torch.nn}
LAYERS = ("2.1", "2.2", "2.8")


@cache
def hints():
    """task -> [(title, text)] from the solution notebooks."""
    found = defaultdict(list)
    for name in HW.notebooks.values():
        task = ""
        for cell in nbformat.read(HW.solutions() / name, as_version=4).cells:
            if cell.cell_type == "markdown":
                task = (re.findall(r"Task (\d\.\d)", cell.source) or [task])[0]
                found[task] += HINT.findall(cell.source)
    return found


def words_of(task):
    """All that is said about a task: hints, mistakes, and what is expected."""
    texts = [text for hint in hints()[task] for text in hint]
    check = HW.checks[task]
    return "\n".join([*texts, *check.advice.values(), check.expected])


@pytest.mark.parametrize("task", HW.tasks)
def test_three_hints_from_nudge_to_code(task):
    titles = [title for title, _ in hints()[task]]
    assert [title[:6] for title in titles[:3]] == ["Hint 1", "Hint 2", "Hint 3"]


@pytest.mark.parametrize("task", HW.tasks)
def test_functions_that_are_named_exist(task):
    for module, path in re.findall(r"\b(np|torch|nn)((?:\.[A-Za-z_]\w*)+)", words_of(task)):
        found = MODULES[module]
        for part in path[1:].split("."):
            found = getattr(found, part)


@pytest.mark.parametrize("task", [task.id for task in HW.tasks.values() if not task.in_notebook])
def test_layers_that_are_named_exist(task):
    model = (REPO / "model.py").read_text(encoding="utf-8")
    for name in set(re.findall(r"\bself\.(\w+)", words_of(task))):
        assert f"self.{name} = " in model or f"def {name}(" in model, name
    for name in set(re.findall(r"\b(?:fc_\w+|bn\d?|conv_to_fc)\b", words_of(task))):
        assert f"self.{name} = " in model, name


def test_the_model_file_handed_out_does_not_show_how_a_task_is_done():
    """Code that students are given calls nothing of torch that a solution consists of."""
    whole = (REPO / "model.py").read_text(encoding="utf-8")
    solutions = "".join(re.findall("### BEGIN SOLUTION(.*?)### END SOLUTION", whole, re.S))
    given = (HW.release() / HW.model_file).read_text(encoding="utf-8")
    used, shown = (set(re.findall(r"\.(\w+)\(", code)) for code in (solutions, given))
    assert {"index_add", "bincount", "scatter_reduce", "chunk"} <= used
    assert used & shown == set()


@pytest.mark.parametrize("task", HW.tasks)
def test_what_a_hint_says_that_the_check_says_is_what_it_says(task):
    said = "\n".join([*HW.checks[task].advice.values(), inspect.getsource(compare)])
    for title, _ in hints()[task]:
        if "check says" in title:
            quoted = re.findall(r'"(.+?)"', title)
            assert quoted and all(words in said for words in quoted), title


@pytest.mark.parametrize("task", [*LAYERS, "2.5"])
def test_what_is_expected_leaves_options_open(task):
    """'softplus is written into forward' and 'expected: softplus(...)' would contradict."""
    expected = HW.checks[task].expected
    assert "softplus" not in expected
    assert task in ("2.5", "2.8") or "residual" in expected


def test_a_call_with_too_few_arguments_is_not_blamed_on_the_def_line():
    network = solution("2.5")

    def forward(self, atoms, bonds, center, neighbor, crystal, n_crystals):
        states = [self.embedding(atoms)]
        for conv in self.convs:
            states.append(conv(states[-1], bonds))
        pooled = self.activation(self.pool(states, crystal, n_crystals))
        return self.readout(self.activation(self.conv_to_fc(pooled)))

    answer = type("CrystalGraphConvNet", (network,), {"forward": forward})
    said = "\n".join(s.message for s in HW.run_check("2.5", answer, hidden=None).steps)
    assert "compare the call with its def line" in said
