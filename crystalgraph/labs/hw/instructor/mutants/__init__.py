"""Answers with a known mistake: what the checks must reject, and name; one module per notebook."""

from crystalgraph.labs.hw.instructor.mutants import classification, energy, network, salt_to_graph
from crystalgraph.labs.known_answers import Mutant

_MODULES = (salt_to_graph, network, energy, classification)
MUTANTS: list[Mutant] = [mutant for module in _MODULES for mutant in module.MUTANTS]
HELD_OUT: list[Mutant] = [mutant for module in _MODULES for mutant in module.HELD_OUT]
