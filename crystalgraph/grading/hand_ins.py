"""What was handed in: nbgrader's submitted/ tree, a folder of zips, or a platform's download."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from crystalgraph.grading.result import Status


@dataclass(frozen=True)
class HandIn:
    """The files of one student, under the names they were handed out with.

    Attributes:
        student: the id.
        source: where it came from, for people: "hw_s001.zip".
        files: name -> content, for those of hand_in.FILES that were found.
        submitted: when, with time zone; None when not known.
        repairs: sentences on what was put right: renamed files, the later of two zips.
        problems: name of a file -> why it cannot be had.
    """

    student: str
    source: str
    files: dict[str, bytes]
    submitted: datetime | None = None
    repairs: tuple[str, ...] = ()
    problems: dict[str, tuple[Status, str]] = field(default_factory=dict)
