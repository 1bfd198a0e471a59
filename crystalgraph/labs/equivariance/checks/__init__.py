"""How each task of the lab is checked."""

from crystalgraph.labs.equivariance.checks import crystals, fakes, layer, molecules, own_tests

CHECKS = (
    *layer.CHECKS,
    *own_tests.CHECKS,
    *molecules.CHECKS,
    *fakes.CHECKS,
    *crystals.CHECKS,
)
