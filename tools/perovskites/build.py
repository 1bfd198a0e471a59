"""Build the perovskite dataset, or recompute parts of it, stage by stage.

    python tools/perovskites/build.py compositions --out FOLDER
    python tools/perovskites/build.py geometry     --out FOLDER [--only ID ...]
    python tools/perovskites/build.py dft          --out FOLDER [--only ID ...] [--shipped-geometry]
    python tools/perovskites/build.py references   --out FOLDER [--only ELEMENT ...]
    python tools/perovskites/build.py assemble     --out FOLDER [--extend]
    python tools/perovskites/build.py compare     [--out FOLDER] [--csv FILE]

Each stage reads what earlier ones left in FOLDER and skips what is done already: stop it at any
time and start it again. See README.md beside this file for what to install and what it costs.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from assemble import assemble, read_dataset, write_dataset
from compositions import PBE_SETUPS, Composition, candidates, sample
from dft import single_point
from differences import energy_rows, from_csv, geometry_rows, reference_rows, summary, to_csv
from geometry import optimise
from journal import BuilderError, Journal, write_atomically
from references import reference_energy
from stages import run_command, run_stage

SHIPPED = Path(__file__).resolve().parents[2] / "data" / "perovskites"
RECOMPUTED = "recomputed.csv"
OWN_GEOMETRY, SHIPPED_GEOMETRY = "dft.jsonl", "dft_shipped_geometry.jsonl"


def do_compositions(options: argparse.Namespace) -> int:
    """Write the ids to compute, one a line: a seeded sample, or all candidates."""
    chosen = candidates() if options.all else sample(options.seed)
    path = options.out / "compositions.txt"
    write_atomically(path, "".join(f"{composition.id}\n" for composition in chosen))
    print(f"{len(chosen)} compositions in {path}")
    return 0


def do_geometry(options: argparse.Namespace) -> int:
    """Search the lattice constant of each composition with CHGNet."""
    ids = options.only or read_ids(options.out / "compositions.txt")
    known = {composition.id: composition for composition in candidates()}
    journal = Journal(options.out / "geometry.jsonl")
    items = [(key, work_on(optimise, composition_of(key, known))) for key in ids]
    return run_stage(journal, items, options.retry)


def do_dft(options: argparse.Namespace) -> int:
    """Compute the PBE energy of each structure with GPAW."""
    if options.shipped_geometry:
        structures, name = read_dataset(options.shipped)[0], SHIPPED_GEOMETRY
    else:
        structures, name = Journal(options.out / "geometry.jsonl").successes(), OWN_GEOMETRY
    ids = options.only or list(structures)
    unknown = [key for key in ids if key not in structures]
    if unknown:
        raise BuilderError(f"no structure for {', '.join(unknown)}: run the geometry stage first.")
    ids.sort(key=lambda key: len(structures[key]["symbols"]))  # cheap ones first, stable
    items = [(key, work_on(single_point, structures[key])) for key in ids]
    return run_stage(Journal(options.out / name), items, options.retry)


def do_references(options: argparse.Namespace) -> int:
    """Compute the energy of each element by itself with GPAW."""
    structures = Journal(options.out / "geometry.jsonl").successes().values()
    elements = options.only or sorted({s for found in structures for s in found["symbols"]})
    unknown = [element for element in elements if element not in PBE_SETUPS]
    if unknown:
        raise BuilderError(f"no PBE setup for {', '.join(unknown)}: leave it out of --only.")
    items = [(element, work_on(reference_energy, element)) for element in elements]
    return run_stage(Journal(options.out / "references.jsonl"), items, options.retry)


def do_assemble(options: argparse.Namespace) -> int:
    """Write perovskites.jsonl and references.json from the three journals."""
    structures = Journal(options.out / "geometry.jsonl").successes()
    energies = Journal(options.out / OWN_GEOMETRY).successes()
    references = Journal(options.out / "references.jsonl").successes()
    records = {}
    if options.extend:  # what is shipped stays as it is, references included
        records, shipped_references = read_dataset(options.shipped)
        references = references | shipped_references
    new = assemble(structures, energies, references)
    records = {record["id"]: record for record in new} | records
    write_dataset(options.out, [records[key] for key in sorted(records)], references)
    left_out = len(energies) - len(new)
    print(f"{len(records)} crystals in {options.out}; {left_out} lack an element's reference")
    return 0


def do_compare(options: argparse.Namespace) -> int:
    """Print how far recomputed numbers are from the shipped ones: FOLDER's, or those on record."""
    if options.out is None:
        path = options.csv or options.shipped / RECOMPUTED
        if not path.exists():
            raise BuilderError(f"{path} is missing: name a folder of recomputed stages by --out.")
        print(summary(from_csv(path.read_text(encoding="utf-8"))))
        return 0
    rows = recomputed_rows(options.out, options.shipped)
    if not rows:
        raise BuilderError(f"{options.out} holds nothing to compare: run a stage with --out first.")
    if options.csv:
        write_atomically(options.csv, to_csv(rows))
    print(summary(rows))
    return 0


def recomputed_rows(out: Path, shipped_folder: Path) -> list[dict]:
    """The table of differences between a folder's journals and a dataset."""
    shipped, references = read_dataset(shipped_folder)
    structures = Journal(out / "geometry.jsonl").successes()
    own = Journal(out / OWN_GEOMETRY).successes()
    same = Journal(out / SHIPPED_GEOMETRY).successes()
    elements = Journal(out / "references.jsonl").successes()
    return [
        *energy_rows(shipped, shipped, same, references),
        *geometry_rows(shipped, structures),
        *energy_rows(shipped, structures, own, references, ", own geometry"),
        *reference_rows(references, elements),
    ]


def work_on(function: Callable[..., dict], argument) -> Callable[[], dict]:
    """The work, not yet done: `function(argument)`."""
    return lambda: function(argument)


def composition_of(key: str, known: dict[str, Composition]) -> Composition:
    """The candidate with this id; any A-B-X or A-B-B'-X of known elements will do."""
    sites = tuple(key.split("-"))
    if key not in known and not (len(sites) in (3, 4) and PBE_SETUPS.issuperset(sites)):
        raise BuilderError(f"{key} is not A-B-X or A-B-B'-X of elements that have a PBE setup.")
    return known.get(key, Composition(sites))


def read_ids(path: Path) -> list[str]:
    """The ids of a file, one a line."""
    if not path.exists():
        raise BuilderError(f"{path} is missing: run the compositions stage, or name ids by --only.")
    return path.read_text(encoding="utf-8").split()


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    stages = top.add_subparsers(dest="stage", required=True, metavar="STAGE")
    for name, action in STAGES.items():
        stage = stages.add_parser(name, help=action.__doc__.splitlines()[0])
        needed = name != "compare"
        stage.add_argument("--out", type=Path, required=needed, help="folder of the journals")
        if name in ("geometry", "dft", "references"):
            stage.add_argument("--only", nargs="+", metavar="ID", help="these and no others")
            stage.add_argument("--retry", action="store_true", help="do failed ones again")
        if name in ("dft", "assemble", "compare"):
            stage.add_argument("--shipped", type=Path, default=SHIPPED, help="dataset's folder")
    add = {name: stage.add_argument for name, stage in stages.choices.items()}
    add["compositions"]("--seed", type=int, default=1, help="of the sample")
    add["compositions"]("--all", action="store_true", help="every candidate, no sample")
    add["assemble"]("--extend", action="store_true", help="add to the shipped dataset")
    add["dft"](
        "--shipped-geometry",
        action="store_true",
        help="take the dataset's structures, not FOLDER's",
    )
    add["compare"]("--csv", type=Path, help="the table: written, or read without --out")
    return top


STAGES: dict[str, Callable[[argparse.Namespace], int]] = {
    "compositions": do_compositions,
    "geometry": do_geometry,
    "dft": do_dft,
    "references": do_references,
    "assemble": do_assemble,
    "compare": do_compare,
}


def main(arguments: list[str] | None = None) -> int:
    """Run one stage; returns the exit code."""
    return run_command(parser(), STAGES, arguments)


if __name__ == "__main__":
    sys.exit(main())
