"""Handing in: the last cell of every notebook packs all files of the lab into one zip.

The zip is named as the instructor's collector expects (names.py has the patterns), holds the files
of the lab's table and nothing else, and is not made at all while one of them is missing, cannot be
graded, or is not what was run last. Open tasks are listed; they do not prevent the zip.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from crystalgraph.checking.autograding import on_the_board
from crystalgraph.course.colab import CONTENT, download, drive_folders, in_colab, notebook_on_screen
from crystalgraph.course.hand_in.archive import write_zip
from crystalgraph.course.hand_in.names import STUDENT_ID
from crystalgraph.course.hand_in.open_tasks import still_open
from crystalgraph.course.hand_in.parts import HandInRefused, Part, collect_parts, copy_with_work
from crystalgraph.course.hand_in.saved import check_saved, last_runs
from crystalgraph.labs import LABS
from crystalgraph.labs.lab import Lab

NO_ID = (
    'No zip yet: write your id between the quotes, student_id="...", and run this cell again (in '
    "one of the notebooks; the zip has them all)."
)


def hand_in(lab: Lab, notebook: str, student_id: object, content: Path = CONTENT) -> None:
    """Make the zip, say what is in it and what is still open; in Colab, download it.

    Args:
        lab: that is handed in.
        notebook: number of the notebook that this is called in, "1".
        student_id: as the instructor knows you; empty does nothing.
        content: Colab's own folder.

    Raises:
        HandInRefused: there is no zip, and why.
    """
    if on_the_board() or os.environ.get("NBGRADER_EXECUTION"):
        print("Nothing is packed while grading.")
        return
    if student_id == "":
        print(NO_ID)
        return
    if notebook not in lab.notebooks:
        known = ", ".join(map(repr, lab.notebooks))
        raise HandInRefused(f"No zip: there is no notebook {notebook!r}; write one of {known}.")
    student = checked_id(student_id)
    folder, name = Path.cwd(), lab.notebooks[notebook]
    drive = drive_folders(lab, content) if in_colab() else ()
    places = [folder, *(one for one in drive if one.is_dir() and one != folder)]
    shown = notebook_on_screen()
    on_screen = None if shown is None else Part(name, None, shown, time.time())
    parts = collect_parts(lab, places, on_screen)
    check_saved(lab, parts, name, last_runs())
    path = write_zip(folder / f"{lab.id}_{student}.zip", parts)
    print("\n".join([f"{path} is ready to be handed in:", *(f"  {p.describe()}" for p in parts)]))
    if careful := copy_with_work(lab, parts):
        print(f"\n{careful}")
    print("\nChecking the tasks, as they are in the zip ...", flush=True)
    print(still_open(lab, parts))
    download(path)


def checked_id(student_id: object) -> str:
    """The id without blanks around it.

    Raises:
        HandInRefused: the collector would not find its zip.
    """
    if not isinstance(student_id, str):
        raise HandInRefused(f'No zip: the id {student_id!r} needs quotes around it, like "s001".')
    if not re.fullmatch(STUDENT_ID, student_id.strip()):
        raise HandInRefused(
            f'No zip: the id {student_id!r} does not fit; write letters a to z, digits, ".", "-", '
            '"_" and "@" alone, at most 64, the first a letter or a digit, like "s001".'
        )
    labs = "|".join(re.escape(lab.id) for lab in LABS.values())
    if found := re.search(rf"(?:^|_)(?:{labs})_", student_id.strip()):
        raise HandInRefused(
            f"No zip: the id {student_id!r} does not fit, because {found[0]!r} in it is taken for "
            "the beginning of a zip's name; ask your instructor for another id."
        )
    return student_id.strip()
