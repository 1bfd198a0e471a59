"""How a student's process can end other than well."""

from enum import StrEnum


class Ending(StrEnum):
    """Why the process of a task is gone."""

    TIMEOUT = "TIMEOUT"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    CRASHED = "CRASHED"
    TAMPERED = "TAMPERED"


class SandboxFailed(BaseException):
    """There is no sandbox, or something outside has ended it; the student's code did nothing wrong.

    No Exception: a check must not take it for an error of the student's code.
    """
