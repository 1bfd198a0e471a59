"""tests/conftest.py: nightly tests, groups, order, and skips where CI promises every tool."""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crystalgraph.checking.python_file import load_python_file

TESTS = Path(__file__).resolve().parents[1]
conftest = load_python_file(TESTS / "conftest.py", "settings_of_the_tests")
SAMPLE = """
import os
import pytest

@pytest.mark.nightly
def test_long():
    pass

def test_skipped():
    pytest.skip("no such tool")

@pytest.mark.xfail(reason="known")
def test_expected_to_fail():
    assert False

def test_one_thread():
    assert os.environ["OMP_NUM_THREADS"] == "1"
"""


@pytest.fixture
def sample(tmp_path):
    """A folder with the project's settings and conftest.py, and two files of tests."""
    shutil.copy(TESTS / "conftest.py", tmp_path)
    settings = (TESTS.parent / "pyproject.toml").read_text(encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(settings, encoding="utf-8")
    (tmp_path / "test_a.py").write_text(SAMPLE)
    longest = tmp_path / conftest.LONGEST_FIRST[0]
    longest.parent.mkdir(parents=True)
    longest.write_text("def test_begins():\n    pass\n")
    return tmp_path


def run(folder, *arguments, **variables):
    kept = {k: v for k, v in os.environ.items() if k not in ("CI", "OMP_NUM_THREADS")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", ".", *arguments],
        cwd=folder,
        env={**kept, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_nightly_tests_are_left_out_and_the_longest_file_begins(sample):
    result = run(sample)
    assert "2 passed, 1 skipped, 1 deselected, 1 xfailed" in result.stdout
    assert result.stdout.index("test_begins") < result.stdout.index("test_one_thread")


def test_nightly_runs_all_and_the_tests_of_a_file_in_one_process(sample):
    result = run(sample, "--nightly", "-n", "2")
    assert "3 passed, 1 skipped, 1 xfailed" in result.stdout
    processes = set(re.findall(r"\[(gw\d)\] .* test_a\.py::", result.stdout))
    assert len(processes) == 1


def test_the_tests_of_all_labs_are_a_group_for_each_lab():
    every, other = f"tests/{conftest.BY_LAB}", "tests/documents/test_docs.py"
    tests = (
        f"{every}::test[hw-1.1]",
        f"{every}::test[ps1-a::b]",
        f"{every}::test",
        f"{other}::test[hw]",
    )
    groups = [conftest.BY_LAB + " hw", conftest.BY_LAB + " ps1", conftest.BY_LAB, other[6:]]
    assert [conftest.group_of(test) for test in tests] == groups


@pytest.mark.skipif(platform.system() != "Linux", reason="other systems promise no tools")
def test_where_ci_promises_every_tool_a_skip_is_a_failure(sample):
    result = run(sample, CI="true")
    assert result.returncode == 1
    assert "1 failed, 2 passed, 1 deselected, 1 xfailed" in result.stdout
    assert "with CI=true a skip is a failure" in result.stdout and "no such tool" in result.stdout


def test_what_is_left_out_on_other_systems_exists():
    assert conftest.left_out("Linux") == []
    assert set(conftest.left_out("Darwin")) < set(conftest.left_out("Windows"))
    for name in (*conftest.left_out("Windows"), *conftest.LONGEST_FIRST, conftest.BY_LAB):
        assert (TESTS / name).exists(), name
