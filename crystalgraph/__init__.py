"""Crystal graphs and the networks that read them: the library behind the course.

What students read but do not write lives here; what they write is in the notebooks of assignments/
and in the model files beside them. Importing the package itself loads nothing heavy, so that
`crystalgraph --help` is quick.
"""

__version__ = "0.1.0"

from crystalgraph.old_names import install

install()
