"""The settings of the tools that look after the repository are valid and name what there is."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
RUN = (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def needs(module):
    """Skip where the contributors' tools are not installed (`python start.py install --dev`)."""
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def steps(path):
    """The command lines of a workflow."""
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    return [step["run"].strip() for job in jobs for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_is_valid(path):
    needs("check_jsonschema")
    result = run("check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(path))
    assert result.returncode == 0, result.stdout


def test_workflows_run_what_contributors_run():
    commands = {path.stem: steps(path) for path in WORKFLOWS}
    assert ".ci/run" in commands["tests"]
    assert 'python start.py test -m "not slow"' in commands["tests"]
    assert ".ci/run --nightly" in commands["nightly"]
    assert "python start.py site --quick --links" in commands["nightly"]


def test_the_site_that_is_published_is_the_one_that_is_built():
    path = next(path for path in WORKFLOWS if path.name == "pages.yml")
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    assert steps(path) == ["python start.py site"]
    uploads = [step["with"]["path"] for step in jobs["build"]["steps"] if "upload" in str(step)]
    settings = (ROOT / "tools" / "build_site.py").read_text(encoding="utf-8")
    assert uploads == ["docs/_build/html"] and 'REPO / "docs" / "_build"' in settings
    assert jobs["publish"]["needs"] == "build"
    assert jobs["publish"]["permissions"] == {"pages": "write", "id-token": "write"}


def test_ci_checks_the_code_before_it_runs_the_tests():
    tools = ("ruff check", "ruff format --check", "lint-imports", "release --check", "basedpyright")
    places = [RUN.index(f"{tool}\n") for tool in tools]
    assert max(places) < RUN.index("python3 start.py test")
    assert "python3 start.py test" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_pre_commit_configuration_is_valid_and_downloads_nothing():
    needs("pre_commit")
    result = run("pre_commit", "validate-config", ".pre-commit-config.yaml")
    assert result.returncode == 0, result.stdout
    settings = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert {repository["repo"] for repository in settings["repos"]} == {"local"}
    hooks = [hook for repository in settings["repos"] for hook in repository["hooks"]]
    assert {hook["language"] for hook in hooks} == {"system"}
    for hook in hooks:
        assert hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude") in (
            RUN.replace("ruff check", "ruff check --fix")
        )
