"""The finished experiments as tables and figures, made from data/runs when the site is built."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from course_site.pages import table_of_contents
from crystalgraph.crystals.datasets import FORMATION_ENERGY, PEROVSKITE, load_split
from crystalgraph.experiments import GROUPS, label, oxides, perovskites, reference
from crystalgraph.experiments.baselines import fit_baselines
from crystalgraph.experiments.classification import fit_class_baselines
from crystalgraph.experiments.verdicts import THREE, leave_one_out, summary, verdicts
from crystalgraph.figures.alt_text import describe
from crystalgraph.labs.hw.figures.classification import plot_auc_groups
from crystalgraph.labs.hw.figures.energy import plot_bars, plot_leave_one_out

QUESTIONS = {
    "layers": "Which layer?",
    "pooling": "How are atoms put together?",
    "neighbors": "How many neighbors?",
    "features": "What is known of an atom?",
    "norm_activation": "Which norm and activation?",
    "depth": "How many layers?",
    "width": "How many channels?",
    "learning_rate": "Which learning rate?",
    "batch_size": "How many crystals in a step?",
}
"""Group of experiments -> heading."""

LOWEST = 3.0  # inches: in lower figures the legend would cover the axis

ENERGIES = """\
# Formation energies of perovskites

Mean absolute errors (MAE) in eV/atom on the formula split: no formula of a test crystal occurs in
training. Each number is the mean of three seeds, with its standard error. "A beats B" is said only
where the difference is larger than two standard errors, of test crystals and seeds together.
"""
CLASSES = """\
# Perovskite or not

The area under the ROC curve (AUC, 0.5 by chance, 1 at best) on the formula split: no formula of a
test crystal occurs in training. Each number is the mean of three seeds, with its standard error.
"A beats B" is said only where the difference is larger than two standard errors, of formulas and
seeds together.
"""
INDEX = """\
(results-page)=
# Results

Training runs that are finished and come with the course, three seeds each. The tables and figures
were made from [these files](../data/runs.md) when this site was built.
"""
UNSEEN = """\
## Elements that training never had on B

One element at a time is left out: all crystals that have it on their B site are tested, and none
of them is in training. The mean is over crystals, its standard error is from the spread over
elements.
"""


def stage_results(folder: Path, with_figures: bool) -> None:
    """Write the pages of results.

    Args:
        folder: of the site's sources.
        with_figures: and tables; without, the pages only say what they are about.
    """
    top = folder / "results"
    top.mkdir()
    pages = {"energies": ENERGIES, "classes": CLASSES}
    if with_figures:
        pages = {"energies": energies(top), "classes": classes(top)}
    for name, text in pages.items():
        (top / f"{name}.md").write_text(text, encoding="utf-8")
    text = INDEX + "\n" + table_of_contents(list(pages))
    (top / "index.md").write_text(text, encoding="utf-8")


def energies(folder: Path) -> str:
    """The page of the regressions; its figures go into the folder."""
    dataset = perovskites()
    fitted = fit_baselines(dataset, load_split(dataset, "formula"), FORMATION_ENERGY)
    simple = {name: one.mae for name, one in fitted.items()}
    text = [ENERGIES, "## Simple predictors", _table(_parts(simple), "MAE (eV/atom)")]
    test = {name: mae["test"] for name, mae in simple.items()}
    for group in (one for one in GROUPS if not _of_classes(one)):
        figure = plot_bars(GROUPS[group], group, baselines=dict(list(test.items())[1:]))
        text += group_section(group, figure, "MAE (eV/atom)", folder)
    return "\n\n".join([*text, *_unseen(folder), ""])


def classes(folder: Path) -> str:
    """The page of the classifiers; its figures go into the folder."""
    dataset = oxides()
    fitted = fit_class_baselines(dataset, load_split(dataset, "formula"), PEROVSKITE)
    simple = {
        name: {part: scores["auc"] for part, scores in one.measures.items()}
        for name, one in fitted.items()
    }
    text = [CLASSES, "## Simple classifiers", _table(_parts(simple), "AUC")]
    test = {name: auc["test"] for name, auc in simple.items()}
    for group in filter(_of_classes, GROUPS):
        text += group_section(group, plot_auc_groups([group], test), "AUC", folder)
    return "\n\n".join([*text, ""])


def _of_classes(group: str) -> bool:
    return reference(group) != reference("layers")


def group_section(group: str, figure: Figure, unit: str, folder: Path) -> list[str]:
    """What is shown of one group of experiments."""
    heading = QUESTIONS[group.removeprefix("oxides_")]
    said = "\n".join(f"- {sentence}" for sentence in verdicts(group))
    table = _table(summary(GROUPS[group], group=group), unit)
    return [f"## {heading}", _picture(figure, folder / f"{group}.png"), table, said]


def _unseen(folder: Path) -> list[str]:
    """What is shown of the splits that leave an element out."""
    found = {label(name): leave_one_out(name) for name in THREE}
    figure = plot_leave_one_out({name: table for name, (table, _, _) in found.items()})
    rows = {
        name: {"test": mean, "standard error": error} for name, (_, mean, error) in found.items()
    }
    return [
        UNSEEN,
        _picture(figure, folder / "leave_one_out.png"),
        _table(pd.DataFrame.from_dict(rows, orient="index"), "MAE (eV/atom)"),
    ]


def _picture(figure: Figure, path: Path) -> str:
    figure.set_figheight(max(figure.get_figheight(), LOWEST))
    figure.savefig(path, dpi=120)
    alt = describe(figure).replace("[", "(").replace("]", ")")
    return f"![{alt}]({path.name})"


def _parts(measures: Mapping[str, Mapping[str, float]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(measures, orient="index")


def _table(frame: pd.DataFrame, unit: str) -> str:
    """A table in Markdown.

    Args:
        frame: rows have names; numbers of parameters are whole, all others have the unit.
        unit: and what it is of; it is written in the corner.
    """
    lines = [_row([unit, *frame.columns]), _row(["---", *["---:"] * len(frame.columns)])]
    for name, *numbers in frame.itertuples():
        cells = zip(frame.columns, numbers, strict=True)
        lines.append(_row([name, *(_number(head, number) for head, number in cells)]))
    return "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _number(head: str, number: float) -> str:
    return f"{int(number):,}" if head == "parameters" else f"{number:.3f}"
