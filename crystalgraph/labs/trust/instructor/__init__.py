"""The instructor's part of the lab: what makes cases, wrong answers, right ones in other styles."""
