"""How a student's process can end other than well."""

from enum import StrEnum


class Ending(StrEnum):
    """Why the process of a task is gone."""

    TIMEOUT = "TIMEOUT"
    OUT_OF_MEMORY = "OUT_OF_MEMORY"
    CRASHED = "CRASHED"
    TAMPERED = "TAMPERED"
