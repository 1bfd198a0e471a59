"""How the tasks of the homework are checked, one module per notebook."""

from crystalgraph.labs.hw.checks import classification, energy, network, own_tests, salt_to_graph

_MODULES = (salt_to_graph, network, own_tests, energy, classification)
CHECKS = tuple(check for module in _MODULES for check in module.CHECKS)
"""The checks of all tasks."""
