"""How each task of the lab is checked."""

from crystalgraph.labs.features.checks import atoms, bonds, own_test

CHECKS = (*atoms.CHECKS, *bonds.CHECKS, *own_test.CHECKS)
