"""Escape untrusted text for each output: names, messages and contents come from the author of a change.

Each output can be misled in its own way. A terminal obeys control characters, GitHub's runner obeys lines
that start with `::`, and Markdown gives nearly every sign a meaning. Each function here serves one output.
"""

from __future__ import annotations

import re
from functools import cache

from specguard.model import BYTES_IN_JSON, TYPE_CHECKING, counted, listed, path_text, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Final
    from xml.etree.ElementTree import Element

    from jinja2 import Environment

# C0 and C1 controls, and the Unicode categories Cf (format: soft hyphen, zero-width and bidirectional
# characters, tags), Zl, Zp, Co (private use) and Cs (surrogates), and noncharacters; also the blank letters
# (Hangul fillers, Braille blank) and variation selectors, which show as nothing.
_INVISIBLE: Final = (
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ue000-\uf8ff"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff]"
)


# Commands in the log of a job: GitHub's runner obeys `##[name` anywhere in a line and, after blanks, `::name`
# at its start; others obey `##vso[` and `##teamcity[`. A line that begins with this program's name is its
# own.
_LOG_COMMAND: Final = r"#(?=#[A-Za-z]*\[)"
_LINE_START: Final = r"(?i)\A(\s*(?=::)|\s*specguard\s*):"

LONGEST: Final = 1000
"""The number of characters of one text that are shown to people; the rest is cut."""

_LONGEST_PATH: Final = 240


def cut(text: str, most: int = LONGEST) -> str:
    """Return a text of at most `most` characters; the end of a longer text is cut."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def cut_path(text: str) -> str:
    """Return a path that is short enough to read; a longer path loses its middle."""
    if len(text) <= _LONGEST_PATH:
        return text
    kept = (_LONGEST_PATH - 3) // 2
    return f"{text[:kept]}...{text[-kept:]}"


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    # The last byte of a surrogate escape is the byte that was not UTF-8.
    if code < 0x100 or 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code & 0xFF:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(text: str) -> str:
    r"""Return a text as (the start of) one line, in which every character is visible and nothing is obeyed.

    Args:
        text: any text; bytes that were not UTF-8 are surrogate escapes.

    Returns:
        The text with every control, format, bidirectional and surrogate character as `\xNN`, `\uNNNN` or
        `\UNNNNNNNN`. Newlines and tabs are escaped too. In a text that would be a command in the log of a
        job, or a line of this program, one character of that is escaped.
    """
    # Compiled on first use: a hook that passes prints only plain text.
    if not (text.isascii() and text.isprintable()):
        text = re.sub(_INVISIBLE, _escape, text)
    if "##" in text:
        text = re.sub(_LOG_COMMAND, r"\\x23", text)
    return re.sub(_LINE_START, r"\1\\x3a", text) if "::" in text or "specguard" in text.casefold() else text


def visible_lines(text: str) -> str:
    """Return a text of several lines in which a terminal obeys nothing; newlines and tabs are kept.

    All other characters that `visible` escapes are escaped in the same way. This is for files, such as the
    logs of commands. To print a line of such a file, pass it through `visible` again.
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return re.sub(f"(?![\n\t]){_INVISIBLE}", _escape, text)


def json_text(data: Any, *, indent: int | None = 2) -> str:
    r"""Return data as JSON in ASCII without a final newline, safe to embed in a page or a log.

    The text contains neither a log command nor an HTML tag. A JSON parser reads the data unchanged, but for
    bytes that were not UTF-8: JSON cannot represent those, so they are `\xNN`.
    """
    # A hook that prints only text does not need this import.
    import json

    # These signs only occur in strings, where JSON allows a character's number instead.
    encoded = json.dumps(data, indent=indent, ensure_ascii=True)
    if "\\udc" in encoded:
        plain = json.dumps(data, ensure_ascii=False).translate(BYTES_IN_JSON)
        encoded = json.dumps(json.loads(plain), indent=indent, ensure_ascii=True)
    return encoded.replace("##", "#\\u0023").replace("<", "\\u003c")


def xml_text(element: Element) -> str:
    r"""Return an XML document in ASCII that contains no log command, ending in a newline.

    Characters that XML 1.0 does not allow are written as `\xNN` or `\uNNNN`.
    """
    from xml.etree.ElementTree import indent, tostring

    for one in element.iter():
        one.text = one.text and _xml_legal(one.text)
        one.attrib = {name: _xml_legal(value) for name, value in one.items()}
    indent(element)
    encoded: str = tostring(element, encoding="us-ascii", xml_declaration=True).decode("ascii")
    # Names never have these signs, and XML allows a character's number within texts.
    return encoded.replace("##", "#&#35;").replace("\x7f", "&#127;") + "\n"


def _xml_legal(text: str) -> str:
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", _escape, text)


def azure_data(text: str) -> str:
    """Return a text for the message of an Azure logging command (`##vso[task.logissue type=error;]TEXT`).

    Invisible characters are escaped as in `visible`. Percent signs and line ends are then escaped as the
    agent expects them (`taskcommand.ts` of microsoft/azure-pipelines-task-lib).
    """
    return _command_data(text, "%AZP25")


def _command_data(text: str, percent: str) -> str:
    return "\n".join(map(visible, text.split("\n"))).replace("%", percent).replace("\n", "%0A")


def azure_property(text: str) -> str:
    """Return a text for a property of an Azure command; semicolons and closing brackets are escaped too."""
    return azure_data(visible(text)).replace("]", "%5D").replace(";", "%3B")


def workflow_data(text: str) -> str:
    """Return a text for the message of a GitHub workflow command (`::error::TEXT`).

    Invisible characters, including carriage returns, are escaped as in `visible`. Percent signs and newlines
    are then escaped as GitHub's runner expects them (`command.ts` of actions/toolkit).
    """
    return _command_data(text, "%25")


def workflow_property(text: str) -> str:
    """Return a text for a property of a workflow command (`file=TEXT`); colons and commas are escaped too."""
    return workflow_data(visible(text)).replace(":", "%3A").replace(",", "%2C")


def markdown_code(text: str) -> str:
    """Return a text as a Markdown code span that is also valid in a table, whatever the text contains.

    The fence is longer than any run of backticks in the text. In a table, GitHub splits cells at `|` even
    within a code span, unless a backslash is before it. A text with `|` therefore becomes `<code>` with
    entities.
    """
    escaped = visible(text)
    return f"<code>{_encode_markup(escaped)}</code>" if "|" in escaped else markdown_span(text)


def markdown_span(text: str) -> str:
    """Return a text, after `visible`, as a Markdown code span in backticks; not for tables."""
    escaped = visible(text)
    longest = max((len(run) for run in re.findall("`+", escaped)), default=0)
    fence = "`" * (longest + 1)
    # CommonMark strips one space from both sides, unless the span is blank.
    needs_space = bool(escaped.strip(" ")) and (escaped[:1] == " " or escaped[-1:] == " ")
    padded = f" {escaped} " if longest or needs_space or not escaped else escaped
    return f"{fence}{padded}{fence}"


def markdown_text(text: str) -> str:
    """Return a text as plain Markdown prose, without markup, links, mentions, issue references or HTML."""
    return _encode_markup(visible(text))


def readable_markdown(page: str) -> str:
    """Return a page without the entities of `markdown_text` and `markdown_code`, readable as source."""

    def decode(match: re.Match[str]) -> str:
        coded, span = match["coded"], match["span"]
        if coded is not None:
            return markdown_span(_decode_entities(coded))
        # Text within backticks was not escaped.
        return match[0] if span else _decode_entities(match[0])

    pattern = rf"<code>(?P<coded>.*?)</code>|(?P<span>`+)(?!`).*?(?<!`)(?P=span)(?!`)|{_ENTITY}"
    return re.sub(pattern, decode, page)


def _decode_entities(text: str) -> str:
    return re.sub(_ENTITY, lambda match: chr(int(match["number"])), text)


_ENTITY: Final = "&#(?P<number>[0-9]{2,3});(?:&#8203;)?"

# Signs with a meaning in CommonMark or GitHub's extensions become numeric entities, which are never markup
# and begin no bare link. A colon before a space has no meaning and stays, which keeps the source readable. A
# bare `www.` and the first character of a line can have a meaning too. GitHub looks for mentions and
# references after it decodes entities, so an invisible character separates those.
_MARKUP: Final = (
    r"(?P<refers>[#@](?=[^\W_]))"
    r"|\A(?:[-=]|\d+[.)])|(?<![^\W_])[wW]{3}\.|[#$&*+<>@\[-`{-~]|:(?! )"
)


def _encode_markup(text: str) -> str:
    return re.sub(_MARKUP, _encode_last, text)


def _encode_last(match: re.Match[str]) -> str:
    """Return the matched markup with its last character as an entity."""
    return f"{match[0][:-1]}&#{ord(match[0][-1])};{'&#8203;' if match['refers'] else ''}"


@cache
def markdown_templates(package: str, **filters: Any) -> Environment:
    """Return the Markdown templates of a package, with filters that escape what must not become markup.

    Args:
        package: the package.
        filters: its own filters.
    """
    filters.update(code=markdown_code, text=markdown_text, span=markdown_span, plain=visible)
    return templates(package, filters, keep_trailing_newline=True)


def text_lines(template: str, **values: Any) -> Iterator[str]:
    """Yield the lines of a text for a terminal, which a template of this package makes.

    Each value stays on its line. The lines are still to be printed through `visible`.
    """
    yield from _text_templates().get_template(template).render(values).rstrip("\n").split("\n")


@cache
def _text_templates() -> Environment:
    def on_one_line(value: object) -> str:
        return str(value).replace("\n", "\\x0a")

    return templates("specguard.reporters", {}, finalize=on_one_line)


def templates(package: str, filters: Mapping[str, Any], **options: Any) -> Environment:
    """Return a jinja2 environment with the templates of a package, by their names without `.j2`.

    The functions that shorten and count are there in all of them. A variable that is not defined is an error.

    Args:
        package: the package.
        filters: further filters.
        options: further options for jinja2, such as `autoescape` to escape every text as HTML.
    """
    from importlib.resources import files

    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = files(package) / "templates"
    environment = Environment(  # noqa: S701 - only pages are HTML, and ask for it
        loader=FunctionLoader(lambda name: (folder / f"{name}.j2").read_text(encoding="utf-8")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )
    words = {"counted": counted, "listed": listed, "shortened": shortened}
    environment.globals.update(words)
    words.update(cut=cut, cut_path=cut_path, path_text=path_text, visible=visible)
    environment.filters.update(words, **filters)
    return environment
