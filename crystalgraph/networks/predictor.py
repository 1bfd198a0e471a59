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
    read_crystals,
)
from crystalgraph.errors import CrystalGraphError, CrystalGraphWarning
from crystalgraph.networks.checkpoints import is_ours, read_checkpoint
from crystalgraph.networks.embeddings import Embeddings, embed
from crystalgraph.networks.ensembles import load_ensemble
from crystalgraph.networks.model_file import MODEL_FILE, load_model_class, model_errors_explained
from crystalgraph.networks.published import GRAPHS, UNITS, is_published, load_published
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
        name, file = str(checkpoint), Path(model_file)
        content = {} if name in UNITS else read_checkpoint(name)
        trained_with = content.get("model_file") if is_ours(content) else None
        if trained_with and not file.is_file():
            raise CrystalGraphError(
                f"There is no model file {file}; {name} was trained with "
                f"{trained_with['name']}, name that one with --model."
            )
        if content and (is_ours(content) or not is_published(content)):
            return cls._ours(name, file)
        return cls._published(name, file)

    @classmethod
    def _ours(cls, path: str, file: Path) -> Predictor:
        ensemble = load_ensemble(path, load_model_class(file))
        first = ensemble.members[0]
        about = (first.target, first.unit, first.features, first.graph_settings, first.model)
        return cls(*about, ensemble.predict, file, len(ensemble.members), first.references)

    @classmethod
    def _published(cls, name: str, file: Path) -> Predictor:
        published = load_published(name, load_model_class(file))
        target = published.name.replace("-", "_")
        about = (target, published.unit, published.features, GRAPHS, published.network)
        return cls(*about, lambda structures: (published.predict(structures), None), file)

    @property
    def spread(self) -> str:
        """What the spread of a prediction is; empty where there is none."""
        n = self.n_networks
        return f"standard deviation over the {n} networks of the ensemble" if n > 1 else ""

    def predict(self, crystals: Sequence[AnyCrystal]) -> tuple[np.ndarray, np.ndarray | None]:
        """Predict the target of crystals.

        Args:
            crystals: Structures of pymatgen, Atoms of ASE, names of structure files, or what read
                returns. A file gives as many rows as it holds crystals.

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
                new = read_crystals(crystal)
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
