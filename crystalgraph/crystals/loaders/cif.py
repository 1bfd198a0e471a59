"""Reading CIF files.

A CIF file says many things twice: the atoms and the formula, the cell and its volume, the name of
the space group and its operations. What contradicts itself is refused: it would be read as another
crystal than the one that is meant.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pymatgen.core import Composition, Lattice, Structure

from crystalgraph.crystals.loaders.checks import TOO_CLOSE
from crystalgraph.crystals.loaders.cif_data import CifData, content_of, data_of
from crystalgraph.crystals.loaders.cif_sites import Site, read_sites
from crystalgraph.crystals.loaders.cif_symmetry import Setting, settings_of, states_symmetry
from crystalgraph.errors import CrystalGraphWarning

SAME_PLACE = 0.005  # angstrom; listed atoms nearer than this share one site
HYDROGEN = {"D": "H", "T": "H"}


def read_cif(path: str | Path, accept_warnings: bool = False) -> Structure:
    """Read the first crystal of a CIF file.

    Coordinates that symmetry maps to nearly the same place, such as 0.333 for 1/3, are put where
    the symmetry wants them. What the user should know is a CrystalGraphWarning.

    Args:
        path: of the file.
        accept_warnings: go on with a file that contradicts itself, and only warn.

    Returns:
        The structure, with the cell as it is written, atoms sorted by electronegativity.

    Raises:
        CrystalGraphError: the file is missing, empty, cannot be understood or contradicts itself.
    """
    path = Path(path)
    structure, remarks = crystal_of(path, content_of(path), accept_warnings)
    for remark in remarks:
        warnings.warn(f"{path}: {remark}.", CrystalGraphWarning, stacklevel=2)
    return structure


def crystal_of(
    path: Path, content: bytes, accept_warnings: bool = False
) -> tuple[Structure, list[str]]:
    """The first crystal in the content of a CIF file, and what the user should know about it.

    Args:
        path: of the file, for messages.
        content: of the file.
        accept_warnings: as for read_cif.

    Returns:
        The structure, as read_cif gives it, and what the user should know: parts of sentences
        that name no file.

    Raises:
        CrystalGraphError: the content is empty, cannot be understood or contradicts itself.
    """
    data = data_of(path, content)
    lattice = _lattice(data)
    formula = _formula(data)
    sites = read_sites(data, {str(element) for element in formula or {}})
    if not sites:
        raise data.error("it lists no atom with a position; export it again")
    settings = settings_of(data, lattice)
    structure, agrees = _likeliest(data, lattice, sites, settings, formula)
    if agrees is False:
        data.contradictions.append(_formula_contradiction(data, structure))
    _compare_volume(data, lattice)
    sure = agrees and data.value("_cell_formula_units_z")
    reasons = data.contradictions + ([] if sure else data.doubts)
    if reasons and not accept_warnings:
        said = "; and ".join(dict.fromkeys(reasons))
        raise data.error(f"{said}; correct the file, or go on with --accept-warnings")
    return structure, list(dict.fromkeys(data.contradictions + data.doubts + data.notes))


def _lattice(data: CifData) -> Lattice:
    """The cell, in angstrom and degrees."""

    def parameter(tag: str) -> float:
        text = data.value(tag)
        if text is None:
            raise data.error(f"it has no {tag}; add it")
        return data.number(text, tag)

    lengths = [parameter(f"_cell_length_{axis}") for axis in "abc"]
    angles = [parameter(f"_cell_angle_{name}") for name in ("alpha", "beta", "gamma")]
    a, b, c = np.cos(np.radians(angles))
    possible = all(0 < angle < 180 for angle in angles) and 1 - a**2 - b**2 - c**2 + 2 * a * b * c
    if min(lengths) <= 0 or possible <= 1e-9:
        raise data.error(
            f"no cell has lengths {', '.join(f'{length:g}' for length in lengths)} and angles "
            f"{', '.join(f'{angle:g}' for angle in angles)}; correct them"
        )
    return Lattice.from_parameters(*lengths, *angles)


# --- atoms ---------------------------------------------------------------------------------------


def _likeliest(
    data: CifData,
    lattice: Lattice,
    sites: Sequence[Site],
    settings: Sequence[Setting],
    formula: Composition | None,
) -> tuple[Structure, bool | None]:
    """The crystal in the setting that gives the formula, and whether it does; None: no formula."""
    built = [_structure(lattice, sites, setting) for setting in settings]
    verdicts = [_agrees(data, formula, structure, wrong) for structure, wrong in built]
    left = [row for row, verdict in enumerate(verdicts) if verdict == max(verdicts, key=bool)]
    # By convention the second of two origins, and the first of several choices of axes.
    chosen = next((row for row in left if settings[row].name.endswith(":2")), left[0])
    structure, wrong = built[chosen]
    if any(_differ(structure, built[row][0]) for row in left if row != chosen):
        names = " or ".join(settings[row].name for row in left)
        sentence = f"it may be meant in {names}, which are different crystals; write one of them"
        is_origin = settings[chosen].name.endswith(":2")
        (data.contradictions if is_origin else data.notes).append(sentence)
    data.doubts += wrong
    return structure, verdicts[chosen]


def _differ(one: Structure, other: Structure) -> bool:
    """Whether two crystals with the same cell have other distances up to 5 angstrom."""
    (pairs, first), (other_pairs, second) = _distances_of_kinds(one), _distances_of_kinds(other)
    return not np.array_equal(pairs, other_pairs) or not np.allclose(first, second, atol=1e-3)


def _distances_of_kinds(structure: Structure) -> tuple[np.ndarray, np.ndarray]:
    """Two species, (n,), and distance, (n,) in angstrom, of all neighbors; both are sorted."""
    kinds = np.array([site.species_string for site in structure])
    center, neighbor, _, distance = structure.get_neighbor_list(5.0)
    both = np.sort(np.stack([kinds[center], kinds[neighbor]]), axis=0)
    pairs = np.char.add(np.char.add(both[0], " - "), both[1])
    order = np.lexsort([distance, pairs])
    return pairs[order], distance[order]


def _structure(
    lattice: Lattice, sites: Sequence[Site], setting: Setting
) -> tuple[Structure, list[str]]:
    """Apply the symmetry to the listed atoms; also sentences about atoms that may be wrong."""
    species, positions, labels, wrong = [], np.empty((0, 3)), [], []
    for site in sites:
        orbit = _orbit(lattice, site.position, setting)
        # By an older definition the multiplicity counts operations that leave the atom in place.
        if site.multiplicity not in (None, len(orbit), len(setting.rotations) / len(orbit)):
            wrong.append(
                f"atom {site.label} has the multiplicity {site.multiplicity:g}, but its position "
                f"and its symmetry make {len(orbit)} atoms"
            )
        same = np.flatnonzero(_distances(lattice, positions, orbit[0]) < SAME_PLACE)
        if not len(same):
            species += [{site.symbol: site.occupancy} for _ in orbit]
            positions = np.concatenate([positions, orbit])
            labels += [site.label] * len(orbit)
        elif sum(species[same[0]].values()) + site.occupancy > 1.001:
            wrong.append(
                f"atoms {labels[same[0]]} and {site.label} are at the same place, or one makes the "
                f"other by symmetry; {site.label} is left out"
            )
        else:
            for place in orbit:
                row = int(np.argmin(_distances(lattice, positions, place)))
                occupancy = species[row].get(site.symbol, 0) + site.occupancy
                species[row] = {**species[row], site.symbol: occupancy}
    return Structure(lattice, species, positions).get_sorted_structure(), wrong


def _orbit(lattice: Lattice, position: np.ndarray, setting: Setting) -> np.ndarray:
    """All places of one atom, (n, 3) fractions of the cell.

    Operations that move the atom by almost nothing leave it in place: they say on which point, line
    or plane it lies, and only rounding keeps it away. The mean of its images is exactly there.
    """
    images = setting.rotations @ position + setting.translations
    too_close = min(TOO_CLOSE, 0.02 * min(lattice.abc))  # for cells in nanometers
    near = images[_distances(lattice, images, position) < too_close]
    if len(near):
        shifts = near - position
        position = position + (shifts - np.round(shifts)).mean(axis=0)
    images = np.mod(setting.rotations @ position + setting.translations, 1)
    images[abs(images - 1) < 1e-9] = 0
    places = position[None] if not len(images) else images[:1]
    for image in images[1:]:
        if _distances(lattice, places, image).min() >= too_close:
            places = np.concatenate([places, image[None]])
    return places


def _distances(lattice: Lattice, positions: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Distances in angstrom; right only where they are much shorter than the cell."""
    shifts = positions - place
    return np.linalg.norm((shifts - np.round(shifts)) @ lattice.matrix, axis=-1)


# --- what the file says about the crystal as a whole ---------------------------------------------


def _formula(data: CifData) -> Composition | None:
    """The formula of the file; heavy hydrogen counts as hydrogen."""
    text = data.value("_chemical_formula_sum", "_chemical_formula_structural")
    if text is None:
        return None
    parts = re.findall(r"([A-Za-z]{1,2})(\d*\.?\d*)(?:\s+|$)", text)
    if "".join(map("".join, parts)) == re.sub(r"\s", "", text):
        text = "".join(symbol.title() + count for symbol, count in parts)
    try:
        return _plain(Composition(text))
    except ValueError:
        data.notes.append(f"its formula '{text}' cannot be understood and is not compared")
        return None


def _plain(composition: Composition) -> Composition:
    counts: dict[str, float] = {}
    for element, count in composition.items():
        symbol = HYDROGEN.get(str(element), str(element))
        counts[symbol] = counts.get(symbol, 0) + count
    return Composition(counts)


def _agrees(
    data: CifData, formula: Composition | None, structure: Structure, wrong: Sequence[str]
) -> bool | None:
    """Whether the cell holds what the formula says: Z times, or any whole number of times."""
    if not formula:
        return None
    found = _plain(structure.composition)
    return any(
        all(_equal(found[element], times * formula[element]) for element in found + formula)
        for times in _times(data, formula, found, wrong)
    )


def _equal(found: float, said: float) -> bool:
    """Whether two numbers of atoms are the same; parts of an atom may be rounded by 1 %."""
    parts = abs(found - round(found)) > 1e-6 or abs(said - round(said)) > 1e-6
    return abs(found - said) <= 0.05 + (0.01 * found if parts else 0)


def _times(
    data: CifData, formula: Composition, found: Composition, wrong: Sequence[str]
) -> list[float]:
    """How many times the formula may be in the cell."""
    text = data.value("_cell_formula_units_z")
    if text is None:
        return [max(1, round(found.num_atoms / formula.num_atoms))]
    units = data.number(text, "_cell_formula_units_Z")
    # Some programs write the formula of the whole cell, and Z all the same. One molecule of several
    # looks alike, so nothing else may be in doubt.
    sure = states_symmetry(data) and not data.doubts and not wrong
    whole = units > 0 and all((count / units).is_integer() for count in formula.values())
    return [units, 1] if whole and sure else [units]


def _formula_contradiction(data: CifData, structure: Structure) -> str:
    units = data.value("_cell_formula_units_z")
    said = data.value("_chemical_formula_sum", "_chemical_formula_structural")
    return (
        f"its formula is '{said}'{f' with Z = {units}' if units else ''}, but its atoms and its "
        f"symmetry make a cell of {structure.composition.formula}"
    )


def _compare_volume(data: CifData, lattice: Lattice) -> None:
    text = data.value("_cell_volume")
    if text is None:
        return
    volume = data.number(text, "_cell_volume")
    if abs(volume - lattice.volume) > 0.02 * lattice.volume:
        data.contradictions.append(
            f"its lengths and angles make a cell of {lattice.volume:.4g} cubic angstrom, but its "
            f"_cell_volume is {text}"
        )
