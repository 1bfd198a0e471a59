"""From relaxed crystals to the dataset: duplicates out, both classes the same size, and a split."""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from journal import BuilderError, write_atomically
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Structure

PER_CLASS = 350  # at most
RIVALS = {  # prototypes that share their formula with a perovskite, and their share of the others
    ("ilmenite", "2H", "post_perovskite"): 0.51,
    ("hexagonal_layers", "defect_pyrochlore"): 0.17,  # share corners only, as perovskites do
    ("4H", "6H"): 0.03,
}
STRANGERS = {  # prototypes of other formulas, those with B far from B first
    (
        *("K2NiF4", "ruddlesden_popper_2", "hexagonal_bronze", "pyrochlore"),
        *("scheelite", "zircon", "olivine", "fluorite"),
    ): 0.20,
    (
        *("rocksalt", "wurtzite", "zincblende", "antifluorite", "rutile", "anatase", "corundum"),
        *("bixbyite", "a_type_sesquioxide", "spinel", "delafossite", "layered_rocksalt"),
        *("trirutile", "PbSb2O6"),
    ): 0.09,
}
COLUMNS = (
    *("id", "formula", "prototype", "perovskite", "space_group", "b_elements"),
    *("symbols", "lattice", "frac_coords", "energy_chgnet", "n_atoms"),
)
SAME = {"ltol": 0.03, "stol": 0.04, "angle_tol": 1.5}
"""When two crystals of one formula are the same: cells of one volume differ by less than 3 % in
length and 1.5 degrees, and atoms lie apart by less than 0.04 times the cube root of the volume per
atom, about 0.1 angstrom."""


def assemble(records: Sequence[dict], seed: int = 1) -> list[dict]:
    """Choose the crystals of the dataset.

    Args:
        records: relaxed crystals that were not dropped.
        seed: of the choice.

    Returns:
        Records with the shipped columns, sorted by id.

    Raises:
        BuilderError: there is no perovskite.
    """
    pool = without_duplicates(sorted(records, key=lambda record: record["id"]))
    random.Random(seed).shuffle(pool)
    perovskites = in_turn([r for r in pool if r["perovskite"]], "formula")[:PER_CLASS]
    if not perovskites:
        raise BuilderError("there are no relaxed perovskites: run the relax stage first.")
    chosen = perovskites + others(pool, perovskites)
    chosen.sort(key=lambda record: record["id"])
    return [{column: record[column] for column in COLUMNS} for record in chosen]


def others(pool: Sequence[dict], perovskites: Sequence[dict]) -> list[dict]:
    """As many other oxides as perovskites, each group of prototypes with its share."""
    formulas = {record["formula"] for record in perovskites}
    chosen: list[dict] = []
    for prototypes, share in {**RIVALS, **STRANGERS}.items():
        group = [r for r in pool if r["prototype"] in prototypes]
        if prototypes in RIVALS:
            group = [r for r in group if r["formula"] in formulas]
        chosen += in_turn(group, "prototype")[: round(share * len(perovskites))]
    return chosen[: len(perovskites)]


def without_duplicates(records: Sequence[dict]) -> list[dict]:
    """Leave out what is the same crystal as an earlier one; the more symmetric one stays."""
    matcher = StructureMatcher(primitive_cell=True, **SAME)
    by_formula = defaultdict(list)
    for record in records:
        by_formula[record["formula"]].append(record)
    kept = []
    for group in by_formula.values():
        different: list[tuple[Structure, dict]] = []
        for record in sorted(group, key=lambda r: (r["n_atoms"], r["id"])):
            structure = to_structure(record)
            if not any(matcher.fit(structure, other) for other, _ in different):
                different.append((structure, record))
        kept += [record for _, record in different]
    return kept


def in_turn(records: Iterable[dict], key: str) -> list[dict]:
    """The first of each kind, then the second of each kind, and so on."""
    kinds = defaultdict(list)
    for record in records:
        kinds[record[key]].append(record)
    turns = [(turn, record) for group in kinds.values() for turn, record in enumerate(group)]
    return [record for _, record in sorted(turns, key=lambda pair: pair[0])]


def to_structure(record: dict) -> Structure:
    """The crystal of a record."""
    return Structure(record["lattice"], record["symbols"], record["frac_coords"])


def write_dataset(folder: Path, records: Sequence[dict]) -> None:
    """Write oxides.jsonl, one crystal a line."""
    lines = [json.dumps(record) + "\n" for record in records]
    write_atomically(folder / "oxides.jsonl", "".join(lines))


def account(records: Iterable[dict], kept: Sequence[dict]) -> str:
    """What became of all candidates, as text."""
    records = list(records)
    fates = Counter(
        (
            "perovskite" if "perovskite_" in record["id"] else "other",
            "failed" if "error" in record else record.get("dropped", "relaxed as meant"),
        )
        for record in records
    )
    lines = [f"{kind}: {number} {fate}" for (kind, fate), number in sorted(fates.items())]
    perovskites = sum(record["perovskite"] for record in kept)
    formulas = {record["formula"] for record in kept if record["perovskite"]}
    twins = sum(not r["perovskite"] and r["formula"] in formulas for r in kept)
    lines.append(
        f"kept: {perovskites} perovskites and {len(kept) - perovskites} others, of which {twins} "
        f"have the formula of a perovskite in the set; {len({r['formula'] for r in kept})} formulas"
    )
    return "\n".join(lines)
