"""The pipeline: what is kept is found, another setting makes anew, the source is recorded."""

import json

import pytest
from pymatgen.core import Lattice, Structure

from crystalgraph.errors import CrystalGraphError
from crystalgraph.labs import LABS
from crystalgraph.labs.trust import pipeline
from crystalgraph.releasing.right_answers import right_answers

step_key = right_answers(LABS["trust"])["1.3"]
STEPS = ("download", "graphs", "split", "train", "test")


def log(folder, **settings):
    return pipeline.run(folder, step_key, epochs=2, **settings).log


def said(**changed):
    return [f"{step}: {changed.get(step, 'found')}" for step in STEPS]


@pytest.fixture
def without_key(monkeypatch):
    monkeypatch.delenv("MP_API_KEY", raising=False)


def test_results_are_found_and_made_again_after_what_changed(tmp_path, without_key):
    made = dict.fromkeys(STEPS, "made")
    first = log(tmp_path)
    assert first[:-1] == said(**made)
    again = log(tmp_path)
    assert again[:-1] == said() and again[-1] == first[-1]
    assert log(tmp_path, k=16)[:-1] == said(**made | {"download": "found"})
    assert log(tmp_path)[:-1] == said()
    assert "data/perovskites, version " in first[-1]


def test_each_file_holds_the_settings_of_its_step(tmp_path, without_key):
    log(tmp_path)
    settings = {path.name.split("-")[0]: json.loads(path.read_text())["settings"]
                for path in tmp_path.iterdir()}  # fmt: skip
    assert settings["graphs"] == {"step": "graphs", "k": 12}
    assert settings["train"]["epochs"] == 2


def test_one_key_for_two_settings_is_noticed(tmp_path):
    steps = pipeline.Pipeline(tmp_path, lambda settings, before: "same")
    steps.step("graphs", {"k": 12}, lambda: 1)
    with pytest.raises(CrystalGraphError, match="two settings have one key"):
        steps.step("graphs", {"k": 16}, lambda: 2)


class Client:
    """Answers like an MPRester: documents with the fields of mp-api's summary."""

    def __init__(self):
        self.materials = self.summary = self

    def search(self, **query):
        self.query = query
        salt = Structure(Lattice.cubic(4), ["Cs", "Cl"], [[0] * 3, [0.5] * 3])
        fields = {"structure": salt.as_dict(), "energy_above_hull": 0.0, "band_gap": 5.0}
        return [
            {"material_id": f"mp-{n}", "formation_energy_per_atom": -n, **fields} for n in (1, 2)
        ]

    def get_database_version(self):
        return "2025.09.25"


def test_the_materials_project_is_asked_and_its_version_noted():
    client = Client()
    record = pipeline.download({"formula": "ABO3"}, client)
    assert client.query["formula"] == "ABO3"
    assert record["source"] == "Materials Project" and record["version"] == "2025.09.25"
    assert record["ids"] == ["mp-1", "mp-2"] and record["targets"] == [-1, -2]
    read = json.loads(json.dumps(record))
    assert Structure.from_dict(read["structures"][1]).composition.reduced_formula == "CsCl"
