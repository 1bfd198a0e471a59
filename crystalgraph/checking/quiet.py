"""A student's code leaves stderr and torch's global state as they were."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import torch


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Swallow all that is written to stderr: sys.stderr, handlers that hold it, descriptor 2.

    nbgrader gives no points to a cell that wrote to stderr, even a mere warning.
    """
    stream = sys.stderr
    with contextlib.ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(_descriptor_to_nowhere(2))
        stack.enter_context(_stream_to_nowhere(stream))
        nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
        stack.enter_context(contextlib.redirect_stderr(nowhere))
        yield


@contextlib.contextmanager
def _descriptor_to_nowhere(descriptor: int) -> Iterator[None]:
    try:
        saved = os.dup(descriptor)
    except OSError:  # closed, as in windowed Python
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        os.dup2(nowhere.fileno(), descriptor)
        try:
            yield
        finally:
            os.dup2(saved, descriptor)
            os.close(saved)


@contextlib.contextmanager
def _stream_to_nowhere(stream: Any) -> Iterator[None]:
    """Log handlers keep the stream they were made with; a notebook's stream has no descriptor."""
    try:
        stream.flush()
        stream.write = len
    except (AttributeError, ValueError, OSError):
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(AttributeError):
            del stream.write


@contextlib.contextmanager
def double_precision() -> Iterator[None]:
    """Default dtype float64, gradients on, random numbers of our own, one thread; restored after.

    On crystals of a few atoms further threads only wait for each other.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with (
            default_dtype(torch.float64),
            torch.random.fork_rng(devices=[]),
            torch.enable_grad(),
        ):
            torch.manual_seed(0)
            yield
    finally:
        torch.set_num_threads(threads)


@contextlib.contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """What torch makes new tensors of; restored after."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
