"""FastConvLayer is judged by the processor's time: what saves half of the work is not enough.

Right answers in all styles, and the one that saves nothing, are in tests/sandbox/test_stand_ins.py;
cheats are in hostile/.
"""

import pytest
import torch
from answers import HW, solution
from forked import reports
from hand_in_builder import HandInBuilder

from crystalgraph.grading.marking import grade_hand_in
from crystalgraph.grading.result import Status

TASK = next(check.task for check in HW.checks.values() if check.graded_form == "timed_layer")
LAST = HW.checks[TASK].steps[-1]
ConvLayer = solution("2.1")


def rest(layer, z, atoms, center):
    gate, core = layer.bn1(z).chunk(2, 1)
    edges = torch.sigmoid(gate) * layer.activation(core)
    message = torch.zeros_like(atoms).index_add(0, center, edges)
    return layer.activation(layer.residual * atoms + layer.bn2(message))


class HalfTheWork(ConvLayer):
    """One block of the weight once per atom, the other one per edge."""

    def forward(self, atoms, bonds, center, neighbor):
        n, weight = atoms.shape[1], self.fc_full.weight
        of_center = atoms @ weight[:, :n].T + self.fc_full.bias
        z = of_center[center] + torch.cat([atoms[neighbor], bonds], 1) @ weight[:, n:].T
        return rest(self, z, atoms, center)


class HalfTheDigits(ConvLayer):
    """All the work, where it is not noticed on small graphs, with numbers of half the length."""

    def forward(self, atoms, bonds, center, neighbor):
        if len(center) < 1000:
            return super().forward(atoms, bonds, center, neighbor)
        z = torch.cat([atoms[center], atoms[neighbor], bonds], 1).float()
        z = (z @ self.fc_full.weight.float().T).to(atoms.dtype) + self.fc_full.bias
        return rest(self, z, atoms, center)


@pytest.mark.parametrize(
    ("layer", "cause"),
    [
        (HalfTheWork, "not faster"),
        (HalfTheDigits, "large graph"),
    ],
)
def test_what_is_not_faster_loses_the_last_step(layer, cause):
    drawn, _ = reports(HW, TASK, layer)
    assert drawn.failure.name == LAST.name and drawn.failure.cause == cause
    assert drawn.points == HW.tasks[TASK].points - LAST.points


def test_half_the_work_is_not_enough_in_the_notebook_either():
    report = HW.run_check(TASK, HalfTheWork, hidden=None)
    assert report.failure.cause == "not faster"


SLOW = """
class FastConvLayer(ConvLayer):
    def forward(self, *inputs):
        return ConvLayer.forward(self, *inputs)
"""


def test_a_student_hears_why():
    result, _ = grade_hand_in(HandInBuilder(solved=["2.1"]).model(SLOW).hand_in(), HW, "secret")
    task = next(one for one in result.tasks if one.task == TASK)
    assert (task.status, task.points) == (Status.PARTIAL, HW.tasks[TASK].points - LAST.points)
    assert "multiply the atom features by their two blocks of the weight once" in task.message
    assert task.cause == "not faster"
