"""The command line: `crystalgraph <command>`, also `python start.py <command>`.

Each command is one module of `crystalgraph.commands` with two functions,

    add_arguments(parser: argparse.ArgumentParser) -> None
    main(args: argparse.Namespace) -> int        # the exit code

and its line in COMMANDS below. Only the module of the command that was asked for is imported, and
modules import torch inside `main`, so that `--help` answers at once. A module that sets
`EXTRA_ARGUMENTS = True` finds arguments it does not know in `args.extra` (to pass them on).

Exit codes: 0 fine, 1 the thing checked fell short, 2 wrong usage or bad input.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

from crystalgraph import __version__
from crystalgraph.checking.slow_imports import leave_out_grammars
from crystalgraph.errors import CrystalGraphError

COMMANDS = {
    "lab": "open a lab in JupyterLab (your copy lives in work/)",
    "run": "execute the solution notebooks; HTML with figures and one table of results",
    "check": "the self-study board: every task, passed or not, and the likely mistake",
    "train": "train a network on a bundled dataset or on a folder of your own CIF files",
    "predict": "predict with a checkpoint of ours or a published one, for structure files",
    "embed": "vectors of crystals or of their atoms, from a checkpoint, as a table",
    "release": "make everything that is generated: the students' files, cases, pages; or check it",
    "grade": "grade every hand-in of an assignment in a sandbox, into nbgrader's gradebook",
    "answers": "pages to grade written answers on, and their points into nbgrader's gradebook",
}


def build_parser(chosen: str | None = None) -> tuple[argparse.ArgumentParser, ModuleType | None]:
    """The argument parser, with the arguments of one command only.

    Args:
        chosen: the command whose module is imported and asked for its arguments; None for none.

    Returns:
        The parser, and the chosen command's module (None when nothing was chosen).
    """
    parser = argparse.ArgumentParser(
        prog="crystalgraph", description="Crystal graph networks, from salt to predicted energies."
    )
    parser.add_argument("--version", action="version", version=f"crystalgraph {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    module = None
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(
            name, help=summary, description=summary[0].upper() + summary[1:], allow_abbrev=False
        )
        if name == chosen:
            module = importlib.import_module(f"crystalgraph.commands.{name}")
            module.add_arguments(sub)
    return parser, module


def parse(argv: Sequence[str]) -> tuple[ModuleType, argparse.Namespace]:
    """Read the arguments and find the command's module; wrong usage exits with 2."""
    chosen = argv[0] if argv and argv[0] in COMMANDS else None
    parser, module = build_parser(chosen)
    args, extra = parser.parse_known_args(argv)
    if extra and not getattr(module, "EXTRA_ARGUMENTS", False):
        parser.error(f"{args.command} does not know: {' '.join(extra)}")
    args.extra = extra
    assert module is not None  # a command that passed the parser is in COMMANDS
    return module, args


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments after the program's name; None takes those of this process.

    Returns:
        The exit code: 0 fine, 1 the thing checked fell short, 2 bad input, 130 interrupted.
    """
    leave_out_grammars()
    module, args = parse(sys.argv[1:] if argv is None else list(argv))
    try:
        return int(module.main(args) or 0)
    except CrystalGraphError as error:
        print(f"crystalgraph {args.command}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"crystalgraph {args.command}: interrupted", file=sys.stderr)
        return 130
