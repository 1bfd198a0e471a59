"""Finding hand-ins: nbgrader's submitted/ tree, a folder of zips, or a platform's download.

    for source in find_sources(Path("submissions"), lab):
        hand_in = read(source, lab)

Names and times alone are looked at here; hand_ins.py reads what is in the files. An id is a
student's where it is written: `ps1_ID.zip`, `ID/ps1/`, or a folder `ID` with the files. Every
other id is made up, and nobody can write it. Of people who hand in under one id, the one in whose
folder that is keeps it. Each file that is found is in a hand-in, or left out,
and then a sentence says why.
"""

from __future__ import annotations

import os.path
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from dateutil.parser import parse as parse_time

from crystalgraph.course.hand_in.names import time_in_comment, time_in_name
from crystalgraph.errors import CrystalGraphError
from crystalgraph.grading.intake.archives import Box, Member, Unreadable, Zip, open_box, open_zip_in
from crystalgraph.grading.intake.file_names import (
    ILIAS,
    JUNK,
    archive_ending,
    file_of_lab,
    is_id,
    is_late,
    is_plain,
    made_up_id,
    number_of,
    person_in,
    stem,
    student_in,
    version_of,
    without_version,
)
from crystalgraph.grading.intake.wording import listed, shown
from crystalgraph.labs.lab import Lab

TIMESTAMP = "timestamp.txt"
"""nbgrader writes the time of a hand-in into this file beside the notebooks."""
NAMED = 3
"""Hand-ins that do not count, named in one sentence."""
MOST_LISTED = 20
"""Files that are no hand-in, named in the summary."""


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
        late: whether the platform says that it came after the date.
    """

    student: str
    path: Path
    submitted: datetime | None
    source: str
    inside: str = ""
    only: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()
    late: bool = False


@dataclass(frozen=True)
class Search:
    """What was found: each file is in a source, or in a sentence that says why it is not.

    Attributes:
        sources: one for each student, sorted by id.
        left_out: sentences on what is not graded.
    """

    sources: list[Source]
    left_out: list[str]


def find_sources(path: Path, lab: Lab) -> list[Source]:
    """Everybody's hand-in, the latest of each student; search has what is left out, too."""
    return search(path, lab).sources


def search(path: Path, lab: Lab) -> Search:
    """Everybody's hand-in, the latest of each student.

    Args:
        path: nbgrader's submitted/ folder, a folder of zips, or a platform's download, unpacked or
            as the zip it came in.
        lab: its id is the second level of submitted/ and the beginning of ps1_s001.zip.

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
    finder = _Finder(lab)
    try:
        found = finder.found_in(top)
    except Unreadable as error:
        raise CrystalGraphError(f"{path} {error.reason}.") from error
    if not found:
        raise CrystalGraphError(
            f"{path} holds no hand-ins: expected are STUDENT/{lab.id}/ folders, "
            f"{lab.id}_STUDENT.zip files, or the download of a learning platform."
        )
    students = _by_student(found)
    counts = sorted(map(_latest, students), key=lambda source: source.student)
    return Search(counts, [*_superseded(students), *finder.strangers()])


@dataclass(frozen=True)
class _Found:
    """A hand-in.

    Attributes:
        source: where it is.
        person: that a platform says it is from.
        named: whether its name has the student's id.
        owner: the folder it lies in, below the one that all have in common.
    """

    source: Source
    person: str = ""
    named: bool = True
    owner: str = ""

    @property
    def claim(self) -> str:
        """Who says to be this student; two different ones cannot both be right."""
        return self.person or self.owner


@dataclass
class _Group:
    """Files in a box that are one hand-in.

    Attributes:
        place: path of the zip, or of what the files have in common.
        student: the id that stands in the name; empty when there is none.
        person: that a platform says it is from.
        owner: the folder it lies in, below the one that all have in common.
        members: the zip, or the files.
    """

    place: str
    student: str = ""
    person: str = ""
    owner: str = ""
    members: list[Member] = field(default_factory=list)


@dataclass
class _Finder:
    """The search in one folder or zip.

    Attributes:
        lab: that was handed in.
        left: paths of files that belong to no hand-in.
        students: nbgrader's folders in it, one for each student.
        homes: paths of the folders in those that hold the lab.
        astray: paths of files that may be of the lab, elsewhere in nbgrader's folders.
    """

    lab: Lab
    left: list[str] = field(default_factory=list)
    students: set[str] = field(default_factory=set)
    homes: set[str] = field(default_factory=set)
    astray: list[str] = field(default_factory=list)

    def found_in(self, top: Path) -> list[_Found]:
        """All hand-ins: in nbgrader's tree with what lies beside it, or in any folder or zip."""
        tree = self._in_nbgraders_tree(top)
        if tree:
            names = {folder.name for folder in top.iterdir()}
            self.students = {name for name in names if not self._is_download(name)}
            self.homes = {one.source.path.relative_to(top).as_posix() for one in tree}
        return tree + self._in_box(top)

    def strangers(self) -> list[str]:
        """Sentences on the files that belong to no hand-in."""
        reasons = {
            "no id, no platform's name and no folder says whose hand-in this is": self.left,
            f"this is not in STUDENT/{self.lab.id}/, as nbgrader has it": self.astray,
        }
        return [
            f"{listed(sorted(map(shown, paths)), MOST_LISTED)}: {reason}."
            for reason, paths in reasons.items()
            if paths
        ]

    def _is_download(self, name: str) -> bool:
        """Whether a folder's name is one that a hand-in or a platform has, not a student's id."""
        return bool(student_in(name, self.lab) or person_in(name, self.lab, False)[0])

    def _in_nbgraders_tree(self, path: Path) -> list[_Found]:
        """The hand-ins in submitted/STUDENT/LAB."""
        found = []
        for folder in sorted(path.iterdir()) if path.is_dir() else ():
            home, name = self._home(folder), folder.name
            if not home.is_dir() or JUNK.search(name) or self._is_download(name):
                continue
            student = name if is_plain(name) else made_up_id(name)
            place = f"{name}/{home.name}"
            note = f"{shown(name)} cannot be an id, so this is {student!r}."
            repairs = () if student == name else (note,)
            source = Source(student, home, _time_in(home / TIMESTAMP), _label(place))
            found.append(_Found(replace(source, repairs=repairs), owner=name))
        return found

    def _home(self, folder: Path) -> Path:
        """The folder of the lab in a student's; somebody may have written it in capitals."""
        home = folder / self.lab.id
        if home.is_dir() or folder.is_symlink() or not folder.is_dir():
            return home
        alike = [one for one in folder.iterdir() if one.name.lower() == self.lab.id.lower()]
        return min(filter(Path.is_dir, alike), default=home)

    def _beside_the_tree(self, members: Iterable[Member]) -> Iterator[Member]:
        """Files that nbgrader's tree does not have; those of other assignments are left alone."""
        for member in members:
            top, home = member.path.split("/")[0], "/".join(member.path.split("/")[:2])
            if top not in self.students or home == member.path or _says_whose(member, self.lab):
                if home not in self.homes:
                    yield member
            elif home not in self.homes and _may_be_of(member, self.lab):
                self.astray.append(member.path)

    def _in_box(self, path: Path, label: str = "") -> list[_Found]:
        """The hand-ins in a folder, in a platform's download, or in the zip of one student.

        Args:
            path: of the folder or zip.
            label: its path below the place where we search; empty for that place.
        """
        with open_box(path) as box:
            members = [one for one in box.members if not JUNK.search(one.path)]
            student = student_in(path.name, self.lab) if path.is_file() else None
            if student or (path.is_file() and _is_one(members, self.lab)):
                submitted = time_in_name(path.name) or time_in_comment(box.comment)
                return [_found(_Group(label or path.name, student or ""), path, submitted)]
            above = 0 if self.homes else _in_common(members, self.lab)
            beside = self._beside_the_tree(members)
            groups = self._grouped(beside, f"{label}/" if label else "", above)
            return [one for group in groups for one in self._opened(group, path, label, box)]

    def _grouped(self, members: Iterable[Member], label: str, above: int) -> list[_Group]:
        """The files of a box by hand-in; those that belong to none are noted.

        Args:
            members: the files.
            label: path of the box below the place where we search, with a slash; may be empty.
            above: levels of folders that all hand-ins have in common.
        """
        groups: dict[tuple[str, str], _Group] = {}
        loose = []
        for member in members:
            group = _group_of(member, self.lab, above)
            if group is None:
                loose.append(member)
            else:
                groups.setdefault((group.place, group.person), group).members.append(member)
        folders = [
            _Group(folder, self._id_of(folder, label), "", _owner(folder, above), inside)
            for folder, inside in _folders_of_hand_ins(loose, self.lab)
        ]
        known = {id(member) for group in folders for member in group.members}
        self.left += [label + member.path for member in loose if id(member) not in known]
        return [*groups.values(), *folders]

    def _id_of(self, folder: str, label: str) -> str:
        """The id that a folder of files is named by; in a zip a student may have named it."""
        folder = without_version(folder)
        return folder if is_id(folder) and not label else ""

    def _opened(self, group: _Group, path: Path, label: str, box: Box) -> list[_Found]:
        """The hand-in of a group; those in it, when a zip turns out to be a platform's download."""
        submitted = time_in_name(group.place)
        place, inner = group.place, path / group.place
        if label:
            group = replace(group, place=f"{label}/{place}")
        if not archive_ending(place):
            return [_found(group, path, submitted, only=[one.path for one in group.members])]
        if isinstance(box, Zip):
            submitted = submitted or _time_of_zip(box, group.members[0])
            return [_found(group, path, submitted, inside=place)]
        if not (group.student or group.person or inner.is_symlink()):
            download = _Finder(self.lab)
            try:
                found = download._in_box(inner, place)
            except Unreadable:  # read tells why
                found = []
            self.left += download.left if found else []
            found = [_in_folder_of(group.owner, one) for one in found]
            return found or [_found(group, inner, submitted)]
        return [_found(group, inner, submitted or _time_of_zip(box, group.members[0]))]


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


def _is_one(members: Iterable[Member], lab: Lab) -> bool:
    """Whether these are the files of one student: in one folder, with nobody's name on them."""
    files = [member for member in members if file_of_lab(member.name, lab)]
    named = any(
        student_in(part, lab) or person_in(part, lab, True)[0]
        for member in members
        for part in member.path.split("/")
    )
    return not named and len({member.path.rpartition("/")[0] for member in files}) == 1


def _says_whose(member: Member, lab: Lab) -> bool:
    """Whether a name in a file's path is a hand-in's, or one that a platform gave."""
    group = _group_of(member, lab)
    return group is not None and bool(group.student or group.person)


def _may_be_of(member: Member, lab: Lab) -> bool:
    """Whether a file may be a hand-in, or a part of one."""
    return bool(archive_ending(member.name) or file_of_lab(member.name, lab))


def _in_common(members: Iterable[Member], lab: Lab) -> int:
    """Levels of folders that all hand-ins of a box lie in: they are nobody's."""
    paths = [without_version(member.path) for member in members if _may_be_of(member, lab)]
    return len(os.path.commonprefix([path.split("/")[:-1] for path in paths]))


def _owner(folder: str, above: int) -> str:
    """The first folder of a path, below those that all hand-ins have in common."""
    return next(iter(without_version(folder).split("/")[above:]), "")


def _in_folder_of(owner: str, one: _Found) -> _Found:
    """What a zip in somebody's folder holds; the names in it are that person's word."""
    if not owner:
        return one
    person = one.person and f"{owner}/{one.person}"
    return replace(one, person=person, owner=f"{owner}/{one.owner}".rstrip("/"))


def _group_of(member: Member, lab: Lab, above: int = 0) -> _Group | None:
    """The hand-in that a file belongs to by a name in its path; None when none says so."""
    parts, person, ilias, owner = member.path.split("/"), "", "", ""
    for level, part in enumerate(parts, start=1):
        is_file = level == len(parts)
        person = person_in(part, lab, is_file)[0] or person
        ilias = part if not is_file and ILIAS.fullmatch(part) else ilias
        owner = ilias or _owner("/".join(parts[: level - 1]), above)
        student = student_in(part, lab)
        if student and bool(archive_ending(part)) == is_file:
            return _Group("/".join(parts[:level]), student, person, owner)
    if archive_ending(member.name):
        return _Group(member.path, "", person, owner)
    return _Group(person, "", person) if person else None


def _folders_of_hand_ins(
    members: Iterable[Member], lab: Lab, depth: int = 0
) -> Iterator[tuple[str, list[Member]]]:
    """The folders that hold one hand-in each, and all that is in them.

    A folder of many has no file of the lab itself, but several folders with the same one.
    """
    folders: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        if member.path.count("/") > depth:
            folders["/".join(member.path.split("/")[: depth + 1])].append(member)
    for folder, inside in folders.items():
        known = [(file_of_lab(one.name, lab), one.path.split("/")[depth + 1 :]) for one in inside]
        homes = {(name, "" if len(rest) == 1 else rest[0]) for name, rest in known if name}
        names = [name for name, _ in homes]
        if len(names) > len(set(names)) and all(home for _, home in homes):
            yield from _folders_of_hand_ins(inside, lab, depth + 1)
        elif names:
            yield folder, inside


def _found(
    group: _Group,
    path: Path,
    submitted: datetime | None,
    inside: str = "",
    only: Sequence[str] = (),
) -> _Found:
    place = group.place
    student, repairs = group.student, ()
    if not student:
        student = made_up_id(group.person or stem(without_version(place)))
        repairs = (f"No id is in the name {shown(place)}, so this is {student!r}.",)
    late = any(is_late(one.name) for one in group.members)
    source = Source(student, path, submitted, _label(place), inside, tuple(only), repairs, late)
    return _Found(source, group.person, bool(group.student), group.owner)


def _label(place: str) -> str:
    """The path of a hand-in, for people."""
    return place if place.isprintable() else shown(place)


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
    """Hand-ins under one id; by person, when platform or folders say that there are several.

    Otherwise one could hand in under another's id, later, and so take the place of that hand-in.
    The one whose folder has the id as its name keeps it.
    """
    claims = sorted({one.claim for one in several} - {""})
    if len(claims) < 2:
        return [several]
    written = several[0].source.student
    groups = defaultdict(list)
    for one in several:
        claim = one.claim or one.source.source
        if claim == written:
            groups[written].append(one)
            continue
        note = (
            f"{len(claims)} people handed in as {written!r}, this one as {shown(claim)}: find out "
            "who is who."
        )
        student = made_up_id(claim, written)
        source = replace(one.source, student=student, repairs=(*one.source.repairs, note))
        groups[student].append(replace(one, source=source))
    return list(groups.values())


def _in_order(one: _Found) -> tuple:
    """Larger for the later of a student's hand-ins; the platform's word comes before a clock's."""
    made, place = one.source.submitted, one.source.source
    return (
        one.source.late,
        made is not None,
        made or datetime.min,
        one.named,
        version_of(place),
        number_of(place.rpartition("/")[2]),
        place,
    )


def _latest(several: list[_Found]) -> Source:
    """The one hand-in of a student that counts."""
    last = max(several, key=_in_order).source
    others = sorted(shown(one.source.source) for one in several if one.source != last)
    if not others:
        return last
    note = f"Of {len(several)} hand-ins the latest counts, not {listed(others, NAMED)}."
    return replace(last, repairs=(*last.repairs, note))


def _superseded(students: Iterable[list[_Found]]) -> Iterator[str]:
    """A sentence on each hand-in after which the student handed in once more."""
    for several in students:
        *earlier, last = sorted(several, key=_in_order)
        for one in earlier:
            counts = f"{last.source.student} handed in {shown(last.source.source)} later"
            yield f"{shown(one.source.source)}: {counts}."
