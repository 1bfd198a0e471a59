"""Folders and zips made by strangers, read without believing what they say about themselves.

Nothing is ever unpacked: a path in a zip is a name here, not a place on the disk, so one that
climbs out of the zip does no harm. Links are not followed. What is read has a limit.
"""

from __future__ import annotations

import io
import os
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from crystalgraph.grading.intake.file_names import JUNK
from crystalgraph.grading.result import Status

MEGABYTE = 2**20
MOST_FILES = 1_000_000
LONGEST_PATH = 1_000
"""Of a file in a zip; no disk has longer ones."""
BOMB = 100
"""What is too large and was packed into less than the hundredth was made to be that."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The others let a small file claim any amount of memory while it is unpacked."""
CHUNK = MEGABYTE


@dataclass(frozen=True)
class SizeLimits:
    """How much of strangers' files is read.

    Attributes:
        notebook: bytes of a notebook with its outputs; those of the course have a few megabytes.
        model: bytes of the lab's model file.
        hand_in: bytes of all files of one hand-in.
        nested_zip: bytes of a zip in a zip.
        listed: bytes of a zip's table of contents; 16 MB are about 100 000 files.
    """

    notebook: int = 64 * MEGABYTE
    model: int = MEGABYTE
    hand_in: int = 256 * MEGABYTE
    nested_zip: int = 256 * MEGABYTE
    listed: int = 16 * MEGABYTE


USUAL_LIMITS = SizeLimits()


class Unreadable(Exception):
    """Something cannot be had.

    Args:
        status: what that makes of it.
        reason: ends a sentence that begins with the file's name: "is encrypted; ...".
    """

    def __init__(self, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def _link() -> Unreadable:
    return Unreadable(Status.TAMPERED, "is a link to somewhere else, not a file of the student's")


@dataclass(frozen=True)
class Member:
    """One file of a folder or of a zip.

    Attributes:
        path: as it is written there, with "/" between the parts.
        saved: when; larger is later among the files of one folder or zip.
        handle: what reads it.
        problem: why it cannot be had, when that is known without reading it.
    """

    path: str
    saved: tuple[float, ...]
    handle: Path | zipfile.ZipInfo
    problem: Unreadable | None = None

    @property
    def name(self) -> str:
        """Without its folders."""
        return self.path.rpartition("/")[2]


class Folder:
    """The files of a folder and of the folders in it; links are listed, never followed.

    Args:
        path: of the folder.
        only: paths of files in it; empty for all.
    """

    comment = b""

    def __init__(self, path: Path, only: Sequence[str] = ()) -> None:
        if path.is_symlink() or path.parent.is_symlink():
            raise _link()
        try:
            names = [(path / name, name) for name in only] or self._walk(path)
            self.members = [self._member(*name) for name in names]
        except OSError as error:
            raise _no_zip(error) from error

    def _walk(self, top: Path) -> Iterator[tuple[Path, str]]:
        number = 0
        for folder, folders, files in os.walk(top):
            folders[:] = sorted(name for name in folders if not JUNK.search(name))
            linked = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            for name in sorted([*files, *linked]):
                number += 1
                if number > MOST_FILES:
                    raise Unreadable(Status.TAMPERED, f"holds more than {MOST_FILES} files")
                path = Path(folder, name)
                yield path, path.relative_to(top).as_posix()

    def _member(self, path: Path, name: str) -> Member:
        known = path.lstat()
        problem = None
        if stat.S_ISLNK(known.st_mode):
            problem = _link()
        elif not stat.S_ISREG(known.st_mode):
            problem = Unreadable(Status.TAMPERED, "is no ordinary file")
        return Member(name, (known.st_mtime,), path, problem)

    @contextmanager
    def open(self, member: Member) -> Iterator[IO[bytes]]:
        """A member's content; if it was replaced by a link since it was listed, an OSError."""
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        assert isinstance(member.handle, Path)
        with open(member.handle, "rb", opener=lambda path, _: os.open(path, flags)) as file:
            yield file


class Zip:
    """The files of a zip.

    Args:
        file: open for reading, seekable.
        only: paths of files in it; empty for all.
        limits: on what is read of it.
    """

    def __init__(
        self, file: IO[bytes], only: Sequence[str] = (), limits: SizeLimits = USUAL_LIMITS
    ) -> None:
        try:
            self._zip = zipfile.ZipFile(_Bounded(file, limits.listed))
        except Exception as error:  # zipfile raises many kinds of exceptions on damaged zips
            raise _no_zip(error) from error
        self.comment = self._zip.comment
        members = [_zipped(info) for info in self._zip.infolist() if not info.is_dir()]
        members = [member for member in members if len(member.path) <= LONGEST_PATH]
        self.members = [member for member in members if not only or member.path in only]

    @contextmanager
    def open(self, member: Member) -> Iterator[IO[bytes]]:
        """A member's content, unpacked while it is read."""
        assert isinstance(member.handle, zipfile.ZipInfo)
        with self._zip.open(member.handle) as file:
            yield file


Box = Folder | Zip


def _zipped(info: zipfile.ZipInfo) -> Member:
    problem = None
    if stat.S_ISLNK(info.external_attr >> 16):
        problem = _link()
    elif info.flag_bits & 0x1:
        problem = Unreadable(Status.MISSING_FILE, "is encrypted; zip it without a password")
    elif info.compress_type not in METHODS:
        problem = Unreadable(
            Status.MISSING_FILE, "is packed in an unusual way; zip it with the last cell's hand_in"
        )
    return Member(info.filename.replace("\\", "/"), info.date_time, info, problem)


def _no_zip(error: Exception) -> Unreadable:
    if isinstance(error, OSError):
        return Unreadable(Status.MISSING_FILE, f"cannot be read ({error.strerror})")
    return Unreadable(
        Status.MISSING_FILE, "is damaged, or no zip at all; make it again with the last cell"
    )


class _Bounded(io.RawIOBase):
    """A file of which nobody takes more than `most` bytes at once, as zipfile would."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        self._file, self._most = file, most

    def read(self, size: int = -1) -> bytes:
        if size is not None and 0 <= size <= self._most:
            return self._file.read(size)
        data = self._file.read(self._most + 1)
        if len(data) > self._most:
            raise zipfile.BadZipFile("the table of contents is too long")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def read_member(box: Box, member: Member, most: int) -> bytes:
    """What a file holds.

    Args:
        box: that has it.
        member: one of box.members.
        most: bytes.

    Raises:
        Unreadable: it cannot be had, or holds more.
    """
    target = io.BytesIO()
    copy_member(box, member, target, most)
    return target.getvalue()


def copy_member(box: Box, member: Member, target: IO[bytes], most: int) -> None:
    """Write what a file holds into another one; like read_member."""
    if member.problem is not None:
        raise member.problem
    left, first = most, b""
    try:
        with box.open(member) as file:
            while chunk := file.read(CHUNK):
                left, first = left - len(chunk), first or chunk
                if left < 0:
                    raise _too_large(member, most, first)
                target.write(chunk)
    except Unreadable:
        raise
    except Exception as error:  # zipfile and zlib raise many kinds on damaged content
        reason = getattr(error, "strerror", None)
        reason = f"cannot be read ({reason})" if reason else "is damaged in the zip"
        raise Unreadable(Status.MISSING_FILE, reason) from error


def _too_large(member: Member, most: int, first: bytes) -> Unreadable:
    """A bomb, or a notebook in which a loop printed all night; its text packs as well as a bomb."""
    said = f"holds more than {most // MEGABYTE} MB"
    printed = first.lstrip().startswith(b"{")
    if isinstance(member.handle, zipfile.ZipInfo) and not printed:
        size, packed = max(member.handle.file_size, most), member.handle.compress_size
        if size > BOMB * packed:
            return Unreadable(Status.TAMPERED, f"{said}, packed into {packed // 1000 + 1} kB")
    return Unreadable(Status.BAD_NOTEBOOK, f"{said}; clear its outputs and hand it in again")


@contextmanager
def open_box(
    path: Path, inside: str = "", only: Sequence[str] = (), limits: SizeLimits = USUAL_LIMITS
) -> Iterator[Box]:
    """A folder or a zip, or a zip inside of one.

    Args:
        path: of the folder or zip.
        inside: path of a zip in there.
        only: paths of the files wanted; empty for all.
        limits: on what is read of it.

    Raises:
        Unreadable: it is neither, or a link.
    """
    if path.is_dir():
        yield Folder(path, only)
        return
    if path.is_symlink():
        raise _link()
    if not path.is_file():
        raise Unreadable(Status.MISSING_FILE, "is not there, or no ordinary file")
    try:
        file = path.open("rb")
    except OSError as error:
        raise _no_zip(error) from error
    with file:
        box = Zip(file, only, limits)
        member = next((member for member in box.members if member.path == inside), None)
        if not inside:
            yield box
        elif member is None:
            raise Unreadable(Status.MISSING_FILE, "is not there any more")
        else:
            with open_zip_in(box, member, limits) as found:
                yield found


@contextmanager
def open_zip_in(box: Box, member: Member, limits: SizeLimits = USUAL_LIMITS) -> Iterator[Zip]:
    """A zip that is one of the files of a folder or zip.

    Args:
        box: that has it.
        member: one of box.members.
        limits: on what is read of it.

    Raises:
        Unreadable: it cannot be had.
    """
    if isinstance(box, Folder) and member.problem is None:
        with box.open(member) as file:
            yield Zip(file, limits=limits)
        return
    with tempfile.SpooledTemporaryFile(8 * MEGABYTE) as file:
        copy_member(box, member, file, limits.nested_zip)
        file.seek(0)
        yield Zip(file, limits=limits)
