"""The hosts, read once for a file of tests."""

import pytest

from crystalgraph.crystals.datasets import load_monolayers


@pytest.fixture(scope="module")
def dataset():
    return load_monolayers()
