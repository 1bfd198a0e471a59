"""Write the splits that are shipped, in data/perovskites, data/oxides and data/monolayers.

Usage: python tools/make_splits.py
"""

import json
from collections import Counter

import numpy as np

from crystalgraph import paths
from crystalgraph.crystals.datasets import (
    CrystalDataset,
    Split,
    load_monolayers,
    load_oxides,
    load_perovskites,
    split_by_groups,
)

SEED = 2018
MIN_LEFT_OUT = 10  # crystals with the element on B, for a test error that means something


def b_elements(dataset: CrystalDataset) -> list[set[str]]:
    """Elements on the B site (both of them in A2BB'X6) of each crystal."""
    return [set(record["sites"][1:-1]) for record in dataset.records]


def leave_out(dataset: CrystalDataset, element: str) -> Split:
    """Test on every crystal with `element` on B; split the others by formula, 1 in 10 to val."""
    is_test = np.array([element in elements for elements in b_elements(dataset)])
    rest = np.flatnonzero(~is_test)
    formulas = np.array(dataset.formulas())[rest]
    inner = split_by_groups(formulas, "inner", SEED, fractions=(0.1, 0.0))
    train = np.concatenate([rest[inner.train], rest[inner.test]])
    return Split(f"leave_out_{element}", np.sort(train), rest[inner.val], np.flatnonzero(is_test))


def write(dataset: CrystalDataset, split: Split) -> None:
    """Write a split as lists of ids."""
    folder = paths.DATA / dataset.name / "splits"
    folder.mkdir(parents=True, exist_ok=True)
    parts = {
        part: [dataset.ids[row] for row in getattr(split, part)]
        for part in ("train", "val", "test")
    }
    lines = ",\n".join(f"{json.dumps(part)}: {json.dumps(ids)}" for part, ids in parts.items())
    (folder / f"{split.name}.json").write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


def perovskite_splits(dataset: CrystalDataset) -> list[Split]:
    """Random, by formula, and one for each element that is on B often enough."""
    counts = Counter(element for elements in b_elements(dataset) for element in elements)
    return [
        split_by_groups(dataset.ids, "random", SEED),
        split_by_groups(dataset.formulas(), "formula", SEED),
        *(leave_out(dataset, e) for e in sorted(counts) if counts[e] >= MIN_LEFT_OUT),
    ]


def monolayer_splits(dataset: CrystalDataset) -> list[Split]:
    """Three draws of 300 hosts, and one of all: 60 % to train on, 15 % to choose, 25 % to test."""
    found = []
    for name, seed, n_hosts in (("0", 0, 300), ("1", 1, 300), ("2", 2, 300), ("all", 3, 500)):
        rows = np.random.default_rng(SEED + seed).permutation(len(dataset))[:n_hosts]
        parts = np.split(rows, [round(0.6 * n_hosts), round(0.75 * n_hosts)])
        found.append(Split(name, *(np.sort(part) for part in parts)))
    return found


def main() -> None:
    """Write every split and print its size."""
    perovskites, oxides, monolayers = load_perovskites(), load_oxides(), load_monolayers()
    by_formula = split_by_groups(oxides.formulas(), "formula", SEED)
    for dataset, splits in (
        (perovskites, perovskite_splits(perovskites)),
        (oxides, [by_formula]),
        (monolayers, monolayer_splits(monolayers)),
    ):
        for split in splits:
            write(dataset, split)
            sizes = f"{len(split.train)} / {len(split.val)} / {len(split.test)}"
            print(f"{dataset.name} {split.name}: {sizes}")


if __name__ == "__main__":
    main()
