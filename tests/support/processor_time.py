"""Seconds that processors have worked for us: no clock, so other programs do not count."""

import resource


def processor_seconds():
    """Of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
