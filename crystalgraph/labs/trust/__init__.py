"""Is this number true? The network in another library, a pipeline, diagnostics, leaks, bugs."""

from crystalgraph.labs.lab import Lab
from crystalgraph.labs.trust.tasks import LIBRARY_ANSWERS, NOTEBOOKS, QUESTIONS, TASKS

LAB = Lab(
    id="trust",
    title="Is this number true?",
    package=__name__,
    notebooks=NOTEBOOKS,
    tasks=TASKS,
    questions=QUESTIONS,
    library_answers=LIBRARY_ANSWERS,
)
