"""The zip that is handed in."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterable
from pathlib import Path

from crystalgraph.course.hand_in.names import TIME_FORMAT
from crystalgraph.course.hand_in.parts import HandInRefused, Part


def write_zip(target: Path, parts: Iterable[Part]) -> Path:
    """Write the zip; an earlier one is replaced only when the new one is complete.

    Args:
        target: the file.
        parts: what is in it.

    Returns:
        The target.

    Raises:
        HandInRefused: the folder or the disk does not let us.
    """
    partial = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.comment = time.strftime(TIME_FORMAT, time.gmtime()).encode("ascii")
            for part in parts:
                info = zipfile.ZipInfo(part.name, time.localtime(part.saved)[:6])
                info.external_attr = 0o644 << 16
                archive.writestr(info, part.content, zipfile.ZIP_DEFLATED)
        partial.replace(target)
    except OSError as error:
        raise HandInRefused(
            f"No zip: {target} cannot be written ({error.strerror}); close it elsewhere or make "
            "room, and run this cell again."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return target
