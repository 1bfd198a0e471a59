"""Checks of notebook 4: log-probabilities, the loss, and the numbers that judge a classifier."""

from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from torch import Tensor

from crystalgraph.checking.cases import Arrays, Case
from crystalgraph.checking.check import Check, CheckStep, stored
from crystalgraph.checking.compare import as_array, as_tensor, close, shapes
from crystalgraph.checking.examine import Exam
from crystalgraph.checking.faults import Fault, explain
from crystalgraph.checking.gradients import gradient_is_the_slope
from crystalgraph.labs.hw.advice import MISTAKES
from crystalgraph.labs.hw.checks.energy import number
from crystalgraph.labs.hw.checks.salt_to_graph import structure_of

CLASSES = ("crystal", "class")


def _inputs(case: Case) -> dict[str, np.ndarray]:
    return {name: value.copy() for name, value in case.inputs.items()}


def _unchanged(inputs: dict[str, np.ndarray], case: Case) -> None:
    """Raise Fault when the student's code wrote into what it was given."""
    for name, value in inputs.items():
        if not np.array_equal(value, case.inputs[name]):
            raise Fault(f"Your function changes `{name}`: leave it as it is.", "in place")


def _shapes(case: Case) -> str:
    return shapes(case.inputs)


# ---- 4.1 log_softmax


def _run_log_softmax(answer: Callable, case: Case) -> Arrays:
    inputs = _inputs(case)
    result = as_tensor(answer(torch.from_numpy(inputs["scores"])), "The result")
    _unchanged(inputs, case)
    return {"result": as_array(result, "The result")}


def _written_by_hand(exam: Exam) -> None:
    """Raise Fault for torch's own function: it takes no whole numbers, and the error names it.

    Given numbers that were converted first it passes; the class report names who calls it.
    """
    try:
        exam.answer(torch.tensor([[1, 2], [3, 1]]))
    except Exception as error:
        if '"log_softmax_' in str(error):
            message = f"Likely mistake: {exam.check.advice_on('by torch')}"
            raise Fault(message, "by torch", explain(error, exam.task.name).line) from None


def _probabilities(exam: Exam) -> None:
    case = exam.named("random")[0]
    got = exam.run(case)["result"]
    if got.shape != case.inputs["scores"].shape:
        exam.compare("random")
    if not np.allclose(np.exp(got).sum(1), 1):
        raise Fault(
            "The exponentials of your rows do not add up to 1.",
            "not normalized",
            guess="Normalize over the classes of one crystal.",
        )
    scores = torch.from_numpy(case.inputs["scores"].copy()).requires_grad_()
    gradient_is_the_slope(lambda: exam.answer(scores), [scores])
    _written_by_hand(exam)


def _large_scores(exam: Exam) -> None:
    for case in exam.named("large"):
        result = exam.run(case)["result"]
        if np.isnan(result).any():  # infinity minus infinity, or infinity by infinity
            text = f"Likely mistake: {exam.check.advice_on('overflow')}\n{exam.input_line(case)}"
            raise Fault(f"{text}\nYour result holds NaN.", "overflow")
        if result.shape == case.inputs["scores"].shape and np.isfinite(result).all():
            _not_cut_off(exam, result, case.inputs["scores"])
    exam.compare("large")


def _not_cut_off(exam: Exam, result: np.ndarray, scores: np.ndarray) -> None:
    """log p_1 - log p_0 is the difference of the scores, however large; small numbers cap it."""
    gaps, wanted = (np.abs(x[:, 1] - x[:, 0]) for x in (result, scores))
    far = wanted > 100
    if np.allclose(gaps[far], gaps[far][0], rtol=1e-6) and not np.allclose(gaps, wanted):
        raise Fault(f"Likely mistake: {exam.check.advice_on('epsilon')}", "epsilon")


_LOG_SOFTMAX = Check(
    "4.1",
    _run_log_softmax,
    (
        stored("three crystals by hand", 1, "paper", paper=True),
        CheckStep(
            "a row's probabilities add up to 1; the gradient is kept",
            0.5,
            _probabilities,
        ),
        stored("a batch of scores", 1, "random"),
        CheckStep("very large scores", 1.5, _large_scores),
    ),
    "score minus the logarithm of the sum of the row's exponentials, with the row's maximum "
    "subtracted first.",
    {
        "paper": "scores (0, 0), (ln 3, 0), (0, ln 3): probabilities 1/2, 1/2 and 3/4, 1/4 and "
        "1/4, 3/4",
        "random": "scores between about -3 and 3",
        "large": "scores up to +-1000",
    },
    {"result": CLASSES},
    _shapes,
    advice=MISTAKES["4.1"],
    case_maker="scores",
)

# ---- 4.2 negative_log_likelihood


def _run_likelihood(answer: Callable, case: Case) -> Arrays:
    inputs = _inputs(case)
    loss = answer(*(torch.from_numpy(inputs[name]) for name in ("log_probabilities", "labels")))
    _unchanged(inputs, case)
    return {"loss": number(loss, "The loss")}


def _loss_trains(exam: Exam) -> None:
    case = exam.named("random")[0]
    exam.run(case)  # refuses anything but one number
    values = torch.from_numpy(case.inputs["log_probabilities"].copy()).requires_grad_()
    labels = torch.from_numpy(case.inputs["labels"].copy())
    (gradient,) = gradient_is_the_slope(lambda: exam.answer(values, labels), [values])
    if not cast(Tensor, gradient).any(dim=1).all():
        raise Fault("Some crystals do not count: the loss does not depend on them.", "some lost")


_LIKELIHOOD = Check(
    "4.2",
    _run_likelihood,
    (
        stored("three crystals by hand", 1.5, "paper", paper=True),
        CheckStep("a tensor with a gradient, to which each crystal adds", 1, _loss_trains),
        stored("batches", 1.5, "random", "certain"),
    ),
    "minus the log-probability in the column of the true class, averaged over the crystals.",
    {
        "paper": "probabilities of class 1: 1/4, 3/4, 7/8; labels 0, 1, 0",
        "random": "a batch with more crystals of class 0 than of class 1",
        "certain": "a network that is very sure, once of the wrong class",
    },
    {},
    _shapes,
    advice=MISTAKES["4.2"],
    case_maker="log_probabilities",
)

# ---- 4.3 confusion_matrix


def _run_confusion(answer: Callable, case: Case) -> Arrays:
    inputs = _inputs(case)
    result = answer(inputs["labels"], inputs["predicted"])
    _unchanged(inputs, case)
    return {"result": as_array(result, "The result")}


def _every_crystal_once(exam: Exam) -> None:
    case = exam.named("random")[0]
    labels, predicted = case.inputs["labels"], case.inputs["predicted"]
    counts = exam.run(case)["result"]
    if counts.shape != (2, 2):
        exam.compare("random")
    if not counts.sum() == len(labels):
        raise Fault(
            f"The four counts add up to {counts.sum():g}, but there are {len(labels)} crystals.",
            "total",
        )
    exchanged = as_array(exam.answer(predicted.copy(), labels.copy()), "The result")
    if not np.array_equal(exchanged, counts.T):
        raise Fault(
            "Truth and prediction exchanged should exchange rows and columns of the matrix.",
            "not symmetric",
        )


_CONFUSION = Check(
    "4.3",
    _run_confusion,
    (
        stored("ten crystals by hand", 1.5, "paper"),
        CheckStep("every crystal is counted once", 0.5, _every_crystal_once),
        stored("batches", 1, "random"),
        stored("one class only", 1, "all_predicted", "all_true"),
    ),
    "row: truth, column: prediction, class 0 first; four counts.",
    {
        "paper": "10 crystals: 3 others found, 2 taken for perovskites, 1 perovskite missed, 4 "
        "found",
        "random": "many crystals, some of them wrong",
        "all_predicted": "every crystal predicted to be a perovskite",
        "all_true": "perovskites only, all of them found",
    },
    {"result": ("truth row", "prediction column")},
    _shapes,
    advice=MISTAKES["4.3"],
    case_maker="crystals_of_two_classes",
)

# ---- 4.4 precision_and_recall


def _run_precision(answer: Callable, case: Case) -> Arrays:
    inputs = _inputs(case)
    result = answer(inputs["confusion"])
    _unchanged(inputs, case)
    if result is None or not hasattr(result, "__len__") or len(result) != 2:
        raise Fault("The function should return two numbers: precision, recall.", "shape")
    return {
        "precision": number(result[0], "The precision"),
        "recall": number(result[1], "The recall"),
    }


def _nothing_to_divide_by(exam: Exam) -> None:
    for case in exam.named("none_predicted", "none_true"):
        try:
            exam.run(case)
        except ZeroDivisionError as error:
            raise Fault(
                f"{exam.input_line(case)}\nYour code raised {type(error).__name__}: where there is "
                "nothing to divide by, give 0.0.",
                "division by zero",
            ) from error
    exam.compare("none_predicted", "none_true")


_PRECISION = Check(
    "4.4",
    _run_precision,
    (
        stored("a matrix by hand", 1.5, "paper", paper=True),
        stored("matrices", 1, "random", "perfect"),
        CheckStep("nothing predicted, nothing there", 1.5, _nothing_to_divide_by),
    ),
    "precision: of those predicted to be perovskites, the share that are; recall: of the "
    "perovskites, the share that were found; 0.0 where there is nothing to divide by.",
    {
        "paper": "[[50, 10], [20, 20]]: 30 predicted, 40 perovskites, 20 found",
        "random": "four different counts",
        "perfect": "no crystal wrong",
        "none_predicted": "no crystal predicted to be a perovskite",
        "none_true": "no perovskite among the crystals",
    },
    {},
    _shapes,
    advice=MISTAKES["4.4"],
    case_maker="confusion_matrices",
)

# ---- 4.5 roc_auc


def _run_auc(answer: Callable, case: Case) -> Arrays:
    inputs = _inputs(case)
    result = answer(inputs["labels"], inputs["scores"])
    _unchanged(inputs, case)
    return {"AUC": number(result, "The AUC")}


def _order_alone_counts(exam: Exam) -> None:
    case = exam.named("random")[0]
    labels, scores = case.inputs["labels"], case.inputs["scores"]

    def auc(*arguments: np.ndarray) -> float:
        return float(number(exam.answer(*(x.copy() for x in arguments)), "The AUC"))

    got = float(exam.run(case)["AUC"])
    if not close(auc(labels, np.exp(3 * scores) - 5), got):
        raise Fault(
            "The AUC changes when all scores go through exp(3 s) - 5, which keeps their order.",
            "threshold",
            guess="Compare scores with each other, not with a threshold.",
        )
    exchanged = auc(1 - labels, scores)
    if close(exchanged, got) and not close(got, 0.5):
        cause = "turned above one half"
        raise Fault(f"Likely mistake: {exam.check.advice_on(cause)}", cause)
    if not close(exchanged, 1 - got):
        raise Fault("Labels 0 and 1 exchanged should give 1 - AUC.", "not antisymmetric")
    order = np.argsort(np.sin(7 * np.arange(len(labels))))  # some other order
    if not close(auc(labels[order], scores[order]), got):
        raise Fault("The AUC changes when the crystals are listed in another order.", "order")


def _equal_scores(exam: Exam) -> None:
    try:
        exam.compare("ties", "constant")
    except Fault as fault:
        if fault.cause or not _order_of_ties_counts(exam):
            raise
        cause = "one point per crystal"
        message = f"Likely mistake: {exam.check.advice_on(cause)}\n{fault.message}"
        raise Fault(message, cause) from None


def _order_of_ties_counts(exam: Exam) -> bool:
    """Whether the same crystals in another order give another number.

    Any order may be a student's, so the numbers of such an answer cannot be stored.
    """
    inputs = exam.named("ties")[0].inputs
    labels, scores = inputs["labels"], inputs["scores"]
    orders = [np.lexsort((labels, scores)), np.lexsort((-labels, scores))]
    one, other = (float(number(exam.answer(labels[o], scores[o]), "The AUC")) for o in orders)
    return not np.isclose(one, other)


_AUC = Check(
    "4.5",
    _run_auc,
    (
        stored("six pairs by hand", 1.5, "paper", paper=True),
        CheckStep("only the order of the scores counts", 1.5, _order_alone_counts),
        stored("a test set", 1, "random", "rare"),
        CheckStep("equal scores", 2, _equal_scores),
    ),
    "over all pairs of a perovskite and another oxide, the share in which the perovskite has the "
    "higher score; a tie counts one half.",
    {
        "paper": "scores 0.9, 0.8, 0.7, 0.3, 0.2 with labels 1, 0, 1, 0, 0",
        "random": "scores of both signs, many perovskites",
        "rare": "few perovskites",
        "ties": "scores of which many are equal",
        "constant": "the same score for every crystal",
    },
    {},
    _shapes,
    advice=MISTAKES["4.5"],
    case_maker="ranked_crystals",
)

# ---- 4.6 shortest_distance


def _run_shortest(answer: Callable, case: Case) -> Arrays:
    structure, elements = structure_of(case), list(case.settings["elements"])
    before = structure.copy()
    distance = number(answer(structure, elements), "The distance")
    if structure != before or elements != case.settings["elements"]:
        raise Fault(
            "Your function changes the structure or the list it is given: work on a copy.",
            "in place",
        )
    return {"distance": distance}


def _cell_does_not_matter(exam: Exam) -> None:
    case = exam.named("skewed")[0]
    structure, elements = structure_of(case), case.settings["elements"]
    got = float(exam.run(case)["distance"])
    twice = float(number(exam.answer(structure * (2, 1, 1), elements), "The distance"))
    if not close(twice, got):
        raise Fault(
            "The same crystal written as a cell of twice the length gives another distance.",
            "cell matters",
            guess="Images in neighboring cells count, also those of the site itself.",
        )
    shifted = structure.copy().translate_sites(range(len(structure)), [0.4, 0.3, 0.6])
    moved = float(number(exam.answer(shifted, elements), "The distance"))
    if not close(moved, got):
        raise Fault(
            "The distance changes when all atoms are moved alike, some across the cell's border.",
            "cell matters",
            guess="Count periodic images.",
        )


def _composition(case: Case) -> str:
    elements = ", ".join(case.settings["elements"])
    return f"{structure_of(case).composition.formula}; elements {elements}"


_SHORTEST = Check(
    "4.6",
    _run_shortest,
    (
        stored("a cubic perovskite", 1, "paper", paper=True),
        CheckStep("the choice of the cell does not matter", 1, _cell_does_not_matter),
        stored("one element, two elements", 2, "one_site", "two_elements", "like", "skewed"),
    ),
    "the smallest distance in angstrom between two sites that hold any of the elements, where "
    "every periodic image is a site.",
    {
        "paper": "SrTiO3, one Ti in a cubic cell of 3.9 angstrom",
        "one_site": "one B atom in a cell with three different sides",
        "two_elements": "a double perovskite, B and B' in turns",
        "like": "two B elements and five B atoms, where the shortest distance joins two atoms of "
        "the same element",
        "skewed": "atoms near opposite sides of a skewed cell",
    },
    {},
    _composition,
    advice=MISTAKES["4.6"],
    case_maker="shortest_distances",
)

CHECKS = (_LOG_SOFTMAX, _LIKELIHOOD, _CONFUSION, _PRECISION, _AUC, _SHORTEST)
