"""What several labs draw."""
