"""The language of a shell command: its words, options and redirections, the folder and the calls of programs.

tree-sitter-bash parses the command, and `shell_programs.py` knows the effects of some programs. Other ways to
write (a variable, a function, an unknown program) are skipped. The working tree, the index and the commits
are judged after every command, so both need not be complete.
"""

from __future__ import annotations

import os
import re

from specguard.change.check_request import FLOOR, FileEdit
from specguard.integrations.hooks.tool_calls import (
    Checkout,
    Effects,
    as_bytes,
    is_below,
    read_file,
    work_tree_at,
)
from specguard.model import TYPE_CHECKING, Record, load_extension

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from typing import Any, Final

    Words = Sequence["Word"]
    Options = Sequence[tuple[str, "Word | None"]]
    Handler = Callable[["Interpreter", str, Words, str | None], None]
    """Adds the effects of a call to the interpreter: its program, arguments and standard input."""

    Programs = Mapping[str, Handler]

MOST_EDITS: Final = 2_000
"""The highest number of edits of a command, and of names that a pattern matches."""

LONGEST: Final = 200_000
"""The longest text that is interpreted, in characters."""

_DEEPEST: Final = 60
_NESTED: Final = 4

_DEVICES: Final = re.compile(rb"/dev/(?:null|zero|full|tty|stdin|stdout|stderr|fd/[0-9]+)")
_PREFIXES: Final = ("doas", "command", "builtin", "exec", "nohup")
"""Words that run the command behind them; only without options."""

_WRAPPERS: Final = {
    "env": "u", "nice": "n", "setsid": "", "stdbuf": "eio", "sudo": "gpu", "time": "fo", "timeout": "ks",
}  # fmt: skip
"""Programs that run the command behind their options, each with the letters of those that have a value."""

_WRAPPER_OPTIONS: Final = ("unset", "adjustment", "error", "input", "output", "kill-after", "signal", "user")
"""The long options of these programs that have a value."""

_RUNNERS: Final = [["uv", "run"], ["poetry", "run"], ["pdm", "run"], ["python", "-m"], ["python3", "-m"]]
"""Programs that run the command behind a word of theirs."""

_INSTALLED: Final = ("specguard", "git", "pre-commit", "env", "python", "python3")
"""Programs that are read in a project's environment, too; any other there may be a script of the project."""

_RUNNING: Final = ("sh", "bash", "zsh", "dash", "xargs")
"""Programs that run a command which is an argument, or which they read."""

_RENAMING: Final = frozenset(["alias", "unalias", "eval", "source", ".", "trap"])
"""Programs after which commands may mean something else."""

_SKIPS: Final = (
    "SKIP", "PRE_COMMIT_ALLOW_NO_CONFIG", "PREK_SKIP", "PREK_ALLOW_NO_CONFIG", "HUSKY", "HUSKY_SKIP_HOOKS",
    "LEFTHOOK", "LEFTHOOK_EXCLUDE", "OVERCOMMIT_DISABLE", "SKIP_SIMPLE_GIT_HOOKS",
)  # fmt: skip
"""Variables that make git skip hooks."""

_SUBSHELLS: Final = frozenset(["subshell", "pipeline", "command_substitution", "process_substitution"])
_BRANCHING: Final = ("_statement", "_clause", "_item")
_SIMPLE: Final = ("pipeline", "command", "list", "negated_command", "redirected_statement")
_WRITES: Final = frozenset([">", ">>", ">|", "&>", "&>>", "<>", ">&"])
_ESCAPES: Final = {"n": "\n", "t": "\t"}
_QUOTED: Final = {r"\\": "\\", r"\$": "$", r"\`": "`", r"\"": '"', "\\\n": ""}
"""What a backslash makes of the sign behind it within double quotes."""


class Word(Record):
    """A word of a command.

    Attributes:
        text: the argument for the program; None if it is not literal.
        pattern: True if `*`, `?` or `[` in it match file names.
    """

    text: str | None
    pattern: bool = False


class _Uncertain(Exception):
    """The rest of the command has no certain effects."""


class Interpreter:
    """Interprets a command, and collects its effects.

    Args:
        directory: the folder in which it would run, absolute.
        home: the user's home folder; empty if it is unknown.
        own: the shared git directories of the guarded repositories; without any, all repositories are.
        programs: the functions for known programs.

    Attributes:
        folder: the shell's current folder, relative to `directory`; None if it is unknown.
        effects: the effects found so far.
        skips: the bypasses by variables that are set for the current command only.
        placed: True if a variable may name the repository of git's commands.
        stored: how many of the edits an earlier command of git may have stored.
        written: the absolute paths of the files that earlier commands write or remove.
        made: the absolute paths of the folders that earlier commands make.
        switched: the folder where an earlier command checked out a branch, and its name, empty if uncertain.
    """

    def __init__(self, directory: bytes, home: str, own: Collection[bytes], programs: Programs) -> None:
        self.directory, self.home, self._own, self._programs = directory, home, own, programs
        self.folder: bytes | None = b""
        self.effects = Effects()
        self.skips: list[str] = []
        self.placed = False
        self.stored = 0
        self.switched: tuple[bytes | None, str] | None = None
        self.written, self.made = set[bytes](), set[bytes]()
        self._nested = self._depth = self._conditions = 0

    def run(self, text: str) -> None:
        """Interpret the commands of a text, up to the first part that cannot be read."""
        # The grammar wrongly ends a word at both of these signs.
        if self._nested >= _NESTED or len(text) > LONGEST or re.search(r"\r|\S\\\n\S", text):
            return
        self._nested += 1
        start = self._depth, self._conditions, self.folder
        try:
            self._visit(_parse(text))
        except _Uncertain:
            self._depth, self._conditions = start[:2]
        self.folder = start[2]
        self._nested -= 1

    def _visit(self, node: Any, stdin: str | None = None, more: Sequence[Any] = ()) -> None:
        """Interpret a statement; its last command has `stdin` as standard input, and `more` words."""
        kind = node.type
        self._depth += 1
        if node.is_error or kind == "function_definition" or self._depth > _DEEPEST:
            raise _Uncertain
        if kind == "redirected_statement":
            self._redirected_statement(node)
        elif kind == "command":
            self._command(node, stdin, more)
        elif kind == "variable_assignment":
            self._set(self._assignment(node).text or "", self.effects.bypasses)
        elif kind == "unset_command":
            for child in node.named_children:
                self._set(_source(child), [])
        else:
            folder = self.folder
            for child in node.named_children:
                before, behind = (one and one.type for one in (child.prev_sibling, child.next_sibling))
                start = self.folder
                conditional = (kind.endswith(_BRANCHING) and kind != "compound_statement") or before == "||"
                self._conditions += conditional
                self._visit(child, *(() if behind else (stdin, more)))
                self._conditions -= conditional
                if kind == "pipeline" or behind == "&":
                    self.folder = start
            if kind in _SUBSHELLS:
                self.folder = folder
        self._depth -= 1

    def _redirected_statement(self, node: Any) -> None:
        body = node.child_by_field_name("body")
        redirects = node.children_by_field_name("redirect")
        documents = [one for one in redirects if one.type == "heredoc_redirect"]
        # The grammar puts the rest of a line after `<<` into the redirection.
        parts = [one for document in documents for one in document.named_children]
        files = [one for one in (*redirects, *parts) if one.type == "file_redirect"]
        more = [word for one in redirects for word in _words_behind(one)]
        stdin = _heredoc(documents[-1]) if documents else None
        # A redirection of a compound statement happens before the statement.
        is_compound = body is not None and body.type not in _SIMPLE
        for one in files if is_compound else ():
            self._redirect(one)
        for one in (body, *(one for one in parts if one.type in _SIMPLE)):
            if one is None:
                self._call([self._word(word) for word in more], stdin)
            else:
                self._visit(one, *((stdin, more) if one is body else ()))
            for file in files if one is body and not is_compound else ():
                self._redirect(file)

    def _redirect(self, node: Any) -> None:
        target = node.child_by_field_name("destination")
        mark = next((one.type for one in node.children if not one.is_named), "")
        if target is not None and mark in _WRITES and not (mark == ">&" and target.type == "number"):
            for path in self.paths(self._word(target)):
                self.edit(path)

    def _command(self, node: Any, stdin: str | None, more: Sequence[Any]) -> None:
        words: list[Word] = []
        for child in (*node.named_children, *more):
            if child.type == "variable_assignment":
                words.append(self._assignment(child))
            elif child.type == "herestring_redirect":
                text = self._word(child.named_children[-1]).text
                stdin = None if text is None else f"{text}\n"
            elif child.type == "file_redirect":
                self._redirect(child)
            else:
                words.append(self._word(child.named_children[0] if child.type == "command_name" else child))
        self._call(words, stdin)

    def _assignment(self, node: Any) -> Word:
        """Return an assignment as a word, with `$` for an uncertain value."""
        value = node.child_by_field_name("value")
        text = "" if value is None else self._word(value).text
        return Word(f"{_source(node.named_children[0])}={'$' if text is None else text}")

    def _set(self, assignment: str, skips: list[str]) -> None:
        """Record a bypass if the floor's variable is set or unset; add those that skip hooks to `skips`."""
        name, _, value = assignment.partition("=")
        if name == FLOOR:
            self.effects.bypasses.append(f"`{name}` names the organisation's floor, and would be changed")
        elif name in _SKIPS and value and not (name in ("HUSKY", "LEFTHOOK") and value not in ("0", "false")):
            skips.append(f"`{name}` skips hooks")
        elif value and name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_CONFIG"):
            self.placed = True
        elif "GIT_CONFIG" in name and any(one in f"'{value}".lower() for one in ("hookspath", "'hook.")):
            self.effects.bypasses.append(f"`{name}` gives git other hooks, or none")

    def _unwrap(self, words: Words) -> tuple[str, Words]:
        """Return the program of a call and its arguments, without assignments and wrappers in front."""
        while words:
            text, name, words = words[0].text or "", _program_name(words), words[1:]
            if re.match(r"[A-Za-z_][\w\[\]]*=", text):
                self._set(text, self.skips)
            elif name in _WRAPPERS:
                options, words = options_of(words, _WRAPPERS[name], _WRAPPER_OPTIONS, leading=True)
                for _, value in options:
                    self._set((value and value.text) or "", [])
                # The first operand of `timeout` is the time.
                words = words[name == "timeout" :]
            elif words and [name, words[0].text] in _RUNNERS and _program_name(words[1:]) in _INSTALLED:
                words = words[1:]
            elif name not in _PREFIXES:
                return name, words
        return "", words

    def _call(self, words: Words, stdin: str | None) -> None:
        skips, self.skips, placed = self.skips, [*self.skips], self.placed
        name, words = self._unwrap(words)
        if name in _RENAMING or name in _RUNNING:
            # They may run git.
            self.effects.bypasses.extend(self.skips)
            self.skips = []
        # A virtual environment's script renames no program.
        if name in _RENAMING and not (words and (words[0].text or "").endswith("/bin/activate")):
            raise _Uncertain
        if name in ("cd", "pushd", "popd"):
            self._enter(words if name == "cd" else [Word(None)])
        elif name in _RUNNING:
            self.run(_script(name, words, stdin) or "")
        elif name in self._programs:
            self._programs[name](self, name, words, stdin)
        self.skips, self.placed = skips, placed

    def _enter(self, words: Sequence[Word]) -> None:
        found = self.paths(*words) if words else [as_bytes(self.home)]
        known = len(found) == 1 and len(words) < 2 and found[0] and not self._conditions
        self.folder = found[0] if known and os.path.isdir(self.absolute(found[0])) else None

    # Words

    def _word(self, node: Any) -> Word:
        """Return a word, and interpret the commands substituted in it."""
        parts = node.children if node.type == "concatenation" else [node]
        written = "".join(_source(one) for one in parts if one.type == "word")
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
        """Return the value of a part of a word; None if it is uncertain."""
        text = _source(node)
        inner = node.named_children
        if node.type in ("word", "number", "special_character") and not inner:
            return re.sub(r"\\(\n|.?)", lambda one: "" if one[1] == "\n" else one[1], text)
        if node.type == "raw_string":
            return text[1:-1]
        if node.type == "ansi_c_string":
            made: str = re.sub(r"\\([nt\\'\"])", lambda one: _ESCAPES.get(one[1], one[1]), text[2:-1])
            return made if re.fullmatch(r"(?:[^\\]|\\[nt\\'\"])*", text[2:-1]) else None
        if node.type == "string":
            found = {_source(one): self._value(one) for one in inner if one.type != "string_content"}
            known = {**_QUOTED, **found}
            filled = re.sub("|".join(map(re.escape, known)), lambda one: known[one[0]] or "", text[1:-1])
            return None if None in found.values() else filled
        if text in ("$PWD", "${PWD}", "$(pwd)") and self.folder is not None:
            return os.fsdecode(self.absolute(self.folder))
        if text in ("$HOME", "${HOME}"):
            return self.home or None
        if node.type == "command_substitution":
            if [one.text for one in inner] == [b"git rev-parse --show-toplevel"]:
                return os.fsdecode(self.tree.root) if self.tree else None
            self._visit(node)
            return _cat_output(inner)
        return None

    # Paths

    @property
    def tree(self) -> Checkout | None:
        """The working tree that contains the current folder; None if there is none, or it is unknown."""
        return None if self.folder is None else work_tree_at(self.absolute(self.folder))

    def absolute(self, path: bytes) -> bytes:
        """Return the absolute path, without `..`."""
        return os.path.normpath(os.path.join(self.directory, path))

    def paths(self, *words: Word) -> list[bytes]:
        """Return the paths that words expand to, relative to `directory`; empty if they are not literal."""
        return [path for word in words for path in self._paths(word)]

    def _paths(self, word: Word) -> list[bytes]:
        path = as_bytes(word.text or "")
        if path in (b"", b"-") or b"\0" in path or (self.folder is None and path[:1] != b"/"):
            return []
        if path.startswith(b":/") and self.tree:
            # Git reads this as the root of the working tree.
            path = self.tree.root + path[1:]
        path = os.path.join(self.folder or b"", path)
        if not word.pattern:
            return [path]
        folder, slash, pattern = path.rpartition(b"/")
        if any(sign in folder for sign in (b"*", b"?")):
            return []
        from fnmatch import filter as matching

        try:
            # A folder such as `[id]` is usually meant by its name.
            names = matching(os.listdir(self.absolute(folder + slash)), pattern.replace(b"[^", b"[!"))
        except OSError:
            names = []
        names = sorted(name for name in names if name[:1] != b"." or pattern[:1] == b".")
        # The shell leaves a class that matches no name as it is.
        return [folder + slash + name for name in names[:MOST_EDITS]] or ([path] if b"[" in path else [])

    def text_of(self, word: Word, stdin: str | None) -> str | None:
        """Return what a program reads from a file, or for `-` its standard input; None if that is unknown."""
        if word.text == "-":
            return stdin
        paths = self.paths(word)
        content = self.content_of(paths[0]) if len(paths) == 1 else None
        return None if content is None else content.decode("utf-8", "surrogateescape")

    def content_of(self, path: bytes) -> bytes | None:
        """Return a file's content; None if it is unknown, or the command has changed it before."""
        return None if self.absolute(path) in self.written else read_file(self.absolute(path))

    def is_elsewhere(self) -> bool:
        """True if the current folder is certainly in no guarded repository, nor a bare one like a remote."""
        place = b"" if self.folder is None or self.placed else self.absolute(self.folder)
        if not self._own or not os.path.exists(place):
            return False
        return self.tree.common not in self._own if self.tree else not os.path.exists(place + b"/HEAD")

    def branch(self) -> str:
        """Return the branch that is checked out in the current folder; empty if that is uncertain."""
        tree = None if self.placed else self.tree
        if self.switched:
            return self.switched[1] if tree and self.switched[0] == self.folder else ""
        if not tree:
            return ""
        from specguard.change.repository import Repository, short_branch

        return short_branch(Repository.locate(os.fsdecode(tree.root), os.environ).branch or "")

    def switch(self, name: str, words: Words) -> None:
        """Record the branch that a git command checks out; listing, deleting and restoring leave it."""
        options, operands = options_of(words)
        plain = bool(operands) and all(one in ("q", "quiet") for one, _ in options)
        is_file = name == "checkout" and plain and self._is_file(operands[-1])
        keeps = is_file or (name == "branch" and not has(options, "m", "M", "move"))
        if not keeps and not any(word.text in ("--", ".") for word in words):
            plain = plain and len(operands) == 1 and not self._conditions
            self.switched = (self.folder, operands[0].text or "" if plain else "")
            if name != "branch" and operands and self.tree and not self.effects.edits:
                self.effects.branches.append((self.tree.root, operands[0].text or "HEAD"))

    def _is_file(self, word: Word) -> bool:
        """True if a word names a file, but not a branch, so that `git checkout` restores it."""
        ref = b"refs/heads/" + as_bytes(word.text or "")
        folder = self.tree.common + b"/" if self.tree else b""
        exists = os.path.lexists(folder + ref) or ref in (read_file(folder + b"packed-refs") or b"").split()
        return not exists and any(os.path.lexists(self.absolute(path)) for path in self.paths(word))

    # Edits

    def edit(self, path: bytes, content: bytes | None = None, *, gone: bool = False) -> None:
        """Record that a file is written or removed; nothing is left of one that the command itself made."""
        if gone and not self._conditions and not os.path.lexists(self.absolute(path)):
            edits, place = self.effects.edits, path.rstrip(b"/")
            edits[self.stored :] = [one for one in edits[self.stored :] if not is_below(one.path, place)]
        self.written.add(self.absolute(path))
        if not _DEVICES.fullmatch(path) and len(self.effects.edits) < MOST_EDITS:
            self.effects.edits.append(FileEdit(path, content, known=gone or content is not None))


def _program_name(words: Words) -> str:
    """Return the program's name: /usr/bin/git is git, and .venv/bin/git too; empty without words."""
    text = (words[0].text if words else "") or ""
    name = text.rpartition("/bin/")[2]
    return name if text.startswith("/") or name in _INSTALLED else text


def _parse(text: str) -> Any:
    """Parse a text into its syntax tree."""
    library = load_extension("tree_sitter", "_binding")
    language = library.Language(load_extension("tree_sitter_bash", "_binding").language())
    return library.Parser(language).parse(as_bytes(text)).root_node


def _source(node: Any) -> str:
    """Return the source of a node, which an event may give in bytes that are not UTF-8."""
    return str(node.text, "utf-8", "surrogateescape")


def _heredoc(redirect: Any) -> str | None:
    """Return the content of a here-document; None if the shell would change it."""
    parts = {one.type: _source(one) for one in redirect.children}
    start, body = parts.get("heredoc_start", ""), parts.get("heredoc_body", "")
    plain = start[:1] not in ("'", '"', "\\")
    return None if "<<-" in parts or (plain and any(sign in body for sign in "$`\\")) else body


def _words_behind(redirect: Any) -> list[Any]:
    """Return the words of the command that the grammar puts into a redirection, behind its target."""
    words: list[Any] = []
    for index, one in enumerate(redirect.children):
        field = redirect.field_name_for_child(index)
        if one.is_error and not all(word.is_named for word in one.children):
            # The words behind a `;` are another command's.
            break
        if one.is_error or field == "argument":
            # A number is the descriptor of the next redirection.
            words += [word for word in (one.children if one.is_error else [one]) if word.type != "number"]
        elif field == "destination":
            words.append(one)
        elif field == "redirect":
            words += _words_behind(one)
    closes = any(one.type.endswith("&-") for one in redirect.children)
    return words if closes or redirect.type != "file_redirect" else words[1:]


def _script(name: str, words: Words, stdin: str | None) -> str | None:
    """Return what a shell runs without `-n`: the argument of `-c`, or standard input if it has no file."""
    options, operands = options_of(words, "oO", leading=True)
    if name == "xargs" or has(options, "n") or (operands and not has(options, "c", "s")):
        return None
    return operands[0].text if operands and has(options, "c") else stdin


def _cat_output(inner: Sequence[Any]) -> str | None:
    """Return the output of `$(cat <<'EOF' …)`; None for any other substitution."""
    if len(inner) != 1 or inner[0].type != "redirected_statement" or len(inner[0].named_children) != 2:
        return None
    body, redirect = inner[0].named_children
    alone = [one.type for one in redirect.named_children] == ["heredoc_start", "heredoc_body", "heredoc_end"]
    text = _heredoc(redirect) if alone and body.text == b"cat" else None
    return None if text is None else text.rstrip("\n")


def options_of(
    words: Words, valued: str = "", longs: Collection[str] = (), *, leading: bool = False, attached: str = ""
) -> tuple[Options, Words]:
    """Split arguments into options, each with its value, and operands.

    Args:
        words: the arguments.
        valued: the letters of the short options with a value.
        longs: the names of the long options with a value.
        leading: True if the first operand ends the options.
        attached: the letters of the short options whose value can only be in the same word.
    """
    options: list[tuple[str, Word | None]] = []
    operands: list[Word] = []
    ahead = list(reversed(words))
    while ahead:
        word = ahead.pop()
        text = word.text or ""
        if text == "--" or (leading and not text.startswith("-")):
            operands += [*([word] if leading and text != "--" else []), *reversed(ahead)]
            break
        if text.startswith("--"):
            name, equals, rest = text[2:].partition("=")
            # Programs complete abbreviated names.
            takes_value = any(one.startswith(name) for one in longs)
            value = Word(rest) if equals else ahead.pop() if ahead and takes_value else None
            options.append((name, value))
        elif text.startswith("-") and len(text) > 1:
            for index, letter in enumerate(text[1:], start=2):
                if letter in valued or (letter in attached and text[index:]):
                    # The grammar drops a `-` before a here-document.
                    value = Word(text[index:]) if text[index:] else ahead.pop() if ahead else Word("-")
                    options.append((letter, value))
                    break
                options.append((letter, None))
        else:
            operands.append(word)
    return options, operands


def has(options: Options, *names: str) -> bool:
    """True if one of these options is present."""
    return any(name in names for name, _ in options)
