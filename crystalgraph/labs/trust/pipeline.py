"""A pipeline whose steps are kept on disk with their settings, each under a key of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Structure

from crystalgraph.checking.autograding import autograding
from crystalgraph.crystals.datasets import (
    FORMATION_ENERGY,
    CrystalDataset,
    load_perovskites,
    split_by_groups,
)
from crystalgraph.crystals.loaders.materials_project import load_materials_project
from crystalgraph.crystals.symmetry import quotients
from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs.trust.study import train_network
from crystalgraph.networks.training import TrainSettings
from crystalgraph.paths import DATA

KeyOf = Callable[[dict, str], str]
"""(settings, key of the step before) -> key."""


class Pipeline:
    """Steps one after another; a step whose key is known is read, any other one is made.

    Args:
        folder: where results are kept.
        key_of: makes the keys, the student's `step_key`.
    """

    def __init__(self, folder: Path | str, key_of: KeyOf) -> None:
        self.folder, self.key_of, self.key = Path(folder), key_of, ""
        self.log: list[str] = []

    def step(self, name: str, settings: Mapping[str, Any], make: Callable[[], Any]) -> Any:
        """The result of a step.

        Args:
            name: of the step.
            settings: that its result depends on, beside the step before.
            make: makes the result, which JSON can hold.

        Raises:
            CrystalGraphError: another step wrote a file under this key.
        """
        everything = {"step": name, **settings}
        self.key = self.key_of(everything, self.key)
        path = self.folder / f"{name}-{self.key}.json"
        if path.exists():
            record = json.loads(path.read_text(encoding="utf-8"))
            if record["settings"] != json.loads(json.dumps(everything)):
                raise CrystalGraphError(
                    f"{path} was made with {record['settings']}, not with {everything}: two "
                    "settings have one key; correct step_key and delete the folder."
                )
            self.log.append(f"{name}: found")
            return record["result"]
        record = {"settings": everything, "result": make()}
        self.folder.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record), encoding="utf-8")
        self.log.append(f"{name}: made")
        return record["result"]


def run(folder: Path | str, key_of: KeyOf, k: int = 12, epochs: int = 10) -> Pipeline:
    """Download, graphs, split, training, test, each kept on disk.

    Args:
        folder: where results are kept.
        key_of: makes the keys.
        k: neighbors of an atom.
        epochs: of training.

    Returns:
        The pipeline; `log` says which steps were found, and ends with the test error.
    """
    pipeline = Pipeline(folder, key_of)
    query = {"formula": "ABO3", "num_sites": [5, 10]}
    data = pipeline.step("download", {"query": query}, lambda: download(query))
    crystals = [Structure.from_dict(one) for one in data["structures"]]
    dataset = CrystalDataset("", data["ids"], crystals, {"": np.array(data["targets"])})
    graphs = quotients(dataset.graphs(k=k))
    sizes = pipeline.step("graphs", {"k": k}, lambda: [int(one.n_edges) for one in graphs])
    groups = dataset.formulas()
    split = split_by_groups(groups, "formula", seed=0)
    parts = pipeline.step("split", {"by": "formula", "seed": 0}, lambda: _as_lists(split))

    def predictions() -> list[float]:
        if autograding():  # nothing is trained then
            return [float(dataset.target("")[split.train].mean())] * len(dataset)
        settings = TrainSettings(epochs=epochs)
        return train_network(graphs, dataset.target(""), split, settings).prediction.tolist()

    predicted = pipeline.step("train", {"epochs": epochs, "seed": 0}, predictions)
    error = np.abs(np.array(predicted) - dataset.target(""))[parts["test"]].mean()
    error = pipeline.step("test", {"measure": "mean absolute error"}, lambda: float(error))
    pipeline.log.append(
        f"{data['source']}, version {data['version']}: {len(sizes)} crystals, {sum(sizes)} "
        f"edges (equal ones counted once), test error {error:.3f} eV/atom"
    )
    return pipeline


def _as_lists(split: Any) -> dict[str, list[int]]:
    return {part: getattr(split, part).tolist() for part in split.parts}


def download(query: Mapping[str, Any], client: Any = None) -> dict[str, Any]:
    """Crystals of the Materials Project where there is a key, else those that come with the course.

    Args:
        query: as the Materials Project's summary search takes it.
        client: an open MPRester, or what answers like one; made when None.

    Returns:
        "source", "version" (of the database, or the checksum of the file), "ids", "structures" and
        "targets" (formation energies in eV/atom).
    """
    if client is None and not os.environ.get("MP_API_KEY"):
        return _record("data/perovskites", _checksum(), load_perovskites(), 150)
    dataset = load_materials_project(client=client, **{"num_sites": (1, 20), **query})
    version = _database_version(client)
    return _record("Materials Project", version, dataset, len(dataset))


def _record(source: str, version: str, dataset: CrystalDataset, n: int) -> dict[str, Any]:
    return {
        "source": source,
        "version": version,
        "ids": dataset.ids[:n],
        "structures": [one.as_dict() for one in dataset.structures[:n]],
        "targets": dataset.target(FORMATION_ENERGY)[:n].tolist(),
    }


def _checksum() -> str:
    """The first digits of the checksum of the perovskites' file."""
    lines = (DATA / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    return next(line[:12] for line in lines if line.endswith("perovskites/perovskites.jsonl"))


def _database_version(client: Any) -> str:
    if client is not None:
        return str(client.get_database_version())
    from mp_api.client import MPRester  # pyright: ignore[reportMissingImports]

    with MPRester(os.environ["MP_API_KEY"]) as opened:
        return str(opened.get_database_version())
