"""A released course, to look at or to break."""

import shutil

import pytest
from course_copy import copy_course

from crystalgraph.releasing.build import update_texts


@pytest.fixture(scope="session")
def released(tmp_path_factory):
    """A copy of the course, freshly released."""
    folder = copy_course(tmp_path_factory.mktemp("released") / "course")
    update_texts(folder, write=True)
    return folder


@pytest.fixture
def course(released, tmp_path):
    """A copy of the released course that a test may change."""
    return shutil.copytree(released, tmp_path / "course")
