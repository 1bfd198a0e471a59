"""The two ideal cubic cells, as plain lists: no tilts, no displacements. Needs only numpy.

A structure is a dictionary with the keys of the shipped records: `symbols`, `lattice` (three
vectors, angstrom) and `frac_coords`.
"""

import numpy as np

FCC = np.array([[0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]])


def ideal_cell(sites: list[str], lattice_constant: float, x_position: float | None = None) -> dict:
    """The ideal perovskite on these sites.

    Args:
        sites: (A, B, X) or (A, B, B', X).
        lattice_constant: Edge of the cubic cell, angstrom. A2BB'X6: of the conventional cell,
            which holds four primitive ones and is about twice as long.
        x_position: A2BB'X6 only: distance from B to X in lattice constants (0.25 is halfway to B').

    Returns:
        dict: symbols, lattice (angstrom), frac_coords.
    """
    if len(sites) == 3:
        return simple_cell(*sites, lattice_constant)
    return double_cell(*sites, lattice_constant, x_position)


def simple_cell(a: str, b: str, x: str, lattice_constant: float) -> dict:
    """ABX3 (Pm-3m): A on the corners, B in the middle, X on the faces."""
    positions = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
    return structure([a, b, x, x, x], np.eye(3) * lattice_constant, positions)


def double_cell(
    a: str, b: str, b2: str, x: str, lattice_constant: float, x_position: float
) -> dict:
    """A2BB'X6 (Fm-3m): B and B' take turns like Na and Cl in salt; the primitive fcc cell."""
    u = x_position
    quarter, three_quarters, half = np.full(3, 0.25), np.full(3, 0.75), np.full(3, 0.5)
    around_b = [sign * u * axis for axis in np.eye(3) for sign in (1, -1)]
    cubic = np.array([quarter, three_quarters, np.zeros(3), half, *around_b])
    fractional = cubic @ np.linalg.inv(FCC)
    fractional[:4] = [quarter, three_quarters, np.zeros(3), half]  # the same points, in the cell
    return structure([a, a, b, b2] + [x] * 6, FCC * lattice_constant, fractional)


def structure(symbols: list[str], lattice: np.ndarray, fractional: np.ndarray) -> dict:
    """Round as the shipped records are rounded: six digits, fractions in [0, 1)."""
    fractional = np.round(np.mod(fractional, 1.0), 6) % 1.0
    return {
        "symbols": list(symbols),
        "lattice": np.round(lattice, 6).tolist(),
        "frac_coords": fractional.tolist(),
    }


def cell_parameters(record: dict) -> tuple[float, float | None]:
    """Lattice constant (angstrom) and X position (None for ABX3) of a record: undoes `ideal_cell`.

    Args:
        record: With `lattice` (angstrom) and `frac_coords` in the order of `ideal_cell`.
    """
    longest = float(np.max(record["lattice"]))
    if len(record["frac_coords"]) == 5:
        return longest, None
    return 2 * longest, float(record["frac_coords"][4][1])  # the first X is (-u, u, u)
