#!/usr/bin/env python3
"""The size of the project: code lines, modules and names, by package.

A code line holds a token that is not a comment, a docstring or a line end. Run it from the project's root:

    python tools/size.py            # a table
    python tools/size.py --budget   # exit 1 if a budget is exceeded

If the code comes below a budget, the budget is lowered; only a mended defect may raise it.
"""

from __future__ import annotations

import ast
import collections
import io
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

BUDGETS = {
    "code lines of specguard and rules": 46_838,
    "modules of specguard and rules": 244,
    "code lines of tests": 32_807,
    "modules in one folder": 18,
    "public names of specguard.rules": 70,
    "class names with two homes": 6,
    "expressions of re": 530,
}
"""The upper limit of each figure."""

_BETWEEN_STATEMENTS = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
_PATTERN_FUNCTIONS = {
    "compile",
    "match",
    "search",
    "fullmatch",
    "sub",
    "subn",
    "split",
    "findall",
    "finditer",
}


def measure(root: Path) -> tuple[dict[str, list[int]], dict[str, int]]:
    """Measure a work tree of the project.

    Returns:
        The modules and code lines by package, and the figure for each budget.
    """
    packages: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
    folders: collections.Counter[Path] = collections.Counter()
    homes: dict[str, set[Path]] = collections.defaultdict(set)
    found = dict.fromkeys(BUDGETS, 0)
    for path in _modules(root):
        relative = path.relative_to(root)
        top = relative.parts[0]
        source = path.read_text(encoding="utf-8")
        lines = code_lines(source)
        package = packages[
            "/".join(relative.parts[:2]) if top == "specguard" and len(relative.parts) > 2 else top
        ]
        package[0] += 1
        package[1] += lines
        if top == "tests":
            found["code lines of tests"] += lines
        if top not in ("specguard", "rules"):
            continue
        nodes = list(ast.walk(ast.parse(source)))
        found["code lines of specguard and rules"] += lines
        found["modules of specguard and rules"] += 1
        found["expressions of re"] += sum(map(_is_expression, nodes))
        if top == "specguard":
            folders[relative.parent] += 1
            for node in nodes:
                if isinstance(node, ast.ClassDef):
                    homes[node.name.lstrip("_")].add(relative)
    found["modules in one folder"] = max(folders.values())
    found["class names with two homes"] = sum(len(places) > 1 for places in homes.values())
    found["public names of specguard.rules"] = _public_names(root / "specguard" / "rules.py")
    return packages, found


def code_lines(source: str) -> int:
    """Count the lines of a module that hold code."""
    lines: set[int] = set()
    previous = tokenize.NEWLINE
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.NL, tokenize.COMMENT):
            continue
        # A text that begins a statement is a docstring, or that of an attribute.
        documents = token.type == tokenize.STRING and previous in _BETWEEN_STATEMENTS
        if not documents and token.type not in _BETWEEN_STATEMENTS:
            lines.update(range(token.start[0], token.end[0] + 1))
        previous = token.type
    return len(lines)


def _modules(root: Path) -> Iterator[Path]:
    for top in sorted(path for path in root.iterdir() if path.is_dir()):
        if not top.name.startswith(".") and top.name not in ("build", "dist"):
            yield from (
                path for path in sorted(top.rglob("*.py")) if root / "tests" / "cases" not in path.parents
            )


def _is_expression(node: ast.AST) -> bool:
    """True if a node is a call that passes an expression to `re` or `re2`."""
    name = node.func if isinstance(node, ast.Call) else None
    return (
        isinstance(name, ast.Attribute)
        and name.attr in _PATTERN_FUNCTIONS
        and isinstance(name.value, ast.Name)
        and name.value.id in ("re", "re2")
    )


def _public_names(path: Path) -> int:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if not isinstance(node, (ast.Assign, ast.AnnAssign)):
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Name) and target.id in ("__all__", "PUBLIC", "_PUBLIC") and node.value:
            return len(ast.literal_eval(node.value))
    raise ValueError(f"{path} has no list of its public names")


def main() -> int:
    """Print the table, or with `--budget` only the budgets; return 1 if one is exceeded then."""
    packages, found = measure(Path.cwd())
    if "--budget" not in sys.argv:
        for package, (modules, lines) in sorted(packages.items(), key=lambda item: -item[1][1]):
            print(f"{package:36} {modules:5} modules {lines:7} code lines")
    for what, budget in BUDGETS.items():
        print(f"{what:36} {found[what]:7} of {budget:7}{'  over' if found[what] > budget else ''}")
    over = any(found[what] > budget for what, budget in BUDGETS.items())
    return 1 if over and "--budget" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
