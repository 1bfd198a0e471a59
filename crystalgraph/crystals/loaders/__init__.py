"""Loaders for one's own crystals: a CGCNN folder, a matbench file, the Materials Project.

One bad entry among many is left out and described in the dataset's `problems`, in one sentence that
names the file and the cure. Only when nothing usable remains, or the file as a whole cannot be
read, is it an error. Whatever is wrong is found here, before any training.
"""

from __future__ import annotations

from pathlib import Path

from crystalgraph.crystals.datasets import BUNDLED, CrystalDataset
from crystalgraph.crystals.features import AtomFeatures, published_features
from crystalgraph.crystals.loaders.folder import folder_features, load_cgcnn_folder
from crystalgraph.crystals.loaders.id_prop import ID_PROP
from crystalgraph.crystals.loaders.matbench import MATBENCH_SUFFIXES, load_matbench
from crystalgraph.crystals.loaders.materials_project import load_materials_project
from crystalgraph.errors import CrystalGraphError

__all__ = [
    "dataset_features",
    "load_cgcnn_folder",
    "load_dataset",
    "load_matbench",
    "load_materials_project",
]


def load_dataset(
    name_or_path: str | Path, target: str | None = None, accept_warnings: bool = False
) -> CrystalDataset:
    """Load a bundled dataset by name, or one's own by path.

    Args:
        name_or_path: "perovskites"; a folder with id_prop.csv; or a matbench file (.json,
            .json.gz, .json.bz2).
        target: column that every crystal must have a number in; default the first.
        accept_warnings: use CIF files that contradict themselves, too.

    Returns:
        The dataset.

    Raises:
        CrystalGraphError: there is no such dataset, or nothing in it can be used.
    """
    if str(name_or_path) in BUNDLED:
        return BUNDLED[str(name_or_path)]()
    path = Path(name_or_path)
    if path.is_dir():
        return load_cgcnn_folder(path, target, accept_warnings)
    if path.is_file() and path.name.endswith(MATBENCH_SUFFIXES):
        return load_matbench(path, target)
    raise CrystalGraphError(
        f"There is no dataset '{name_or_path}'; give {' or '.join(BUNDLED)}, a folder with "
        f"{ID_PROP} and CIF files, or a matbench file that ends in .json.gz."
    )


def dataset_features(name_or_path: str | Path) -> AtomFeatures:
    """Atom features of a dataset: its own atom_init.json where a folder has one, else ours.

    Args:
        name_or_path: as for load_dataset.

    Returns:
        The table in the folder, or the 92 published numbers.
    """
    if str(name_or_path) in BUNDLED:
        return published_features()
    return folder_features(Path(name_or_path))
