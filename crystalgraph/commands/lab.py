"""`crystalgraph lab`."""

from __future__ import annotations

import argparse

from crystalgraph.errors import CrystalGraphError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""


def main(args: argparse.Namespace) -> int:
    """Run the command; returns the exit code."""
    raise CrystalGraphError("this command is not built yet")
