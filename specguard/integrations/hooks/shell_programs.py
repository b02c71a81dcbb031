"""Programs by name: which only read, which run another program, and who tells what the others write."""

from __future__ import annotations

import re

from specguard.integrations.hooks.shell_files import FILES, known_output
from specguard.integrations.hooks.shell_state import Field, as_bytes, joined, normal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from specguard.integrations.hooks.shell_call import Call

SHELLS: Final = frozenset(["sh", "bash", "dash", "zsh", "ksh", "ash", "rbash", "mksh"])

_READS: Final = frozenset([
    "[", "ack", "ag", "apropos", "arch", "b2sum", "base32", "base64", "basename", "basenc", "bc",
    "bzcat", "c++filt", "cal", "cat", "cksum", "clear", "cloc", "cmp", "column", "comm", "cut",
    "date", "df", "diff", "diff3", "dig", "dir", "dirname", "du", "egrep", "exa", "expand", "expr",
    "eza", "factor", "false", "fgrep", "fmt", "fold", "free", "getconf", "getent", "getfacl", "grep",
    "groups", "head", "hexdump", "host", "hostname", "htop", "id", "ifconfig", "ifne", "infocmp",
    "iostat", "ip", "join", "jq", "killall", "ldd", "locale", "look", "ls", "lsattr", "lsblk",
    "lscpu", "lsof", "md5", "md5sum", "mkdir", "mountpoint", "netstat", "nl", "nm", "nproc",
    "nslookup", "numfmt", "od", "otool", "paste", "pathchk", "pbpaste", "pgrep", "pidof", "ping",
    "pkill", "pr", "printenv", "ps", "readelf", "readlink", "realpath", "rev", "rmdir", "say", "seq",
    "sha1sum", "sha224sum", "sha256sum", "sha384sum", "sha512sum", "shasum", "size", "sleep",
    "sloccount", "ss", "stat", "strings", "stty", "sum", "sw_vers", "sync", "tac", "tail", "test",
    "tokei", "top", "tput", "tr", "true", "tsort", "tty", "uname", "unexpand", "uptime", "vdir",
    "vmstat", "wc", "whatis", "whereis", "which", "who", "whoami", "xzcat", "yes", "zcat", "zcmp",
    "zdiff", "zgrep",
])  # fmt: skip
"""Programs that write no file, whatever their arguments are; folders are no files here."""

_DENIES: Final[Mapping[str, tuple[str, str]]] = {
    # A program, its options that write or run something, and how it takes values.
    "rg": ("pre pre-glob hostname-bin", ""),
    "tree": ("o", "oLPI"),
    "less": ("o O log-file LOG-FILE", "oO"),
    "more": ("", ""),
    "man": ("P pager H html", "P"),
    "file": ("C compile", "mfF"),
    "fd": ("x X exec exec-batch", "xX"),
    "fdfind": ("x X exec exec-batch", "xX"),
    "bat": ("pager", ""),
    "batcat": ("pager", ""),
    "date": ("s set", "sdfr"),
    "split": ("", ""),
}


def run_program(call: Call) -> str | None:
    """Follow a program; gives what it prints, None where that is not known."""
    name = call.name
    if name == "git":
        from specguard.integrations.hooks.shell_git import run_git

        return run_git(call)
    if name in SHELLS:
        return _shell(call)
    wrapper = _WRAPPERS.get(name)
    if wrapper is not None:
        return wrapper(call)
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
    from specguard.integrations.hooks.shell_patching import PATCHING
    from specguard.integrations.hooks.shell_texts import TEXTS
    from specguard.integrations.hooks.shell_tools import TOOLS

    return TOOLS.get(name) or TEXTS.get(name) or PATCHING.get(name)


def _asks(call: Call) -> bool:
    """Whether a program is only asked for its version or its help."""
    words = [word.text for word in call.words[1:]]
    if call.name == "specguard":
        return bool(words) and words[0] in _SPECGUARD
    if call.name == "gh":
        return len(words) > 1 and (words[0], words[1]) in _GH
    return len(words) == 1 and words[0] in ("--version", "--help", "-V", "-h", "-version")


_SPECGUARD: Final = frozenset(["check", "why", "rule", "policy", "status", "brief", "explain", "--version"])
_GH: Final = frozenset(
    (first, second)
    for first in ("pr", "issue", "run", "repo", "release", "workflow", "label")
    for second in ("view", "list", "diff", "status", "checks", "comment")
)


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
    if call.name in ("split",) or arguments.has(*names):
        call.unknown()
    elif arguments.odd is not None and names:
        call.undecided(f"whether `{arguments.odd.raw}` makes {call.name} write is not known")


# Programs that run others


def _shell(call: Call) -> str | None:
    arguments = call.arguments("oO", ["init-file", "rcfile"], first=True)
    if arguments.odd is not None:
        call.unknown()
        return None
    state = call.state.copy()
    # What the shell has not exported, the new one does not see.
    state.variables = {**dict.fromkeys(state.variables), **call.assigned}
    state.functions = {}
    state.left = None
    operands = arguments.operands
    if arguments.has("init-file", "rcfile"):
        call.undecided(f"what {call.name} reads at its start is not known")
    if arguments.has("c"):
        if not operands or operands[0].text is None:
            call.unknown()
            return None
        # The first word after the text is the name of the shell itself.
        state.arguments = operands[2:]
        return call.shell.run_text(operands[0].text, state)
    if arguments.has("version", "help"):
        return None
    if operands and not arguments.has("s") and operands[0].text != "-":
        call.undecided(f"what the script `{operands[0].raw}` does is not known")
        return None
    if call.given is None:
        call.undecided(f"what {call.name} reads as commands is not known")
        return None
    state.arguments = operands
    return call.shell.run_text(call.given, state)


def _wrapper(valued: str, *longs: str, skipped: int = 0) -> Callable[[Call], str | None]:
    """A program that runs the one that follows its options, and a number of operands of its own."""

    def follow(call: Call) -> str | None:
        arguments = call.arguments(valued, longs, first=True)
        rest = arguments.operands[skipped:]
        if arguments.odd is not None or (call.name in ("sudo", "doas") and arguments.has("s", "i", "e", "D")):
            call.unknown()
            return None
        if call.name == "time":
            for target in arguments.values("o", "output"):
                call.write(target)
        while call.name == "sudo" and rest and re.match(r"[A-Za-z_]\w*=", rest[0].start):
            rest = rest[1:]
        return call.run(rest) if rest else None

    return follow


def _env(call: Call) -> str | None:
    from specguard.integrations.hooks.shell_settings import tell_setting

    arguments = call.arguments("uCS", ["unset", "chdir", "split-string"], first=True)
    if arguments.odd is not None:
        call.unknown()
        return None
    state = call.state.copy()
    for place in arguments.values("C", "chdir"):
        if place.text is None:
            state.places = None
        elif state.places is not None:
            path = as_bytes(place.text)
            state.places = tuple(dict.fromkeys(normal(joined(each, path)) for each in state.places))
    rest = arguments.operands
    assigned = dict(call.assigned)
    split = arguments.values("S", "split-string")
    if split:
        call.undecided(f"what `env -S {split[0].raw}` runs is not known")
        return None
    while rest and (match := re.match(r"([A-Za-z_][A-Za-z0-9_]*)=", rest[0].start)):
        value = None if rest[0].text is None else rest[0].text[match.end() :]
        assigned[match[1]] = value
        tell_setting(call.shell.telling, match[1], value)
        rest = rest[1:]
    if not rest:
        return None
    if rest[0].text is None:
        call.undecided(f"what `{rest[0].raw}` runs is not known")
        return None
    inner = type(call)(call.shell, state, rest, call.given, assigned)
    return run_program(inner)


def _xargs(call: Call) -> str | None:
    arguments = call.arguments(
        "InPLdasE",
        ["replace", "max-args", "max-procs", "max-lines", "delimiter", "arg-file", "max-chars", "eof"],
        optional="iel",
        first=True,
    )
    if arguments.odd is not None:
        call.unknown()
        return None
    rest = list(arguments.operands) or [Field("echo", "echo")]
    marks = [value.text for value in arguments.values("I", "replace", "i")]
    marks += ["{}"] if arguments.has("i") or (arguments.has("replace") and not marks) else []
    state = call.state.copy()
    if marks:
        mark = marks[-1] or "{}"
        made = [_replaced(word, mark) for word in rest]
        return call.run(made, state)
    words = (call.given or "").split()
    plain = call.given is not None and not re.search(r"[\\'\"]", call.given) and len(words) <= 200
    if plain and not arguments.has("a", "arg-file", "d", "delimiter", "0", "null", "E", "eof"):
        return call.run([*rest, *(Field(word, word) for word in words)], state) if words else ""
    return call.run([*rest, Field(None, f"what xargs gives {rest[0].raw}", several=True)], state)


def _replaced(word: Field, mark: str) -> Field:
    """A word in which a mark stands for something unknown."""
    if word.text is None or mark not in word.text:
        return word
    return Field(None, word.raw, start=word.text.partition(mark)[0])


def _find(call: Call) -> str | None:
    words = list(call.words[1:])
    state = call.state.copy()
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word.text is None and word.option and not word.pattern:
            call.undecided(f"whether `{word.raw}` makes find write is not known")
        elif word.text == "-delete":
            call.undecided("which files `find -delete` removes is not known")
        elif word.text in ("-fprint", "-fprint0", "-fls", "-fprintf") and at < len(words):
            call.write(words[at])
        elif word.text in ("-exec", "-execdir", "-ok", "-okdir"):
            end = at
            while end < len(words) and words[end].text not in (";", "+"):
                end += 1
            inner = [_replaced(each, "{}") for each in words[at:end]]
            if word.text.endswith("dir"):
                state.places = None
            if inner:
                call.run(inner, state)
            at = end + 1
    return None


def _busybox(call: Call) -> str | None:
    return call.run(call.words[1:]) if len(call.words) > 1 else None


_WRAPPERS: Final[Mapping[str, Callable[[Call], str | None]]] = {
    "sudo": _wrapper("ugphCrtTUDR", "user", "group", "prompt", "host", "chdir", "chroot", "role", "type"),
    "doas": _wrapper("uCa"),
    "nohup": _wrapper(""),
    "time": _wrapper("fo", "format", "output"),
    "nice": _wrapper("n", "adjustment"),
    "ionice": _wrapper("cnpPu", "class", "classdata"),
    "timeout": _wrapper("sk", "signal", "kill-after", skipped=1),
    "gtimeout": _wrapper("sk", "signal", "kill-after", skipped=1),
    "stdbuf": _wrapper("ioe", "input", "output", "error"),
    "setsid": _wrapper(""),
    "noglob": _wrapper(""),
    "nocorrect": _wrapper(""),
    "chronic": _wrapper(""),
    "caffeinate": _wrapper("tw"),
    "env": _env,
    "xargs": _xargs,
    "gxargs": _xargs,
    "find": _find,
    "gfind": _find,
    "busybox": _busybox,
}
