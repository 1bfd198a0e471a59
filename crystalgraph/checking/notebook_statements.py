"""The top-level statements of a notebook: which names they bind and need, which depend on which."""

from __future__ import annotations
import __future__

import ast
import builtins
import linecache
import symtable
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import CodeType

_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
_BLOCKS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_ANY = "*"
CELLS = 512
"""Cells that are kept when parsed: those of all notebooks of a lab, and more."""


@dataclass(frozen=True, eq=False)
class Syntax:
    """A statement as it is written, wherever it stands.

    Attributes:
        node: its syntax tree.
    """

    node: ast.stmt

    @cached_property
    def text(self) -> str:
        """The same for two statements that differ in blanks and comments only."""
        return ast.dump(self.node)

    @cached_property
    def _names(self) -> tuple[frozenset[str], frozenset[str]]:
        return _bound_and_needed(self.node)

    @property
    def binds(self) -> frozenset[str]:
        """Names it gives a value to; "*" stands for any."""
        return self._names[0]

    @property
    def needs(self) -> frozenset[str]:
        """Names of the notebook that it reads; not the local ones of a function."""
        return self._names[1]

    @cached_property
    def changes(self) -> frozenset[str]:
        """Names whose object it changes, as in `table[k] = v` and `table.append(v)`."""
        if isinstance(self.node, _BLOCKS):
            return frozenset()
        return frozenset(map(_root, _changed(self.node)))

    @cached_property
    def arguments(self) -> frozenset[str]:
        """Names whose object a call may change that is made for what it does: `fill(table)`."""
        if isinstance(self.node, _BLOCKS):
            return frozenset()
        given = (n for call in _bare_calls(self.node) for n in ast.iter_child_nodes(call))
        values = (n.value if isinstance(n, ast.keyword) else n for n in given)
        return frozenset(map(_root, values))

    @property
    def imports(self) -> bool:
        """Whether it is an import."""
        return isinstance(self.node, ast.Import | ast.ImportFrom)

    @property
    def defines(self) -> bool:
        """Whether it is an import or a definition, which computes nothing."""
        return self.imports or isinstance(self.node, _BLOCKS)


@dataclass(frozen=True, eq=False)
class Statement:
    """One top-level statement of a notebook.

    Attributes:
        syntax: what is written there.
        filename: notebook and cell, for messages.
        cell: number of its cell, from 0.
        own: whether the student wrote it; False for what was handed out.
        last: whether it is the last of its cell.
        features: flags of the compiler, for what was imported from __future__ so far.
    """

    syntax: Syntax
    filename: str
    cell: int
    own: bool
    last: bool
    features: int

    @cached_property
    def code(self) -> CodeType:
        """To be evaluated; gives the value of an expression, or a coroutine that will.

        Raises:
            SyntaxError: Python's parser took it, its compiler does not.
        """
        node, flags = self.syntax.node, self.features | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        if isinstance(node, ast.Expr):
            tree = ast.Expression(node.value)
            return compile(tree, self.filename, "eval", flags, dont_inherit=True)
        return compile(ast.Module([node], []), self.filename, "exec", flags, dont_inherit=True)


def statements(
    cells: Sequence[str], where: str, released: Iterable[str] | None = None
) -> tuple[list[Statement], dict[int, SyntaxError]]:
    """Top-level statements of a notebook's code cells.

    Args:
        cells: their sources.
        where: the notebook's name, for messages.
        released: sources of the notebook's code cells as it was handed out; None if all of it is.

    Returns:
        The statements, and for cells that do not parse their number with the error.
    """
    given = None if released is None else {one.text for cell in released for one in _try(cell)}
    found: list[Statement] = []
    broken: dict[int, SyntaxError] = {}
    features = 0
    for number, source in enumerate(cells):
        filename = f"{where}, code cell {number + 1}"
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
        try:
            parsed = parse(source)
            for syntax in parsed:
                own = given is not None and syntax.text not in given
                features |= _features(syntax.node)
                last = syntax is parsed[-1]
                found.append(Statement(syntax, filename, number, own, last, features))
        except SyntaxError as error:
            broken[number] = error
        except _UNREADABLE as error:
            broken[number] = SyntaxError(str(error) or "it is nested too deeply")
    return found, broken


@lru_cache(CELLS)
def parse(source: str) -> tuple[Syntax, ...]:
    """The statements of a cell; what only Jupyter understands becomes calls of get_ipython().

    Raises:
        SyntaxError: neither Python nor IPython understands it.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager  # only few cells need it

        tree = ast.parse(TransformerManager().transform_cell(source))
    return tuple(map(Syntax, tree.body))


def study(released: Iterable[str]) -> None:
    """Parse cells that were handed out, for all who meet them again in this process or its forks.

    Args:
        released: sources of the cells.
    """
    for one in [syntax for cell in released for syntax in _try(cell)]:
        _ = one.text, one.binds, one.changes, one.arguments


def _features(node: ast.stmt) -> int:
    """Flags of the compiler for what a statement imports from __future__."""
    if not isinstance(node, ast.ImportFrom) or node.module != "__future__":
        return 0
    names = {alias.name for alias in node.names}.intersection(__future__.all_feature_names)
    return sum(getattr(__future__, name).compiler_flag for name in names)


def _try(source: str) -> tuple[Syntax, ...]:
    try:
        return parse(source)
    except _UNREADABLE:
        return ()


def needed(found: Sequence[Statement], names: Iterable[str]) -> set[Statement]:
    """The statements that some names depend on.

    Args:
        found: all statements of a notebook.
        names: wanted.
    """
    written = [s.syntax for s in found]
    imported = frozenset[str]().union(*(s.binds for s in written if s.imports))
    defined = frozenset[str]().union(*(s.binds for s in written if s.defines))
    python = frozenset(dir(builtins))
    gives = {s: s.syntax.binds | (s.syntax.changes - imported) for s in found}
    # what the student wrote is run in any case, and is not to take long for a plot of the table;
    # a call of `print` gives nothing to who prints
    gives |= {s: gives[s] | (s.syntax.arguments - defined - python) for s in found if not s.own}
    wanted, chosen = {_ANY, *names}, set[Statement]()
    while more := {s for s in found if s not in chosen and not gives[s].isdisjoint(wanted)}:
        chosen |= more
        wanted |= frozenset().union(*(s.syntax.needs for s in more)) - python
    return chosen


def calls(source: str, function: str, first: str) -> bool:
    """Whether a cell calls a function with a text as first argument, in whatever statement.

    Args:
        source: of the cell.
        function: its name.
        first: the text.
    """
    if function not in source:
        return False
    nodes = [one.node for one in _try(source)]
    nodes += [one.node for node in nodes for text in _given_to_magics(node) for one in _try(text)]
    return any(
        isinstance(part, ast.Call)
        and isinstance(part.func, ast.Name)
        and part.func.id == function
        and any(isinstance(one, ast.Constant) and one.value == first for one in part.args[:1])
        for node in nodes
        for part in ast.walk(node)
    )


# --- names ---------------------------------------------------------------------------------------


def _bound_and_needed(node: ast.stmt) -> tuple[frozenset[str], frozenset[str]]:
    """Names that a statement binds at the top level, and names it reads from there."""
    try:
        table = symtable.symtable(ast.unparse(node), "cell", "exec")
    except _UNREADABLE:
        return frozenset(), frozenset()
    symbols = list(table.get_symbols())
    binds = {one.get_name() for one in symbols if one.is_assigned() or one.is_imported()}
    needs = {one.get_name() for one in symbols if one.is_referenced()}
    tables = list(table.get_children())
    while tables:
        inner = tables.pop()
        needs |= {one.get_name() for one in inner.get_symbols() if one.is_global()}
        tables += inner.get_children()
    if any(isinstance(n, ast.ImportFrom) and n.names[0].name == _ANY for n in ast.walk(node)):
        binds.add(_ANY)
    for text in _given_to_magics(node):
        for part in _try(text):
            binds |= part.binds
            needs |= part.needs
    return frozenset(binds), frozenset(needs)


def _given_to_magics(node: ast.stmt) -> Iterator[str]:
    """The code that is given to magics, as in `%time x = f()` and in a cell below `%%time`."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("get_ipython().run_"):
            for given in call.args[1:]:
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    yield given.value


def _changed(node: ast.stmt) -> Iterator[ast.expr]:
    """What is stored into, and objects whose method is called for what it does to them."""
    for part in ast.walk(node):
        if isinstance(part, ast.Subscript | ast.Attribute) and not isinstance(part.ctx, ast.Load):
            yield part
    for call in _bare_calls(node):
        if isinstance(call.func, ast.Attribute):
            yield call.func


def _bare_calls(node: ast.stmt) -> Iterator[ast.Call]:
    """Calls whose value nobody takes."""
    for part in ast.walk(node):
        if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call):
            yield part.value


def _root(node: ast.AST) -> str:
    """The name at the beginning of `name.part[0].other`; empty when there is none."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def names_imported(found: Collection[Statement]) -> list[str]:
    """Modules that statements import, "crystalgraph.figures"; some may be no modules."""
    modules: list[str] = []
    for statement in found:
        node = statement.syntax.node
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return modules
