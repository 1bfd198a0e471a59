"""Build the dataset of perovskites and other oxides, stage by stage.

    python tools/oxides/build.py relax    --out FOLDER [--part I/N] [--only ID ...]
    python tools/oxides/build.py assemble --out FOLDER

`relax` skips what FOLDER's journals have: stop it at any time and start it again. Several processes
share the work, each with a part and a journal of its own: --part 1/2 and --part 2/2. See README.md
beside this file for what to install and what it costs.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "perovskites"))

from candidates import Candidate, candidates
from choice import account, assemble, write_dataset
from journal import BuilderError, Journal
from stages import run_command, run_stage


def do_relax(options: argparse.Namespace) -> int:
    """Relax the candidates that no journal has."""
    part, n_parts = parse_part(options.part)
    journal = Journal(options.out / f"relaxed_{part}_of_{n_parts}.jsonl")
    done = {key for key, record in read_journals(options.out).items() if "error" not in record}
    left = [one for one in wanted(options.only)[part - 1 :: n_parts] if one.id not in done]
    return run_stage(journal, [(one.id, work_on(one)) for one in left], options.retry)


def work_on(candidate: Candidate) -> Callable[[], dict]:
    """The relaxation of a candidate, not yet done; what it needs is not imported before."""

    def work() -> dict:
        from relax import relax

        return relax(candidate)

    return work


def do_assemble(options: argparse.Namespace) -> int:
    """Choose the crystals of the dataset and write them; say what became of the others."""
    records = read_journals(options.out)
    usable = [r for r in records.values() if "error" not in r and "dropped" not in r]
    kept = assemble(usable)
    write_dataset(options.out, kept)
    print(account(records.values(), kept))
    return 0


def read_journals(folder: Path) -> dict[str, dict]:
    """The records of all parts by id; a crystal that one part failed on may be in another."""
    failed: dict[str, dict] = {}
    records: dict[str, dict] = {}
    for path in sorted(folder.glob("relaxed_*.jsonl")):
        journal = Journal(path)
        failed |= journal.records
        records |= journal.successes()
    return failed | records


def wanted(only: list[str] | None) -> list[Candidate]:
    """All candidates, or those with the given ids."""
    known = {candidate.id: candidate for candidate in candidates()}
    unknown = [key for key in only or () if key not in known]
    if unknown:
        raise BuilderError(f"no candidate is called {', '.join(unknown)}: see candidates.py.")
    return [known[key] for key in only or known]


def parse_part(text: str) -> tuple[int, int]:
    """ "2/3" -> (2, 3)."""
    part, slash, n_parts = text.partition("/")
    if not (slash and part.isdigit() and n_parts.isdigit() and 1 <= int(part) <= int(n_parts)):
        raise BuilderError(f"--part {text} is not I/N with I from 1 to N, such as 1/2.")
    return int(part), int(n_parts)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    stages = top.add_subparsers(dest="stage", required=True, metavar="STAGE")
    for name, action in STAGES.items():
        stage = stages.add_parser(name, help=action.__doc__.splitlines()[0])
        stage.add_argument("--out", type=Path, required=True, help="folder of the journals")
    relax = stages.choices["relax"]
    relax.add_argument("--part", default="1/1", metavar="I/N", help="this share of the work")
    relax.add_argument("--only", nargs="+", metavar="ID", help="these and no others")
    relax.add_argument("--retry", action="store_true", help="do failed ones again")
    return top


STAGES: dict[str, Callable[[argparse.Namespace], int]] = {
    "relax": do_relax,
    "assemble": do_assemble,
}


def main(arguments: list[str] | None = None) -> int:
    """Run one stage; returns the exit code."""
    return run_command(parser(), STAGES, arguments)


if __name__ == "__main__":
    sys.exit(main())
