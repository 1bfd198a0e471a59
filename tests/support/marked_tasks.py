"""Tasks of hand-ins marked one by one, in sandboxes that are used until one comes to harm.

The grader takes a fresh sandbox for each hand-in, which costs more than all of its tasks. Here what
one hand-in does to its sandbox meets the next one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace

import nbformat

from crystalgraph.grading.intake.answers import Answers, read_answers
from crystalgraph.grading.intake.hand_ins import HandIn
from crystalgraph.grading.marking import Marking, sandbox_pool, seed_of
from crystalgraph.grading.result import Result, TaskResult
from crystalgraph.labs.lab import Lab
from crystalgraph.sandbox.session import CurrentSandbox

SECRET = "known to the tests alone"


def part_of(lab: Lab, tasks: Iterable[str]) -> Lab:
    """A lab with some of its tasks."""
    chosen = set(tasks)
    return replace(lab, tasks={name: task for name, task in lab.tasks.items() if name in chosen})


def solved(lab: Lab, **edits: str) -> HandIn:
    """The released notebook of a lab that has one, with the solutions.

    Args:
        lab: whose.
        edits: other sources of cells, such as task_1_3="def ...".
    """
    (name,) = lab.notebooks.values()
    notebook = nbformat.read(lab.release() / name, as_version=4)
    right = {cell.id: cell.source for cell in nbformat.read(lab.solutions() / name, 4).cells}
    for cell in notebook.cells:
        if cell.id.startswith("task-") and cell.cell_type == "code":
            own = re.sub(r" *### (BEGIN|END) SOLUTION\n", "", right[cell.id])
            cell.source = edits.get(cell.id.replace("-", "_"), own)
    return HandIn("s001", f"{lab.id}_s001.zip", {name: json.dumps(notebook).encode()})


class TaskMarker:
    """Marks tasks of many hand-ins.

    Args:
        lab: whose limits apply.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        pool = sandbox_pool(lab)
        self.current, self.examples = CurrentSandbox(pool), CurrentSandbox(pool)

    def close(self) -> None:
        """Let the sandboxes go."""
        self.current.renew()
        self.examples.renew()

    def mark(
        self, hand_in: HandIn, tasks: Iterable[str], answers: Answers | None = None
    ) -> tuple[Result, str]:
        """Result and log of some tasks.

        Args:
            hand_in: what was handed in.
            tasks: their ids.
            answers: what is in it, when it was read already.
        """
        part = part_of(self.lab, tasks)
        seed = seed_of(hand_in, part, SECRET)
        marking = Marking(hand_in, part, seed, self.current, self.examples)
        answers = answers or read_answers(hand_in, self.lab)
        results = [marking.mark_task(task, answers) for task in part.tasks.values()]
        return Result.of(hand_in, part, results, marking.seen), "\n".join(marking.log)


class MarkedOnce:
    """Results of tasks; what goes into the sandbox twice is marked once.

    Args:
        lab: that is handed in.
    """

    def __init__(self, lab: Lab) -> None:
        self.lab, self.marker = lab, TaskMarker(lab)
        self.known: dict[tuple, tuple[TaskResult, str]] = {}

    def results(self, hand_in: HandIn) -> list[tuple[TaskResult, str]]:
        """Result and log of every task."""
        answers = read_answers(hand_in, self.lab)
        found = []
        for task in self.lab.tasks.values():
            code = answers.model, answers.counting.get(task.id)
            key = task.id, answers.problems.get(task.id), *code
            if key not in self.known:
                result, log = self.marker.mark(hand_in, [task.id], answers)
                self.known[key] = result.tasks[0], log
            found.append(self.known[key])
        return found
