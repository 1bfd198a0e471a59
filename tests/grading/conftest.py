"""A course whose gradebook knows the homework, released once in a run and copied for each test."""

import shutil

import pytest
from grading_course import release


@pytest.fixture(scope="session")
def released_by_nbgrader(tmp_path_factory):
    """A course with a released assignment, not to be changed."""
    return release(tmp_path_factory.mktemp("released") / "course")


@pytest.fixture
def course(released_by_nbgrader, tmp_path):
    """A fresh copy of it, without hand-ins."""
    return shutil.copytree(released_by_nbgrader, tmp_path / "course")
