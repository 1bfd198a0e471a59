"""Reading what was handed in, whatever strangers put into it.

read never fails on what is in a hand-in: whatever is wrong with it stands in the HandIn, as a
repair or as a problem.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from crystalgraph.course.hand_out import work_in
from crystalgraph.course.notebook_file import released_ids
from crystalgraph.grading.intake.archives import (
    USUAL_LIMITS,
    Box,
    Member,
    SizeLimits,
    Unreadable,
    open_box,
    open_zip_in,
    read_member,
)
from crystalgraph.grading.intake.file_names import (
    JUNK,
    LEADS_OUT,
    archive_ending,
    ending_of,
    file_of_lab,
)
from crystalgraph.grading.intake.notebook_text import (
    BadNotebook,
    cells_of,
    grade_id_of,
    released_notebook,
    text_of,
)
from crystalgraph.grading.intake.sources import TIMESTAMP, Source
from crystalgraph.grading.intake.wording import listed, shown
from crystalgraph.grading.result import Status
from crystalgraph.labs.lab import Lab

MOST_CANDIDATES = 40
"""Files of one hand-in that are looked into."""
MOST_NESTED = 3
"""Zips in zips in zips."""
NAMED = 3
"""Files left out that are named."""
TELLING = 3
"""Cells of a notebook of ours that make one without marks and with another name that notebook."""
NOTEBOOK = ".ipynb"

Problem = tuple[Status, str]
"""What the lack of a file makes of its tasks, and a sentence on it."""


@dataclass(frozen=True)
class HandIn:
    """The files of one student, under the names they were handed out with.

    Attributes:
        student: the id.
        source: where it came from, for people: "ps1_s001.zip".
        files: name -> content, for those of the lab's files that were found.
        submitted: when, with time zone; None when not known.
        repairs: sentences on what was put right: renamed files, the later of two zips.
        problems: name of a file -> why it cannot be had.
        late: whether the platform says that it came after the date.
        seen: sentences on it that the instructor should read.
    """

    student: str
    source: str
    files: dict[str, bytes]
    submitted: datetime | None = None
    repairs: tuple[str, ...] = ()
    problems: dict[str, Problem] = field(default_factory=dict)
    late: bool = False
    seen: tuple[str, ...] = ()

    @property
    def fingerprint(self) -> str:
        """The same for two hand-ins that get the same grade; the time counts, it may be late."""
        known = [self.student, self.submitted and self.submitted.isoformat()]
        known += [[name, *self.problems[name]] for name in sorted(self.problems)]
        hashes = {name: hashlib.sha256(content) for name, content in self.files.items()}
        known += [[name, hashes[name].hexdigest()] for name in sorted(hashes)]
        return hashlib.sha256(json.dumps(known).encode()).hexdigest()


def read(source: Source, lab: Lab, limits: SizeLimits = USUAL_LIMITS) -> HandIn:
    """What a student handed in, as far as it can be had.

    Args:
        source: from find_sources.
        lab: that was handed in.
        limits: on what is read.

    Returns:
        The hand-in. Every file of the lab is in its files or in its problems.
    """
    problem, reading = None, _Reading(lab, limits, list(source.repairs))
    files: dict[str, bytes] = {}
    problems: dict[str, Problem] = {}
    try:
        with open_box(source.path, source.inside, source.only, limits) as box:
            files, problems = reading.chosen_files(box)
    except Unreadable as error:
        problem = error.status, f"{shown(source.source)} {error.reason}."
    except Exception as error:  # whatever a stranger's file does, it must not stop the others
        what = type(error).__name__
        problem = Status.MISSING_FILE, f"{shown(source.source)} cannot be read ({what})."
    for name in lab.files:
        if name not in files:
            missing = Status.MISSING_FILE, f"{name} was not handed in."
            problems.setdefault(name, problem or missing)
    notes = tuple(reading.repairs), problems, source.late, tuple(reading.seen)
    return HandIn(source.student, source.source, files, source.submitted, *notes)


@dataclass(frozen=True)
class _Candidate:
    """A file that may be one of the lab's.

    Attributes:
        name: of that file of the lab.
        member: what it is in the box.
        content: its bytes.
        work: what the student's work in it is; None when it cannot be read.
    """

    name: str
    member: Member
    content: bytes
    work: object


@dataclass
class _Reading:
    """The reading of one hand-in.

    Attributes:
        lab: that was handed in.
        limits: on what is read.
        repairs: sentences on what was put right.
        seen: sentences that the instructor should read.
    """

    lab: Lab
    limits: SizeLimits
    repairs: list[str]
    seen: list[str] = field(default_factory=list)

    def chosen_files(self, box: Box, level: int = 0) -> tuple[dict[str, bytes], dict[str, Problem]]:
        """The files of the lab in a box, and why others cannot be had."""
        members = [member for member in box.members if not JUNK.search(member.path)]
        self._refuse_hostile(members)
        candidates, problems = self._candidates(box, members)
        zips = [member for member in members if archive_ending(member.name) == ".zip"]
        if not candidates and not problems and zips and level < MOST_NESTED:
            inner = max(zips, key=lambda member: member.saved)
            self.repairs.append(f"It was a zip in a zip: {shown(inner.path)}.")
            with open_zip_in(box, inner, self.limits) as found:
                return self.chosen_files(found, level + 1)
        files = {}
        for name in self.lab.files:
            if versions := [one for one in candidates if one.name == name]:
                files[name] = self._chosen(name, versions)
                problems.pop(name, None)
        self._note_others(members, candidates)
        return files, problems

    def _refuse_hostile(self, members: Iterable[Member]) -> None:
        """Raise Unreadable for paths made to be written outside of where a zip is unpacked.

        `zip ps1.zip ../ps1/*` makes such paths too, but of the lab's files alone.
        """
        for member in members:
            if LEADS_OUT.search(member.path) and not file_of_lab(member.name, self.lab):
                path = shown(member.path)
                raise Unreadable(Status.TAMPERED, f"has a path in it that leads out of it: {path}")

    def _candidates(
        self, box: Box, members: Iterable[Member]
    ) -> tuple[list[_Candidate], dict[str, Problem]]:
        """The files that may be the lab's, those with the right names first."""
        possible = [member for member in members if ending_of(member.name, self.lab)]
        possible.sort(key=lambda member: file_of_lab(member.name, self.lab) is None)
        found: list[_Candidate] = []
        problems: dict[str, Problem] = {}
        left = self.limits.hand_in
        for member in possible[:MOST_CANDIDATES]:
            is_notebook = ending_of(member.name, self.lab) == NOTEBOOK
            most = self.limits.notebook if is_notebook else self.limits.model
            by_name = file_of_lab(member.name, self.lab)
            try:
                content = read_member(box, member, min(most, left))
            except Unreadable as error:
                if by_name:
                    problems[by_name] = error.status, f"{shown(member.path)} {error.reason}."
                continue
            left -= len(content)
            candidate = self._notebook if is_notebook else self._model
            found += candidate(by_name, member, content)
        models = [one for one in found if one.name == self.lab.model_file]
        return [one for one in found if one not in models] + self._models(models), problems

    def _models(self, models: list[_Candidate]) -> list[_Candidate]:
        """Those with the model file's name; others only where these have no work in them."""
        right = [one for one in models if file_of_lab(one.member.name, self.lab)]
        if not right:
            return models
        name = str(self.lab.model_file)
        untouched = self._released_work(name)
        others = [one for one in models if one not in right and one.work != untouched]
        if not others or any(one.work != untouched for one in right):
            return right
        names = listed([shown(one.member.path) for one in others], NAMED)
        self.seen.append(
            f"{name} is as it was handed out; beside it is {names} with work in it, and that was "
            "graded: ask the student whether it is the right one."
        )
        return right + others

    def _model(self, by_name: str | None, member: Member, content: bytes) -> list[_Candidate]:
        """A file with the model file's name; one that defines what that does, if none has it."""
        text = text_of(content)[0].replace("\r\n", "\n")
        if self.lab.model_file and (by_name or defines_model(self.lab, text)):
            return [_Candidate(self.lab.model_file, member, content, text.strip())]
        return []

    def _notebook(self, by_name: str | None, member: Member, content: bytes) -> list[_Candidate]:
        """A notebook of the lab: by its cells or, where these say nothing, by its name."""
        try:
            cells, _ = cells_of(content)
        except BadNotebook:
            return [_Candidate(by_name, member, content, None)] if by_name else []
        name = notebook_of(cells, self.lab) or by_name
        return [_Candidate(name, member, content, _work(cells))] if name else []

    def _chosen(self, name: str, versions: Sequence[_Candidate]) -> bytes:
        """The content of the version that counts: the newest with work in it that can be read."""
        untouched = self._released_work(name)

        def order(one: _Candidate) -> tuple:
            known = one.work != untouched, one.work is not None, one.member.saved
            return *known, one.member.name == name, -len(one.member.path)

        best = max(versions, key=order)
        others = sorted(shown(one.member.path) for one in versions if one.content != best.content)
        if others:
            note = f"Of {len(versions)} versions of {name}, {shown(best.member.path)} counts"
            others = listed(others, NAMED)
            self.repairs.append(f"{note}, the newest with work in it, not {others}.")
        elif best.member.name != name:
            self.repairs.append(f"{name} was called {shown(best.member.name)}.")
        return best.content

    def _released_work(self, name: str) -> object:
        """The work in a file that nobody has worked on."""
        if name == self.lab.model_file:
            return (self.lab.release() / name).read_text(encoding="utf-8").strip()
        return _work(released_notebook(self.lab, name)["cells"])

    def _note_others(self, members: Iterable[Member], used: Iterable[_Candidate]) -> None:
        """Name the files that are none of the lab's."""
        ours = {id(one.member) for one in used}
        others = [member for member in members if id(member) not in ours]
        left = sorted(shown(member.path) for member in others if member.name != TIMESTAMP)
        if left:
            files = listed(left, NAMED)
            self.repairs.append(f"Not part of {self.lab.id} and left out: {files}.")


def defines_model(lab: Lab, text: str) -> bool:
    """Whether a Python file defines most of what the lab's model file does, each once."""
    names = {task.object_name for task in lab.tasks.values() if task.where == lab.model_file}
    once = [n for n in names if len(re.findall(rf"^(?:class|def) {n}\b", text, re.M)) == 1]
    return len(once) > len(names) / 2


def notebook_of(cells: Iterable[dict], lab: Lab) -> str | None:
    """Which notebook of the lab some cells are, whatever it is called."""
    cells = list(cells)
    ids = {grade_id_of(cell) for cell in cells}
    texts = {cell["source"].strip() for cell in cells}
    scores = {
        name: (len(ids & released_ids(lab, name)), len(texts & own_texts(lab, name)))
        for name in lab.notebooks.values()
    }
    best = max(scores, key=scores.__getitem__)
    return best if scores[best][0] or scores[best][1] >= TELLING else None


def own_texts(lab: Lab, name: str) -> set[str]:
    """The texts of a released notebook's cells that are in no other one of the lab."""
    texts = {
        notebook: {cell["source"].strip() for cell in released_notebook(lab, notebook)["cells"]}
        for notebook in lab.notebooks.values()
    }
    own = texts.pop(name)
    return own.difference(*texts.values())


def _work(cells: Iterable[dict]) -> list:
    """What the student's work in a notebook is: the same for two with the same work."""
    return [work for work in map(work_in, cells) if work]
