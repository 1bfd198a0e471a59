"""A lab as small as one can be: one notebook, one task, no model file."""

from crystalgraph.labs.lab import Lab
from crystalgraph.labs.tiny.tasks import NOTEBOOKS, TASKS

LAB = Lab(id="tiny", title="Counting atoms", package=__name__, notebooks=NOTEBOOKS, tasks=TASKS)
