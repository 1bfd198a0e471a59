"""Messages between the grader and a sandbox: what is sent arrives, what is malformed is refused."""

import contextlib
import io
import json
import os
import threading
import time
from collections import deque

import hypothesis.extra.numpy as arrays_of
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from crystalgraph.checking.limits import Late, Times
from crystalgraph.sandbox.packing import Unknown, pack, unpack
from crystalgraph.sandbox.wire import MAX_BYTES, MAX_HEADER, Gone, Malformed, TooLarge, Wire


class Ends:
    """A wire whose two ends are in this process."""

    def __enter__(self):
        self.source, self.sink = os.pipe()
        self.wire = Wire(self.source, self.sink)
        return self

    def __exit__(self, *_):
        for descriptor in {self.source, self.sink} - {-1}:
            os.close(descriptor)

    def write(self, data):
        """Bytes from a stranger, who then hangs up."""
        sink, self.sink = self.sink, -1  # from here on it is the thread's to close

        def run():
            with open(sink, "wb", buffering=0) as stranger, contextlib.suppress(BrokenPipeError):
                view = memoryview(data)
                while view:
                    view = view[stranger.write(view) :]

        threading.Thread(target=run, daemon=True).start()


def passed_on(value):
    """A value after its way over a wire."""
    sent = []
    packed = pack(value, sent)
    with Ends() as ends:
        reader = {}
        thread = threading.Thread(
            target=lambda: reader.update(got=ends.wire.receive(20)), daemon=True
        )
        thread.start()
        ends.wire.send({"value": packed}, sent)
        thread.join(20)
        message, arrays = reader["got"]
    return unpack(message["value"], arrays)


NUMBERS = st.one_of(st.integers(-(2**62), 2**62), st.floats(), st.booleans(), st.none())
ARRAYS = arrays_of.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.bool_, np.complex128]),
    arrays_of.array_shapes(min_dims=0, min_side=0),
)


@given(st.lists(NUMBERS, max_size=8))
def test_numbers_arrive(values):
    np.testing.assert_equal(passed_on(values), values)


@given(ARRAYS)
def test_arrays_arrive(array):
    got = passed_on((array, torch.from_numpy(array.copy())))
    np.testing.assert_array_equal(got[0], array)
    assert got[0].dtype == got[1].numpy().dtype == array.dtype
    np.testing.assert_array_equal(got[1].numpy(), array)


def test_long_lists_keep_their_kind():
    assert passed_on(list(range(1000))) == list(range(1000))
    assert passed_on(["O"] * 40) == ["O"] * 40
    assert passed_on(tuple(0.5 for _ in range(100))) == (0.5,) * 100


@pytest.mark.parametrize(
    "value",
    [pd.Series([0, 1]), pd.DataFrame([0.0, 1.0]), deque([0, 1]), range(2)],
    ids=["Series", "DataFrame", "deque", "range"],
)
def test_what_numpy_reads_as_numbers_arrives_as_an_array(value):
    got = passed_on(value)
    assert isinstance(got, np.ndarray) and got.ravel().tolist() == [0, 1]


def test_structures_arrive():
    structure = Structure(Lattice.cubic(3.9), ["Sr", "Ti"], [[0, 0, 0], [0.5] * 3])
    assert passed_on(structure) == structure


def test_a_stranger_object_leaves_only_its_name():
    class Liar:
        def __eq__(self, other):
            return True

    got = passed_on(Liar())
    assert isinstance(got, Unknown) and type(got).__name__ == "Liar"
    assert got != 1


def test_a_tensor_of_a_subclass_arrives_as_a_plain_one():
    class Sly(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            return (
                True
                if function is torch.allclose
                else super().__torch_function__(function, types, args, kwargs)
            )

    got = passed_on(torch.ones(3).as_subclass(Sly))
    assert type(got) is torch.Tensor


# --- what a stranger may send


def header(**message):
    return json.dumps(message).encode() + b"\n"


def npy(text, data=b""):
    """An array file with any header."""
    text = text + " " * (63 - (len(text) + 10) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + data


PICKLED = io.BytesIO()
np.save(PICKLED, np.array([{}], dtype=object), allow_pickle=True)
ARRAY = "{'descr': '<f8', 'fortran_order': False, 'shape': %s, }"
BAD_ARRAYS = {
    "pickle": PICKLED.getvalue(),
    "shape larger than the data": npy(ARRAY % "(1000000000000,)", b"12345678"),
    "negative shape": npy(ARRAY % "(-1,)"),
    "no array": b"x" * 200,
    "cut off": b"\x93NUMPY\x01",
    "text": npy("{'descr': '<U8', 'fortran_order': False, 'shape': (1,), }", b"0" * 32),
    "header of 60 kB": npy(ARRAY % ("(" + "1," * 30_000 + ")"), b"12345678"),
}


@pytest.mark.parametrize("data", BAD_ARRAYS.values(), ids=BAD_ARRAYS.keys())
def test_bad_arrays_are_refused(data):
    with Ends() as ends:
        ends.write(header(say="done", sizes=[len(data)]) + data)
        with pytest.raises(Malformed):
            ends.wire.receive(20)


BAD_MESSAGES = {
    "no JSON": b"hello\n",
    "no dictionary": b"[1]\n",
    "no sizes": header(say="done"),
    "sizes of text": header(sizes=["9"]),
    "negative size": header(sizes=[-5]),
    "too many arrays": header(sizes=[0] * 1000),
    "too large": header(sizes=[MAX_BYTES + 1]),
    "nested": b"[" * 100_000 + b"]" * 100_000 + b"\n",
    "without an end": b" " * (MAX_HEADER + 100_000),
    "not UTF-8": b'{"\xff": 1}\n',
}


@pytest.mark.parametrize("data", BAD_MESSAGES.values(), ids=BAD_MESSAGES.keys())
def test_bad_messages_are_refused(data):
    with Ends() as ends:
        ends.write(data)
        with pytest.raises(Malformed):
            ends.wire.receive(20)


@given(st.binary(max_size=300))
def test_noise_is_refused_or_the_end(data):
    with Ends() as ends:
        ends.write(data)
        try:
            message, _ = ends.wire.receive(20)
        except (Malformed, Gone):
            return
        assert isinstance(message, dict)


JSON = st.recursive(NUMBERS | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3))
KINDS = st.sampled_from(
    ["array", "tensor", "structure", "graph", "numbers", "unknown", "optimizer"]
)


@given(st.fixed_dictionaries({"is": KINDS, "at": JSON, "items": JSON, "parts": JSON, "name": JSON}))
def test_values_of_a_stranger_are_refused_or_harmless(value):
    try:
        got = unpack(value, [np.zeros(3)])
    except Malformed:
        return
    assert isinstance(got, np.ndarray | Unknown)


def test_silence_and_a_closed_wire():
    with Ends() as ends:
        with pytest.raises(Late):
            ends.wire.receive(0.2)
        os.close(ends.sink)
        ends.sink = -1
        with pytest.raises(Gone):
            ends.wire.receive(1)


def test_too_much_is_not_sent():
    with Ends() as ends, pytest.raises(TooLarge):
        ends.wire.send({}, [np.zeros(MAX_BYTES // 8)])


def test_who_waits_for_a_processor_gets_more_time():
    """It uses and waits for all of its time, in equal parts."""
    begun = time.monotonic()

    def times():
        half = (time.monotonic() - begun) / 2
        return Times(time.monotonic(), half, half)

    with Ends() as ends, pytest.raises(Late):
        ends.wire.receive(0.2, times)
    assert time.monotonic() - begun >= 0.39


def test_so_does_who_has_to_take_what_is_sent():
    begun = time.monotonic()
    with Ends() as ends, pytest.raises(Late):
        ends.wire.send({}, [np.zeros(2**20)], 0.1, lambda: Times(time.monotonic(), 0.0, 0.0))
    assert 0.1 <= time.monotonic() - begun < 30


def test_an_answer_that_is_there_is_taken_however_late_it_is_read():
    with Ends() as ends:
        ends.write(b'{"sizes": []}\n')
        time.sleep(0.05)
        assert ends.wire.receive(0.0) == ({}, [])


def test_an_answer_that_comes_at_once_needs_no_clocks():
    with Ends() as ends:
        ends.write(b'{"sizes": []}\n')
        assert ends.wire.receive(20, lambda: pytest.fail("asked")) == ({}, [])


WORDS = {
    "unknown type": ({"is": "spell"}, "a value of unknown type"),
    "malformed value": ({"is": "array", "at": 7}, "a malformed value"),
    "no kind": ({"at": 0}, "a malformed value"),
    "dtype": ({"is": "tensor", "at": 0, "dtype": "nn", "grad": True}, "a tensor of unknown dtype"),
    "deep": ({"is": "list", "items": [{"is": "list", "items": []}]}, None),
}


@pytest.mark.parametrize(("value", "words"), WORDS.values(), ids=WORDS.keys())
def test_what_is_wrong_is_said_in_plain_words(value, words):
    for _ in range(10 if words is None else 0):
        value = {"is": "list", "items": [value]}
    with pytest.raises(Malformed, match=words or "a value with too many levels"):
        unpack(value, [np.zeros(3)])
