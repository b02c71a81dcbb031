"""Words of high trust: with them an agent asks nobody, or no sandbox holds it.

As the command lines of Aider, Amp, Claude Code, Codex, Copilot, Crush, Cursor, Droid, Gemini, Goose, Kiro and
Qwen Code have them. A script that starts an agent, or a configuration of one's own, can hide them; words that
stand in the command cannot.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

# Options are compared as yargs and its like read them: `--approvalMode` is `--approval-mode`.
_FLAGS: Final = frozenset(
    {
        "allowall", "allowallpaths", "allowalltools", "allowallurls", "autoapproveall", "disablesandbox",
        "fullauto", "nosandbox", "skippermissions", "skippermissionsunsafe", "trustalltools", "yesalways",
        "yolo",
    }
)  # fmt: skip
_VALUES: Final = {
    "a": {"never"},
    "approval": {"never"},
    "approvalmode": {"fullauto", "yolo"},
    "approvalpolicy": {"never"},
    "askforapproval": {"never"},
    "auto": {"high"},
    "permissionmode": {"bypasspermissions"},
    "s": {"dangerfullaccess"},
    "sandbox": {"dangerfullaccess", "false", "none", "off"},
}
# Short options that say it, of programs of which other options of that letter are not.
_SHORT: Final = {
    "aider": "y", "agent": "f", "crush": "y", "cursor-agent": "f", "gemini": "y", "kiro-cli": "a", "q": "a",
    "qwen": "y",
}  # fmt: skip
_LONG: Final = {"agent": "force", "aider": "yes", "cursor-agent": "force"}
_SHELLS: Final = frozenset({"ash", "bash", "dash", "fish", "ksh", "sh", "zsh"})
_DANGEROUS: Final = re.compile(r"--?(?:[a-z]+-)*dangerous", re.IGNORECASE)
_MODE: Final = re.compile(r"danger-?full-?access|bypass-?permissions", re.IGNORECASE)
# What a setting says in `-c key=value`, in JSON, or as a variable before the command.
_SETTING: Final = re.compile(
    r"""(?P<never>approval[_-]?(?:policy|mode)["']?\s*[=:]\s*["']?(?:never|yolo)\b)"""
    r"""|sandbox[_-]?mode["']?\s*[=:]\s*["']?(?P<access>danger-full-access)"""
    r"""|default[_-]?mode["']?\s*[=:]\s*["']?(?P<bypass>bypass-?permissions)"""
    r"""|\b(?P<goose>GOOSE_MODE=auto)\b""",
    re.IGNORECASE,
)
_OPTION: Final = re.compile(r"--?(?P<name>[A-Za-z][A-Za-z_-]*)(?:=(?P<value>.*))?", re.DOTALL)


def high_trust(words: Sequence[str], allowed: Sequence[str] = ()) -> list[str]:
    """The words of high trust in a command.

    Args:
        words: its words; the text that is given to a shell is read as words, too.
        allowed: those that may be there, as they are written: `--yolo`, `danger-full-access`,
            `--approval never`.

    Returns:
        The others, in order, each as it would have to be allowed.
    """
    may = {_plain(word) for word in allowed}
    found = dict.fromkeys(name for name, names in _found(words) if not may.intersection(map(_plain, names)))
    return list(found)


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[\"'=:]", " ", text).casefold().split())


def _found(words: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Each by the name that it is told by, with all names by which it may be allowed."""
    program = next((name for name in map(_base, words[:4]) if name in _SHORT or name in _LONG), "")
    value = False
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else ""
        told = [] if value else list(_in_word(word, following, program))
        # The value of an option is told with it.
        value = any(following.strip("\"'") in names for _, names in told)
        yield from told
    if words and any(_base(word) in _SHELLS for word in words[:4]):
        for word in words[1:]:
            if any(char.isspace() for char in word):
                yield from _found(_split(word))


def _in_word(word: str, following: str, program: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    setting = _SETTING.search(word)
    if setting is not None:
        mode = setting["access"] or setting["bypass"]
        yield (mode, (mode,)) if mode else (setting[0], (setting[0], word))
        return
    if any(char.isspace() for char in word) and not word.startswith("-"):
        # Running text, such as a prompt, may speak of such words.
        return
    option = _OPTION.fullmatch(word)
    if option is None:
        yield from _modes(word)
        return
    flag = word.partition("=")[0]
    name = re.sub("[-_]", "", option["name"]).casefold()
    value = following if option["value"] is None else option["value"]
    said = re.sub("[-_\"']", "", value).casefold()
    long = word.startswith("--")
    if _DANGEROUS.match(flag) or (long and name.startswith(("dangerous", "allowdangerous"))):
        yield flag, (flag,)
    elif said in _VALUES.get(name, ()):
        mode = value.strip("\"'")
        yield (mode if _MODE.fullmatch(mode) else f"{flag} {mode}"), (mode, f"{flag} {mode}")
    elif _is_flag(name, program) if long else _is_short(option["name"], program):
        yield flag, (flag,)
    else:
        # `-sdanger-full-access`, and options that are not known here.
        yield from _modes(word)


def _is_flag(name: str, program: str) -> bool:
    return name in _FLAGS or name == _LONG.get(program)


def _is_short(letters: str, program: str) -> bool:
    """Whether one of the letters behind a hyphen says it."""
    return program in _SHORT and letters.isalpha() and _SHORT[program] in letters


def _modes(word: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    mode = _MODE.search(word)
    if mode is not None:
        yield mode[0], (mode[0], word)


def _base(word: str) -> str:
    return word.rpartition("/")[2]


def _split(text: str) -> list[str]:
    import shlex

    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
