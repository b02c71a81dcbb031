"""What a reader stumbles over: long sentences, and words that have a plainer one.

    python tools/words.py FILE…    what is wrong in Markdown pages, and messages and docstrings of modules
    python tools/words.py          the same of every page, message and docstring

A sentence has at most 25 words. Tables, code and headings are left out; code within a sentence, and a list of
several names in code, are one word.
"""

from __future__ import annotations

import ast
import itertools
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeGuard

from markdown_it import MarkdownIt

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from markdown_it.token import Token

ROOT: Final = Path(__file__).parent.parent
LONGEST: Final = 25

WORDS: Final = (
    (r"(?<![Tt]here )\b(?:is|are|was|were|be) none\b", "is none: say what is not there"),
    (r"\b(?:is|are|was|were|be) of (?!no use)", "is of: belongs to, has, or is in"),
    (r"\bwhat stands\b|\bthat stands? in\b", "what stands in: what is in"),
    (r"^(?!.*\b(?:[Ll]eav(?:e|es|ing)|[Ll]eft|[Ll]ets?)\b).*\balone\b", "alone: only"),
    (r"\bmend(?:s|ed|ing)?\b", "mend: fix"),
    (r"^Where [^?]*$", "Where: If or When"),
    (r"\b(?:[Ww]here|of which|[Ii]f) none of\b|, be it\b|\bbe they\b", "inversion"),
)
"""Expressions for one sentence, and what to write in their place."""

DOCSTRING_WORDS: Final = (
    *WORDS,
    (r"^(?:What|Whether|How)\b", "begins with What, Whether or How: name the thing, or say True if"),
    (r"^(?:It|The same|They)\b(?! is\b)", "begins with a pronoun: name the thing"),
    (r"\b(?:is|are|was|were) no (?!longer|more)", "is no X: is not an X"),
    (r"\band no \w", "and no X: not X"),
    (r"\b(?:has|have|had) not\b(?! been)", "has not: does not have, or has no"),
    (r"\b(?:tells?|told|telling)\b(?! apart)", "tell: report, print, pass, record, describe"),
    (r"\b(?:stands?|stood)\b", "stand: is, appears, occurs"),
    (r"\bso (?:many|long|much)\b", "so many: name the number"),
    (r"\b(?:owed|brought)\b", "owed, brought: due, added"),
)
"""Expressions for one sentence of a docstring, and what to write instead."""

_CODE: Final = "§"
_SENTENCE: Final = re.compile(r"(?<=[.!?])[\"'”)*_]*\s+(?=[\"'“(*_]*(?:[A-Z§]|specguard\b))")
_ABBREVIATION: Final = re.compile(r"\b(e\.g|i\.e|vs|etc|cf)\.")
_NAMES: Final = re.compile(rf"{_CODE}(?:(?:, | and | or |, and |, or ){_CODE})+")
_MESSAGES: Final = {"Finding", "SpecguardError", "MissingFact", "NotApplicable", "RunEnded"}
_HELPS: Final = {"option", "command", "group", "argument", "Option", "Field"}


class Problem(NamedTuple):
    """A sentence to rewrite.

    Attributes:
        line: its line, from 1.
        what: the problem with it.
        sentence: the sentence.
    """

    line: int
    what: str
    sentence: str


def problems(path: Path) -> Iterator[Problem]:
    """The problems of a file: a Markdown page, or the messages and docstrings of a Python module."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from _problems(paragraphs(text), WORDS)
        return
    yield from _problems(messages(text), WORDS)
    yield from _problems(docstrings(text), DOCSTRING_WORDS)


def _problems(texts: Iterable[tuple[int, str]], words: Iterable[tuple[str, str]]) -> Iterator[Problem]:
    for line, text in texts:
        for sentence in sentences(text):
            count = len(sentence.split())
            if count > LONGEST:
                yield Problem(line, f"{count} words", sentence)
            for expression, what in words:
                if re.search(expression, sentence):
                    yield Problem(line, what, sentence)


def sentences(text: str) -> Iterator[str]:
    """Yield the sentences of a paragraph; code in them is one word."""
    text = _NAMES.sub(_CODE, re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", _CODE, text))
    text = _ABBREVIATION.sub(r"\1", " ".join(text.split()))
    yield from filter(None, _SENTENCE.split(text))


def paragraphs(markdown: str) -> Iterator[tuple[int, str]]:
    """Yield each paragraph and list item of a page with its line, without tables, headings and code."""
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    for before, token in itertools.pairwise(tokens):
        if token.type == "inline" and before.type == "paragraph_open" and token.map:
            yield token.map[0] + 1, "".join(map(_plain, token.children or ()))


def _plain(token: Token) -> str:
    if token.type == "code_inline":
        return _CODE
    return " " if token.type in ("softbreak", "hardbreak") else token.content


def messages(source: str) -> Iterator[tuple[int, str]]:
    """Yield each text that a module shows to a user, with its line; a placeholder is one word.

    Other short texts of the module may be parts of messages. A long one is a list of names or a pattern.
    """
    told: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        given: list[ast.expr] = []
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            given = [
                word.value
                for word in node.keywords
                if word.arg in ("help", "short_help", "description") and name in _MESSAGES | _HELPS
            ]
            given += node.args[:2] if name in _MESSAGES else []
            for one in given:
                yield from ((one.lineno, said) for said in _texts(one))
        elif _is_command(node):
            yield from ((node.lineno, part) for part in (ast.get_docstring(node) or "").split("\n\n"))
        elif isinstance(node, (ast.JoinedStr, ast.Constant)) and id(node) not in told:
            for said in _texts(node):
                if 2 < len(said.split()) <= LONGEST:
                    yield node.lineno, said
        # Docstrings are not told to users, and parts of a text are told with it.
        if isinstance(node, ast.Expr):
            told.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            given.append(node)
        told.update(id(part) for one in given for part in ast.walk(one))


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Yield each paragraph of a module's docstrings, with the line of its class or function.

    An entry of `Args` or the like is a paragraph. Commands' help is a message, and docstrings with blocks of
    code are manual pages: neither is a docstring here.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and not _is_command(node):
            text = ast.get_docstring(node) or ""
            if "```" not in text:
                text = re.sub(r"^(?:Args|Attributes|Returns|Yields|Raises):$", "", text, flags=re.MULTILINE)
                text = re.sub(r"^ {4}(?:[\w*, ]+: )?(?=\S)", "\n", text, flags=re.MULTILINE)
                yield from (
                    (getattr(node, "lineno", 1), " ".join(part.split())) for part in text.split("\n\n")
                )


def _is_command(node: ast.AST) -> TypeGuard[ast.FunctionDef]:
    """Return True if a node is a command's function, whose docstring is its help."""
    return isinstance(node, ast.FunctionDef) and any(
        ".command(" in ast.unparse(decorator) for decorator in node.decorator_list
    )


def _texts(node: ast.expr) -> list[str]:
    """What an expression can say."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(one.value) if isinstance(one, ast.Constant) else _CODE for one in node.values)]
    if isinstance(node, ast.BinOp):
        return [left + right for left in _texts(node.left) for right in _texts(node.right)]
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body), *_texts(node.orelse)]
    return [_CODE]


def pages() -> list[Path]:
    """Return the project's pages, which `wc -w docs/**/*.md README.md` counts."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def files() -> list[Path]:
    """Return every page, and every module that may show a message to a user."""
    modules = [*(ROOT / "specguard").rglob("*.py"), *(ROOT / "rules").rglob("*.py")]
    return [*pages(), ROOT / "CONTRIBUTING.md", *sorted(modules)]


def total() -> int:
    """Count the words of all pages, as `wc -w` does."""
    return sum(len(page.read_text(encoding="utf-8").split()) for page in pages())


def main(arguments: list[str]) -> None:
    """Print the problems of the files, or of all files with the number of words."""
    for path in map(Path, arguments) if arguments else files():
        for problem in problems(path):
            print(f"{path}:{problem.line}: {problem.what}\n    {problem.sentence}")
    if not arguments:
        print(f"{total()} words")


if __name__ == "__main__":
    main(sys.argv[1:])
