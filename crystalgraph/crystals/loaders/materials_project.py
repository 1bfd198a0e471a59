"""Downloads from the Materials Project."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from typing import Any

from pymatgen.core import Structure

from crystalgraph.crystals.datasets import CrystalDataset
from crystalgraph.crystals.features import published_features
from crystalgraph.crystals.loaders.checks import (
    Entry,
    choose_column,
    finite_number,
    first_line,
    usable_dataset,
)
from crystalgraph.errors import CrystalGraphError

MATERIALS_PROJECT_COLUMNS = ("formation_energy_per_atom", "energy_above_hull", "band_gap")


def load_materials_project(
    api_key: str | None = None,
    target: str = "formation_energy_per_atom",
    client: object | None = None,
    **query: object,
) -> CrystalDataset:
    """Download crystals from the Materials Project.

    Needs the optional package mp-api, a network, and an API key from your dashboard at
    materialsproject.org. Write the result to a CGCNN folder if you want to keep it.

    Args:
        api_key: default the environment variable MP_API_KEY.
        target: column that every crystal must have a number in: formation_energy_per_atom
            (eV/atom), energy_above_hull (eV/atom) or band_gap (eV).
        client: an open mp_api MPRester, or an object that answers like one; made when None.
        query: what to look for, as mp-api's summary search takes it, for example
            chemsys="Na-Cl", formula="ABC3", num_sites=(1, 20), is_stable=True.

    Returns:
        The dataset "materials_project"; ids are material ids such as mp-22862.

    Raises:
        CrystalGraphError: package or key is missing, the query is empty or fails, nothing usable.
    """
    choose_column(target, MATERIALS_PROJECT_COLUMNS, "The Materials Project summary")
    if not query:
        raise CrystalGraphError(
            'Say what to download, for example chemsys="Na-Cl" or formula="ABC3": without a query '
            "it would be the whole Materials Project."
        )
    if client is None:
        with _materials_project_client(api_key) as opened:
            documents = _search(opened, query)
    else:
        documents = _search(client, query)
    entries, problems, seen = [], [], set()
    for document in documents:
        try:
            entries.append(_project_entry(document, target, seen))
        except CrystalGraphError as error:
            problems.append(str(error))
    source = f"The Materials Project's answer to {_spelled(query)}"
    return usable_dataset("materials_project", entries, published_features(), problems, source)


def _materials_project_client(api_key: str | None) -> Any:
    key = api_key or os.environ.get("MP_API_KEY")
    if not key:
        raise CrystalGraphError(
            "The Materials Project asks for an API key; copy yours from your dashboard at "
            "materialsproject.org into the environment variable MP_API_KEY."
        )
    try:
        from mp_api.client import MPRester  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise CrystalGraphError(
            "The package mp-api is not installed; `pip install mp-api` brings it."
        ) from error
    return MPRester(key)


def _search(client: Any, query: Mapping[str, object]) -> list:
    fields = ["material_id", "structure", *MATERIALS_PROJECT_COLUMNS]
    try:
        return list(client.materials.summary.search(**query, fields=fields))
    except Exception as error:  # the client's, the network's or the server's
        raise CrystalGraphError(
            f"The Materials Project did not answer {_spelled(query)} ({first_line(error)}); check "
            "the query, the key and the network."
        ) from error


def _spelled(query: Mapping[str, object]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in query.items())


def _project_entry(document: object, target: str, seen: set[str]) -> Entry:
    """One document (an object, or a dictionary with use_document_model=False)."""

    def value(key: str) -> object:
        return document.get(key) if isinstance(document, Mapping) else getattr(document, key, None)

    identifier = str(value("material_id") or "")
    where = f"Materials Project entry {identifier or '(without id)'}"
    if not identifier or identifier in seen:
        said = "came twice and was used once" if identifier else "was left out"
        raise CrystalGraphError(f"{where} {said}; ask again if you need it.")
    seen.add(identifier)
    if not math.isfinite(finite_number(value(target))):
        raise CrystalGraphError(f"{where} has no {target}; choose another column or leave it out.")
    structure = value("structure")
    structure = Structure.from_dict(structure) if isinstance(structure, Mapping) else structure
    if not isinstance(structure, Structure):
        raise CrystalGraphError(f"{where} has no structure; leave it out.")
    numbers = {column: finite_number(value(column)) for column in MATERIALS_PROJECT_COLUMNS}
    return Entry(identifier, where, structure, numbers)
