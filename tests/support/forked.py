"""A fork of the test in place of a sandbox: any Python object can be the student's answer."""

from __future__ import annotations

import math
import os
from functools import cache
from typing import cast

import torch
from verdicts import drawn as cases_drawn

from crystalgraph.checking.check import Check
from crystalgraph.checking.examine import examine
from crystalgraph.checking.limits import Limits
from crystalgraph.checking.quiet import double_precision
from crystalgraph.checking.report import CheckReport
from crystalgraph.grading import marking
from crystalgraph.labs.lab import Lab
from crystalgraph.sandbox import forks, worker
from crystalgraph.sandbox.server import ProcessorTime
from crystalgraph.sandbox.session import CurrentSandbox, SandboxPool, Session
from crystalgraph.sandbox.student_code import StudentCode
from crystalgraph.sandbox.wire import Wire


@cache
def _checks(package: str) -> dict[str, Check]:
    return worker.import_all(f"{package}.checks")


class Fork:
    """Looks like a sandbox; the worker in it serves one answer.

    Args:
        lab: that the answer belongs to.
        answer: the student's function or class.
    """

    def __init__(self, lab: Lab, answer: object) -> None:
        _checks(lab.package)  # imported here, for all forks
        here_in, there_out = os.pipe()
        there_in, here_out = os.pipe()

        def serve() -> None:
            worker.load = lambda code: answer
            wire = Wire(there_in, there_out)
            _, arrays = wire.receive(60)
            worker.serve(wire, StudentCode.from_array(arrays[0]), _checks(lab.package))
            wire.send({"say": "ended", "code": 0})

        self.process = forks.start(serve)
        os.close(there_in)
        os.close(there_out)
        self.wire = Wire(here_in, here_out)

    def processor_time(self) -> ProcessorTime:
        """Of the fork."""
        with open(f"/proc/{self.process}/stat", encoding="utf-8") as file:
            fields = file.read().rpartition(")")[2].split()
        user, system = (int(field) / os.sysconf("SC_CLK_TCK") for field in fields[11:13])
        return ProcessorTime(user, system)

    def close(self) -> None:
        """End the fork."""
        forks.stop(self.process)
        os.close(self.wire.source)
        os.close(self.wire.sink)


class ForkPool:
    """Gives forks in place of sandboxes.

    Args:
        lab: that the answer belongs to.
        answer: the student's function or class.
    """

    def __init__(self, lab: Lab, answer: object) -> None:
        self.lab, self.answer, self.limits = lab, answer, Limits()

    def take(self) -> Fork:
        """A fresh one."""
        return Fork(self.lab, self.answer)


def reports(
    lab: Lab, task_id: str, answer: object, seed: str = "s001"
) -> tuple[CheckReport, CheckReport]:
    """What the grader finds on a student's own cases, and on those that students have."""
    torch.set_num_threads(1)
    task, check = lab.tasks[task_id], lab.checks[task_id]
    current = CurrentSandbox(cast(SandboxPool, ForkPool(lab, answer)))
    session = Session(current, StudentCode(task))
    try:
        with double_precision():
            session.begin()
            stand_in = marking.stand_in(lab, check, session)
            graded = marking.graded_check(lab, check, seed)
            drawn = examine(
                task, graded, [stand_in], cases_drawn(lab.folder, task_id, seed), math.inf
            )
            visible = examine(task, check, [stand_in], lab.cases(task_id), math.inf)
            return drawn, visible
    finally:
        current.renew()
