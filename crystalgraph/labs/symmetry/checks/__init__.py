"""How the tasks are checked: kinds and quotients, the pool, the pair."""

from crystalgraph.labs.symmetry.checks import kinds, pair, pool

CHECKS = (*kinds.CHECKS, *pool.CHECKS, *pair.CHECKS)
"""The checks of all tasks."""
