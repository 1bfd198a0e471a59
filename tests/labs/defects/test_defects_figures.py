"""The lab's pictures show what they say."""

import numpy as np
import pytest

from crystalgraph.labs.defects.figures import layers
from crystalgraph.labs.defects.making import KINDS, shortest_bond


def points(trace):
    return np.stack([trace.x, trace.y, trace.z], axis=1)


def test_a_defect_is_in_the_middle_of_its_picture(dataset):
    figure = layers.draw_kinds(dataset, "1T:Ti-S")
    host = dataset.structures[dataset.ids.index("1T:Ti-S")]
    rings = [points(trace) for trace in figure.data if trace.name == "the defect"]
    balls = [points(trace) for trace in figure.data if trace.name == "atoms"]
    assert len(rings) == len(KINDS) and len(balls) == 1 + len(KINDS)
    for places, atoms in zip(rings, balls[1:], strict=True):
        middle = (atoms.max(axis=0) + atoms.min(axis=0))[:2] / 2
        assert np.linalg.norm(places[0, :2] - middle) < host.lattice.a
    apart = np.linalg.norm(np.diff(rings[-1], axis=0))  # the swapped atoms, also by an image
    assert apart == pytest.approx(shortest_bond(host), rel=0.05)
