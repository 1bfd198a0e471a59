"""Every Python that the tests start reads this: it starts 3 s sooner, and does the same.

nbformat imports jsonschema, which with this package compiles 39 grammars of internet addresses;
without it jsonschema does not look at addresses. `nbgrader` is called some hundred times.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)  # pyright: ignore[reportArgumentType]
