"""Answers with a known mistake."""

from crystalgraph.labs.known_answers import Mutant, mutants_into

MUTANTS: list[Mutant] = []
wrong = mutants_into(MUTANTS)


@wrong("1.1", "all atoms")
def count_all(atomic_numbers: list[int], atomic_number: int) -> int:
    """Counts whatever is there."""
    return len(atomic_numbers)
