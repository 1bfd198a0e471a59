"""Wrong answers to the tasks of notebook 4."""

import numpy as np
import torch
from pymatgen.core import Structure
from torch.nn.functional import cross_entropy

from crystalgraph.labs.known_answers import Mutant, mutants_into

MUTANTS: list[Mutant] = []
HELD_OUT: list[Mutant] = []
wrong, held_out = mutants_into(MUTANTS), mutants_into(HELD_OUT)

# ---- 4.1 log_softmax


@wrong("4.1", "overflow")
def scores_exponentiated(scores):
    return scores - scores.exp().sum(dim=1, keepdim=True).log()


@wrong("4.1", "logarithm of softmax")
def softmax_then_log(scores):
    exponentials = (scores - scores.max(dim=1, keepdim=True).values).exp()
    return (exponentials / exponentials.sum(dim=1, keepdim=True)).log()


@wrong("4.1", "maximum of the batch")
def shifted_alike(scores):
    shifted = scores - scores.max()
    return shifted - shifted.exp().sum(dim=1, keepdim=True).log()


@wrong("4.1", "logarithm missing")
def softmax_alone(scores):
    return torch.softmax(scores, dim=1)


@wrong("4.1", "wrong axis")
def over_crystals(scores):
    return torch.log_softmax(scores, dim=0)


@wrong("4.1", "over the batch")
def over_everything(scores):
    return scores - torch.logsumexp(scores.flatten(), 0)


@wrong("4.1", "maximum not added back")
def half_shifted(scores):
    shifted = scores - scores.max(dim=1, keepdim=True).values
    return scores - shifted.exp().sum(dim=1, keepdim=True).log()


@wrong("4.1", "shifted in one place")
def shifted_outside(scores):
    shifted = scores - scores.max(dim=1, keepdim=True).values
    return shifted - scores.exp().sum(dim=1, keepdim=True).log()


@wrong("4.1", "sign")
def minus_log_softmax(scores):
    return -torch.log_softmax(scores, dim=1)


@wrong("4.1", "sum not logged")
def log_forgotten(scores):
    shifted = scores - scores.max(dim=1, keepdim=True).values
    return shifted - shifted.exp().sum(dim=1, keepdim=True)


@wrong("4.1", "epsilon")
def tiny_added(scores):
    return torch.log(torch.softmax(scores, dim=1) + 1e-8)


@wrong("4.1", "gradient lost")
def through_numpy(scores):
    scores = scores.detach().numpy()
    shifted = scores - scores.max(axis=1, keepdims=True)
    return torch.from_numpy(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


@wrong("4.1", "by torch")
def ready_made(scores):
    return torch.log_softmax(scores, dim=1)


@held_out("4.1", "by torch")
def method_of_the_tensor(scores):
    shifted = scores - scores.max(dim=1, keepdim=True).values
    return shifted.log_softmax(-1)


@held_out("4.1", "by torch")
def module_of_torch(scores):
    return torch.nn.LogSoftmax(dim=1)(scores)


@held_out("4.1", "by torch")
def two_cross_entropies(scores):
    labels = torch.zeros(len(scores), dtype=torch.long)
    losses = [cross_entropy(scores, labels + c, reduction="none") for c in (0, 1)]
    return -torch.stack(losses, dim=1)


@held_out("4.1", "epsilon")
def clamped(scores):
    return torch.softmax(scores, dim=1).clamp(min=1e-12).log()


@held_out("4.1", "overflow")
def naive_softmax(scores):
    exponentials = torch.exp(scores)
    return torch.log(exponentials) - torch.log(exponentials.sum(1))[:, None]


@held_out("4.1", "logarithm of softmax")
def torch_softmax_log(scores):
    return torch.log(torch.nn.functional.softmax(scores, dim=-1))


# ---- 4.2 negative_log_likelihood


@wrong("4.2", "minus missing")
def likelihood(log_probabilities, labels):
    return log_probabilities[torch.arange(len(labels)), labels].mean()


@wrong("4.2", "sum for mean")
def summed(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), labels].sum()


@wrong("4.2", "larger one")
def winner(log_probabilities, labels):
    return -log_probabilities.max(dim=1).values.mean()


@wrong("4.2", "wrong class")
def other_class(log_probabilities, labels):
    return -log_probabilities[torch.arange(len(labels)), 1 - labels].mean()


@wrong("4.2", "probabilities")
def softmax_before(log_probabilities, labels):
    return torch.nn.functional.nll_loss(torch.softmax(log_probabilities, dim=1), labels)


@wrong("4.2", "logarithm twice")
def logged_again(log_probabilities, labels):
    return -torch.log(log_probabilities[torch.arange(len(labels)), labels]).mean()


@wrong("4.2", "class 1 only")
def column_of_perovskites(log_probabilities, labels):
    return -log_probabilities[:, 1].mean()


@wrong("4.2", "class 0 forgotten")
def perovskites_only(log_probabilities, labels):
    return -(labels * log_probabilities[:, 1]).mean()


@wrong("4.2", "all with all")
def every_row_every_label(log_probabilities, labels):
    return -log_probabilities[:, labels].mean()


@wrong("4.2", "divided by 2 C")
def one_hot_mean(log_probabilities, labels):
    return -(torch.nn.functional.one_hot(labels, 2) * log_probabilities).mean()


@wrong("4.2", "both classes")
def labels_ignored(log_probabilities, labels):
    return -log_probabilities.sum(dim=1).mean()


@wrong("4.1", "gradient not finite")
def plus_a_root_of_zero(scores):
    return torch.log_softmax(scores, dim=1) + torch.sqrt(0 * scores.sum())


@wrong("4.2", "gradient lost")
def as_number(log_probabilities, labels):
    return torch.nn.functional.nll_loss(log_probabilities, labels).item()


@held_out("4.2", "probabilities")
def exponentials_given(log_probabilities, labels):
    probability = log_probabilities.exp()
    return -probability.gather(1, labels[:, None]).mean()


@held_out("4.2", "sum for mean")
def cross_entropy_sum(log_probabilities, labels):
    return cross_entropy(log_probabilities, labels, reduction="sum")


@held_out("4.2", "divided by 2 C")
def masks(log_probabilities, labels):
    mine = torch.stack([1 - labels, labels], dim=1)
    return -torch.mean(mine * log_probabilities)


# ---- 4.3 confusion_matrix


def _counts(labels, predicted):
    counts = np.zeros((2, 2), dtype=int)
    for truth, guess in zip(labels, predicted, strict=True):
        counts[truth, guess] += 1
    return counts


@wrong("4.3", "rows and columns exchanged")
def column_is_truth(labels, predicted):
    return _counts(predicted, labels)


@wrong("4.3", "class 1 first")
def perovskites_first(labels, predicted):
    return _counts(1 - labels, 1 - predicted)


@wrong("4.3", "columns exchanged")
def prediction_upside_down(labels, predicted):
    return _counts(labels, 1 - predicted)


@wrong("4.3", "rows exchanged")
def truth_upside_down(labels, predicted):
    return _counts(1 - labels, predicted)


@wrong("4.3", "overwritten")
def counted_once(labels, predicted):
    counts = np.zeros((2, 2), dtype=int)
    counts[labels, predicted] += 1
    return counts


@wrong("4.3", "fractions")
def divided_by_all(labels, predicted):
    return _counts(labels, predicted) / len(labels)


@wrong("4.3", "fractions of a row")
def divided_by_rows(labels, predicted):
    counts = _counts(labels, predicted)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


@wrong("4.3", "flat")
def four_numbers(labels, predicted):
    return np.bincount(2 * labels + predicted, minlength=4)


@wrong("4.3", "right ones only")
def diagonal(labels, predicted):
    return _counts(labels, predicted) * np.eye(2, dtype=int)


@held_out("4.3", "rows and columns exchanged")
def comprehension_transposed(labels, predicted):
    return [[int(((predicted == i) & (labels == j)).sum()) for j in (0, 1)] for i in (0, 1)]


@held_out("4.3", "class 1 first")
def tp_first(labels, predicted):
    tp, tn = (labels * predicted).sum(), ((1 - labels) * (1 - predicted)).sum()
    return np.array([[tp, (labels > predicted).sum()], [(predicted > labels).sum(), tn]])


# ---- 4.4 precision_and_recall


def _share(part, whole):
    return part / whole if whole else 0.0


def judged(judge):
    """precision_and_recall with `judge(tn, fp, fn, tp)`."""
    return lambda confusion: judge(*(int(count) for count in np.ravel(confusion)))


@wrong("4.4", "exchanged", judged)
def recall_and_precision(tn, fp, fn, tp):
    return _share(tp, tp + fn), _share(tp, tp + fp)


@wrong("4.4", "class 0", judged)
def of_the_others(tn, fp, fn, tp):
    return _share(tn, tn + fn), _share(tn, tn + fp)


@wrong("4.4", "accuracy for recall", judged)
def accuracy_second(tn, fp, fn, tp):
    return _share(tp, tp + fp), (tp + tn) / (tn + fp + fn + tp)


@wrong("4.4", "accuracy for precision", judged)
def accuracy_first(tn, fp, fn, tp):
    return (tp + tn) / (tn + fp + fn + tp), _share(tp, tp + fn)


@wrong("4.4", "divided by all", judged)
def share_of_everything(tn, fp, fn, tp):
    n = tn + fp + fn + tp
    return tp / n, tp / n


@wrong("4.4", "specificity for recall", judged)
def found_others(tn, fp, fn, tp):
    return _share(tp, tp + fp), _share(tn, tn + fp)


@wrong("4.4", "false positive rate", judged)
def false_alarms(tn, fp, fn, tp):
    return _share(tp, tp + fp), _share(fp, tn + fp)


@wrong("4.4", "errors for hits", judged)
def missed(tn, fp, fn, tp):
    return _share(fp, tp + fp), _share(fn, tp + fn)


@wrong("4.4", "NaN")
def unguarded(confusion):
    tp = confusion[1, 1]
    with np.errstate(all="ignore"):
        return tp / confusion[:, 1].sum(), tp / confusion[1].sum()


@wrong("4.4", "one for nothing", judged)
def optimist(tn, fp, fn, tp):
    return (tp / (tp + fp) if tp + fp else 1.0), (tp / (tp + fn) if tp + fn else 1.0)


@wrong("4.4", "division by zero", judged)
def plain_python(tn, fp, fn, tp):
    return tp / (tp + fp), tp / (tp + fn)


@held_out("4.4", "exchanged")
def by_rows(confusion):
    hits = np.diag(confusion)
    ratios = hits / np.maximum(confusion.sum(axis=1), 1), hits / np.maximum(confusion.sum(0), 1)
    return ratios[0][1], ratios[1][1]


@held_out("4.4", "NaN")
def tensor_division(confusion):
    counts = torch.as_tensor(confusion)
    return counts[1, 1] / counts[:, 1].sum(), counts[1, 1] / counts[1, :].sum()


# ---- 4.5 roc_auc


def _gaps(labels, scores):
    return scores[labels == 1][:, None] - scores[labels == 0][None, :]


@wrong("4.5", "ties ignored")
def strictly_higher(labels, scores):
    return (_gaps(labels, scores) > 0).mean()


@wrong("4.5", "ties count fully")
def not_lower(labels, scores):
    return (_gaps(labels, scores) >= 0).mean()


@wrong("4.5", "one minus")
def lower_wins(labels, scores):
    gaps = _gaps(labels, scores)
    return ((gaps < 0) + 0.5 * (gaps == 0)).mean()


@wrong("4.5", "hard predictions")
def of_predictions(labels, scores):
    gaps = _gaps(labels, (scores > 0.5).astype(float))
    return ((gaps > 0) + 0.5 * (gaps == 0)).mean()


@wrong("4.5", "hard predictions, threshold 0")
def of_signs(labels, scores):
    gaps = _gaps(labels, (scores > 0).astype(float))
    return ((gaps > 0) + 0.5 * (gaps == 0)).mean()


@wrong("4.5", "accuracy")
def share_right(labels, scores):
    return ((scores > 0.5) == (labels == 1)).mean()


@wrong("4.5", "labels not sorted along")
def sorted_scores_only(labels, scores):
    scores = np.sort(scores)[::-1]
    gaps = _gaps(labels, scores)
    return ((gaps > 0) + 0.5 * (gaps == 0)).mean()


@wrong("4.5", "sorted upwards")
def curve_from_the_wrong_end(labels, scores):
    sorted_labels = labels[np.argsort(scores, kind="stable")]
    true = np.cumsum(sorted_labels) / labels.sum()
    false = np.cumsum(1 - sorted_labels) / (1 - labels).sum()
    return np.trapezoid(np.append(0, true), np.append(0, false))


@wrong("4.5", "one point per crystal")
def curve_without_groups(labels, scores):
    sorted_labels = labels[np.argsort(-scores, kind="stable")]
    true = np.cumsum(sorted_labels) / labels.sum()
    false = np.cumsum(1 - sorted_labels) / (1 - labels).sum()
    return np.trapezoid(np.append(0, true), np.append(0, false))


def _from_ranks(labels, ranks):
    n = labels.sum()
    return (ranks[labels == 1].sum() - n * (n + 1) / 2) / (n * (len(labels) - n))


@wrong("4.5", "lowest rank")
def ranks_from_below(labels, scores):
    return _from_ranks(labels, np.array([(scores < s).sum() + 1 for s in scores]))


@wrong("4.5", "highest rank")
def ranks_from_above(labels, scores):
    return _from_ranks(labels, np.array([(scores <= s).sum() for s in scores]))


@wrong("4.5", "dense rank")
def ranks_of_levels(labels, scores):
    return _from_ranks(labels, np.unique(scores, return_inverse=True)[1] + 1)


@held_out("4.5", "one point per crystal")
def ranks_by_position(labels, scores):
    return _from_ranks(labels, np.argsort(np.argsort(scores, kind="stable")) + 1)


@held_out("4.5", "one point per crystal")
def curve_sorted_and_turned(labels, scores):
    order = np.argsort(scores, kind="stable")[::-1]
    true = np.cumsum(labels[order]) / labels.sum()
    false = np.cumsum(1 - labels[order]) / (1 - labels).sum()
    return np.trapezoid(np.append(0, true), np.append(0, false))


@held_out("4.5", "ties count fully")
def perovskites_first_among_equals(labels, scores):
    order = np.lexsort((-labels, -scores))
    true, false = np.cumsum(labels[order]), np.cumsum(1 - labels[order])
    return np.trapezoid(np.append(0, true), np.append(0, false)) / (true[-1] * false[-1])


@wrong("4.5", "divided by all pairs")
def share_of_all_pairs(labels, scores):
    gaps = _gaps(labels, scores)
    return ((gaps > 0) + 0.5 * (gaps == 0)).sum() / len(labels) ** 2


@held_out("4.5", "one minus")
def false_over_true(labels, scores):
    levels = np.append(np.inf, np.unique(scores)[::-1])
    true = [(scores[labels == 1] >= level).mean() for level in levels]
    false = [(scores[labels == 0] >= level).mean() for level in levels]
    return np.trapezoid(false, true)


@wrong("4.5", "start of the curve missing")
def without_origin(labels, scores):
    levels = np.unique(scores)[::-1]
    true = [(scores[labels == 1] >= level).mean() for level in levels]
    false = [(scores[labels == 0] >= level).mean() for level in levels]
    return np.trapezoid(true, false)


@wrong("4.5", "pair by pair")
def zipped(labels, scores):
    pairs = list(zip(scores[labels == 1], scores[labels == 0], strict=False))
    return np.mean([(a > b) + 0.5 * (a == b) for a, b in pairs])


@wrong("4.5", "turned above one half")
def larger_of_both(labels, scores):
    gaps = _gaps(labels, scores)
    auc = ((gaps > 0) + 0.5 * (gaps == 0)).mean()
    return max(auc, 1 - auc)


@held_out("4.5", "ties ignored")
def double_loop(labels, scores):
    pairs = [(a, b) for a in scores[labels == 1] for b in scores[labels == 0]]
    return sum(a > b for a, b in pairs) / len(pairs)


@held_out("4.5", "one point per crystal")
def rank_sum_without_ties(labels, scores):
    ranks = np.empty(len(scores))
    ranks[np.argsort(-scores, kind="stable")] = np.arange(len(scores), 0, -1)
    n = labels.sum()
    return (ranks[labels == 1].sum() - n * (n + 1) / 2) / (n * (len(labels) - n))


# ---- 4.6 shortest_distance


def _chosen(structure, elements):
    return Structure.from_sites([s for s in structure if s.specie.symbol in elements])


def _pairs(crystal):
    """Sites and distances of all pairs within reach of a site's own image."""
    radius = 1.5 * min(crystal.lattice.abc)
    center, neighbor, _, distance = crystal.get_neighbor_list(radius)
    return center, neighbor, distance


@wrong("4.6", "images lost")
def inside_the_cell(structure, elements):
    points = _chosen(structure, elements).cart_coords
    gaps = np.linalg.norm(points[:, None] - points[None, :], axis=-1)
    return np.min(gaps[gaps > 0]) if (gaps > 0).any() else np.inf


@wrong("4.6", "own image lost")
def other_sites_only(structure, elements):
    distances = _chosen(structure, elements).distance_matrix.copy()
    np.fill_diagonal(distances, np.inf)
    return distances.min()


@wrong("4.6", "zero")
def a_site_and_itself(structure, elements):
    return _chosen(structure, elements).distance_matrix.min()


@wrong("4.6", "elements ignored")
def any_two_atoms(structure, elements):
    return _pairs(structure)[2].min()


@wrong("4.6", "to any atom")
def nearest_neighbor(structure, elements):
    mine = np.array([site.specie.symbol in elements for site in structure])
    center, _, distance = _pairs(structure)
    return distance[mine[center]].min()


@wrong("4.6", "other elements")
def everything_else(structure, elements):
    others = {site.specie.symbol for site in structure} - set(elements)
    return _pairs(_chosen(structure, others))[2].min()


@wrong("4.6", "unlike only")
def b_to_other_b(structure, elements):
    crystal = _chosen(structure, elements)
    symbols = np.array([site.specie.symbol for site in crystal])
    center, neighbor, distance = _pairs(crystal)
    unlike = symbols[center] != symbols[neighbor]
    return distance[unlike if unlike.any() else slice(None)].min()


@wrong("4.6", "like only")
def same_element(structure, elements):
    crystal = _chosen(structure, elements)
    symbols = np.array([site.specie.symbol for site in crystal])
    center, neighbor, distance = _pairs(crystal)
    return distance[symbols[center] == symbols[neighbor]].min()


@wrong("4.6", "first element only")
def one_of_the_elements(structure, elements):
    return _pairs(_chosen(structure, elements[:1]))[2].min()


@wrong("4.6", "one atom only")
def from_the_first(structure, elements):
    center, _, distance = _pairs(_chosen(structure, elements))
    return distance[center == 0].min()


@wrong("4.6", "last atom only")
def from_the_last(structure, elements):
    center, _, distance = _pairs(_chosen(structure, elements))
    return distance[center == center.max()].min()


@wrong("4.6", "own images only")
def an_atom_and_its_images(structure, elements):
    center, neighbor, distance = _pairs(_chosen(structure, elements))
    return distance[center == neighbor].min()


@held_out("4.6", "one atom only")
def around_the_first(structure, elements):
    chosen = [site for site in structure if site.specie.symbol in elements]
    near = structure.get_neighbors(chosen[0], 1.5 * min(structure.lattice.abc))
    return min(site.nn_distance for site in near if site.specie.symbol in elements)


@wrong("4.6", "fractional coordinates")
def in_units_of_the_cell(structure, elements):
    points = _chosen(structure, elements).frac_coords
    images = np.array(list(np.ndindex(3, 3, 3))) - 1
    gaps = points[:, None, None] - points[None, :, None] + images
    lengths = np.linalg.norm(gaps, axis=-1)
    return lengths[lengths > 1e-6].min()


@wrong("4.6", "squared")
def root_forgotten(structure, elements):
    return _pairs(_chosen(structure, elements))[2].min() ** 2


@wrong("4.6", "shortest edge of the cell")
def length_of_the_cell(structure, elements):
    return min(structure.lattice.abc)


@held_out("4.6", "own image lost")
def get_distance_loop(structure, elements):
    chosen = [n for n, site in enumerate(structure) if site.specie.symbol in elements]
    pairs = [(i, j) for i in chosen for j in chosen if i < j]
    return min((structure.get_distance(i, j) for i, j in pairs), default=np.inf)


@held_out("4.6", "images lost")
def cartesian_loop(structure, elements):
    points = [site.coords for site in structure if site.specie.symbol in elements]
    gaps = [np.linalg.norm(a - b) for i, a in enumerate(points) for b in points[:i]]
    return min(gaps) if gaps else float("inf")
