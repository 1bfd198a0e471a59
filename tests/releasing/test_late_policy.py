"""Penalties for late hand-ins, as nbgrader asks for them."""

import pytest

from crystalgraph.releasing.late_policy import DAY, LatePolicy


@pytest.mark.parametrize(
    ("settings", "seconds", "expected"),
    [
        ({}, 60, None),
        ({"penalty_method": "zero"}, 60, 20.0),
        ({"penalty_method": "zero", "grace_minutes": 1}, 60, None),
        ({"percent_per_day": 10}, 1, 2.0),
        ({"percent_per_day": 10}, DAY, 2.0),
        ({"percent_per_day": 10}, DAY + 1, 4.0),
        ({"percent_per_day": 10}, 99 * DAY, 20.0),
        ({"percent_per_day": 10, "grace_minutes": 15}, 15 * 60, None),
        ({"percent_per_day": 10, "grace_minutes": 15}, 15 * 60 + 1, 2.0),
        ({"percent_per_day": 10, "extra_days": {"s001": 2}}, 2 * DAY, None),
        ({"percent_per_day": 10, "extra_days": {"s001": 2}}, 2 * DAY + 1, 2.0),
        ({"percent_per_day": 10, "extra_days": {"s002": 2}}, DAY, 2.0),
    ],
)
def test_what_a_notebook_of_20_points_loses(settings, seconds, expected):
    penalty = LatePolicy(**settings).late_submission_penalty("s001", 20.0, seconds)
    assert penalty == (None if expected is None else pytest.approx(expected))
