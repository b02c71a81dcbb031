"""Names, messages and contents of a change are its author's: what is done to them before they are printed.

Every output has its own way of being misled. A terminal obeys control characters, GitHub's runner obeys
lines that start with `::`, and Markdown obeys nearly everything. Each function here is for one of them.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final
    from xml.etree.ElementTree import Element

    from jinja2 import Environment

# C0 and C1 controls, and everything that Unicode calls Cf (format: soft hyphen, zero-width and bidirectional
# characters, tags), Zl, Zp, Co (private use), Cs (surrogates) or leaves unassigned as a noncharacter; with
# the blank letters (Hangul fillers, Braille blank) and variation selectors that show as nothing.
_UNSEEN: Final = (
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ue000-\uf8ff"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)


# What the log of a job obeys: GitHub's runner `##[name` anywhere in a line and, after blanks, `::name` at its
# start; others `##vso[` and `##teamcity[`. A line that begins with this program's name is its own.
_IN_A_LOG: Final = r"#(?=#[A-Za-z]*\[)"
_AT_A_START: Final = r"(?i)\A(\s*(?=::)|\s*specguard\s*):"

LONGEST: Final = 1000
"""How many characters of one text are shown to people before the rest is cut."""

_LONGEST_PATH: Final = 240


def cut(text: str, most: int = LONGEST) -> str:
    """A text of so many characters at most; the end of a longer one is cut."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def cut_path(text: str) -> str:
    """A path of so many characters that it can be read; of a longer one the middle is cut."""
    if len(text) <= _LONGEST_PATH:
        return text
    kept = (_LONGEST_PATH - 3) // 2
    return f"{text[:kept]}...{text[-kept:]}"


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was no UTF-8, kept by surrogateescape
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str) -> str:
    r"""A text as one line, or the start of one, in which nothing is obeyed and nothing is unseen.

    Args:
        text: any text; bytes that were not UTF-8 as surrogate escapes.

    Returns:
        The text with every control, format, bidirectional and surrogate character as `\xNN`, `\uNNNN` or
        `\UNNNNNNNN`. A newline or tab is shown as well; and so is one character of what the log of a job
        obeys, and of what begins like this program's own lines.
    """
    # Compiled where it is needed: a hook that passes prints plain text alone.
    if not (text.isascii() and text.isprintable()):
        text = re.sub(_UNSEEN, _shown, text)
    if "##" in text:
        text = re.sub(_IN_A_LOG, r"\\x23", text)
    return re.sub(_AT_A_START, r"\1\\x3a", text) if "::" in text or "specguard" in text.casefold() else text


def legible(text: str) -> str:
    r"""A text of several lines in which a terminal obeys nothing; newlines and tabs stay as they are.

    Every other character that `visible` shows is shown in the same way. For files, such as the logs of
    commands: what prints one of their lines still passes it through `visible`.
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return re.sub(f"(?![\n\t]){_UNSEEN}", _shown, text)


def json_text(data: Any, *, indent: int | None = 2) -> str:
    """Data as JSON in ASCII, without a newline at its end, for any page or log to take in.

    Neither finds a command or a tag in it; what reads JSON sees the data as they are.
    """
    # A hook that prints text alone has no need of it.
    import json

    # These signs can only be within a string, where any character may be written as its number.
    written = json.dumps(data, indent=indent, ensure_ascii=True)
    return written.replace("##", "#\\u0023").replace("<", "\\u003c")


def xml_text(element: Element) -> str:
    """An XML document in ASCII, in which no log finds a command, ending in a newline.

    A character that XML 1.0 has no place for must be shown before: see `xml_legal`.
    """
    from xml.etree.ElementTree import indent, tostring

    indent(element)
    written: str = tostring(element, encoding="us-ascii", xml_declaration=True).decode("ascii")
    # No name has these signs, so that they are within a text, where each may be written as its number.
    return written.replace("##", "#&#35;").replace("\x7f", "&#127;") + "\n"


def xml_legal(text: str) -> str:
    r"""A text without the characters that XML 1.0 has no place for, which are shown as `\xNN` or `\uNNNN`."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", _shown, text)


def azure_data(text: str) -> str:
    """A text for the message of a logging command of Azure (`##vso[task.logissue type=error;]TEXT`).

    Percent signs and ends of lines are escaped as its agent expects them (`taskcommand.ts` of
    microsoft/azure-pipelines-task-lib); what would be unseen is shown first.
    """
    return _command_data(text, "%AZP25")


def _command_data(text: str, percent: str) -> str:
    seen = "\n".join(map(visible, text.split("\n")))
    return seen.replace("%", percent).replace("\n", "%0A")


def azure_property(text: str) -> str:
    """A text for a property of such a command: semicolons and closing brackets are escaped as well."""
    return azure_data(visible(text)).replace("]", "%5D").replace(";", "%3B")


def workflow_data(text: str) -> str:
    """A text for the message of a workflow command (`::error::TEXT`).

    Percent signs and newlines are escaped as GitHub's runner expects them (`command.ts` of actions/toolkit);
    what would be unseen, carriage returns too, is shown first.
    """
    return _command_data(text, "%25")


def workflow_property(text: str) -> str:
    """A text for a property of a workflow command (`file=TEXT`): colons and commas are escaped as well."""
    return workflow_data(visible(text)).replace(":", "%3A").replace(",", "%2C")


def markdown_code(text: str) -> str:
    """A text as a Markdown code span, whatever it contains, that can also stand in a table.

    The fence is longer than any run of backticks in the text. In a table GitHub splits cells at `|` even
    within a code span, unless a backslash is before it; so a text with one becomes `<code>` with entities.
    """
    seen = visible(text)
    return f"<code>{_entities(seen)}</code>" if "|" in seen else markdown_span(text)


def markdown_span(text: str) -> str:
    """A text as a Markdown code span that stands in no table: backticks, and nothing in it escaped."""
    seen = visible(text)
    longest = max((len(run) for run in re.findall("`+", seen)), default=0)
    fence = "`" * (longest + 1)
    # CommonMark takes one space away on either side, unless the whole is blank.
    spaced = bool(seen.strip(" ")) and (seen[:1] == " " or seen[-1:] == " ")
    padded = f" {seen} " if longest or spaced or not seen else seen
    return f"{fence}{padded}{fence}"


def markdown_text(text: str) -> str:
    """A text as plain Markdown prose: no markup, link, mention, issue reference or HTML comes of it."""
    return _entities(visible(text))


def markdown_shown(page: str) -> str:
    """A page for people who read its text: without the entities of `markdown_text` and `markdown_code`."""

    def shown(match: re.Match[str]) -> str:
        coded, span = match["coded"], match["span"]
        if coded is not None:
            return markdown_span(_characters(coded))
        # Within backticks nothing was escaped.
        return match[0] if span else _characters(match[0])

    found = rf"<code>(?P<coded>.*?)</code>|(?P<span>`+)(?!`).*?(?<!`)(?P=span)(?!`)|{_ENTITY}"
    return re.sub(found, shown, page)


def _characters(text: str) -> str:
    return re.sub(_ENTITY, lambda match: chr(int(match["number"])), text)


_ENTITY: Final = "&#(?P<number>[0-9]{2,3});(?:&#8203;)?"

# Everything that CommonMark or GitHub's extensions give a meaning to, as a numeric entity, which is never
# markup and begins no bare link. A colon before a space begins and ends nothing, and stays as it is for those
# who read the text itself. A bare `www.` or the first character of a line can still mean something. Mentions
# and references are looked for in what an entity has become; nothing that is seen parts them.
_MARKUP: Final = (
    r"(?P<refers>[#@](?=[^\W_]))"
    r"|\A(?:[-=]|\d+[.)])|(?<![^\W_])[wW]{3}\.|[#$&*+<>@\[-`{-~]|:(?! )"
)


def _entities(text: str) -> str:
    return re.sub(_MARKUP, _entity, text)


def _entity(match: re.Match[str]) -> str:
    """The matched markup, with its last character as an entity."""
    return f"{match[0][:-1]}&#{ord(match[0][-1])};{'&#8203;' if match['refers'] else ''}"


def markdown_pages(package: str) -> Environment:
    """The templates of a package's pages of Markdown; what must not be markup there, filters escape."""
    return templates(package, escapes=False, keep_trailing_newline=True)


def templates(package: str, *, escapes: bool, **options: Any) -> Environment:
    """The templates of a package's pages, by their names without `.j2`; what they name must be given.

    Args:
        package: the package.
        escapes: whether every text is escaped as HTML asks for it.
        options: more for jinja2.
    """
    from importlib.resources import files

    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = files(package) / "templates"
    return Environment(
        loader=FunctionLoader(lambda name: (folder / f"{name}.j2").read_text(encoding="utf-8")),
        autoescape=escapes,  # noqa: S701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
