"""Point defects in monolayers: which atom is wrong, and which readout can say so."""

from crystalgraph.labs.defects.tasks import LIBRARY_ANSWERS, NOTEBOOKS, QUESTIONS, TASKS
from crystalgraph.labs.lab import Lab

LAB = Lab(
    id="defects",
    title="Find the one wrong atom",
    package=__name__,
    notebooks=NOTEBOOKS,
    tasks=TASKS,
    questions=QUESTIONS,
    library_answers=LIBRARY_ANSWERS,
)
