"""What does a network need to know about an atom and a bond? Features, bases and what they buy."""

from crystalgraph.labs.features.tasks import LIBRARY_ANSWERS, NOTEBOOKS, QUESTIONS, TASKS
from crystalgraph.labs.lab import Lab

LAB = Lab(
    id="features",
    title="What does a network need to know about an atom and a bond?",
    package=__name__,
    notebooks=NOTEBOOKS,
    tasks=TASKS,
    questions=QUESTIONS,
    library_answers=LIBRARY_ANSWERS,
)
