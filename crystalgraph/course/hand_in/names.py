"""What hand-ins are called, and when they were made: for who makes them and who collects them."""

from __future__ import annotations

import re
from datetime import datetime

STUDENT_ID = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}"
CANVAS = r"[^_/\\]+_(?:LATE_\d+_(?:\d+_)?|\d+_\d+_)"
"""What Canvas puts before a name: doejane_4711_8012_, and after the date doejane_LATE_4711_8012_.

One number is not enough: `course_2026_` is no person."""
RENAMED = r"(?:Copy of )*{name}(?: ?\(\d+\))?"
"""What Colab and browsers make of a file's name; {name} is the name without its ending."""
TIME_FORMAT = "handed in %Y-%m-%dT%H:%M:%SZ"
"""The zip's comment, in UTC: the collector reads it where the platform writes no time."""
TIME_IN_NAME = re.compile(r"(?<!\d)(\d{4}(?:-\d\d){5})(?!\d)")
"""The time as platforms write it into names, 2026-11-21-16-02-11, in this computer's time zone."""


def hand_in_pattern(*assignments: str) -> str:
    """Regular expression for a hand-in's name without ".zip", as platforms and browsers change it.

    A platform may put something before `ps1_`, a browser a ` (1)` behind the id. Canvas puts a
    `-1` behind it when a hand-in is repeated. Where its own two numbers are not before it, and with
    three digits, this belongs to the id: `ab-1` and `ab-2` may be two students.

    Args:
        assignments: ids of the labs that it may be of.
    """
    ids = "|".join(map(re.escape, assignments))
    before = rf"(?P<canvas>{CANVAS})?(?:[^/\\]*[_ ])?(?P<assignment>{ids})"
    again = r"(?(canvas)(?:-\d{1,2})?)(?: ?\(\d+\))?"
    return rf"{before}_(?P<student_id>{STUDENT_ID}?){again}"


def time_in_comment(comment: bytes) -> datetime | None:
    """When a zip was made, from the comment that write_zip left in it."""
    try:
        return datetime.strptime(f"{comment.decode('ascii')} +0000", f"{TIME_FORMAT} %z")
    except ValueError:
        return None


def time_in_name(name: str) -> datetime | None:
    """When something was handed in, from the name that a platform gave it."""
    stamp = TIME_IN_NAME.search(name)
    try:
        return stamp and datetime.strptime(stamp[1], "%Y-%m-%d-%H-%M-%S").astimezone()
    except (ValueError, OverflowError, OSError):  # digits that are no date
        return None
