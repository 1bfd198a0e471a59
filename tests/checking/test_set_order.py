"""A split over the order of a set is told apart from all other orders."""

import hashlib

import numpy as np
import pytest

from crystalgraph.checking.set_order import follows_a_set


def by_fingerprint(texts):
    return sorted(set(texts), key=lambda text: hashlib.sha256(text.encode()).hexdigest())


ORDERS = {
    "alphabet": (lambda texts: sorted(set(texts)), False),
    "numpy": (np.unique, False),
    "first appearance": (lambda texts: list(dict.fromkeys(texts)), False),
    "last appearance": (lambda texts: list(dict.fromkeys(texts[::-1])), False),
    "fingerprint": (by_fingerprint, False),
    "a set": (lambda texts: list(set(texts)), True),
    "two sets": (lambda texts: list(set(texts[:200]) | set(texts)), True),
    "hash": (lambda texts: sorted(set(texts), key=lambda text: hash(text) % 7), True),
}


@pytest.mark.parametrize(("order", "expected"), ORDERS.values(), ids=ORDERS)
def test_the_order_of_a_set_and_no_other(order, expected):
    def split(texts, seed):
        names = np.random.default_rng(seed).permutation(order(texts))
        pieces = np.split(names, [180, 240])
        return [np.flatnonzero(np.isin(texts, piece)) for piece in pieces]

    assert follows_a_set(split) is expected
