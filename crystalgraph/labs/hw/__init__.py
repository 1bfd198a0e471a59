"""The homework: from salt to graph, the network, energies, perovskite or not."""

from crystalgraph.labs.hw.tasks import (
    LIBRARY_ANSWERS,
    MODEL_FILE,
    NOTEBOOKS,
    QUESTIONS,
    TASKS,
)
from crystalgraph.labs.lab import Lab

LAB = Lab(
    id="hw",
    title="From a grain of salt to a crystal graph network",
    package=__name__,
    notebooks=NOTEBOOKS,
    tasks=TASKS,
    questions=QUESTIONS,
    model_file=MODEL_FILE,
    reference="model.py",
    extras=("published",),
    library_answers=LIBRARY_ANSWERS,
)
