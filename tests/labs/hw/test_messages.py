"""What the checks say, where a first reader stumbled."""

import re

import nbformat
import numpy as np
import pytest
import torch
from answers import HW, solution
from nbclient import NotebookClient
from torch import nn
from torch.nn.functional import l1_loss

from crystalgraph.checking.compare import shape_message


def message(task, answer):
    """What a wrong answer is told."""
    report = HW.run_check(task, answer, hidden=None)
    assert not report.passed, f"task {task} accepted a wrong answer"
    return report.failure.message


def step(loss_of, back=lambda loss: loss.item()):
    """A training step with `loss_of(model, batch, target)` and `back(loss)` as its result."""

    def training_step(model, batch, target, optimizer):
        optimizer.zero_grad()
        loss = loss_of(model, batch, target)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return back(loss)

    return training_step


def right_loss(model, batch, target):
    """As asked for in task 3.4."""
    return l1_loss(model(*batch.inputs()), target)


def test_a_known_mistake_is_not_followed_by_the_advice_against_another():
    def formation_energy(total, symbols, references):
        return (total - sum(references[s] for s in set(symbols))) / len(symbols)

    said = message("3.1", formation_energy)
    assert "every atom counts" in said and "supercell" in said
    assert "divide by the number of atoms" not in said  # it does


def test_without_a_known_mistake_the_advice_stays():
    def formation_energy(total, symbols, references):  # right on paper, odd in a larger cell
        return solution("3.1")(total, symbols, references) + 0.1 * (len(symbols) > 20)

    assert "Divide by the number of atoms" in message("3.1", formation_energy)


def left_in_eval(model, batches, mean, std):
    model.eval()
    return solution("3.5")(model, batches, mean, std)


def with_gradient(model, batches, mean, std):
    was = model.training
    model.eval()
    errors = [(model(*b.inputs()) * std + mean - t).abs().detach() for b, t in batches]
    model.train(was)
    return torch.cat(errors).mean().item()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (left_in_eval, "Model in training mode afterwards: no, expected yes."),
        (with_gradient, "Gradients recorded: yes, expected no."),
    ],
)
def test_yes_and_no_are_no_numbers(answer, words):
    said = message("3.5", answer)
    assert words in said
    assert not re.search(r"is [01],|too (small|large)", said), said


def test_plurals():
    assert "9 entries" in message("3.2", lambda sites, elements: np.zeros((3, len(elements))))
    axes = HW.checks["2.3"].axes["result"]
    said = shape_message(np.zeros((5, 3)), np.zeros((1, 3)), "Your result", axes)
    assert "1 crystal, 3 features" in said


CALLS = {
    "model(batch)": lambda model, batch: model(batch),
    "model(batch.inputs())": lambda model, batch: model(batch.inputs()),
    "model(*batch)": lambda model, batch: model(*batch),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_batch_that_is_not_unpacked_is_explained(call):
    said = message("3.4", step(lambda model, batch, t: l1_loss(CALLS[call](model, batch), t)))
    assert "model(*batch.inputs())" in said and "def line" not in said

    def mean_absolute_error(model, batches, mean, std):
        errors = [(CALLS[call](model, batch) * std + mean - t).abs() for batch, t in batches]
        return torch.cat(errors).mean().item()

    said = message("3.5", mean_absolute_error)
    assert "model(*batch.inputs())" in said and "def line" not in said


def test_a_tensor_without_gradient_is_a_number_in_both_tasks():
    assert HW.run_check("3.4", step(right_loss, lambda loss: loss.detach()), hidden=None).passed
    assert HW.run_check("3.5", lambda *a: torch.tensor(solution("3.5")(*a)), hidden=None).passed


def test_a_tensor_with_gradient_is_explained_in_both_tasks():
    assert "loss.item()" in message("3.4", step(right_loss, lambda loss: loss))

    def mean_absolute_error(model, batches, mean, std):
        model.eval()
        return torch.cat([(model(*b.inputs()) - t).abs() for b, t in batches]).mean()

    assert "gradient" in message("3.5", mean_absolute_error)


RELOAD = """
%load_ext autoreload
%autoreload 2
from crystalgraph.course import lab
points = lab.points_for("hw")
import model_hw
"""
BREAK = "from pathlib import Path\nPath('model_hw.py').write_text('def mean_pool(:')"


def test_a_slip_in_the_model_file_is_shown_once(tmp_path):
    (tmp_path / "model_hw.py").write_bytes((HW.release() / "model_hw.py").read_bytes())
    cells = [nbformat.v4.new_code_cell(text) for text in (RELOAD, BREAK, "1 + 1")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=place).execute()
    shown = "".join(out.get("text", "") for out in notebook.cells[2].outputs)
    assert shown.count("SyntaxError") == 1
