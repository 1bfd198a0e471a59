"""How the two sides of a sandbox talk: a line of JSON, then arrays as .npy; bounded, no pickle.

Whoever reads checks every size before it takes memory, and makes nothing but numbers and text.
"""

from __future__ import annotations

import io
import json
import math
import os
import select
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from crystalgraph.checking.limits import Deadline, Times

MAX_HEADER = 1_000_000
MAX_ARRAYS = 256
MAX_BYTES = 16_000_000
LOOK = 0.25
"""Seconds between two looks at the other side, while nothing comes from it."""


class Malformed(Exception):
    """The other side broke the rules of the wire."""


class TooLarge(ValueError):
    """A value has too many numbers for the wire."""


class Gone(Exception):
    """The other side has closed the wire."""


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

    def send(
        self,
        message: dict,
        arrays: list[np.ndarray] | tuple = (),
        seconds: float = 60.0,
        times: Callable[[], Times] | None = None,
    ) -> None:
        """Write one message.

        Args:
            message: what is said.
            arrays: that belong to it.
            seconds: that the other side has to take it.
            times: what clocks show for the other side; see Deadline.

        Raises:
            Gone: nobody reads.
            Late, ComputerTooBusy: it was not taken in time; see Deadline.
            TooLarge: of the arrays.
        """
        blobs = [_to_npy(array) for array in arrays]
        if len(blobs) > MAX_ARRAYS or sum(map(len, blobs)) > MAX_BYTES:
            raise TooLarge(f"{sum(a.size for a in arrays):,} numbers are too many")
        header = json.dumps(message | {"sizes": [len(blob) for blob in blobs]}).encode()
        if len(header) > MAX_HEADER:
            raise TooLarge(f"{len(header):,} bytes of text are too many")
        self._write(b"".join([header, b"\n", *blobs]), Deadline(seconds, times))

    def _write(self, data: bytes, deadline: Deadline) -> None:
        view = memoryview(data)
        os.set_blocking(self.sink, False)
        while view:
            wait = 0.0  # first look, then ask how late it is: we may have been kept from looking
            while not select.select([], [self.sink], [], wait)[1]:
                wait = min(deadline.left(), LOOK)
            try:
                view = view[os.write(self.sink, view) :]
            except BrokenPipeError:
                raise Gone from None

    def receive(
        self, seconds: float, times: Callable[[], Times] | None = None
    ) -> tuple[dict, list[np.ndarray]]:
        """Read one message.

        Args:
            seconds: that the other side has for it.
            times: what clocks show for the other side; see Deadline.

        Raises:
            Malformed, Gone, Late, ComputerTooBusy: see there.
        """
        deadline = Deadline(seconds, times)
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
        wait = 0.0  # as in _write
        while not select.select([self.source], [], [], wait)[0]:
            if wait:
                self.watch()
            wait = min(deadline.left(), LOOK)
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
