"""Five charged particles that attract and repel each other, simulated step by step."""

from __future__ import annotations

import numpy as np

from crystalgraph.checking.autograding import autograding
from crystalgraph.labs.equivariance.graphs import AtomGraph

PARTICLES = 5
SOFTENING = 0.2  # length: particles closer than this hardly feel each other more
STEP = 0.005  # of time
FEW = 20  # systems while nbgrader is grading, where nothing trains
WARM_UP, FLIGHT = 0.5, 1.5  # time before the picture is taken, and until the answer


def _forces(x: np.ndarray, charge: np.ndarray) -> np.ndarray:
    """Coulomb forces (M, N, 3), softened: q_i q_j d / (d^2 + s^2)^(3/2), masses and units 1."""
    d = x[:, :, None] - x[:, None]
    r2 = (d**2).sum(-1) + SOFTENING**2
    strength = charge[:, :, None] * charge[:, None] / r2**1.5  # d = 0 of a particle to itself
    return (strength[..., None] * d).sum(2)


def energy(x: np.ndarray, v: np.ndarray, charge: np.ndarray) -> np.ndarray:
    """Energy (M,) of systems: of motion, and of all pairs."""
    d = np.sqrt(((x[:, :, None] - x[:, None]) ** 2).sum(-1) + SOFTENING**2)
    pairs = charge[:, :, None] * charge[:, None] / d
    own = charge.shape[1] / SOFTENING  # of each particle with itself; a constant
    return 0.5 * (v**2).sum((1, 2)) + 0.5 * (pairs.sum((1, 2)) - own)


def leapfrog(
    x: np.ndarray, v: np.ndarray, charge: np.ndarray, time: float
) -> tuple[np.ndarray, np.ndarray]:
    """Positions and velocities after a time: half a kick, a drift, half a kick.

    Args:
        x, v: (M, N, 3) of M systems.
        charge: (M, N), +1 or -1.
        time: that passes, in steps of STEP.
    """
    force = _forces(x, charge)
    for _ in range(round(time / STEP)):
        v = v + 0.5 * STEP * force
        x = x + STEP * v
        force = _forces(x, charge)
        v = v + 0.5 * STEP * force
    return x, v


def simulate(number: int, seed: int) -> tuple[list[AtomGraph], np.ndarray]:
    """Systems of charges, and where they are a while later; few while nbgrader is grading.

    Args:
        number: of systems.
        seed: of what is drawn.

    Returns:
        Graphs with all pairs as edges, whose target is the way of each particle in the time
        FLIGHT, and of each system how much the energy drifted in that time.
    """
    number = min(number, FEW) if autograding() else number
    rng = np.random.default_rng(seed)
    shape = (number, PARTICLES, 3)
    x, v = rng.normal(size=shape), rng.normal(size=shape)
    v *= 0.5 / np.linalg.norm(v, axis=-1, keepdims=True)
    charge = rng.choice([-1.0, 1.0], size=shape[:2])
    x, v = leapfrog(x, v, charge, WARM_UP)
    later, faster = leapfrog(x, v, charge, FLIGHT)
    drift = np.abs(energy(later, faster, charge) - energy(x, v, charge))
    pairs = np.stack(np.nonzero(~np.eye(PARTICLES, dtype=bool)))
    nowhere = np.zeros((pairs.shape[1], 3))
    kinds = (charge > 0).astype(int)
    rows = zip(kinds, x, v, later - x, strict=True)
    return [AtomGraph(k, a, pairs, nowhere, way, b) for k, a, b, way in rows], drift
