"""Put structures, energies and references together into the dataset's two files."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from journal import BuilderError, write_atomically

METALLIC = 1e-3  # eV; a smaller gap on the mesh counts as none


def formation_energy_per_atom(
    energy_total: float, symbols: list[str], references: Mapping[str, float]
) -> float:
    """Energy gained per atom when the crystal forms from its elements.

    Args:
        energy_total: Of the cell, eV.
        symbols: One element for each atom of the cell.
        references: Energy of each element by itself, eV/atom.

    Returns:
        float: eV/atom; negative where the crystal is lower than its elements.
    """
    return (energy_total - sum(references[symbol] for symbol in symbols)) / len(symbols)


def record(structure: dict, energies: dict, references: Mapping[str, float]) -> dict:
    """One line of the dataset.

    Args:
        structure: id, kind, sites, symbols, lattice (angstrom), frac_coords.
        energies: energy_total (eV per cell), gap_mesh (eV).
        references: eV/atom for each element.
    """
    energy, gap = energies["energy_total"], energies["gap_mesh"]
    formation = formation_energy_per_atom(energy, structure["symbols"], references)
    return {
        "id": structure["id"],
        "kind": structure["kind"],
        "sites": structure["sites"],
        "symbols": structure["symbols"],
        "lattice": structure["lattice"],
        "frac_coords": structure["frac_coords"],
        "energy_total": round(energy, 4),
        "formation_energy_per_atom": round(formation, 4),
        "gap_mesh": round(gap, 3) if gap > METALLIC else 0.0,
        "n_atoms": len(structure["symbols"]),
    }


def assemble(
    structures: Mapping[str, dict], energies: Mapping[str, dict], references: Mapping[str, dict]
) -> list[dict]:
    """Every crystal that has a structure, an energy and a reference for each element, by id.

    Args:
        structures: By id, from the geometry stage or from a dataset.
        energies: By id, from the dft stage.
        references: By element, with energy_per_atom (eV/atom).

    Returns:
        list[dict]: Records in the order of their ids.
    """
    per_atom = {element: entry["energy_per_atom"] for element, entry in references.items()}
    complete = [
        key
        for key in sorted(energies)
        if key in structures and per_atom.keys() >= set(structures[key]["symbols"])
    ]
    return [record(structures[key], energies[key], per_atom) for key in complete]


def write_dataset(folder: Path, records: Iterable[dict], references: Mapping[str, dict]) -> None:
    """Write perovskites.jsonl and references.json, each in one step.

    Args:
        folder: Where to.
        records: From `assemble`.
        references: By element, with energy_per_atom (eV/atom) and reference (what was computed).
    """
    lines = [json.dumps(line) + "\n" for line in records]
    write_atomically(folder / "perovskites.jsonl", "".join(lines))
    table = {
        element: {
            "energy_per_atom": round(entry["energy_per_atom"], 4),
            "reference": entry["reference"],
        }
        for element, entry in sorted(references.items())
    }
    write_atomically(folder / "references.json", json.dumps(table, indent=1))


def read_dataset(folder: Path) -> tuple[dict[str, dict], dict[str, dict]]:
    """Records by id and references by element, as `write_dataset` wrote them.

    Raises:
        BuilderError: A file is missing.
    """
    records_path, references_path = folder / "perovskites.jsonl", folder / "references.json"
    for path in (records_path, references_path):
        if not path.exists():
            raise BuilderError(f"{path} is missing: name a folder that holds a finished dataset.")
    lines = records_path.read_text(encoding="utf-8").splitlines()
    records = {line["id"]: line for line in map(json.loads, lines)}
    return records, json.loads(references_path.read_text(encoding="utf-8"))
