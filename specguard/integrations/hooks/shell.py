"""What a shell command would certainly do, told before it runs: its files by name, messages and refs.

tree-sitter-bash reads the command, and `programs` says what known programs do. What is written in another way
(a variable, a function, a program that is not known) is passed over: the working tree, the index and the
commits are judged after every command, so nothing here has to be complete.
"""

from __future__ import annotations

import os
import re

from specguard.declaration.rule import Record
from specguard.integrations.hooks.calls import Deeds, FileEdit, read_file
from specguard.integrations.hooks.places import as_bytes, joined, normal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Final

MOST: Final = 2_000
"""So many edits and names of a folder are told of a command."""

_LONGEST: Final = 200_000
_DEEPEST: Final = 60
_NESTED: Final = 4
_WORTH: Final = (
    r">|hookspath|SKIP|HUSKY|LEFTHOOK|ALLOW_NO_CONFIG|OVERCOMMIT|\b(?:rm|unlink|shred|touch|tee|truncate|dd"
    r"|chmod|cp|mv|ln|install|sed|apply_?patch|uninstall|commit|config|checkout|restore|reset|apply|push|fetch"
    r"|branch|update-ref|merge|rebase|am|pull|cherry-pick|revert)\b"
)
"""Without one of these a command does nothing that is told, and is not parsed."""

_DEVICES: Final = re.compile(rb"/dev/(?:null|zero|full|tty|stdin|stdout|stderr|fd/[0-9]+)")
_WRAPPERS: Final = ("sudo", "doas", "env", "command", "builtin", "exec", "nohup", "time")
_RENAMING: Final = frozenset(["alias", "unalias", "eval", "source", ".", "trap"])
"""Programs after which a command need not be what it looks like."""

_SKIPS: Final = frozenset(
    [
        "SKIP", "PRE_COMMIT_ALLOW_NO_CONFIG", "HUSKY", "HUSKY_SKIP_HOOKS", "LEFTHOOK", "LEFTHOOK_EXCLUDE",
        "OVERCOMMIT_DISABLE",
    ]
)  # fmt: skip
"""Variables by which git's hooks are skipped."""

_APART: Final = frozenset(["subshell", "pipeline", "command_substitution", "process_substitution"])
_MAYBE: Final = ("_statement", "_clause", "_item")
_THEN: Final = ("pipeline", "command", "list")
_WRITES: Final = frozenset([">", ">>", ">|", "&>", "&>>", "<>", ">&"])
_ESCAPES: Final = {"n": "\n", "t": "\t"}


class Word(Record):
    """A word.

    Attributes:
        text: what the program is given; None where that is not written out.
        pattern: whether `*`, `?` or `[` in it stand for names of files.
    """

    text: str | None
    pattern: bool = False


class _Uncertain(Exception):
    """From here on nothing is certain."""


def read_command(text: str, directory: bytes, environment: Mapping[str, str] | None = None) -> Deeds:
    """What a shell command would certainly do.

    Args:
        text: the command, as `bash -c` takes it.
        directory: the folder in which it would run, absolute.
        environment: the variables that it would see; those of this process where they are not given. Only
            `HOME` is believed.
    """
    telling = Interpreter(directory, (os.environ if environment is None else environment).get("HOME", ""))
    telling.run(text)
    return telling.deeds


class Interpreter:
    """Follows a command, and collects what it does.

    Attributes:
        place: the folder in which the shell stands, from `directory`; None where that is not known.
        deeds: what was told so far.
    """

    def __init__(self, directory: bytes, home: str) -> None:
        self.directory = directory
        self.home = home
        self.place: bytes | None = b""
        self.deeds = Deeds()
        self._nested = self._depth = self._maybe = 0

    def run(self, text: str) -> None:
        """Follow the commands of a text, up to what cannot be read."""
        if self._nested >= _NESTED or len(text) > _LONGEST or not re.search(_WORTH, text, re.IGNORECASE):
            return
        if re.search(r"\r|\S\\\n\S", text):
            # The grammar takes both for the end of a word.
            return
        self._nested += 1
        depth, maybe = self._depth, self._maybe
        try:
            self._visit(_parse(text))
        except _Uncertain:
            self._depth, self._maybe = depth, maybe
        self._nested -= 1

    def _visit(self, node: Any, given: str | None = None) -> None:
        """Follow a statement; `given` is what its last command reads from its standard input."""
        kind = node.type
        self._depth += 1
        if node.is_error or kind == "function_definition" or self._depth > _DEEPEST:
            raise _Uncertain
        if kind == "redirected_statement":
            self._redirected(node)
        elif kind == "command":
            self._command(node, given)
        elif kind == "variable_assignment":
            self._assign(node)
        else:
            place = self.place
            for child in node.named_children:
                before, behind = (one and one.type for one in (child.prev_sibling, child.next_sibling))
                start = self.place
                maybe = (kind.endswith(_MAYBE) and kind != "compound_statement") or before == "||"
                self._maybe += maybe
                self._visit(child, None if behind else given)
                self._maybe -= maybe
                if kind == "pipeline" or behind == "&":
                    self.place = start
            if kind in _APART:
                self.place = place
        self._depth -= 1

    def _redirected(self, node: Any) -> None:
        body = node.child_by_field_name("body")
        files = node.children_by_field_name("redirect")
        documents = [one for one in files if one.type == "heredoc_redirect"]
        # The grammar puts what follows on the line of `<<` into the redirection.
        files += [one for document in documents for one in document.children_by_field_name("redirect")]
        then = [one for document in documents for one in document.named_children if one.type in _THEN]
        given = _document(documents[-1]) if documents else None
        # What is redirected as a whole is so before it begins.
        whole = body is not None and body.type not in _THEN
        for one in files if whole else ():
            self._redirect(one)
        for one in (body, *then):
            if one is not None:
                self._visit(one, given if one is body else None)
            for file in files if one is body and not whole else ():
                self._redirect(file)

    def _redirect(self, node: Any) -> None:
        target = node.child_by_field_name("destination")
        mark = next((one.type for one in node.children if not one.is_named), "")
        if target is not None and mark in _WRITES and not (mark == ">&" and target.type == "number"):
            for path in self.paths(self._word(target)):
                self.edit(path)

    def _command(self, node: Any, given: str | None) -> None:
        words: list[Word] = []
        for child in node.named_children:
            if child.type == "variable_assignment":
                self._assign(child)
            elif child.type == "herestring_redirect":
                text = self._word(child.named_children[-1]).text
                given = None if text is None else f"{text}\n"
            elif child.type == "file_redirect":
                self._redirect(child)
            elif child.type == "command_name":
                words.append(self._word(child.named_children[0]))
            else:
                words.append(self._word(child))
        self._program(words, given)

    def _assign(self, node: Any) -> None:
        value = node.child_by_field_name("value")
        self._set(node.named_children[0].text.decode(), "" if value is None else self._word(value).text)

    def _set(self, name: str, value: str | None) -> None:
        """Tell of a variable by which git runs no hooks."""
        if name in _SKIPS and not (name in ("HUSKY", "LEFTHOOK") and value not in ("0", "false")):
            self.deeds.bypasses.append(f"`{name}` skips hooks")
        elif name.startswith("GIT_CONFIG") and "hookspath" in (value or "").lower():
            self.deeds.bypasses.append(f"`{name}` gives git other hooks, or none")

    def _program(self, words: Sequence[Word], given: str | None) -> None:
        while words and words[0].text in _WRAPPERS:
            words = words[1:]
            while words and re.match(r"[A-Za-z_]\w*=", words[0].text or ""):
                key, _, value = (words[0].text or "").partition("=")
                self._set(key, value)
                words = words[1:]
        name = (words[0].text or "") if words else ""
        if name in _RENAMING:
            raise _Uncertain
        if name in ("cd", "pushd", "popd"):
            self._enter(words[1:] if name == "cd" else [Word(None)])
        elif name in ("sh", "bash", "zsh", "dash"):
            if len(words) > 2 and re.fullmatch(r"-[a-z]*c", words[1].text or ""):
                place = self.place
                self.run(words[2].text or "")
                self.place = place
        else:
            from specguard.integrations.hooks.programs import tell

            tell(self, name, words[1:], given)

    def _enter(self, words: Sequence[Word]) -> None:
        plain = [word for word in words if word.text not in ("--", "-P", "-L")]
        found = self.paths(plain[0]) if plain else [as_bytes(self.home)]
        known = len(found) == 1 and len(plain) < 2 and found[0] and not self._maybe
        self.place = found[0] if known and os.path.isdir(self.absolute(found[0])) else None

    # Words

    def _word(self, node: Any) -> Word:
        """A word; commands that are substituted in it are followed."""
        parts = node.children if node.type == "concatenation" else [node]
        written = "".join(one.text.decode() for one in parts if one.type == "word")
        values = [self._value(one) for one in parts]
        if None in values or (written != "{}" and "{" in written):
            return Word(None)
        text = "".join(value for value in values if value is not None)
        if node.type in ("word", "concatenation") and written.startswith("~") and text.startswith("~"):
            if not self.home or text[1:2] not in ("", "/"):
                return Word(None)
            text = self.home + text[1:]
        return Word(text, pattern=bool(re.search(r"(?<!\\)[*?\[]", written)))

    def _value(self, node: Any) -> str | None:
        """What a part of a word is written out as; None where it is not."""
        text: str = node.text.decode("utf-8", "surrogateescape")
        inner = node.named_children
        if node.type in ("word", "number", "special_character") and not inner:
            return re.sub(r"\\(\n|.?)", lambda one: "" if one[1] == "\n" else one[1], text)
        if node.type == "raw_string":
            return text[1:-1]
        if node.type == "ansi_c_string":
            made: str = re.sub(r"\\([nt\\'\"])", lambda one: _ESCAPES.get(one[1], one[1]), text[2:-1])
            return made if re.fullmatch(r"(?:[^\\]|\\[nt\\'\"])*", text[2:-1]) else None
        if node.type == "string":
            values = [self._value(one) for one in inner if one.type != "string_content"]
            if not values:
                return re.sub(r'\\([$`"\\\n])', lambda one: "" if one[1] == "\n" else one[1], text[1:-1])
            return values[0] if len(inner) == 1 else None
        if node.type == "command_substitution":
            self._visit(node)
            return _catted(inner)
        return None

    # Paths

    def absolute(self, path: bytes) -> bytes:
        """A pathname from the root, without `..`."""
        return normal(joined(self.directory, path)) or b"."

    def paths(self, *words: Word) -> list[bytes]:
        """The pathnames that words are, from where the command begins; none where that is not written out."""
        return [path for word in words for path in self._paths(word)]

    def _paths(self, word: Word) -> list[bytes]:
        if not word.text or word.text == "-" or "\0" in word.text:
            return []
        path = as_bytes(word.text)
        if self.place is None and not path.startswith(b"/"):
            return []
        path = joined(self.place or b"", path)
        if not word.pattern:
            return [path]
        folder, slash, pattern = path.rpartition(b"/")
        if re.search(rb"[*?\[]", folder) or b"[" in pattern:
            return []
        expression = re.escape(pattern).replace(rb"\*", b".*").replace(rb"\?", b".")
        try:
            names = sorted(os.listdir(self.absolute(folder + slash)))[:MOST]
        except OSError:
            return []
        return [
            folder + slash + name
            for name in names
            if re.fullmatch(expression, name, re.DOTALL) and name.startswith(b".") <= pattern.startswith(b".")
        ]

    def text_of(self, word: Word, given: str | None) -> str | None:
        """What a file that a program reads holds, or its standard input for `-`."""
        if word.text == "-":
            return given
        paths = self.paths(word)
        content = read_file(self.absolute(paths[0])) if len(paths) == 1 else None
        return None if content is None else content.decode("utf-8", "surrogateescape")

    # Edits

    def edit(self, path: bytes, content: bytes | None = None, *, gone: bool = False) -> None:
        """A file is written, or removed."""
        if not _DEVICES.fullmatch(path) and len(self.deeds.edits) < MOST:
            self.deeds.edits.append(FileEdit(path, content, known=gone or content is not None))


def _parse(text: str) -> Any:
    """The syntax tree of a text.

    The packages of the two libraries import much else, by which a hook would take three times as long; what
    is wanted of them is in their extension modules alone.
    """
    from _frozen_importlib import _load  # type: ignore[attr-defined]  # typeshed lacks it
    from _frozen_importlib_external import PathFinder

    def extension(package: str) -> Any:
        found: Any = PathFinder.find_spec(package)
        return _load(PathFinder.find_spec(f"{package}._binding", found.submodule_search_locations))

    library = extension("tree_sitter")
    language = library.Language(extension("tree_sitter_bash").language())
    return library.Parser(language).parse(as_bytes(text)).root_node


def _document(redirect: Any) -> str | None:
    """What a here-document holds; None where the shell would alter it."""
    parts = {one.type: one.text.decode("utf-8", "surrogateescape") for one in redirect.children}
    start, body = parts.get("heredoc_start", ""), parts.get("heredoc_body", "")
    plain = start[:1] not in ("'", '"', "\\")
    return None if "<<-" in parts or (plain and re.search(r"[$`\\]", body)) else body


def _catted(inner: Sequence[Any]) -> str | None:
    """What `$(cat <<'EOF' …)` prints, and nothing else does."""
    if len(inner) != 1 or inner[0].type != "redirected_statement" or len(inner[0].named_children) != 2:
        return None
    body, redirect = inner[0].named_children
    given = _document(redirect) if redirect.type == "heredoc_redirect" and body.text == b"cat" else None
    more = redirect.child_by_field_name("redirect")
    return None if given is None or more is not None else given.rstrip("\n")
