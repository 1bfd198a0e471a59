"""What makes the cases of the lab, one function for each kind; a check names its own."""

from __future__ import annotations

import numpy as np

from crystalgraph.checking.case_numbers import CaseNumbers
from crystalgraph.checking.cases import ON_PAPER, Arrays, Case
from crystalgraph.labs.features.bases import KINDS
from crystalgraph.labs.features.checks.own_test import PLANTED

PROPERTIES = ("group", "radius", "electronegativity", "volume", "affinity")
ENCODERS = ("onehot", "binned", "scaled")

# ---- 1.1 and 1.2


def _four_bins(numbers: CaseNumbers) -> dict:
    low = float(numbers.whole(-3, 6, by_hand=0))
    return {"low": low, "high": low + 4, "n": 4}


def values_to_bin(numbers: CaseNumbers) -> list[Case]:
    """Values by hand, inside, and outside; some are missing.

    Values on edges are settings: they are exact, while a test of checks moves the last digits of
    inputs. A power of two of bins makes every way of computing their place exact.
    """
    rng, paper = numbers.rng, _four_bins(numbers)
    by_hand = numbers.array([-2, 0.1, 3.1, 5], [-0.5, 0.9, 3.9, 9], by_hand=[-1, 0.5, 3.9, 7])
    low = float(rng.integers(-5, 5))
    cut = {"low": low, "high": low + 16, "n": 8}
    inside, outside = rng.uniform(low, low + 16, 50), rng.uniform(low - 20, low + 30, 40)
    outside[:3] = np.nan
    outside[3:6] = low - rng.uniform(0.1, 1.9, 3)  # just below the first bin
    on_edges = (low + 2 * rng.permutation(9)).tolist()
    edges_by_hand = [paper["low"] + 1, paper["low"] + 4]
    return [
        Case(
            ON_PAPER,
            {"values": np.append(by_hand + paper["low"], np.nan)},
            paper | {"on_edges": edges_by_hand},
        ),
        Case("inside", {"values": inside}, cut | {"on_edges": []}),
        Case("outside", {"values": rng.permutation(outside)}, cut | {"on_edges": on_edges}),
    ]


def rows_to_decode(numbers: CaseNumbers) -> list[Case]:
    """Rows with one bit each, and rows of zeros."""
    rng, paper = numbers.rng, _four_bins(numbers)
    low, n = rng.uniform(-3, 3), int(rng.integers(8, 12))
    cut = {"low": low, "high": low + rng.uniform(2, 9), "n": n}
    of = np.concatenate([np.arange(n), rng.integers(0, n, 33 - n), np.full(7, n)])
    by_hand = numbers.choose(np.array([0, 1, 2, 3, 4]), lambda: rng.permutation(5))
    return [
        Case(ON_PAPER, {"bits": np.eye(5, 4)[by_hand]}, paper),
        Case("random", {"bits": np.eye(n + 1, n)[rng.permutation(of)]}, cut),
    ]


# ---- 1.3


def texts_to_read(numbers: CaseNumbers) -> list[Case]:
    """Texts that ask for columns, and two that cannot be answered."""
    rng = numbers.rng
    a, b, c = numbers.distinct(1, 19, by_hand=(1, 2, 17))
    table = _table(rng, 40)
    first, second, third = rng.permutation(["radius", "electronegativity", "volume"]).tolist()
    asked = [f"{first}:binned({rng.integers(5, 9)})", "group:onehot", f"{second}:scaled"]
    text = " + ".join([*rng.permutation(asked).tolist(), f"{third}:binned({rng.integers(2, 5)})"])
    names = numbers.pick(["mass", "color", "charge", "spin"], ["mass"])
    codes = numbers.pick(["onehott", "logged", "squared", "ranked"], ["onehott"])
    return [
        _text_case(
            ON_PAPER, "group:onehot", {"properties/group": np.array([a, b, c, a], dtype=float)}
        ),
        _text_case("parts", text, table),
        _text_case("property", f"group:onehot + {names[0]}:scaled", table, names[0], PROPERTIES),
        _text_case("encoder", f"radius:{codes[0]} + volume:scaled", table, codes[0], ENCODERS),
    ]


def _table(rng: np.random.Generator, n: int) -> Arrays:
    """Values of n elements, some of them missing."""
    table = {name: rng.uniform(1, 9, n) for name in PROPERTIES}
    table["group"] = rng.integers(1, 19, n).astype(float)
    for name in ("electronegativity", "volume", "radius"):
        table[name][rng.choice(n, 3, replace=False)] = np.nan
    return {f"properties/{name}": values for name, values in table.items()}


def _text_case(
    name: str, text: str, table: Arrays, unknown: str = "", known: tuple[str, ...] = ()
) -> Case:
    return Case(name, table, {"text": text, "unknown": unknown, "known": list(known)})


# ---- 1.4


def errors_of_sets(numbers: CaseNumbers) -> list[Case]:
    """What each property saves, and what pairs of them save together."""
    rng = numbers.rng
    paper = {
        "single": numbers.array(0.05, 0.3, by_hand=[0.1, 0.2, 0.3]),
        "pair": np.zeros((3, 3)),
    }
    pair = np.triu(rng.uniform(-0.01, 0.01, (9, 9)), 1)
    nine = {"single": rng.uniform(0.02, 0.1, 9), "pair": pair}
    return [Case(ON_PAPER, paper, {"worst": 1.0}), Case("nine", nine, {"worst": 1.7})]


# ---- 1.5


def distances(numbers: CaseNumbers) -> list[Case]:
    """Distances for each of the three bases, in front of the cutoff and behind it."""
    rng = numbers.rng
    by_hand = numbers.array(
        [0.1, 0.9, 2.1, 3, 4.1], [0.9, 1.1, 2.9, 3, 5], by_hand=[0.5, 1, 2.5, 3, 4.5]
    )
    cases = [Case(ON_PAPER, {"distance": by_hand}, {"kind": "bins", "cutoff": 4.0, "n": 4})]
    for kind in KINDS:
        cutoff, n = float(rng.uniform(4, 8)), int(rng.integers(9, 16))
        some = np.append(rng.uniform(1.5, cutoff, 25), rng.uniform(1.01, 1.4, 5) * cutoff)
        settings = {"kind": kind, "cutoff": cutoff, "n": n}
        cases.append(Case(kind, {"distance": rng.permutation(some)}, settings))
    return cases


# ---- 1.6


def bases_to_judge(numbers: CaseNumbers) -> list[Case]:
    """Planted bases in random order, and the numbers in their formulas."""
    rng = numbers.rng
    inputs = {
        "order": rng.permutation(len(PLANTED)),
        "numbers": rng.uniform(size=(len(PLANTED), 4)),
    }
    return [Case("bases", inputs)]
