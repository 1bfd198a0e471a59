"""The instructor's part of the lab: case makers, hidden cases, wrong and right answers."""
