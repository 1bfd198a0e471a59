"""What IPython adds to Python, where a notebook's code runs without a kernel: magics, display."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_OF_THE_SCREEN = ("autoreload", "conda", "config", "load_ext", "matplotlib", "pip", "reload_ext")
"""Line magics that bind no name: they draw, watch files or install, which takes seconds."""
_FETCHES = re.compile(
    r"\s*(?:\S*/)?(?:apt|apt-get|conda|curl|git|mamba|pip3?|python\S* -m pip|wget)\b"
)


def notebook_namespace() -> dict[str, Any]:
    """A fresh namespace with the names that each notebook has without an import."""
    made: list[InteractiveShell] = []

    def get_ipython() -> InteractiveShell:
        if not made:
            made.append(_shell(namespace))
        return made[0]

    def display(*objects: object, **options: Any) -> object:
        import IPython.display

        get_ipython()  # without a shell a display has no handle
        return IPython.display.display(*objects, **options)

    namespace: dict[str, Any] = {"__name__": "__main__"}
    namespace |= {"get_ipython": get_ipython, "display": display}
    namespace |= dict.fromkeys(("_", "__", "___"), "")  # values of the cells before
    return namespace


def _shell(namespace: dict[str, Any]) -> InteractiveShell:
    """IPython's shell on a namespace; it keeps no history and prints no tracebacks."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Shell(InteractiveShell):
        def showtraceback(self, *_: object, **__: object) -> None:
            """Nobody reads it, and it takes seconds to format."""

        def system(self, cmd: str) -> None:
            if not _FETCHES.match(cmd):
                super().system(cmd)

    InteractiveShell.clear_instance()  # of the task before, where tasks share a process
    shell = Shell.instance(config=Config(HistoryManager={"enabled": False}), user_ns=namespace)
    shell.magics_manager.magics["line"] |= dict.fromkeys(_OF_THE_SCREEN, lambda line: None)
    return shell
