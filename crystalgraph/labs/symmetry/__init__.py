"""What a network of messages cannot see: atoms, and crystals, with the same surroundings."""

from crystalgraph.labs.lab import Lab
from crystalgraph.labs.symmetry.tasks import LIBRARY_ANSWERS, NOTEBOOKS, QUESTIONS, TASKS

LAB = Lab(
    id="symmetry",
    title="What your network cannot see",
    package=__name__,
    notebooks=NOTEBOOKS,
    tasks=TASKS,
    questions=QUESTIONS,
    library_answers=LIBRARY_ANSWERS,
)
