"""`crystalgraph check`: the self-study board."""

from __future__ import annotations

import argparse
import json
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        help="with model_hw.py and the notebooks (default: this folder, else work/hw)",
    )
    parser.add_argument("--model", type=Path, help="file to check in place of model_hw.py")
    parser.add_argument("--json", action="store_true", help="print the board as JSON")
    parser.epilog = "Exit code: 0 every task passes (bonus or not), 1 some do not, 2 nothing there."


def main(args: argparse.Namespace) -> int:
    """Check a folder and print the board; returns the exit code."""
    from crystalgraph.board import find_folder, make_board

    board = make_board(*find_folder(args.folder, args.model))
    print(json.dumps(board.as_dict(), indent=2) if args.json else board.text())
    return 0 if board.passed else 1
