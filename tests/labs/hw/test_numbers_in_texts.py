"""Numbers that texts quote from finished runs are those that the notebook's cells print."""

import re

import nbformat
import pytest

from crystalgraph import experiments
from crystalgraph.experiments import verdicts
from crystalgraph.labs import LABS
from crystalgraph.paths import REPO

HW = LABS["hw"]
THREE_DECIMALS = re.compile(r"\b0\.\d{3}\b")


@pytest.fixture(scope="module")
def printed():
    """All numbers with three decimals in the tables and sentences about the perovskites."""
    groups = [group for group in experiments.GROUPS if not group.startswith("oxides_")]
    names = {name for group in groups for name in experiments.GROUPS[group]}
    means = [
        verdicts.mean_and_error([run.test_mae for run in experiments.load_runs(name, split)])[0]
        for name in names
        for split in ("formula", "random")
        if split == "formula" or name in verdicts.THREE
    ]
    sentences = [sentence for group in groups for sentence in verdicts.verdicts(group)]
    sentences.append(str(verdicts.compare("shared", "shared_residual")))
    return {f"{mean:.3f}" for mean in means} | set(THREE_DECIMALS.findall(" ".join(sentences)))


def test_the_notebook_on_energies_quotes_what_it_prints(printed):
    notebook = nbformat.read(HW.solutions() / HW.notebooks["3"], as_version=4)
    sources = [cell.source for cell in notebook.cells]
    first = next(i for i, source in enumerate(sources) if source.startswith("## 5. Experiments"))
    last = next(i for i, source in enumerate(sources) if source.startswith("## 6."))
    texts = [cell.source for cell in notebook.cells[first:last] if cell.cell_type == "markdown"]
    quoted = set(THREE_DECIMALS.findall("\n".join(texts)))
    assert len(quoted) > 10 and quoted <= printed


def test_the_rubric_quotes_it_too(printed):
    rubric = (REPO / "docs" / "rubric.md").read_text(encoding="utf-8")
    about_energies = rubric.split("### q3_2")[1].split("## Notebook 4")[0]
    quoted = set(THREE_DECIMALS.findall(about_energies))
    assert quoted and quoted <= printed
