"""How the two sides of a sandbox talk: a line of JSON, then arrays as .npy; bounded, no pickle.

Whoever reads checks every size before it takes memory, and makes nothing but numbers and text.
"""

from __future__ import annotations

import io
import json
import math
import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

MAX_HEADER = 1_000_000
MAX_ARRAYS = 256
MAX_BYTES = 16_000_000


class Malformed(Exception):
    """The other side broke the rules of the wire."""


class TooLarge(ValueError):
    """A value has too many numbers for the wire."""


class Gone(Exception):
    """The other side has closed the wire."""


class Late(Exception):
    """The other side did not answer in time."""


class Judge(Protocol):
    """Says whether a sender who is late is given up, as crystalgraph.checking.limits.Patience."""

    def is_over(self) -> bool:
        """Whether the time is up; asked at the end of each round."""
        ...


class Deadline:
    """Until when an answer is waited for.

    Args:
        seconds: of one round.
        make_judge: called soon after the first round has begun, so that an answer which comes at
            once costs nothing; None gives up after one round.
    """

    def __init__(self, seconds: float, make_judge: Callable[[], Judge] | None = None) -> None:
        self.seconds, self.make_judge = seconds, make_judge
        self.judge: Judge | None = None
        self.begun = time.monotonic()
        self.end = self.begun + seconds

    def left(self) -> float:
        """Seconds until the end of the round; raises Late when there is no further one."""
        now = time.monotonic()
        if self.judge is None and self.make_judge and now > self.begun + self.seconds / 50:
            self.judge = self.make_judge()
        if now >= self.end:
            if self.judge is None or self.judge.is_over():
                raise Late
            self.end = time.monotonic() + self.seconds
        return self.end - now


@dataclass
class Wire:
    """Two descriptors, one to read from and one to write to.

    Attributes:
        source: to read from.
        sink: to write to.
        watch: called now and then while waiting; it may raise.
    """

    source: int
    sink: int
    watch: Callable[[], None] = lambda: None
    _rest: bytearray = field(default_factory=bytearray)

    def send(self, message: dict, arrays: list[np.ndarray] | tuple = (), seconds: float = 60.0):
        """Write one message.

        Raises:
            Gone: nobody reads.
            Late: it was not taken in time.
            TooLarge: of the arrays.
        """
        blobs = [_to_npy(array) for array in arrays]
        if len(blobs) > MAX_ARRAYS or sum(map(len, blobs)) > MAX_BYTES:
            raise TooLarge(f"{sum(a.size for a in arrays):,} numbers are too many")
        header = json.dumps(message | {"sizes": [len(blob) for blob in blobs]}).encode()
        if len(header) > MAX_HEADER:
            raise TooLarge(f"{len(header):,} bytes of text are too many")
        self._write(b"".join([header, b"\n", *blobs]), time.monotonic() + seconds)

    def _write(self, data: bytes, deadline: float) -> None:
        view = memoryview(data)
        os.set_blocking(self.sink, False)
        while view:
            if not select.select([], [self.sink], [], max(0.0, deadline - time.monotonic()))[1]:
                raise Late
            try:
                view = view[os.write(self.sink, view) :]
            except BrokenPipeError:
                raise Gone from None

    def receive(
        self, seconds: float, make_judge: Callable[[], Judge] | None = None
    ) -> tuple[dict, list[np.ndarray]]:
        """Read one message.

        Args:
            seconds: to wait.
            make_judge: of whether to wait as long once more; see Deadline.

        Raises:
            Malformed, Gone, Late: see there.
        """
        deadline = Deadline(seconds, make_judge)
        header = self._read_line(deadline)
        try:
            message = json.loads(header)
            sizes = message.pop("sizes")
            valid = all(type(size) is int and 0 <= size for size in sizes)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Malformed("a malformed message") from error
        if not valid or len(sizes) > MAX_ARRAYS or sum(sizes) > MAX_BYTES:
            raise Malformed("a message that is too large")
        return message, [_from_npy(self._read(size, deadline)) for size in sizes]

    def _read_line(self, deadline: Deadline) -> bytes:
        while b"\n" not in self._rest:
            if len(self._rest) > MAX_HEADER:
                raise Malformed("a message whose text is too long")
            self._more(deadline)
        line, _, self._rest = self._rest.partition(b"\n")
        return bytes(line)

    def _read(self, size: int, deadline: Deadline) -> bytes:
        while len(self._rest) < size:
            self._more(deadline)
        data, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return data

    def _more(self, deadline: Deadline) -> None:
        while True:
            if select.select([self.source], [], [], min(deadline.left(), 0.25))[0]:
                break
            self.watch()
        data = os.read(self.source, 1 << 16)
        if not data:
            raise Gone
        self._rest += data


# --- arrays --------------------------------------------------------------------------------------


def _to_npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), allow_pickle=False)
    return file.getvalue()


def _from_npy(data: bytes) -> np.ndarray:
    """An array of numbers; its shape is compared with the bytes there before memory is taken."""
    file = io.BytesIO(data)
    try:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=1000)
        left = len(data) - file.tell()
        if (
            dtype.kind not in "biufc"
            or dtype.itemsize * math.prod(shape) != left
            or min(shape, default=0) < 0
        ):
            raise ValueError
    except Exception as error:  # numpy raises many kinds of errors on broken headers
        raise Malformed("a malformed array") from error
    flat = np.frombuffer(data, dtype, offset=len(data) - left).copy()
    return flat.reshape(shape, order="F" if fortran else "C")
