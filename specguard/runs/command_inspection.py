"""The commands of agents and gates, by their words: their programs, models and options of high trust.

A command that cannot fail proves nothing.

The options of high trust are those of Aider, Amp, Claude Code, Codex, Copilot, Crush, Cursor, Droid, Gemini,
Goose, Kiro and Qwen Code. A script that starts an agent, or the agent's own configuration, can hide them.
Options in the command cannot be hidden.
"""

from __future__ import annotations

import re

from specguard.model import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final


def words_of(command: Any) -> list[str]:
    """Split a command into words, from a list or shell text; empty for anything else."""
    if not isinstance(command, str):
        return [str(word) for word in command] if isinstance(command, list) else []
    import shlex

    try:
        return shlex.split(command)
    except ValueError:
        return command.split()


_SHELLS: Final = frozenset({"ash", "bash", "dash", "fish", "ksh", "sh", "zsh"})

_VIA: Final = r"(?:(?:command|env|exec|nohup|time|timeout \w+|[A-Za-z_]\w*=[\w./:-]*) )*"
_SHELL_CALL: Final = re.compile(rf"{_VIA}(?:\S*/)?(?:ba|da|z)?sh -l?c (['\"]?)(.*)\1", re.DOTALL)
_QUOTED: Final = r"'[^'\n]*+'|\"[^\"\n]*+\""
_PART: Final = rf"(?:[^\n'\"#]|{_QUOTED}|(?<=\S)#)"
_PLAIN: Final = rf"(?:[^\n'\"|&;><$`()]++|\$[?\w]|{_QUOTED})*(?:[ \t]*[0-9&]*>>?&?[ \t]*[\w./-]++)*"
_PARTS: Final = rf"(?:(?!(?<![\w-])(?:exit|kill|return|set(?! \+)|trap)\b){_PART}){{0,2000}}"
_LOOK: Final = r"pwd|ls(?= ?(?:$|[;&)]))|git (?:status|log|diff(?!.* --(?:check|exit-code|no-index|quiet)\b))"
_LIST: Final = (
    r"(?:[\w./=:@-]+ ){1,20}--co(?:llect-only)?|make (?:[\w./=-]+ ){0,20}-(?:n|-dry-run|-just-print)"
)
_IDLE: Final = r"python[0-9.]* -c (?:'pass'|\"pass\")|[\w./-]+ --(?:version|help)"
_NO_TEST: Final = rf"(?:true|echo|printf|sleep|export|! false|{_LOOK}|{_LIST}|{_IDLE})(?![\w./-])"
_ONE_SUCCESS: Final = rf"(?:exit 0|(?:{_VIA}(?:/\S*/)?{_NO_TEST}|:){_PLAIN})"
_SUCCESS: Final = rf"(?:cd [\w./-]+ && )?{_ONE_SUCCESS}(?:&& *{_ONE_SUCCESS})*"
# A job in the background, and a pipe whose last program only shows, always succeed, too.
# Compiled at its first use, since that takes several milliseconds.
_CANNOT_FAIL: Final = (
    rf"[({{\s]*+(?:(?:{_PARTS}(?:\|\||;)[({{\s]*+)?{_SUCCESS}|{_PARTS}(?<![&>\\])&|"
    rf"if(?![^\n]*\belif\b) {_PARTS};\s*then\s+{_SUCCESS}(?:;\s*else\s+{_SUCCESS})?;\s*fi)"
    rf"[\s;)}}]*(?:#[^\n]*)?"
    rf"|#[^\n]*|(?:cd [\w./-]+ && )?(?![^\n]*(?:pipefail|&&)){_PARTS}\|&?\s*(?:cat|head|tail|tee)\b{_PLAIN}"
)


def cannot_fail(command: str) -> bool:
    """True if a command always succeeds, and so proves nothing."""
    inner = _SHELL_CALL.fullmatch(command)
    return re.fullmatch(_CANNOT_FAIL, inner[2] if inner else command) is not None


# Options are compared as yargs and similar parsers read them: `--approvalMode` is `--approval-mode`.
_TRUST_FLAGS: Final = (
    "allowall", "allowallpaths", "allowalltools", "allowallurls", "autoapproveall", "disablesandbox",
    "fullauto", "nosandbox", "skippermissions", "skippermissionsunsafe", "trustalltools", "yesalways",
    "yolo",
)  # fmt: skip
_TRUST_VALUES: Final = {
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
# Short options of high trust, by program, since the same letter has other meanings elsewhere.
_SHORT: Final = {
    "aider": "y", "agent": "f", "crush": "y", "cursor-agent": "f", "gemini": "y", "kiro-cli": "a", "q": "a",
    "qwen": "y",
}  # fmt: skip
_LONG: Final = {"agent": "force", "aider": "yes", "cursor-agent": "force"}
_DANGEROUS: Final = re.compile(r"--?(?:[a-z]+-)*dangerous", re.IGNORECASE)
_TRUST_MODE: Final = re.compile(r"danger-?full-?access|bypass-?permissions", re.IGNORECASE)
# Settings of high trust in `-c key=value`, in JSON, or as a variable before the command.
_TRUST_SETTING: Final = re.compile(
    r"""(?P<never>approval[_-]?(?:policy|mode)["']?\s*[=:]\s*["']?(?:never|yolo)\b)"""
    r"""|sandbox[_-]?mode["']?\s*[=:]\s*["']?(?P<access>danger-full-access)"""
    r"""|default[_-]?mode["']?\s*[=:]\s*["']?(?P<bypass>bypass-?permissions)"""
    r"""|\b(?P<goose>GOOSE_MODE=auto)\b""",
    re.IGNORECASE,
)
_PUNCTUATION: Final = dict.fromkeys(map(ord, "\"'=:"), " ")
_OPTION: Final = re.compile(r"--?(?P<name>[A-Za-z][A-Za-z_-]*)(?:=(?P<value>.*))?", re.DOTALL)


def high_trust(words: Sequence[str], allowed: Sequence[str] = ()) -> list[str]:
    """Find the words of high trust in a command.

    Args:
        words: the words of the command; a script passed to a shell is split into words, too.
        allowed: the words that are allowed, as written: `--yolo`, `danger-full-access`, `--approval never`.

    Returns:
        The words that are not allowed, in order, each in the form that `allowed` accepts.
    """
    may = {_plain(word) for word in allowed}
    return list(dict.fromkeys(names[0] for names in _find_words(words) if may.isdisjoint(map(_plain, names))))


def _plain(text: str) -> str:
    return " ".join(text.translate(_PUNCTUATION).casefold().split())


def _normalized(text: str) -> str:
    """Normalize an option's name or value for comparison."""
    return "".join(char for char in text if char not in "-_\"'").casefold()


def _find_words(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield each match as the names by which it may be allowed; the first name is the one in messages."""
    programs = [word.rpartition("/")[2] for word in words[:4]]
    program = next((name for name in programs if name in _SHORT or name in _LONG), "")
    value = False
    for word, following in zip(words, [*words[1:], ""], strict=False):
        names = () if value else _allowed_names(word, following, program)
        # An option and its value are one match.
        value = following.strip("\"'") in names
        if names:
            yield names
    for word in words[1:] if not _SHELLS.isdisjoint(programs) else ():
        if any(char.isspace() for char in word):
            yield from _find_words(words_of(word))


def _allowed_names(word: str, following: str, program: str) -> tuple[str, ...]:
    """Return the names by which a word of high trust may be allowed; empty if the word is harmless."""
    if setting := _TRUST_SETTING.search(word):
        mode = setting["access"] or setting["bypass"]
        return (mode,) if mode else (setting[0], word)
    if any(char.isspace() for char in word) and not word.startswith("-"):
        # Running text, such as a prompt, may mention such words.
        return ()
    if option := _OPTION.fullmatch(word):
        flag, name, long = word.partition("=")[0], _normalized(option["name"]), word.startswith("--")
        value = following if option["value"] is None else option["value"]
        if _DANGEROUS.match(flag) or (long and name.startswith(("dangerous", "allowdangerous"))):
            return (flag,)
        if _normalized(value) in _TRUST_VALUES.get(name, ()):
            mode = value.strip("\"'")
            return (mode, f"{flag} {mode}") if _TRUST_MODE.fullmatch(mode) else (f"{flag} {mode}", mode)
        short = option["name"].isalpha() and _SHORT.get(program, " ") in option["name"]
        if (name in _TRUST_FLAGS or name == _LONG.get(program)) if long else short:
            return (flag,)
    # Matches `-sdanger-full-access`, and unknown options.
    found = _TRUST_MODE.search(word)
    return (found[0], word) if found else ()


AGENTS: Final = ("aider", "claude", "codex", "copilot", "crush", "gemini", "goose", "llm", "opencode", "qwen")
"""Programs whose option `-m` names a model; in most others it has another meaning."""

UNNAMED: Final = (
    "", "-", "default", "false", "inherit", "n/a", "na", "no", "none", "null", "optional", "required",
    "str", "string", "tba", "tbd", "text", "todo", "true", "unknown", "yes",
)  # fmt: skip
"""Values that do not name a model, including those in a table that describes a field's type."""

LONGEST: Final = 300
"""The longest name of a model, in characters: longer values are prose, or are cut."""

HOLES: Final = ("$", "<", "{", "...", "\u2026")
"""The beginnings of placeholders for a name."""

_MODEL_OPTION: Final = re.compile(r"--(?:[a-z]+-)?model(?:-name|-id)?(?:=(?P<value>.*))?", re.DOTALL)
# In an agent's command: `-m x`, `-mxy`, `-m=x`, and `model=x` of `-c model=x`.
_MODEL_SHORT: Final = re.compile(r"-m|(?:model=|-m(?=..)=?)(?P<value>.*)", re.DOTALL)


def forms_of(name: str) -> list[str]:
    """Return a model's name and its variants: without the provider, and with hyphens for spaces."""
    return list(dict.fromkeys((name, name.rpartition("/")[2], "-".join(name.lower().split()))))


def models_in(words: Sequence[str]) -> Iterator[str]:
    """Yield the models that a command's words name, in order."""
    # An agent may run through another program.
    is_agent = any(word.rpartition("/")[2] in AGENTS for word in words[:4])
    forms = [_MODEL_OPTION, _MODEL_SHORT] if is_agent else [_MODEL_OPTION]
    for word, following in zip(words, [*words[1:], ""], strict=False):
        option = next(filter(None, (form.fullmatch(word) for form in forms)), None)
        value = "" if option is None else following if option["value"] is None else option["value"]
        if name := model_named(value):
            yield name


def model_named(value: str) -> str | None:
    """Return the model that the value of an option or a variable names; None if it names none."""
    name = value.strip().strip("'\"")
    if name.startswith("${"):
        # `${MODEL:-gemini-3-pro}` names its default.
        name = name.replace(":=", ":-").rpartition(":-")[2].strip("}'\"")
    return None if name.casefold() in UNNAMED or name.startswith(("-", *HOLES)) else name[:LONGEST]
