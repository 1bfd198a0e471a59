"""The checks of all tasks."""

from crystalgraph.labs.trust.checks import clinic, diagnostics, graphs, pipeline, splits

CHECKS = (
    *graphs.CHECKS,
    *pipeline.CHECKS,
    *diagnostics.CHECKS,
    *splits.CHECKS,
    *clinic.CHECKS,
)
