"""The instructor's part of the lab."""
