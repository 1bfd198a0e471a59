"""A checkpoint of any kind, ready to predict and to embed: what the commands use, and scripts may.

predictor = Predictor.load("my_run/checkpoint.pt")
values, spread = predictor.predict([structure, atoms, "POSCAR"])
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pymatgen.core import Structure
from torch import nn

from crystalgraph.crystals.features import AtomFeatures
from crystalgraph.crystals.graphs import GraphSettings
from crystalgraph.crystals.loaders.checks import check_crystal, check_graph, collected_warnings
from crystalgraph.crystals.loaders.structure_files import (
    AnyCrystal,
    NamedCrystal,
    as_structure,
    find_structure_files,
    read_crystals,
)
from crystalgraph.errors import CrystalGraphError, CrystalGraphWarning
from crystalgraph.networks.checkpoints import is_ours, read_checkpoint
from crystalgraph.networks.embeddings import Embeddings, embed
from crystalgraph.networks.ensembles import Ensemble, load_ensemble
from crystalgraph.networks.model_file import MODEL_FILE, load_model_class, model_errors_explained
from crystalgraph.networks.published import (
    GRAPHS,
    UNITS,
    PublishedModel,
    is_published,
    load_published,
)
from crystalgraph.networks.references import ElementReferences


@dataclass(frozen=True)
class Predictor:
    """A loaded checkpoint, of whichever kind.

    Attributes:
        target: what is predicted.
        unit: of it.
        features: atom features it needs.
        graphs: how graphs are made for it.
        network: that embeds; of an ensemble the first, since vectors of two do not compare.
        values_of: structures -> values and their spread, in the unit; no spread of one network.
        model_file: Python file that the network's class is from.
        n_networks: whose mean and spread are given.
        references: of the elements, where it was trained with them.
    """

    target: str
    unit: str
    features: AtomFeatures
    graphs: GraphSettings
    network: nn.Module
    values_of: Callable[[Sequence[Structure]], tuple[np.ndarray, np.ndarray | None]]
    model_file: Path
    n_networks: int = 1
    references: ElementReferences | None = None

    @classmethod
    def load(cls, checkpoint: str | Path, model_file: str | Path = MODEL_FILE) -> Predictor:
        """Load a checkpoint; what is in the file decides how.

        Args:
            checkpoint: a file, or the name of a published checkpoint.
            model_file: Python file with CrystalGraphConvNet.

        Raises:
            CrystalGraphError: there is no such checkpoint, it was trained with another model file,
                or it does not fit the network.
        """
        file = Path(model_file)
        _require_model_file(checkpoint, file)
        found = load_any_checkpoint(checkpoint, load_model_class(file))
        if isinstance(found, Ensemble):
            first = found.members[0]
            about = (first.target, first.unit, first.features, first.graph_settings, first.model)
            return cls(*about, found.predict, file, len(found.members), first.references)
        about = (found.target, found.unit, found.features, GRAPHS, found.network)
        return cls(*about, lambda structures: (found.predict(structures), None), file)

    @property
    def spread(self) -> str:
        """What the spread of a prediction is; empty where there is none."""
        n = self.n_networks
        return f"standard deviation over the {n} networks of the ensemble" if n > 1 else ""

    def predict(self, crystals: Sequence[AnyCrystal]) -> tuple[np.ndarray, np.ndarray | None]:
        """Predict the target of crystals.

        Args:
            crystals: Structures of pymatgen, Atoms of ASE, names of structure files or of
                folders of them, or what read returns. A file gives as many rows as it holds
                crystals.

        Returns:
            (C,) values and (C,) spreads in the unit; of a single network no spread but None.

        Raises:
            CrystalGraphError: a file or a crystal that cannot be used, or a model file that fails.
        """
        structures = [crystal.structure for crystal in self.read(crystals)]
        with collected_warnings(), model_errors_explained(self.model_file):  # read has said them
            return self.values_of(structures)

    def embed(self, crystals: Sequence[AnyCrystal]) -> Embeddings:
        """The vectors of crystals and of their atoms; arguments and errors are those of predict."""
        structures = [crystal.structure for crystal in self.read(crystals)]
        with collected_warnings(), model_errors_explained(self.model_file):  # read has said them
            return embed(self.network, structures, self.features, self.graphs)

    def read(self, crystals: Sequence[AnyCrystal]) -> list[NamedCrystal]:
        """Read and check crystals; arguments and errors are those of predict.

        Returns:
            The crystals with names; those that were not read from a file are called "crystal 0"
            and so on. What was read before is not checked again.
        """
        found = []
        for number, crystal in enumerate(crystals):
            if isinstance(crystal, NamedCrystal):
                found.append(crystal)
                continue
            if isinstance(crystal, str | Path):
                files = find_structure_files([crystal])
                new = [one for file in files for one in read_crystals(file)]
            else:
                name = f"crystal {number}"
                new = [NamedCrystal(name, name, as_structure(crystal, name))]
            for one in new:
                self.check(one)
            found += new
        return found

    def check(self, crystal: NamedCrystal) -> None:
        """Refuse a crystal of which the network cannot make anything; warn where it looks wrong.

        Raises:
            CrystalGraphError: an element without features, a disordered site, an isolated atom, or
                two atoms in one place.
        """
        structure, where = crystal.structure, crystal.where
        check_crystal(structure, where, self.features)
        check_graph(structure, where, self.graphs)
        unknown = self.references.unknown([structure]) if self.references else ""
        if unknown:
            warnings.warn(f"{where}: {unknown}", CrystalGraphWarning, stacklevel=2)


def load_any_checkpoint(
    name_or_path: str | Path, model_class: type[nn.Module]
) -> Ensemble | PublishedModel:
    """Read a checkpoint of ours or a published one; what is in the file decides.

    Raises:
        CrystalGraphError: there is no such checkpoint, or it does not fit the class.
    """
    content = {} if name_or_path in UNITS else read_checkpoint(name_or_path)
    if content and (is_ours(content) or not is_published(content)):
        return load_ensemble(name_or_path, model_class)
    return load_published(name_or_path, model_class)


def _require_model_file(checkpoint: str | Path, file: Path) -> None:
    """Where there is no model file, say which one the checkpoint needs."""
    if file.is_file() or checkpoint in UNITS:
        return
    record = read_checkpoint(checkpoint).get("model_file")
    if record:
        raise CrystalGraphError(
            f"There is no model file {file}; {checkpoint} was trained with {record['name']}, name "
            "that one with --model."
        )
