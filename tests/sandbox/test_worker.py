"""The worker starts fast and ready: libraries are imported before a student's code comes."""

import json
import subprocess
import sys

import pytest
from answers import HW

CHECKS = f"{HW.package}.checks"


def fresh(code):
    """What a fresh process prints, each line as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", f"import json, sys\n{code}"],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


STEP = """
import torch
layer = torch.nn.Linear(2, 2)
for kind in (torch.optim.SGD, torch.optim.Adam):
    optimizer = kind(layer.parameters(), lr=0.1)
    optimizer.zero_grad()
    layer(torch.ones(1, 2)).sum().backward()
    torch.nn.utils.clip_grad_norm_(layer.parameters(), 1.0)
    optimizer.step()
print(json.dumps(sorted(name for name in sys.modules if name.startswith("torch._dynamo"))))
"""


WORKER = f"""
from crystalgraph.sandbox import worker
print(json.dumps([name for name in sys.modules if name.startswith("crystalgraph.labs")]))
worker.import_all({CHECKS!r})
{STEP}
import torch._dynamo
print(json.dumps([hasattr(torch._dynamo, "config"), "torch._dynamo.eval_frame" in sys.modules]))
"""


@pytest.fixture(scope="module")
def worker():
    """What is seen in a worker: labs before one is named, the compiler after a step, when asked."""
    return fresh(WORKER)


def test_no_lab_is_known_until_one_is_named(worker):
    assert worker[0] == []


def test_in_the_worker_optimizers_work_without_the_compiler(worker):
    assert worker[1] == ["torch._dynamo"]


def test_who_asks_for_the_compiler_gets_it(worker):
    assert worker[2] == [True, True]
