"""What this lab draws."""
