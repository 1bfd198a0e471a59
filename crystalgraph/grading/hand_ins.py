"""What was handed in: nbgrader's submitted/ tree, a folder of zips, or a platform's download.

    for source in find_sources(Path("submissions"), "hw"):
        hand_in = read(source)

find_sources looks at names and times alone; read never fails on what is in a hand-in: whatever is
wrong with it stands in the HandIn, as a repair or as a problem.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from dateutil.parser import parse as parse_time

from crystalgraph.checks.tasks import MODEL_FILE, NOTEBOOKS
from crystalgraph.errors import CrystalGraphError
from crystalgraph.grading.archives import (
    MEGABYTE,
    MOST_OF_A_FILE,
    Box,
    Member,
    Unreadable,
    Zip,
    open_box,
    open_zip_in,
    read_member,
)
from crystalgraph.grading.names import (
    JUNK,
    LEADS_OUT,
    archive_ending,
    as_id,
    homework_file,
    kind_of,
    number_of,
    person_in,
    stem,
    student_in,
)
from crystalgraph.grading.result import Status
from crystalgraph.grading.texts import (
    BadNotebook,
    cells_of,
    grade_id_of,
    released_notebook,
    shown,
    text_of,
)
from crystalgraph.hand_in import FILES, released_ids, time_in_comment, time_in_name
from crystalgraph.handout import work_in
from crystalgraph.paths import RELEASE

TIMESTAMP = "timestamp.txt"
"""nbgrader writes the time of a hand-in into this file beside the notebooks."""
MOST_OF_A_MODEL = MEGABYTE
MOST_CANDIDATES = 40
"""Files of one hand-in that are looked into."""
MOST_NESTED = 3
"""Zips in zips in zips."""
MOST_IN_ALL = 4 * MOST_OF_A_FILE
NAMED = 3
"""Files left out that are named; there may be thousands."""
TELLING = 3
"""Cells of a notebook of ours that make one without marks and with another name that notebook."""


@dataclass(frozen=True)
class HandIn:
    """The files of one student, under the names they were handed out with.

    Attributes:
        student: the id.
        source: where it came from, for people: "hw_s001.zip".
        files: name -> content, for those of hand_in.FILES that were found.
        submitted: when, with time zone; None when not known.
        repairs: sentences on what was put right: renamed files, the later of two zips.
        problems: name of a file -> why it cannot be had.
    """

    student: str
    source: str
    files: dict[str, bytes]
    submitted: datetime | None = None
    repairs: tuple[str, ...] = ()
    problems: dict[str, tuple[Status, str]] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """The same for two hand-ins that get the same grade; the time counts, it may be late."""
        known = [self.student, self.submitted and self.submitted.isoformat()]
        known += [[name, *self.problems[name]] for name in sorted(self.problems)]
        hashes = {name: hashlib.sha256(content) for name, content in self.files.items()}
        known += [[name, hashes[name].hexdigest()] for name in sorted(hashes)]
        return hashlib.sha256(json.dumps(known).encode()).hexdigest()


@dataclass(frozen=True)
class Source:
    """Where the hand-in of a student is.

    Attributes:
        student: the id.
        path: of a folder or a zip.
        submitted: when, with time zone; None when not known.
        source: for people: "hw_s001.zip".
        inside: path of a zip in there, when `path` is a platform's download of many.
        only: the student's files in there, when those of others are beside them.
        repairs: sentences on how it was found.
    """

    student: str
    path: Path
    submitted: datetime | None
    source: str
    inside: str = ""
    only: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()


# --- finding -------------------------------------------------------------------------------------


def find_sources(path: Path, assignment: str) -> list[Source]:
    """Everybody's hand-in, the latest of each student.

    Args:
        path: nbgrader's submitted/ folder, a folder of zips, or a platform's download, unpacked or
            as the zip it came in.
        assignment: such as "hw": the second level of submitted/, the beginning of hw_s001.zip.

    Returns:
        Sorted by student.

    Raises:
        CrystalGraphError: there is nothing, or nothing to be recognised.
    """
    if not path.exists():
        raise CrystalGraphError(f"There is no {path}: name the folder or zip with the hand-ins.")
    if (path / "nbgrader_config.py").is_file():
        raise CrystalGraphError(
            f"{path} is the course's folder: name the folder of the hand-ins in it, submitted/."
        )
    top = path.resolve()  # the instructor may link to it; below it no link is followed
    try:
        found = _in_nbgraders_tree(top, assignment) or _in_box(top, assignment)
    except Unreadable as error:
        raise CrystalGraphError(f"{path} {error.reason}.") from error
    if not found:
        raise CrystalGraphError(
            f"{path} holds no hand-ins: expected are STUDENT/{assignment}/ folders, "
            f"{assignment}_STUDENT.zip files, or the download of a learning platform."
        )
    sources = [_latest(several) for several in _by_student(found)]
    return sorted(sources, key=lambda source: source.student)


@dataclass(frozen=True)
class _Found:
    """A hand-in.

    Attributes:
        source: where it is.
        person: that a platform says it is from.
        named: whether its name has the student's id.
    """

    source: Source
    person: str = ""
    named: bool = True

    @property
    def claim(self) -> str:
        """Who says to be this student; two different ones cannot both be right."""
        return self.person if self.person or self.named else self.source.source


def _in_nbgraders_tree(path: Path, assignment: str) -> list[_Found]:
    """submitted/STUDENT/ASSIGNMENT."""
    found = []
    for folder in sorted(path.iterdir()) if path.is_dir() else ():
        home, name = folder / assignment, folder.name
        elsewhere = JUNK.search(name) or student_in(name, assignment) or person_in(name, False)[0]
        if home.is_dir() and not elsewhere:
            submitted = _time_in(home / TIMESTAMP)
            found.append(_Found(Source(name, home, submitted, f"{name}/{assignment}")))
    return found


def _time_in(path: Path) -> datetime | None:
    """What nbgrader wrote into timestamp.txt, which is UTC where it does not say otherwise."""
    try:
        if path.is_symlink() or not path.is_file():
            return None
        with path.open("rb") as file:
            made = parse_time(file.read(100).decode("ascii").strip())
        return made if made.tzinfo else made.replace(tzinfo=UTC)
    except (OSError, ValueError, OverflowError):
        return None


def _in_box(path: Path, assignment: str) -> list[_Found]:
    """A folder of zips and folders, a platform's download, or the zip of one student."""
    with open_box(path) as box:
        members = [member for member in box.members if not JUNK.search(member.path)]
        student = student_in(path.name, assignment) if path.is_file() else None
        if student or (path.is_file() and _is_one(members, assignment)):
            unit = _Unit(path.name, student or as_id(stem(path.name)), student is not None)
            submitted = time_in_name(path.name) or time_in_comment(box.comment)
            return [_found(unit, path, submitted)]
        units: dict[str, _Unit] = {}
        for member in members:
            if (unit := _unit_of(member, assignment)) is not None:
                units.setdefault(unit.place, unit).members.append(member)
        return [one for unit in units.values() for one in _opened(unit, path, box, assignment)]


def _is_one(members: Iterable[Member], assignment: str) -> bool:
    """Whether these are the files of one student: in one folder, with nobody's name on them."""
    homework = [member for member in members if homework_file(member.name)]
    named = any(
        student_in(part, assignment) or person_in(part, True)[0]
        for member in members
        for part in member.path.split("/")
    )
    return not named and len({member.path.rpartition("/")[0] for member in homework}) == 1


@dataclass
class _Unit:
    """Files in a box that are one hand-in.

    Attributes:
        place: path of the zip, or of what the files have in common.
        student: the id; made from another name if need be.
        named: whether it was not.
        person: that a platform says it is from.
        members: the zip, or the files.
    """

    place: str
    student: str
    named: bool
    person: str = ""
    members: list[Member] = field(default_factory=list)


def _unit_of(member: Member, assignment: str) -> _Unit | None:
    """The hand-in that a file belongs to; None when it belongs to none."""
    parts, person = member.path.split("/"), ""
    for level, part in enumerate(parts, start=1):
        is_file = level == len(parts)
        person = person_in(part, is_file)[0] or person
        student = student_in(part, assignment)
        if student and bool(archive_ending(part)) == is_file:
            return _Unit("/".join(parts[:level]), student, True, person)
    if archive_ending(member.name):
        return _Unit(member.path, as_id(person or stem(member.name)), False, person)
    if homework_file(member.name) and (person or len(parts) > 1):
        return _Unit(person or parts[0], as_id(person or parts[0]), False, person)
    return None


def _opened(unit: _Unit, path: Path, box: Box, assignment: str) -> list[_Found]:
    """The hand-in of a unit; those in it, when a zip turns out to be a platform's download."""
    submitted = time_in_name(unit.place)
    if not archive_ending(unit.place):
        return [_found(unit, path, submitted, only=[member.path for member in unit.members])]
    if isinstance(box, Zip):
        return [_found(unit, path, submitted or _made(box, unit.members[0]), inside=unit.place)]
    place = path / unit.place
    try:
        if not unit.named and not unit.person and not place.is_symlink():
            return _in_box(place, assignment) or [_found(unit, place, submitted)]
    except Unreadable:
        return [_found(unit, place, submitted)]  # read tells why
    return [_found(unit, place, submitted or _made(box, unit.members[0]))]


def _found(
    unit: _Unit, path: Path, submitted: datetime | None, inside: str = "", only: Sequence[str] = ()
) -> _Found:
    said = f"No id is in the name {shown(unit.place)}, so this is {unit.student!r}."
    repairs = () if unit.named else (said,)
    place = unit.place if unit.place.isprintable() else shown(unit.place)
    source = Source(unit.student, path, submitted, place, inside, tuple(only), repairs)
    return _Found(source, unit.person, unit.named)


def _made(box: Box, member: Member) -> datetime | None:
    """When a zip was made, from its comment."""
    try:
        with open_zip_in(box, member) as found:
            return time_in_comment(found.comment)
    except Unreadable:
        return None


def _by_student(found: Iterable[_Found]) -> list[list[_Found]]:
    """The hand-ins of each student, one or several."""
    found = list(found)
    ids = defaultdict(set)
    for one in found:
        if one.person and one.named:
            ids[one.person].add(one.source.student)
    students = defaultdict(list)
    for one in found:
        known = sorted(ids.get(one.person, ()))
        if not one.named and len(known) == 1:  # the platform says whose it is
            one = replace(one, source=replace(one.source, student=known[0], repairs=()))
        if len(known) > 1:
            names = " and ".join(map(repr, known))
            said = f"{shown(one.person)} handed in as {names}: find out who is who."
            one = replace(one, source=replace(one.source, repairs=(*one.source.repairs, said)))
        students[one.source.student].append(one)
    return [group for several in students.values() for group in _told_apart(several)]


def _told_apart(several: list[_Found]) -> list[list[_Found]]:
    """Hand-ins under one id; by person, when a platform says that they are from different ones.

    Otherwise one could hand in under another's id, later, and so take the place of that hand-in.
    """
    claims = sorted({one.claim for one in several} - {""})
    if len(claims) < 2:
        return [several]
    ids = {"": several[0].source.student}
    for claim in claims:
        one = f"{ids['']}.{as_id(claim)}"
        ids[claim] = f"{one}.{len(ids)}" if one in ids.values() else one
    groups = defaultdict(list)
    for one in several:
        said = (
            f"{len(claims)} people handed in as {ids['']!r}, this one as "
            f"{shown(one.claim or one.source.source)}: find out who is who."
        )
        repairs = (*one.source.repairs, said)
        source = replace(one.source, student=ids[one.claim], repairs=repairs)
        groups[one.claim].append(replace(one, source=source))
    return list(groups.values())


def _latest(several: list[_Found]) -> Source:
    """The one hand-in of a student that counts."""

    def order(one: _Found) -> tuple:
        made, place = one.source.submitted, one.source.source
        known = made is not None
        return known, made or datetime.min, one.named, number_of(place.rpartition("/")[2]), place

    last = max(several, key=order).source
    others = sorted(shown(one.source.source) for one in several if one.source != last)
    if not others:
        return last
    said = f"Of {len(several)} hand-ins the latest counts, not {_listed(others)}."
    return replace(last, repairs=(*last.repairs, said))


def _listed(names: Sequence[str]) -> str:
    """The first few of some names."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


# --- reading -------------------------------------------------------------------------------------


def read(source: Source) -> HandIn:
    """What a student handed in, as far as it can be had.

    Args:
        source: from find_sources.

    Returns:
        The hand-in. Every file of hand_in.FILES is in its files or in its problems.
    """
    repairs, problem = list(source.repairs), None
    files, problems = {}, {}
    try:
        with open_box(source.path, source.inside, source.only) as box:
            files, problems = _chosen_files(box, repairs)
    except Unreadable as error:
        problem = error.status, f"{shown(source.source)} {error.reason}."
    except Exception as error:  # whatever a stranger's file does, it must not stop the others
        kind = type(error).__name__
        problem = Status.MISSING_FILE, f"{shown(source.source)} cannot be read ({kind})."
    for name in FILES:
        if name not in files:
            missing = Status.MISSING_FILE, f"{name} was not handed in."
            problems.setdefault(name, problem or missing)
    return HandIn(source.student, source.source, files, source.submitted, tuple(repairs), problems)


@dataclass(frozen=True)
class _Candidate:
    """A file that may be one of the homework's.

    Attributes:
        name: of that file of the homework.
        member: what it is in the box.
        content: its bytes.
        work: what the student's work in it is; None when it cannot be read.
    """

    name: str
    member: Member
    content: bytes
    work: object


def _chosen_files(
    box: Box, repairs: list[str], level: int = 0
) -> tuple[dict[str, bytes], dict[str, tuple[Status, str]]]:
    """The files of the homework in a box, and why others cannot be had; notes go into repairs."""
    members = [member for member in box.members if not JUNK.search(member.path)]
    _refuse_hostile(members)
    candidates, problems = _candidates(box, members)
    zips = [member for member in members if archive_ending(member.name) == ".zip"]
    if not candidates and not problems and zips and level < MOST_NESTED:
        inner = max(zips, key=lambda member: member.saved)
        repairs.append(f"It was a zip in a zip: {shown(inner.path)}.")
        with open_zip_in(box, inner) as found:
            return _chosen_files(found, repairs, level + 1)
    files = {}
    for name in FILES:
        if versions := [one for one in candidates if one.name == name]:
            files[name] = _chosen(name, versions, repairs)
            problems.pop(name, None)
    used = {id(one.member) for one in candidates}
    others = [member for member in members if id(member) not in used]
    left = sorted(shown(member.path) for member in others if member.name != TIMESTAMP)
    if left:
        repairs.append(f"Not part of the homework and left out: {_listed(left)}.")
    return files, problems


def _refuse_hostile(members: Iterable[Member]) -> None:
    """Raise Unreadable for paths that were made to be written outside of where a zip is unpacked.

    `zip hw.zip ../hw/*` makes such paths too, but of the homework's files alone.
    """
    for member in members:
        if LEADS_OUT.search(member.path) and not homework_file(member.name):
            path = shown(member.path)
            raise Unreadable(Status.TAMPERED, f"has a path in it that leads out of it: {path}")


def _candidates(
    box: Box, members: Iterable[Member]
) -> tuple[list[_Candidate], dict[str, tuple[Status, str]]]:
    """The files that may be the homework's, those with the right names first."""
    possible = [member for member in members if kind_of(member.name)]
    possible.sort(key=lambda member: homework_file(member.name) is None)
    found, problems, left = [], {}, MOST_IN_ALL
    for member in possible[:MOST_CANDIDATES]:
        by_name = homework_file(member.name)
        most = MOST_OF_A_FILE if kind_of(member.name) == ".ipynb" else MOST_OF_A_MODEL
        try:
            content = read_member(box, member, min(most, left))
        except Unreadable as error:
            if by_name:
                problems[by_name] = error.status, f"{shown(member.path)} {error.reason}."
            continue
        left -= len(content)
        candidate = _notebook if kind_of(member.name) == ".ipynb" else _model
        found += candidate(by_name, member, content)
    models = [one for one in found if one.name == MODEL_FILE]
    right = [one for one in models if homework_file(one.member.name)]
    return [one for one in found if one not in models] + (right or models), problems


def _model(by_name: str | None, member: Member, content: bytes) -> list[_Candidate]:
    """A file with the name of model_hw.py; one that defines what model_hw.py does, if none has."""
    text = text_of(content)[0].replace("\r\n", "\n")
    if by_name or text.count("class ConvLayer(") == text.count("def mean_pool(") == 1:
        return [_Candidate(MODEL_FILE, member, content, text.strip())]
    return []


def _notebook(by_name: str | None, member: Member, content: bytes) -> list[_Candidate]:
    """A notebook of the homework: by its cells or, where these say nothing, by its name."""
    try:
        cells, _ = cells_of(content)
    except BadNotebook:
        return [_Candidate(by_name, member, content, None)] if by_name else []
    name = notebook_of(cells) or by_name
    return [_Candidate(name, member, content, _work(cells))] if name else []


def notebook_of(cells: Iterable[dict]) -> str | None:
    """Which notebook of the homework some cells are, whatever it is called."""
    cells = list(cells)
    ids = {grade_id_of(cell) for cell in cells}
    texts = {cell["source"].strip() for cell in cells}
    scores = {
        name: (len(ids & released_ids(name)), len(texts & own_texts(name)))
        for name in NOTEBOOKS.values()
    }
    best = max(scores, key=scores.__getitem__)
    return best if scores[best][0] or scores[best][1] >= TELLING else None


@cache
def own_texts(name: str) -> frozenset[str]:
    """The texts of a released notebook's cells that are in no other one."""
    texts = {
        notebook: {cell["source"].strip() for cell in released_notebook(notebook)["cells"]}
        for notebook in NOTEBOOKS.values()
    }
    own = texts.pop(name)
    return frozenset(own.difference(*texts.values()))


def _work(cells: Iterable[dict]) -> list:
    """What the student's work in a notebook is: the same for two with the same work."""
    return [work for work in map(work_in, cells) if work]


@cache
def _released_work(name: str) -> object:
    """The work in a file that nobody has worked on."""
    if name == MODEL_FILE:
        return (RELEASE / name).read_text(encoding="utf-8").strip()
    return _work(released_notebook(name)["cells"])


def _chosen(name: str, versions: Sequence[_Candidate], repairs: list[str]) -> bytes:
    """The content of the version that counts: the newest with work in it that can be read."""

    def order(one: _Candidate) -> tuple:
        untouched = one.work == _released_work(name)
        known = not untouched, one.work is not None, one.member.saved
        return *known, one.member.name == name, -len(one.member.path)

    best = max(versions, key=order)
    others = sorted(shown(one.member.path) for one in versions if one.content != best.content)
    if others:
        said = f"Of {len(versions)} versions of {name}, {shown(best.member.path)} counts"
        repairs.append(f"{said}, the newest with work in it, not {_listed(others)}.")
    elif best.member.name != name:
        repairs.append(f"{name} was called {shown(best.member.name)}.")
    return best.content
