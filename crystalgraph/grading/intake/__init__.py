"""What was handed in: archives, notebooks, repair."""
