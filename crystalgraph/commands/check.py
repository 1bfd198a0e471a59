"""`crystalgraph check`: the self-study board."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from crystalgraph.errors import CrystalGraphError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        help="with a lab's files (default: this folder, else your copy of the lab in work/)",
    )
    parser.add_argument("--model", type=Path, help="file to check in place of the lab's model file")
    parser.add_argument("--json", action="store_true", help="print the board as JSON")
    parser.epilog = "Exit code: 0 every task passes (bonus or not), 1 some do not, 2 nothing there."


def main(args: argparse.Namespace) -> int:
    """Check a folder and print the board; returns the exit code."""
    from crystalgraph.course.board import find_folder, make_board

    lab, folder = find_folder(args.folder, args.model)
    if args.model is not None and lab.model_file is None:
        raise CrystalGraphError(f"{lab.id} has no model file; leave --model out.")
    board = make_board(lab, folder, args.model and args.model.resolve())
    print(json.dumps(board.as_dict(), indent=2) if args.json else board)
    return 0 if board.passed else 1
