"""Another default, as an edit of the source would make it: in the signature of the class."""

import inspect


def change_default(monkeypatch, kind, name, value):
    """Give an argument of a class another default, until the test is over."""
    parameters = inspect.signature(kind.__init__).parameters.values()
    names = [one.name for one in parameters if one.default is not one.empty]
    defaults = list(kind.__init__.__defaults__)
    defaults[names.index(name)] = value
    monkeypatch.setattr(kind.__init__, "__defaults__", tuple(defaults))
