"""Finding hand-ins: nbgrader's submitted/ tree, a folder of zips, or a platform's download.

    for source in find_sources(Path("submissions"), lab):
        hand_in = read(source, lab)

Names and times alone are looked at here; hand_ins.py reads what is in the files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from dateutil.parser import parse as parse_time

from crystalgraph.course.hand_in.names import time_in_comment, time_in_name
from crystalgraph.errors import CrystalGraphError
from crystalgraph.grading.intake.archives import Box, Member, Unreadable, Zip, open_box, open_zip_in
from crystalgraph.grading.intake.file_names import (
    JUNK,
    archive_ending,
    as_id,
    file_of_lab,
    number_of,
    person_in,
    stem,
    student_in,
)
from crystalgraph.grading.intake.wording import listed, shown
from crystalgraph.labs.lab import Lab

TIMESTAMP = "timestamp.txt"
"""nbgrader writes the time of a hand-in into this file beside the notebooks."""
NAMED = 3
"""Hand-ins that do not count, named in one sentence."""


@dataclass(frozen=True)
class Source:
    """Where the hand-in of a student is.

    Attributes:
        student: the id.
        path: of a folder or a zip.
        submitted: when, with time zone; None when not known.
        source: for people: "ps1_s001.zip".
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


def find_sources(path: Path, lab: Lab) -> list[Source]:
    """Everybody's hand-in, the latest of each student.

    Args:
        path: nbgrader's submitted/ folder, a folder of zips, or a platform's download, unpacked or
            as the zip it came in.
        lab: its id is the second level of submitted/ and the beginning of ps1_s001.zip.

    Returns:
        Sorted by student.

    Raises:
        CrystalGraphError: there is nothing, or nothing that is known.
    """
    if not path.exists():
        raise CrystalGraphError(f"There is no {path}: name the folder or zip with the hand-ins.")
    if (path / "nbgrader_config.py").is_file():
        raise CrystalGraphError(
            f"{path} is the course's folder: name the folder of the hand-ins in it, submitted/."
        )
    top = path.resolve()  # the instructor may link to it; below it no link is followed
    try:
        found = _in_nbgraders_tree(top, lab) or _in_box(top, lab)
    except Unreadable as error:
        raise CrystalGraphError(f"{path} {error.reason}.") from error
    if not found:
        raise CrystalGraphError(
            f"{path} holds no hand-ins: expected are STUDENT/{lab.id}/ folders, "
            f"{lab.id}_STUDENT.zip files, or the download of a learning platform."
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


def _in_nbgraders_tree(path: Path, lab: Lab) -> list[_Found]:
    """The hand-ins in submitted/STUDENT/LAB."""
    found = []
    for folder in sorted(path.iterdir()) if path.is_dir() else ():
        home, name = folder / lab.id, folder.name
        elsewhere = JUNK.search(name) or student_in(name, lab) or person_in(name, lab, False)[0]
        if home.is_dir() and not elsewhere:
            submitted = _time_in(home / TIMESTAMP)
            found.append(_Found(Source(name, home, submitted, f"{name}/{lab.id}")))
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


def _in_box(path: Path, lab: Lab) -> list[_Found]:
    """A folder of zips and folders, a platform's download, or the zip of one student."""
    with open_box(path) as box:
        members = [member for member in box.members if not JUNK.search(member.path)]
        student = student_in(path.name, lab) if path.is_file() else None
        if student or (path.is_file() and _is_one(members, lab)):
            group = _Group(path.name, student or as_id(stem(path.name)), student is not None)
            submitted = time_in_name(path.name) or time_in_comment(box.comment)
            return [_found(group, path, submitted)]
        groups: dict[str, _Group] = {}
        for member in members:
            if (group := _group_of(member, lab)) is not None:
                groups.setdefault(group.place, group).members.append(member)
        return [one for group in groups.values() for one in _opened(group, path, box, lab)]


def _is_one(members: Iterable[Member], lab: Lab) -> bool:
    """Whether these are the files of one student: in one folder, with nobody's name on them."""
    files = [member for member in members if file_of_lab(member.name, lab)]
    named = any(
        student_in(part, lab) or person_in(part, lab, True)[0]
        for member in members
        for part in member.path.split("/")
    )
    return not named and len({member.path.rpartition("/")[0] for member in files}) == 1


@dataclass
class _Group:
    """Files in a box that are one hand-in.

    Attributes:
        place: path of the zip, or of what the files have in common.
        student: the id.
        named: whether the id stands in the name; else it was made from another one.
        person: that a platform says it is from.
        members: the zip, or the files.
    """

    place: str
    student: str
    named: bool
    person: str = ""
    members: list[Member] = field(default_factory=list)


def _group_of(member: Member, lab: Lab) -> _Group | None:
    """The hand-in that a file belongs to; None when it belongs to none."""
    parts, person = member.path.split("/"), ""
    for level, part in enumerate(parts, start=1):
        is_file = level == len(parts)
        person = person_in(part, lab, is_file)[0] or person
        student = student_in(part, lab)
        if student and bool(archive_ending(part)) == is_file:
            return _Group("/".join(parts[:level]), student, True, person)
    if archive_ending(member.name):
        return _Group(member.path, as_id(person or stem(member.name)), False, person)
    if file_of_lab(member.name, lab) and (person or len(parts) > 1):
        return _Group(person or parts[0], as_id(person or parts[0]), False, person)
    return None


def _opened(group: _Group, path: Path, box: Box, lab: Lab) -> list[_Found]:
    """The hand-in of a group; those in it, when a zip turns out to be a platform's download."""
    submitted = time_in_name(group.place)
    if not archive_ending(group.place):
        return [_found(group, path, submitted, only=[member.path for member in group.members])]
    if isinstance(box, Zip):
        submitted = submitted or _time_of_zip(box, group.members[0])
        return [_found(group, path, submitted, inside=group.place)]
    place = path / group.place
    try:
        if not group.named and not group.person and not place.is_symlink():
            return _in_box(place, lab) or [_found(group, place, submitted)]
    except Unreadable:
        return [_found(group, place, submitted)]  # read tells why
    return [_found(group, place, submitted or _time_of_zip(box, group.members[0]))]


def _found(
    group: _Group,
    path: Path,
    submitted: datetime | None,
    inside: str = "",
    only: Sequence[str] = (),
) -> _Found:
    note = f"No id is in the name {shown(group.place)}, so this is {group.student!r}."
    repairs = () if group.named else (note,)
    place = group.place if group.place.isprintable() else shown(group.place)
    source = Source(group.student, path, submitted, place, inside, tuple(only), repairs)
    return _Found(source, group.person, group.named)


def _time_of_zip(box: Box, member: Member) -> datetime | None:
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
            note = f"{shown(one.person)} handed in as {names}: find out who is who."
            one = replace(one, source=replace(one.source, repairs=(*one.source.repairs, note)))
        students[one.source.student].append(one)
    return [group for several in students.values() for group in _by_person(several)]


def _by_person(several: list[_Found]) -> list[list[_Found]]:
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
        note = (
            f"{len(claims)} people handed in as {ids['']!r}, this one as "
            f"{shown(one.claim or one.source.source)}: find out who is who."
        )
        repairs = (*one.source.repairs, note)
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
    note = f"Of {len(several)} hand-ins the latest counts, not {listed(others, NAMED)}."
    return replace(last, repairs=(*last.repairs, note))
