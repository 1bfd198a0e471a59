"""Write docs/grading_security.md from the submissions in tests/labs/hw/hostile.

    python tools/grading_security.py

tests/labs/hw/test_hostile.py grades each and demands the status and the points of the table.
"""

import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
TESTS = REPO / "tests"
sys.path[:0] = [str(REPO), str(TESTS / "support"), str(TESTS / "labs" / "hw")]

from hostile import ALL, SUBMISSIONS, THEMES, Submission  # noqa: E402

TOP = f"""# What the grader withstands

Written by `python tools/grading_security.py` from the {len(SUBMISSIONS)} submissions in
`tests/labs/hw/hostile`. `tests/labs/hw/test_hostile.py` marks every one for the tasks that it is
about, with a right task behind them, and demands the status and the points below; after every tenth
it grades an honest hand-in and demands all of its {ALL:g} points, the bonus included. The nightly
tests grade all tasks of every one, and an honest hand-in after each.

The right answers are never where a student's code runs. That code is in a sandbox without network
(bubblewrap), gets inputs drawn for this student, and gives back arrays; they are compared outside.

The libraries are loaded once, in bubblewrap, by a process that never runs a student's code. The
sandbox of a hand-in is a fork of it with users, processes, network, memory and disks of its own,
and without any right (`crystalgraph/sandbox/inner_walls.py`). `tests/sandbox/test_walls.py` tries
the same doors behind these inner walls as behind bubblewrap alone, and that two sandboxes share no
namespace. Where the system forbids inner walls each sandbox has a bubblewrap to itself.
"""
LIMITS = """
## What is believed

One thing happens nowhere but in the process of the student's code, so it is taken from there:
whether an input was changed in place. To fake that takes more than to do it right. The library
`crystalgraph`, which students have on their computers, is there too: who calls its functions in
place of writing one passes, as in the notebook.

## What is not tested

- Errors in the kernel, in bubblewrap or in the libraries that read what comes out of the sandbox.
- Memory that the kernel itself takes for code: for millions of empty files, for pipes and sockets.
  It is in no limit of ours, and is given back when the sandbox ends, after each hand-in.
- Processors other than x86-64 and ARM-64: there shared memory is not forbidden.
- Code that makes itself wait for processors which other programs use. It can have GRADER_BUSY in
  place of TIMEOUT, which is no score.
- What little a result tells: whether a task passed, in which step it failed, with which exit code
  Python ended. Code can tell so much of the inputs drawn; the next hand-in gets others.
- `--unsafe`, which has no sandbox.
"""


def page() -> str:
    """The page: one table per theme."""
    parts = [TOP]
    for title, theme in THEMES.items():
        parts.append(f"\n## {title}\n\n{_sentence(theme)}\n")
        parts.append("| submission | what it does | status | points |\n|---|---|---|---|")
        parts += [_row(one) for one in theme.SUBMISSIONS]
    return "\n".join(parts) + "\n" + LIMITS


def _sentence(theme: object) -> str:
    return theme.__doc__.strip().split("\n")[0]


def _row(one: Submission) -> str:
    tries = one.tries.replace("|", "\\|")
    return f"| {one.name} | {tries} | {one.status} | {one.points:g} |"


def main() -> None:
    """Write the page."""
    (REPO / "docs" / "grading_security.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
