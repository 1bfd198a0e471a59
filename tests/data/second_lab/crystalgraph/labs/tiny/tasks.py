"""The task of the lab."""

from crystalgraph.checking.task import Task, by_id

COUNT = "1_count.ipynb"
NOTEBOOKS = {"1": COUNT}
TASKS = by_id([Task("1.1", "count_atoms", COUNT, COUNT, 4, 5, "How many atoms of an element.")])
