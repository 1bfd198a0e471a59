"""docs/rubric.md and docs/commentary.md agree with notebooks, checks and data."""

import re

import nbformat
import numpy as np
import pytest

from crystalgraph.crystals.datasets import load_perovskites, load_split
from crystalgraph.crystals.elements import load_elements
from crystalgraph.crystals.features import published_features, random_features
from crystalgraph.crystals.graphs import build_graph
from crystalgraph.labs import LABS
from crystalgraph.paths import REPO
from crystalgraph.releasing.students_copy import student_files

HW = LABS["hw"]


def parts_of(page):
    """Lab -> its part of a page, which begins with a heading "# Lab NAME"; the first is hw's."""
    text = (REPO / "docs" / page).read_text(encoding="utf-8")
    first, *others = re.split(r"^# Lab (\w+)$", text, flags=re.M)
    return {"hw": first, **dict(zip(others[::2], others[1::2], strict=True))}


RUBRICS, COMMENTARIES = parts_of("rubric.md"), parts_of("commentary.md")
RUBRIC, COMMENTARY = RUBRICS["hw"], COMMENTARIES["hw"]
NUMBERS = {3: "Three", 15: "Fifteen"}

every_lab = pytest.mark.parametrize("lab", [name for name in LABS if LABS[name].questions])


def manual_points(lab):
    """grade_id -> points of every cell that a person grades, over a lab's solution notebooks."""
    found = {}
    for path in sorted(LABS[lab].solutions().glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            settings = cell.metadata.get("nbgrader", {})
            if settings.get("grade") and settings.get("solution"):
                found[settings["grade_id"]] = settings["points"]
    return found


def sections(lab):
    """grade_id -> (points, text) of a lab's part of the rubric."""
    parts = re.split(r"^### (\w+) · (\d+) points$", RUBRICS[lab], flags=re.M)[1:]
    return {parts[i]: (int(parts[i + 1]), parts[i + 2]) for i in range(0, len(parts), 3)}


@every_lab
def test_the_rubric_has_every_question_once_with_its_points(lab):
    manual = manual_points(lab)
    assert manual == {question.id: question.points for question in LABS[lab].questions}
    assert {name: points for name, (points, _) in sections(lab).items()} == manual
    for name in manual:
        assert len(re.findall(rf"\b{name}\b", RUBRICS[lab])) == 1, name
    assert f"{NUMBERS[len(manual)]} questions, {sum(manual.values())} points" in RUBRICS[lab]


@pytest.mark.parametrize(("lab", "name"), [(lab, one) for lab in RUBRICS for one in sections(lab)])
def test_every_section_is_complete(lab, name):
    text = sections(lab)[name][1]
    assert re.match(r"\s*\*\*[^\n]+\?\*\*\n", text), "the question in one line"
    for part in ("Points: ", "Model answer: ", "To expect: "):
        assert text.count(f"\n{part}") == 1, part


def test_students_get_neither_page():
    packed = {place.as_posix() for place in student_files(REPO)}
    assert "docs/tasks.md" in packed
    assert not packed & {"docs/rubric.md", "docs/commentary.md"}


@pytest.mark.parametrize("lab", LABS)
def test_the_commentary_names_every_task_and_only_mistakes_that_checks_know(lab):
    rows = re.findall(r"^\| (\d\.\d) \|.*\| ([^|]+) \|$", COMMENTARIES[lab], re.M)
    assert [task for task, _ in rows] == [
        task.id
        for file in LABS[lab].notebooks.values()
        for task in LABS[lab].tasks.values()
        if task.notebook == file
    ]
    for task, causes in rows:
        for cause in causes.split("; "):
            assert cause in LABS[lab].checks[task].advice, f"{task}: {cause}"


def test_the_report_in_the_commentary_is_what_a_check_says():
    def width_as_variance(distance, centers, width):
        return np.exp(-((distance[:, None] - centers) ** 2) / width)

    shown = re.findall(r"^    (.*)$", COMMENTARY, re.M)
    said = HW.run_check("1.3", width_as_variance, hidden=None).text().splitlines()
    assert len(shown) == 5 and shown == said[:5]


def test_the_commentary_stays_short():
    assert len(COMMENTARY.splitlines()) <= 200
    assert all(len(part.splitlines()) <= 60 for lab, part in COMMENTARIES.items() if lab != "hw")


@pytest.fixture(scope="module")
def perovskites():
    return load_perovskites()


def test_neighbors_in_a_cubic_perovskite(perovskites):
    structure = perovskites.structures[perovskites.ids.index("Sr-Zr-O")]
    found = {k: np.bincount(build_graph(structure, k=k).center)[:3] for k in (1, 4, 8, 12, 24)}
    for k, counts in found.items():
        row = f"| {k} | " + " | ".join(str(count) for count in counts) + " |"
        assert row in COMMENTARY
    edges = build_graph(structure, k=1)
    pairs = {
        tuple(structure[int(i)].specie.symbol for i in edge)
        for edge in zip(edges.neighbor, edges.center, strict=True)
    }
    assert pairs == {("O", "Sr"), ("O", "Zr"), ("Zr", "O")}  # nobody hears from A at k = 1


def test_twins_of_the_random_split(perovskites):
    def formula(row):
        return tuple(sorted(perovskites.records[row]["symbols"]))

    split = load_split(perovskites, "random")
    known = {formula(row) for row in split.train}
    twins = sum(formula(row) in known for row in split.test)
    assert f"{twins} of the {len(split.test)} test crystals of the random split" in COMMENTARY


def test_left_out_elements_that_training_has_on_a(perovskites):
    folder = REPO / "data" / "perovskites" / "splits"
    names = [path.stem for path in folder.glob("leave_out_*.json")]
    unseen = []
    for name in names:
        element, split = name.removeprefix("leave_out_"), load_split(perovskites, name)
        if not any(perovskites.records[row]["sites"][0] == element for row in split.train):
            unseen.append(element)
    assert unseen == ["Nb"] and "all but one" in RUBRIC
    assert f"{len(names) - 1} of the {len(names)} left-out elements" in COMMENTARY


def test_elements_of_the_test_set_are_in_training(perovskites):
    def symbols(rows):
        return {symbol for row in rows for symbol in perovskites.records[row]["symbols"]}

    for name in ("random", "formula"):
        split = load_split(perovskites, name)
        assert symbols(split.test) <= symbols(split.train)


def test_rows_of_the_feature_tables_are_nearly_independent(perovskites):
    numbers = {element.symbol: number for number, element in load_elements().items()}
    symbols = {symbol for record in perovskites.records for symbol in record["symbols"]}
    elements = sorted(numbers[symbol] for symbol in symbols)
    ranks = [
        np.linalg.matrix_rank(features.matrix(elements))
        for features in (random_features(0), published_features())
    ]
    said = f"{len(elements)} elements have rank {ranks[0]} (random) and {ranks[1]} (published)"
    assert said in COMMENTARY


def test_where_single_precision_numbers_are_denormal():
    tiny, smallest = np.finfo(np.float32).tiny, np.finfo(np.float32).smallest_subnormal
    near, far = (0.2 * np.sqrt(-np.log(float(value))) for value in (tiny, smallest))
    assert f"between {near:.2f} and {far:.2f} Å" in COMMENTARY
