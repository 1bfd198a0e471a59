"""Answers with a known mistake, one module per notebook."""


def stored_mutants(task):
    return []
