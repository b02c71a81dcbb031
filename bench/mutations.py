"""The mutants of a module: the changes of mutmut, and a few that matter in code that decides."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    Attributes:
        path: the module's path from the root of the repository.
        number: the number of the mutant in its module, from 1, in the order of the source.
        line: the first line that changes, from 1; `last` is the last one.
        on_import: True if the change is outside of any function.
        before: the replaced code, on one line; `after` is its replacement.
        code: the whole module with the change.
    """

    path: str
    number: int
    line: int
    last: int
    on_import: bool
    before: str
    after: str
    code: str

    @property
    def digest(self) -> str:
        """The hash of the code, so that an outcome belongs to this code."""
        return hashlib.sha256(self.code.encode()).hexdigest()[:16]


def mutants(path: str, source: str) -> Iterator[Mutant]:
    """Yield every mutant of a module.

    Args:
        path: the module's path.
        source: its text.
    """
    wrapper = MetadataWrapper(cst.parse_module(source))
    places = wrapper.resolve(PositionProvider)
    module = wrapper.module
    seen = {source}
    number = 0
    for node, on_import in _nodes(module, on_import=True):
        for changed in _changes(node):
            code = module.deep_replace(node, changed).code
            if code in seen or not _compiles(code):
                continue
            seen.add(code)
            number += 1
            before, after = (" ".join(module.code_for_node(one).split()) for one in (node, changed))
            place = places[node.test if isinstance(node, (cst.If, cst.While)) else node]
            yield Mutant(path, number, place.start.line, place.end.line, on_import, before, after, code)


def _nodes(node: cst.CSTNode, *, on_import: bool) -> Iterator[tuple[cst.CSTNode, bool]]:
    """Yield the nodes that run, not types, decorators or docstrings; each with whether an import runs it."""
    if isinstance(node, (cst.Annotation, cst.Decorator, cst.ImportFrom, cst.Import)):
        return
    if isinstance(node, cst.If) and isinstance(node.test, cst.Name) and node.test.value == "TYPE_CHECKING":
        return
    if isinstance(node, cst.Expr) and isinstance(node.value, (cst.SimpleString, cst.ConcatenatedString)):
        return
    if isinstance(node, cst.Assign) and _assigned(node) in {"TYPE_CHECKING", "__slots__", "__all__"}:
        return
    yield node, on_import
    for child in node.children:
        # The defaults of parameters are evaluated on import.
        within = isinstance(node, cst.FunctionDef) and child is node.body
        yield from _nodes(child, on_import=on_import and not within)


def _assigned(node: cst.Assign) -> str:
    target = node.targets[0].target
    return target.value if isinstance(target, cst.Name) else ""


def _changes(node: cst.CSTNode) -> Iterator[Any]:
    """Yield the replacements of a node.

    A text is changed once (mutmut does it three times). Prose is not changed: its wording decides nothing. A
    computed value is not replaced by None either, since almost any test would detect that.
    """
    if isinstance(node, cst.BaseString):
        if isinstance(node, cst.SimpleString) and " " not in node.value:
            yield from _mutmut_changes(node)[:1]
    elif isinstance(node, cst.Call):
        yield from (changed for changed in _mutmut_changes(node) if _changes_method(node, changed))
    elif not isinstance(node, (cst.Assign, cst.AnnAssign)):
        yield from _mutmut_changes(node)
    if isinstance(node, (cst.If, cst.While, cst.IfExp, cst.CompIf)) and not isinstance(
        node.test, (cst.Comparison, cst.BooleanOperation, cst.UnaryOperation)
    ):
        test = node.test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        yield node.with_changes(test=cst.UnaryOperation(cst.Not(), test))
    if isinstance(node, cst.Return) and node.value is not None:
        yield node.with_changes(value=cst.Name("None"))
    if isinstance(node, (cst.Expr, cst.Raise, cst.Continue, cst.Break)):
        yield cst.Pass()


def _mutmut_changes(node: cst.CSTNode) -> list[Any]:
    """Return mutmut's replacements of a node."""
    return [
        changed for kind, mutate in mutation_operators if isinstance(node, kind) for changed in mutate(node)
    ]


def _changes_method(call: cst.Call, changed: cst.Call) -> bool:
    return len(call.args) == len(changed.args) and not call.func.deep_equals(changed.func)


def _compiles(code: str) -> bool:
    try:
        compile(code, "mutant", "exec")
    except SyntaxError:
        return False
    return True
