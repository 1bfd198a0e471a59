"""One module per command; crystalgraph/cli.py says what each must have."""
