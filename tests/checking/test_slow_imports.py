"""What is left out would be imported without our doing, and is not missed."""

import json
import os
import subprocess
import sys

NOTEBOOK = """
import nbformat
from nbformat import v4
nbformat.validate(v4.new_notebook(cells=[v4.new_code_cell("1 + 1")]))
print(json.dumps("lark" in sys.modules))
"""
OPTIMIZER = """
import torch
torch.optim.SGD(torch.nn.Linear(2, 2).parameters(), lr=0.1).step()
print(json.dumps("torch._dynamo.eval_frame" in sys.modules))
"""
COMMAND = """
from crystalgraph import cli
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(None):
    cli.main(["check", "--help"])
"""


def loaded(code):
    """What a fresh process prints, without the tests' own quick start."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", f"import contextlib, json, sys\n{code}"],
        capture_output=True,
        env=environment,
        check=True,
    )
    return json.loads(done.stdout)


def test_nbformat_compiles_grammars_of_addresses_except_in_our_commands():
    assert loaded(NOTEBOOK)
    assert not loaded(COMMAND + NOTEBOOK)


def test_an_optimizer_imports_the_compiler():
    """test_worker.py sees that it works without, and that who asks for more gets it."""
    assert loaded(OPTIMIZER)
