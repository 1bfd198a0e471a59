"""What makes the cases of the homework, one function for each kind; a check names its own.

The same function makes the cases that students have, the hidden ones and those of one student: see
crystalgraph.checking.case_numbers.
"""

from crystalgraph.labs.hw.instructor.case_makers.classification import (
    confusion_matrices,
    crystals_of_two_classes,
    log_probabilities,
    ranked_crystals,
    scores,
    shortest_distances,
)
from crystalgraph.labs.hw.instructor.case_makers.energy import (
    batches_to_evaluate,
    batches_to_train_on,
    energies,
    sites,
    targets,
)
from crystalgraph.labs.hw.instructor.case_makers.network import (
    atoms_to_pool,
    conv_layer,
    fast_conv_layer,
    network,
    shared_conv_layer,
)
from crystalgraph.labs.hw.instructor.case_makers.own_tests import graph_to_shuffle, small_cell
from crystalgraph.labs.hw.instructor.case_makers.salt_to_graph import (
    crystals_and_features,
    crystals_with_neighbors,
    distances,
    graphs_to_batch,
)

__all__ = [
    "atoms_to_pool",
    "batches_to_evaluate",
    "batches_to_train_on",
    "confusion_matrices",
    "conv_layer",
    "crystals_and_features",
    "crystals_of_two_classes",
    "crystals_with_neighbors",
    "distances",
    "energies",
    "fast_conv_layer",
    "graph_to_shuffle",
    "graphs_to_batch",
    "log_probabilities",
    "network",
    "ranked_crystals",
    "scores",
    "shared_conv_layer",
    "shortest_distances",
    "sites",
    "small_cell",
    "targets",
]
