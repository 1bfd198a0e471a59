"""What only this lab draws."""
