"""What the builders of datasets share: the work of a stage, and the command that runs one."""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Mapping

from journal import BuilderError, Journal


def run_stage(
    journal: Journal, items: Iterable[tuple[str, Callable[[], dict]]], retry: bool = False
) -> int:
    """Do what is not done, one result a line in the journal; go on after a failure.

    Args:
        journal: Of the stage.
        items: Pairs of id and the work to do, a function without arguments.
        retry: Do again what is recorded as failed.

    Returns:
        int: How many failed in this run.
    """
    failures = 0
    for key, work in items:
        if journal.is_done(key, retry):
            continue
        start = time.perf_counter()
        try:
            result = work()
        except ImportError as missing:
            raise BuilderError(f"{missing}: see README.md for what this stage needs.") from None
        except Exception as failure:  # a crystal that will not converge must not stop the others
            result = {"error": repr(failure)[:200]}
            failures += 1
        seconds = round(time.perf_counter() - start, 1)
        journal.append({"id": key, **result, "seconds": seconds})
        said = result.get("error") or result.get("dropped") or "done"
        print(f"{key}: {said} ({seconds} s)", flush=True)
    return failures


def run_command(
    parser: argparse.ArgumentParser,
    stages: Mapping[str, Callable[[argparse.Namespace], int]],
    arguments: list[str] | None = None,
) -> int:
    """Run the stage that the command line names.

    Args:
        parser: Of the command line; it sets `stage`.
        stages: Name of a stage -> function that runs it and returns how many entries failed.
        arguments: Of the command line; None for the process's own.

    Returns:
        int: 0 fine, 1 some entries failed (they are in the journal), 2 wrong usage or bad input.
    """
    options = parser.parse_args(arguments)
    try:
        return 1 if stages[options.stage](options) else 0
    except BuilderError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
