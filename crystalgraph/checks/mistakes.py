"""What known mistakes look like to the student: cause and cure, never code or numbers."""

MISTAKES: dict[str, dict[str, str]] = {}


def advice(task: str, cause: str) -> str:
    """Cause and cure of a known mistake, in a sentence or two."""
    return MISTAKES.get(task, {}).get(cause, f"{cause}.")
