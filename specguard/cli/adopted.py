"""What `specguard init --adopt` makes of prose: what holds each sentence, and the settings that hold more."""

from __future__ import annotations

import os
import tomllib

from specguard.authority.compile import compile_policy
from specguard.authority.load import AUTHORITY, DEFAULTS, Source, decode, is_document
from specguard.authority.prose import guard_of, known_sections, listed_paths, read_sections
from specguard.change.request import read_regular
from specguard.change.store import DOCUMENT_LIMIT
from specguard.cli.proposed import Setting, settings_block
from specguard.declaration.patterns import Guarding, PatternError
from specguard.documents.document import Document
from specguard.documents.toml import toml_value
from specguard.engine.plugins import load_registry
from specguard.errors import SpecguardError
from specguard.reporters.escape import cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from specguard.authority.policy import Policy, Unread
    from specguard.model import Origin

    _Line = tuple[str, int, str, str]
    """A document, its line, what becomes of it (such as `held` or `people`), and its words."""

_PATHS: Final = "rules.locked-path.paths"
_SECTIONS: Final = "authority.sections"
_UNITED: Final = (_PATHS, "rules.protected-branch.branches", _SECTIONS)
"""What several documents may set, each its own part."""


class Adopted:
    """An authority's documents, read sentence by sentence.

    Args:
        top: the repository's folder.
        text: the authority's text, as it is or will be written.
        files: further documents that it shall name.
        tracked: the files of the repository; a path that none of them has is not proposed.

    Attributes:
        settings: what is to be added to the authority.
        account: what is said of each sentence, line by line.

    Raises:
        SpecguardError: a document cannot be read, or a setting of it is wrong.
    """

    def __init__(self, top: str, text: str, files: Sequence[str], tracked: Sequence[str]) -> None:
        self._top = top
        self._text = text
        self._tracked = [os.fsencode(path) for path in tracked]
        self._wanted: dict[str, Any] = {}
        self.settings: list[Setting] = []
        policy = self._compiled()
        self._name(policy, files)
        self._policy = policy = self._compiled()
        lists = list(self._lists(policy.unread))
        labels = {(one.path, one.text) for one in policy.unread}
        sentences = [one for one in self._sentences() if (one[0], one[3]) not in labels]
        self.settings += [Setting(toml=f"{key} = {toml_value(one)}") for key, one in self._wanted.items()]
        final = self._compiled()
        held = {(one.path, one.line, "people", one.text): one.rules for one in final.statements if one.rules}
        known = {(one.path, one.line) for one in policy.unread}
        lists += self._lists([one for one in final.unread if (one.path, one.line) not in known])
        lines = {one[:2] for one in sentences}
        told = [one for one in lists if one[2] != "unread" or one[:2] not in lines]
        told += self._read()
        for one in sentences:
            codes = ", ".join(held.get(one, ()))
            told.append((*one[:2], "add", f"{one[3]}  ({codes})") if codes else one)
        self.account = list(self._told(sorted(told, key=lambda one: one[:2])))

    def _told(self, told: Sequence[_Line]) -> Iterator[str]:
        """The account, document by document; one that is only being written is not told of."""
        for path in dict.fromkeys(one[0] for one in told):
            if path == AUTHORITY and not self._has(path):
                continue
            own = [one for one in told if one[0] == path]
            yield f"{path}:"
            yield from (f"  {word:6} {line:4}  {cut(said)}" for _, line, word, said in own)
            words = ("held", "add", "people", "unread", "ask")
            held, added, people, unread, ask = (sum(one[2] == word for one in own) for word in words)
            said = f", {unread + ask} not read" if unread + ask else ""
            yield f"  {held} held, {added} held by what is added, {people} left to people{said}"
        yield "Sentences are read in English, lists of paths in any language."

    def _compiled(self) -> Policy:
        """The policy of the authority with the settings so far."""
        text = self._text
        if self.settings:
            text = "\n".join([text.removesuffix("\n"), "", *settings_block(self.settings), ""])
        sources = [Source(AUTHORITY, "", text)]
        sources += [self._source(path) for path in DEFAULTS if path != AUTHORITY and self._has(path)]
        policy = compile_policy(sources, registry=load_registry, read=self._source)
        assert policy is not None  # noqa: S101 - a document of this name is always an authority
        return policy

    def _has(self, path: str) -> bool:
        return os.path.isfile(os.path.join(self._top, path))

    def _source(self, path: str, _named_by: Origin | None = None) -> Source:
        if path == AUTHORITY:
            return Source(path, "", self._text)
        data = read_regular(os.path.join(self._top, path), DOCUMENT_LIMIT, "the document")
        return Source(path, "", decode(data, path))

    def _name(self, policy: Policy, files: Sequence[str]) -> None:
        """Have the authority name the documents that it does not name yet."""
        known = {path for path, _ in policy.documents}
        new = [file for file in dict.fromkeys(map(os.path.normpath, files)) if file not in known]
        for file in new:
            if not (is_document(file) and self._has(file) and file.endswith(".md")):
                problem, step = "it is no Markdown document of this repository", "name it from the root"
                raise SpecguardError(problem, path=file, help=step, code="usage")
        named = policy.origin("documents")
        if new and named:
            raise SpecguardError(
                f"`documents` does not name {', '.join(new)}",
                path=named.path,
                line=named.line or None,
                help="add it there, then: specguard init --adopt",
                code="usage",
            )
        if new:
            self.settings.append(Setting(toml=f"documents = {toml_value(new)}"))

    def _read(self) -> Iterator[_Line]:
        """The paths that known sections give."""
        known = known_sections(self._policy.sections)
        for path, _ in self._policy.documents:
            if not path.endswith(".toml"):
                for one in read_sections(Document(self._source(path).text), path, known)[0]:
                    rule = self._policy.rule(one.meaning)
                    said = (rule.code, "held") if rule and rule.active else (one.meaning, "read")
                    yield path, one.line, said[1], f"{one.path}  ({said[0]})"

    def _lists(self, unread: Sequence[Unread]) -> Iterator[_Line]:
        """What was not read; lists of paths with the setting that has them read."""
        for one in unread:
            if one.meaning == "nothing":
                continue
            if one.meaning not in ("title", "list"):
                yield one.path, one.line, "unread", f"{one.text}: {one.reason}"
                continue
            title, paths, other = listed_paths(Document(self._source(one.path).text), one.line, one.text)
            meaning = guard_of(one.text)
            setting = f"{_SECTIONS} = {toml_value({title: meaning or 'locked-path'})}"
            if not paths:
                yield one.path, one.line, "unread", f"{one.text}: write its paths as a list"
            elif not meaning:
                said = f"{one.text}: {', '.join(paths)}; to guard these: {setting}"
                yield one.path, one.line, "ask", said
            else:
                chosen = [setting] if title else [f"{_PATHS} = {toml_value(paths)}"]
                yield self._proposed(one.path, one.line, f"{one.text}: {', '.join(paths)}", chosen)
                for item in () if title else other:
                    yield one.path, item.line, "unread", f"{item.plain}: it does not begin with a path"

    def _sentences(self) -> Iterator[_Line]:
        for one in self._policy.statements:
            if one.rules:
                yield one.path, one.line, "held", f"{one.text}  ({', '.join(one.rules)})"
            else:
                yield self._proposed(one.path, one.line, one.text, one.settings)

    def _proposed(self, path: str, line: int, text: str, settings: Sequence[str]) -> _Line:
        """Take settings up, as far as they can stand in a block of their own; what is said of the text."""
        told: list[str] = []
        for setting in settings:
            key, value = _key_and_value(tomllib.loads(setting))
            there = self._policy.origins.get(key)
            if key == _PATHS or key.endswith(".files"):
                value = [pattern for pattern in value if self._matches(pattern)]
            if not value:
                continue
            if there is not None and key not in _UNITED and not there.path.startswith("preset:"):
                return path, line, "people", f"{text}  -> {setting} instead of what {there} says"
            known = self._wanted.setdefault(key, type(value)())
            if isinstance(value, dict):
                known.update(value)
            elif isinstance(value, list):
                known += [one for one in value if one not in known]
            else:
                self._wanted[key] = min(known or value, value)
            told.append(f"{key} = {toml_value(value)}")
        if not told:
            return path, line, "people", text
        return path, line, "add", f"{text}  -> {', '.join(told)}"

    def _matches(self, pattern: str) -> bool:
        try:
            return bool(Guarding.of(pattern).used(self._tracked))
        except PatternError:
            return False


def _key_and_value(data: Any, key: str = "") -> tuple[str, Any]:
    """The dotted key and the value of one setting."""
    ((name, value),) = data.items()
    key = f"{key}.{name}" if key else name
    if isinstance(value, dict) and key != _SECTIONS:
        return _key_and_value(value, key)
    return key, value
