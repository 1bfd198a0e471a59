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

import numpy as np

MAX_HEADER = 1_000_000
MAX_ARRAYS = 256
MAX_BYTES = 16_000_000


class Garbled(Exception):
    """The other side broke the rules of the wire."""


class TooLarge(ValueError):
    """A value has too many numbers for the wire."""


class Gone(Exception):
    """The other side has closed the wire."""


class Late(Exception):
    """The other side did not answer in time."""


class Deadline:
    """Until when an answer is waited for.

    Args:
        seconds: from now.
        again: asked when they are over: whether to wait as long once more.
    """

    def __init__(self, seconds: float, again: Callable[[], bool]) -> None:
        self.seconds, self.again = seconds, again
        self.end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then; raises Late when there are none."""
        if time.monotonic() >= self.end:
            if not self.again():
                raise Late
            self.end = time.monotonic() + self.seconds
        return max(0.0, self.end - time.monotonic())


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
        self, seconds: float, again: Callable[[], bool] = lambda: False
    ) -> tuple[dict, list[np.ndarray]]:
        """Read one message.

        Args:
            seconds: to wait at most.
            again: asked when they are over: whether to wait as long once more.

        Raises:
            Garbled, Gone, Late: see there.
        """
        deadline = Deadline(seconds, again)
        header = self._read_line(deadline)
        try:
            message = json.loads(header)
            sizes = message.pop("sizes")
            sound = all(type(size) is int and 0 <= size for size in sizes)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise Garbled("a message that is no message") from error
        if not sound or len(sizes) > MAX_ARRAYS or sum(sizes) > MAX_BYTES:
            raise Garbled("a message that is too large")
        return message, [_from_npy(self._read(size, deadline)) for size in sizes]

    def _read_line(self, deadline: Deadline) -> bytes:
        while b"\n" not in self._rest:
            if len(self._rest) > MAX_HEADER:
                raise Garbled("a message without an end")
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
    except Exception as error:  # numpy raises this and that on broken headers
        raise Garbled("an array that is none") from error
    flat = np.frombuffer(data, dtype, offset=len(data) - left).copy()
    return flat.reshape(shape, order="F" if fortran else "C")
