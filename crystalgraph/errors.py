"""The one exception that users are meant to read."""


class CrystalGraphError(ValueError):
    """Something the user can mend; the message is one sentence: what, where, and the cure.

    The command line prints it on stderr and exits with 2.
    """
