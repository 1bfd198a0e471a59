"""The checks of the lab."""

from crystalgraph.labs.defects.checks import cells, readouts

CHECKS = (*cells.CHECKS, *readouts.CHECKS)
