"""Exceptions that users are meant to read."""


class CrystalGraphError(ValueError):
    """Something the user can mend; the message is one sentence: what, where, and the cure.

    The command line prints it on stderr and exits with 2.
    """


class CrystalGraphWarning(UserWarning):
    """Something the user should know about the input; the message is one sentence.

    Python prints it on stderr; commands print it in their own form.
    """


class ShownPlainly(Exception):
    """Base of errors whose message says it all: notebooks show it without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """IPython shows these lines in place of a traceback."""
        return str(self).splitlines()
