"""Does it move? Equivariant layers on molecules and crystals, and how to recognize a fake."""

from crystalgraph.labs.equivariance.tasks import LIBRARY_ANSWERS, NOTEBOOKS, QUESTIONS, TASKS
from crystalgraph.labs.lab import Lab

LAB = Lab(
    id="equivariance",
    title="Does it move? Equivariant layers on molecules and crystals",
    package=__name__,
    notebooks=NOTEBOOKS,
    tasks=TASKS,
    questions=QUESTIONS,
    library_answers=LIBRARY_ANSWERS,
)
