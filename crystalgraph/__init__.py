"""Crystal graphs and the networks that read them: the library behind the homework.

What students read but do not write lives here; what they write is in model_hw.py and in the
notebooks. Importing the package itself loads nothing heavy, so that `crystalgraph --help` is quick.
"""

__version__ = "0.1.0"
