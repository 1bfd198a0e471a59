"""One writer of a gradebook at a time: `crystalgraph grade` or `nbgrader autograde`.

A lock is gone with the program that held it, also when that was killed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from traitlets.config import Application

from crystalgraph.errors import CrystalGraphError

NUMBER = 0x6372797374616C
"""Of the lock in a PostgreSQL database; any number that nobody else takes."""

_HELD: list[AbstractContextManager] = []
"""What `nbgrader autograde` holds until it ends."""


@contextmanager
def gradebook_lock(address: str) -> Iterator[None]:
    """Keep other graders out of a gradebook.

    Args:
        address: of the database; SQLite and PostgreSQL have locks.

    Raises:
        CrystalGraphError: another one is writing, or nobody can.
    """
    url = make_url(address)
    locks = {"sqlite": _lock_beside, "postgresql": _lock_inside}
    lock = locks.get(url.get_backend_name())
    if lock is None:
        yield
        return
    with lock(url) as is_ours:
        if not is_ours:
            shown = url.render_as_string(hide_password=True)
            raise CrystalGraphError(
                "another `crystalgraph grade`, or `nbgrader autograde`, is writing to the "
                f"gradebook {shown}: wait until it is done, and start this again"
            )
        yield


@contextmanager
def _lock_beside(url: URL) -> Iterator[bool]:
    """A lock on a file beside the database: SQLite locks parts of its own file itself."""
    import fcntl  # Windows has none, and no grader

    path = Path(f"{Path(url.database or '').resolve()}.lock")
    try:
        file = path.open("w")
    except OSError as error:
        raise CrystalGraphError(
            f"{path} cannot be written ({error.strerror}): the gradebook's folder must be writable"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


@contextmanager
def _lock_inside(url: URL) -> Iterator[bool]:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            yield bool(connection.scalar(text("SELECT pg_try_advisory_lock(:n)"), {"n": NUMBER}))
    finally:
        engine.dispose()


def lock_for_nbgrader(root: Path) -> None:
    """Called when nbgrader is about to grade: end it with a sentence while we are grading.

    The program `nbgrader autograde` keeps the lock until it ends. In Jupyter's server, where the
    formgrader grades one hand-in, it is only looked at.

    Args:
        root: the course's folder.
    """
    if _HELD:
        return
    app = Application.instance() if Application.initialized() else None
    course = getattr(app, "coursedir", None)  # only nbgrader's own programs have one
    address = f"sqlite:///{root / 'gradebook.db'}" if course is None else course.db_url
    lock = gradebook_lock(address)
    try:
        lock.__enter__()
    except CrystalGraphError as error:
        sys.exit(f"nbgrader autograde: {error}")
    if course is None:
        lock.__exit__(None, None, None)
    else:
        _HELD.append(lock)
