"""What the notebooks of the homework draw."""
