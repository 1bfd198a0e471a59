"""What late hand-ins lose: nbgrader's plug-in with the three rules that courses usually have.

Stock `nbgrader autograde` and `crystalgraph grade` both ask it.
"""

from __future__ import annotations

import math

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Dict, Float

DAY = 24 * 3600


class LatePolicy(LateSubmissionPlugin):
    """nbgrader's own `penalty_method`, or so many percent a day; grace; more days for some."""

    percent_per_day = Float(0.0, help="of a notebook's points, for each day begun").tag(config=True)
    grace_minutes = Float(0.0, help="after the due date that cost nothing").tag(config=True)
    extra_days = Dict(help="student's id -> days after the due date").tag(config=True)

    def seconds_late(self, student: str, seconds: float) -> float:
        """How late a hand-in is, by the student's own date.

        Args:
            student: the id.
            seconds: after the due date of all.
        """
        return max(0.0, seconds - DAY * self.extra_days.get(student, 0))

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        """Points that a notebook loses; None for no penalty, as nbgrader wants it.

        Args:
            student_id: the id.
            score: of the notebook.
            total_seconds_late: after the due date.
        """
        late = self.seconds_late(student_id, total_seconds_late)
        if late <= 60 * self.grace_minutes:
            return None
        if self.percent_per_day:
            return score * min(1.0, self.percent_per_day / 100 * math.ceil(late / DAY))
        return super().late_submission_penalty(student_id, score, late)
