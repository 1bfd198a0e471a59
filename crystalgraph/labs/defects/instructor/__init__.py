"""The instructor's part of the lab: case makers, wrong and right answers, hidden cases."""
