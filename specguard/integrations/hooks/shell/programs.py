"""Programs by name: which only read, and who tells what the others write."""

from __future__ import annotations

from specguard.integrations.hooks.pathnames import as_bytes, joined, normal
from specguard.integrations.hooks.shell.files import FILES, known_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from specguard.integrations.hooks.shell.call import Call

_READS: Final = frozenset([
    "[", "basename", "bc", "bzcat", "cat", "cksum", "clear", "cmp", "column",
    "comm", "cut", "date", "df", "diff", "diff3", "dig", "dirname", "du", "egrep", "exa", "expand", "expr",
    "eza", "false", "fgrep", "fmt", "fold", "free", "getent", "grep", "groups", "head", "hexdump", "host",
    "hostname", "id", "join", "jq", "killall", "locale", "ls", "md5", "md5sum", "mkdir",
    "more", "netstat", "nl", "nproc", "nslookup", "od", "paste", "pgrep", "pidof", "ping", "pkill",
    "printenv", "ps", "readlink", "realpath", "rev", "rmdir", "seq", "sha1sum", "sha256sum", "sha512sum",
    "shasum", "sleep", "stat", "strings", "stty", "sum", "sync", "tac", "tail", "test", "tokei", "top",
    "tput", "tr", "true", "tty", "uname", "uptime", "wc", "whereis", "which", "who", "whoami", "xzcat", "yes",
    "zcat", "zgrep",
])  # fmt: skip
"""Programs that write no file, whatever their arguments are; folders are no files here."""

_DENIES: Final[Mapping[str, tuple[str, str]]] = {
    # A program, its options that write or run something, and the letters of those that take a value.
    "rg": ("pre pre-glob hostname-bin", ""),
    "tree": ("o R", "oLPI"),
    "ack": ("pager output", ""),
    "ag": ("pager", "ABCgGm"),
    "base64": ("o output", "o"),
    "nm": ("plugin", ""),
    "ss": ("D diag", "DFfA"),
    "less": ("o O log-file LOG-FILE", "oO"),
    "file": ("C compile", "mfF"),
    "fd": ("x X exec exec-batch", "xX"),
    "bat": ("pager", ""),
}
_SPECGUARD: Final = frozenset(["check", "why", "rule", "policy", "status", "brief", "--version"])
_SPECGUARD_LOOKS: Final = frozenset([
    "--base", "--head", "--from-ref", "--to-ref", "--range", "--staged", "--worktree", "--push", "--root",
    "--branch", "--pr-title", "--authority", "--select", "--ignore", "--all", "--strict", "--exit-zero",
    "--dry-run", "--today", "--output-format", "--explain", "--statistics", "--coverage", "--wave", "--plan",
    "--require", "--remote", "--plugin", "-h", "--help", "-C",
])  # fmt: skip
"""Options of these commands that write nothing; others make a report, an approval, or mend something."""
_FOLDERS: Final = frozenset([
    "/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin",
    "/opt/local/bin",
])  # fmt: skip
"""Folders in which programs are what they are called."""
_GH: Final = frozenset(
    (first, second)
    for first in ("pr", "issue", "run", "repo", "release", "workflow", "label")
    for second in ("view", "list", "diff", "status", "checks", "comment")
)


def run_program(call: Call) -> str | None:
    """Follow a program; gives what it prints, None where that is not known."""
    name = call.name
    folder, slash, _ = (call.words[0].text or "").rpartition("/")
    if slash and folder not in _FOLDERS:
        # Its name is that of a program, and it may be any.
        call.undecided(f"what `{call.words[0].raw}` runs is not known")
    if name == "git":
        from specguard.integrations.hooks.shell.git import run_git

        return run_git(call)
    if name in FILES:
        return FILES[name](call)
    if name in _READS:
        if name == "mkdir":
            _mkdir(call)
        return known_output(call)
    if name in _DENIES:
        _reader(call)
        return None
    teller = _rarer(name)
    if teller is not None:
        return teller(call)
    if _asks(call):
        return None
    call.unknown()
    return None


def _rarer(name: str) -> Callable[[Call], str | None] | None:
    """Who tells what a program does that most commands do not have; a hook imports these only then."""
    from specguard.integrations.hooks.shell.wrappers import WRAPPERS

    if name in WRAPPERS:
        return WRAPPERS[name]
    from specguard.integrations.hooks.shell.interpreters import INTERPRETERS
    from specguard.integrations.hooks.shell.patching import PATCHING
    from specguard.integrations.hooks.shell.tools import TOOLS

    return TOOLS.get(name) or INTERPRETERS.get(name) or PATCHING.get(name)


def _asks(call: Call) -> bool:
    """Whether a program is only asked for its version or its help."""
    words = [word.text for word in call.words[1:]]
    if call.name == "specguard":
        options = [(word or "-").partition("=")[0] for word in words[1:] if (word or "-").startswith("-")]
        return bool(words) and words[0] in _SPECGUARD and _SPECGUARD_LOOKS.issuperset(options)
    if call.name == "gh":
        return len(words) > 1 and (words[0], words[1]) in _GH
    if words == ["-v"]:
        return call.name in ("node", "npm", "php", "ruby")
    return len(words) == 1 and words[0] in ("--version", "--help", "-V", "-h", "-version")


def _mkdir(call: Call) -> None:
    arguments = call.arguments("m", ["mode"])
    telling = call.shell.telling
    for field in arguments.operands:
        if field.text is not None and call.state.places is not None:
            for place in call.state.places:
                whole = telling.absolute(joined(place, as_bytes(field.text)))
                while whole not in (b"/", b".", b"") and whole not in telling.folders:
                    telling.folders.add(whole)
                    whole = normal(whole + b"/..")


def _reader(call: Call) -> None:
    """A program that reads, unless it has one of a few options."""
    denied, valued = _DENIES[call.name]
    names = denied.split()
    arguments = call.arguments(valued, flags=[name for name in names if len(name) > 1])
    if arguments.has(*names):
        call.unknown()
    elif arguments.odd is not None:
        call.undecided(f"whether `{arguments.odd.raw}` makes {call.name} write is not known")
