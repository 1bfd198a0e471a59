"""Taking single functions out of a notebook, without running the rest of it.

A function brings along only what it needs: the imports, definitions and assignments that bind the
names it uses, and those that these use. Nothing is trained and nothing is drawn.
"""

from __future__ import annotations

import ast
import builtins
import json
import linecache
import symtable
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from crystalgraph.errors import CrystalGraphError

LIBRARIES = ("crystalgraph", "matplotlib", "numpy", "pandas", "pymatgen", "torch")

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_Binding = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_Binding += (ast.Assign, ast.AnnAssign, ast.AugAssign)


@dataclass(frozen=True)
class Statement:
    """One top-level statement of a notebook.

    Attributes:
        node: its syntax tree.
        filename: notebook and cell, for messages.
        binds: names it gives a value to.
    """

    node: ast.stmt
    filename: str
    binds: frozenset[str]

    @cached_property
    def needs(self) -> frozenset[str]:
        """Names of the notebook that it reads; not the local ones of a function."""
        table = symtable.symtable(ast.unparse(self.node), "cell", "exec")
        names = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced()}
        tables = list(table.get_children())
        while tables:
            inner = tables.pop()
            names |= {symbol.get_name() for symbol in inner.get_symbols() if symbol.is_global()}
            tables += inner.get_children()
        return frozenset(names)


def code_cells(path: Path) -> list[str]:
    """Sources of a notebook's code cells.

    Raises:
        CrystalGraphError: the file is no notebook.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = [cell["source"] for cell in cells if cell.get("cell_type") == "code"]
        return [source if isinstance(source, str) else "".join(source) for source in code]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CrystalGraphError(
            f"{path} cannot be read as a notebook ({type(error).__name__}): open and save it in "
            "Jupyter, or start again from a fresh copy."
        ) from error


def _without_magics(source: str) -> str:
    """Lines that only Jupyter understands become `pass`, line numbers stay."""
    if source.lstrip().startswith("%%"):
        return ""
    lines = source.splitlines()
    for number, line in enumerate(lines):
        text = line.lstrip()
        if text.startswith(("%", "!")) or text.startswith("?") or text.rstrip().endswith("?"):
            lines[number] = line[: len(line) - len(text)] + "pass"
    return "\n".join(lines) + "\n"


def _parse(source: str) -> ast.Module:
    """Parse a cell; magics are taken out only if Python does not understand it as it is."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return ast.parse(_without_magics(source))


def _binds(node: ast.stmt) -> frozenset[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return frozenset({node.name})
    if isinstance(node, ast.Import | ast.ImportFrom):
        return frozenset((a.asname or a.name.split(".")[0]) for a in node.names)
    stored = (n for n in ast.walk(node) if isinstance(n, ast.Name))
    return frozenset(n.id for n in stored if isinstance(n.ctx, ast.Store))


def statements(cells: Iterable[str], where: str) -> tuple[list[Statement], dict[str, SyntaxError]]:
    """Top-level statements of a notebook's code cells that bind a name.

    Args:
        cells: their sources.
        where: the notebook's name, for messages.

    Returns:
        The statements, and for cells that do not parse their text with the error.
    """
    found, broken = [], {}
    for number, source in enumerate(cells, start=1):
        filename = _filename(where, number)
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
        try:
            tree = _parse(source)
        except SyntaxError as error:
            broken[source] = error
            continue
        for node in tree.body:
            if isinstance(node, _Binding):
                found.append(Statement(node, filename, _binds(node)))
    return found, broken


def _filename(where: str, number: int) -> str:
    return f"{where}, code cell {number}"


def _needed(found: list[Statement], names: Iterable[str]) -> list[Statement]:
    """The statements that the names depend on, in the notebook's order."""
    wanted, chosen = set(names), set()
    while True:
        more = {
            i
            for i, s in enumerate(found)
            if i not in chosen and (s.binds & wanted or "*" in s.binds)
        }
        if not more:
            return [found[i] for i in sorted(chosen)]
        chosen |= more
        for i in more:
            wanted |= found[i].needs - set(dir(builtins))


def load_function(path: Path, name: str) -> object:
    """One function of a notebook, with all that it needs.

    Args:
        path: the notebook.
        name: of a function defined at the top level of a cell.

    Returns:
        The function as last defined.

    Raises:
        CrystalGraphError: the notebook does not define it, or its cell has a syntax error.
        Exception: what a needed statement raises.
    """
    return function_of(code_cells(path), name, path.name)


def function_of(cells: Sequence[str], name: str, where: str, at: int | None = None) -> object:
    """One function of a notebook's code cells, with all that it needs.

    Args:
        cells: sources of the code cells.
        name: of a function defined at the top level of a cell.
        where: the notebook's name, for messages.
        at: place of the cell whose definition counts; None takes the last one.

    Returns:
        The function.

    Raises:
        CrystalGraphError: no cell defines it, or that cell has a syntax error.
        Exception: what a needed statement raises.
    """
    found, broken = statements(cells, where)
    definitions = [s for s in found if isinstance(s.node, _Definition) and name in s.binds]
    if at is not None:
        own = [s for s in definitions if s.filename == _filename(where, at + 1)]
        definitions = own or ([] if cells[at] in broken else definitions)
    if not definitions:
        raise CrystalGraphError(_not_defined(name, where, broken))
    namespace = {"__name__": Path(where).stem}
    return _execute(_needed(found, [name]), definitions[-1], namespace)[name]


def _not_defined(name: str, where: str, broken: dict[str, SyntaxError]) -> str:
    for source, error in broken.items():
        if f"def {name}" in source:
            return (
                f"{where}: the cell that defines {name} is no valid Python: {error.msg} in its "
                f"line {error.lineno}."
            )
    return f"{where} does not define {name}: keep the def line as it was handed out."


def library_imports(path: Path, names: Iterable[str]) -> list[str]:
    """Modules of installed packages that functions of a notebook import, directly or not.

    Args:
        path: the notebook.
        names: of the functions.

    Returns:
        Names to import in advance, "crystalgraph.figures"; some may be no modules but functions.
    """
    modules: list[str] = []
    for statement in _needed(statements(code_cells(path), path.name)[0], names):
        node = statement.node
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in modules if name.split(".")[0] in LIBRARIES]


def _execute(needed: list[Statement], last: Statement, namespace: dict) -> dict[str, object]:
    """Run statements; what `last` binds keeps its value even if a later one binds it again."""
    kept: dict[str, object] = {}
    for statement in needed:
        code = compile(ast.Module([statement.node], []), statement.filename, "exec")
        try:
            exec(code, namespace)
        except Exception:
            # A variable that cannot be made is missed, if at all, when the function is called.
            if isinstance(statement.node, _Definition | ast.Import | ast.ImportFrom):
                raise
        if statement is last:
            kept = {name: namespace[name] for name in statement.binds}
    return kept
