"""Read policy in prose: the items of sections with known titles, and sentences that command.

A sentence is bound to an active rule if it names the rule's code or name. It is also bound if it says that
paths must stay unchanged, and they are guarded. The third case is one of `_KNOWN_DEMANDS` whose setting is in
force. In the last two cases the sentence must say nothing else. Nothing else is guessed: text beside a
sentence does not bind it.
"""

from __future__ import annotations

import re
import tomllib

from specguard.authority.policy import Policy, Statement, Unread, plain
from specguard.declaration.patterns import Guarding
from specguard.documents.blocks import (
    Fence,
    Footnote,
    Heading,
    Html,
    List,
    Paragraph,
    Quote,
    Table,
    Text,
    fences,
    texts,
)
from specguard.documents.fields import normal_title
from specguard.documents.list_items import CODE, leading_paths, looks_like_path
from specguard.documents.toml import toml_value
from specguard.model import TYPE_CHECKING, Record, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, Final

    from specguard.documents.blocks import AnyBlock, ListItem
    from specguard.documents.document import Document


SECTIONS: Final = {
    "Locked zones": "locked-path",
    "Forbidden paths": "forbidden-path",
    "Normative documents": "normative",
    "Conflict resolution": "order",
}
"""The known sections. `[authority] sections` adds titles in any language, and may redefine these."""

SHOWN: Final = 80
"""The most characters that are shown of unread text, and of a statement."""

LONGEST_SENTENCE: Final = 2000
"""No setting is sought for a longer sentence, in characters: the expressions can take the square of it."""

MEANINGS: Final = ("locked-path", "forbidden-path", "normative", "order", "nothing")
"""The meanings of a section's items; `nothing` makes a known title an ordinary one."""

_GUARD_WORDS: Final = re.compile(
    r"^(?!.*\b(?:outside|except|other than|anything but)\b).*?(?:\b(?:blocked|denied|guarded|restricted)\b|"
    r"\b(?:lock|protect|forb[ia]d|prohibit|freez|froz|immutab|untouch|read[- ]only|off[- ]limits|no[- ]go)"
    r"|\b(?:do not|don['\u2019]t|not to|never|must not|no)\s+(?:\w+\s+){0,2}?(?:touch|modif|edit|chang))",
    re.IGNORECASE | re.DOTALL,
)
"""Words of a title that suggest a guard on paths. They make the report louder, and guard nothing."""


_BRACKETS: Final = re.compile(r"[(\[\uff08\u3010][^()\[\]]*[)\]\uff09\u3011]")
_LIMIT: Final = re.compile(
    r"(?<![^\s(,;])(?:except|excluding|other than|apart from|but not|anywhere)\b(?![/.]\w)", re.I
)
"""Words by which an item names fewer or other files than its path does."""

_STATED: Final = re.compile(r"(?:^|[^\w\s]|\bis|\bare)\s*(?:locked|frozen|forbidden|read-only)\W*$", re.I)
"""What a text says last if it guards the path that it begins with."""

_NO_TITLE: Final = "it lists paths, and no title above it is one that is read"


class SectionPath(Record):
    """One path that a section gives.

    Attributes:
        meaning: the meaning of the section's items, one of `MEANINGS`.
        path: the path or pattern.
        line: its line.
    """

    meaning: str
    path: str
    line: int


def known_sections(sections: Mapping[str, str]) -> dict[str, str]:
    """Return the meaning of each known section, by its title in normal form.

    Args:
        sections: the setting `[authority] sections`, which overrides the defaults.
    """
    return {normal_title(title): meaning for title, meaning in (*SECTIONS.items(), *sections.items())}


def read_sections(
    document: Document, path: str, sections: Mapping[str, str]
) -> tuple[list[SectionPath], list[Unread]]:
    """Read the known sections of a document.

    A section within a known one belongs to it, unless its own title is known. A list item or table row that
    begins with a code span or a bare path gives that path. An item with a nested list may be a label. Other
    text that could hold a path is unread: other items, code blocks, quotes, and paragraphs that name a path.
    Other paragraphs explain, and are ignored. A list that names no path, in a section that gives paths
    elsewhere, explains too; it is unread as `prose`. A list of paths under an unknown title is unread as a
    whole, as `title` if the words above it suggest a guard.

    Args:
        document: the document.
        path: its path, for unread text.
        sections: the meaning of each known section, from `known_sections`.
    """
    read: list[SectionPath] = []
    unread: list[Unread] = []
    titles_with_paths: set[str] = set()
    prose_items: list[tuple[str, Unread]] = []
    above: Sequence[Heading] = ()
    label, lines = "", document.source_lines
    for block, titles, meaning, title in _blocks_with_section(document, sections):
        words = [*(one.text.plain for one in reversed(titles)), label if titles is above else ""]
        above, label = titles, block.text.plain if isinstance(block, Paragraph) else ""
        code = [one.info for one in fences(block.blocks)] if isinstance(block, Quote) else []
        if any("toml specguard" in one for one in ([block.content] if isinstance(block, Html) else code)):
            why = "settings are not read in a quotation or HTML"
            unread.append(Unread(path, block.line, "", lines[block.line - 1], why))
        elif not meaning:
            _note_unread_list(block, words, path, unread)
        elif meaning != "nothing":
            prose = _is_prose(block)
            for text, problem in _items(block):
                reason = f"it is {problem}; paths are read from lists and tables" if problem else ""
                reason = reason or _add_paths(text, meaning, read)
                if not reason:
                    titles_with_paths.add(title)
                    continue
                shown_text = text.raw if problem else text.plain
                unread.append(Unread(path, text.line, title, shown_text, reason, meaning))
                if prose:
                    prose_items.append((title, unread[-1]))
    for title, item in prose_items:
        if title in titles_with_paths:
            item.meaning = "prose"
    fence, why = "```toml specguard", "it is in a comment"
    told = [one for one in document.hidden_parts if one.what == "comment" and f"\n{fence}" in f"\n{one.text}"]
    unread += [Unread(path, one.line or 1, "", fence, why, "hidden") for one in told]
    for hidden, where in ((document.hidden_blocks, "HTML"), (document.unseen_footnotes, "a footnote")):
        for block in hidden[:1]:
            why = f"it is in {where} that no page shows"
            unread.append(Unread(path, block.line, "", lines[block.line - 1], why, "hidden"))
    return read, unread


def _blocks_with_section(
    document: Document, sections: Mapping[str, str]
) -> Iterator[tuple[AnyBlock, Sequence[Heading], str, str]]:
    """Yield each block, with its headings, and its known section's meaning and title.

    Of headings, only those in a known section are yielded.
    """
    titles: list[Heading] = []
    meaning = title = ""
    for block in document.blocks:
        if isinstance(block, Heading):
            titles = [*(one for one in titles if one.level < block.level), block]
            meaning = title = ""
            for text in [one.text for one in titles]:
                found = sections.get(normal_title(text.rendered)) or sections.get(normal_title(text.plain))
                if found and (found != "nothing" or not meaning):
                    meaning, title = found, text.plain
            if found or not meaning:
                continue
        yield block, titles, meaning, title


def _note_unread_list(block: AnyBlock, words: Sequence[str], path: str, unread: list[Unread]) -> None:
    """Record that a list of paths under no known title is unread, once for each title."""
    guard = next(filter(_GUARD_WORDS.search, words), "")
    if _lists_paths(block, any_path=bool(guard)):
        labels = [one.text.plain for one in getattr(block, "items", ()) if one.rest]
        guard = guard or next(filter(_GUARD_WORDS.search, labels), "")
        title = guard or next(filter(None, words), "")
        guards = guard or any(_STATED.search(one.plain) for one in texts([block]))
        known = any(one.meaning in ("title", "list") and one.text == title for one in unread)
        # Names of branches look like paths.
        about = [word for one in (title, guard or words[-1]) for word in normal_title(one).split()[:2]]
        if not any(word.startswith("branch") for word in about) and (title is words[-1] or not known):
            unread.append(Unread(path, block.line, "", title, _NO_TITLE, "title" if guards else "list"))
        return
    for text in texts([block]):
        label, _, rest = text.raw.partition(":")
        # A longer text before a colon is a sentence, and names of branches look like paths.
        guards = len(label) < 40 and "branch" not in label.lower() and _GUARD_WORDS.search(label)
        if guards and any(map(looks_like_path, leading_paths(rest.strip(" *_")).paths)):
            unread.append(Unread(path, text.line, "", label.strip(" *_"), _NO_TITLE, "title"))


def listed_paths(document: Document, line: int, text: str) -> tuple[str, list[str], list[Text]]:
    """Return the title, the paths, and the items without a path of a list that was not read.

    Args:
        document: the document.
        line: the list's line.
        text: the words above the list, as they are in `Unread`. If they are not a heading, the title is
            empty.
    """
    titles = [one.text.plain for one in document.blocks if isinstance(one, Heading)]
    title = next((title for title in titles if shortened(title, SHOWN) == text), "")
    found = [text for one in document.blocks if one.line == line for text, kind in _items(one) if not kind]
    other = [text for text in found if not leading_paths(text.raw).paths]
    paths = [path for text in found for path in leading_paths(text.raw).paths]
    return title, list(dict.fromkeys(paths)), other


def suggested_rule(text: str) -> str:
    """Return the name of the rule that a text suggests, words in brackets ignored; empty if there is none."""
    words = _BRACKETS.sub(" ", text.casefold())
    if any(stem in words for stem in ("forbid", "forbad", "prohibit")):
        return "forbidden-path"
    return "locked-path" if _GUARD_WORDS.search(words) else ""


def _lists_paths(block: AnyBlock, *, any_path: bool) -> bool:
    """Return True if at least half of a list's items surely begin with a path; if `any_path`, any text."""
    if not isinstance(block, (List, Table)):
        text = block.text.raw if isinstance(block, Paragraph) else ""
        if isinstance(block, Fence) and block.info in ("", "text"):
            text = block.content
        return any_path and bool(leading_paths(text).paths)
    items = [leading_paths(text.raw).paths for text, problem in _items(block) if not problem]
    sure = [paths for paths in items if any(map(looks_like_path, paths))]
    return any(items) if any_path else 0 < len(items) <= 2 * len(sure)


def _is_prose(block: AnyBlock) -> bool:
    """Return True if a block is a list in which no item begins with a path or names one."""
    return isinstance(block, List) and not any(
        leading_paths(text.raw).paths or any(map(looks_like_path, _paths(text))) for text, _ in _items(block)
    )


def _add_paths(text: Text, meaning: str, read: list[SectionPath]) -> str:
    """Add the paths that a text begins with; return why some of it was not read, or an empty string."""
    leading = leading_paths(text.raw)
    if not leading.paths:
        return "it does not begin with a path"
    below = text.raw.partition(" " if leading.in_sentence else "\n")[2].strip()
    # Before a word, only a sure path is read: not `and/or`.
    parts = [f"{word} x" for word in below.split()] if leading.in_sentence else [below]
    more = [path for part in parts for path in leading_paths(part).paths] if not leading.rest else []
    words = CODE.sub(lambda code: " " * len(code[0]), text.raw)
    limit = _LIMIT.search(words) if meaning in ("locked-path", "forbidden-path") else None
    rest = leading.rest or (below if any(path not in leading.paths for path in more) else "")
    rest = rest or (text.raw[limit.start() :] if limit else "")
    problem = f"what follows the path was not understood: {rest}" if rest else ""
    for path in leading.paths:
        if "://" in path or path[0] in "~$<":
            problem = f"{path!r} is not a path in the repository"
        elif wrong := Guarding.problem_in(path):
            problem = wrong
        else:
            read.append(SectionPath(meaning, path, text.line))
    return problem


def _items(block: AnyBlock) -> Iterator[tuple[Text, str]]:
    """Yield the texts that may give a path, each with the kind of its block if that cannot."""
    if isinstance(block, List):
        for item in block.items:
            yield from _item(item)
    elif isinstance(block, Table):
        yield from ((_cell(row), "") for row in block.rows)
        heads = (one for one in block.header if any(map(looks_like_path, one.spans)))
        yield from ((one, "a table's head, not a row") for one in heads if leading_paths(one.raw).paths)
    elif isinstance(block, Footnote):
        for inner in block.blocks:
            yield from _items(inner)
    elif isinstance(block, Fence) and block.info.split()[:2] != ["toml", "specguard"]:
        yield Text(block.content, block.line), "a block of code"
    elif isinstance(block, Paragraph) and any(map(looks_like_path, _paths(block.text))):
        yield block.text, "a paragraph"
    elif isinstance(block, Heading) and any(map(looks_like_path, leading_paths(block.text.raw).paths)):
        yield block.text, "a heading"
    elif isinstance(block, Html):
        yield Text(block.content, block.line), "HTML"
    elif isinstance(block, Quote):
        yield Text("(a quotation)", block.line), "a quotation"


def _item(item: ListItem) -> Iterator[tuple[Text, str]]:
    """Yield an item's own text, unless it labels the list below it, and the texts below it."""
    text, rest = item.text, list(item.rest)
    label = any(isinstance(block, List) for block in rest) and not leading_paths(text.raw).paths
    if text.raw.strip() and (not label or any(map(looks_like_path, text.spans))):
        yield text, ""
    for block in rest:
        # A paragraph in an item explains it.
        if not isinstance(block, Paragraph) or any(map(looks_like_path, block.text.spans)):
            yield from _items(block)


def _cell(row: Sequence[Text]) -> Text:
    """Return the first cell of a row that begins with a path, else the first cell that is not empty."""
    filled = next((cell for cell in row if cell.raw.strip()), row[0])
    return next((cell for cell in row if leading_paths(cell.raw).paths), filled)


def _paths(text: Text) -> list[str]:
    """Return possible paths in a paragraph: its code spans, and words that contain a slash."""
    words = (word.strip("()[],.;:*_\"'") for word in text.raw.split())
    return [*text.spans, *(word for word in words if word.count("/") > 0 and "`" not in word)]


_NOT: Final = r"(?:(?:do )?not|never|cannot|(?:don|mustn|can)['\u2019]t)"
_BANNED: Final = r"(?:forbidden|prohibited|banned|(?:not|never)\s+(?:allowed|permitted))"
_LOCKED: Final = r"(?:locked|frozen|immutable|off-limits|read-only)"
# A question commands nothing.
_COMMAND_WORDS: Final = re.compile(
    r"^(?!.*\?[^\w?]*$)(?:.*(?<!-)\b"
    rf"(?:must|shall|only|required|ha(?:s|ve)\s+to|{_BANNED}|(?:do|may)\s+not|(?!not\b){_NOT}"
    r"|(?:nothing|nobody)\b.{0,80}?\bmay|conventional\s+commits?"
    rf"|(?:one|single)\s+commit\s+(?:per|(?:for|in)\s+(?:each|every))|(?:is|are)\s+{_LOCKED})\b"
    r"|\W*(?:no|(?:every|each|all|an?|changes?)\b.{0,80}?\b(?:requires?|needs?))\b)",
    re.IGNORECASE | re.DOTALL,
)
_RULE: Final = re.compile(r"\b[A-Z]{3}[0-9]{3}\b")

# Expressions without `re.compile` are for sentences that command, and are compiled with the first of them.
_STAY_UNCHANGED: Final = (
    rf"(?i)\b(?:{_NOT}|nobody|nothing)\b[^;]*?\b(?:touch|modif|edit|chang|delet|remov|renam|alter|mov)\w*"
    rf"|\b{_LOCKED}\b|\b(?:requir\w*|needs?) (?:an? |explicit )*approval"
    r"|^\S+:? (?:(?:is|are) )?(?:forbidden|prohibited)\b"
)
"""Wording that a path must stay unchanged."""

_MAY_CHANGE: Final = (
    r"(?i)\b(?:by hand|manually|directly|outside|except|other than|but|(?<!read-)only|optional)\b"
    r"|\b(?:not for|not required|need not)\b|\bsame (?:commit|change|pr|pull request)\b|^if |^when "
    rf"|\b{_NOT} (?:need|have) to \w|\bnothing\b(?:(?!\b(?:it|may|must|chang\w+)\b)[^;:,])* is {_LOCKED}\b"
    r"|\b(?:without|unless) (?!.*\b(?:approv|permi|review|consent|authori|ask|confirm|instruct))"
)
"""Wording that a path may change, in another way, in another case or together with something else."""

_FILLERS: Final = (
    r"(?:an?|all|any|each|every|the|its?|our|their|your|this|these|there|we|you|they|everyone|people|ai"
    r"|agents?|authors?|contributors?|contributions?|commits?|messages?|trailers?|history|repository|project"
    r"|branch|chang(?:es?|ing)|files?|folders?|director(?:y|ies)|documents?|paths?|contents?|must|shall|has"
    r"|have|to|be|is|are|needs?|require[sd]?|follow|use|include|contain|carry|with|of|in|on|within|direct(?:ly)?"
    r"|by|for|and|or|nor|always|ever|exactly|please|specification|format)"
)
"""Words that add nothing to what a sentence demands of every change."""

_GAP: Final = rf"(?:{_FILLERS}\W+)*"
_AT_MOST: Final = (
    r"(?:at most |up to |limited to |(?:not be|no) (?:more|longer) than |not exceed "
    r"|(?P<below>(?:shorter|less|fewer) than |under |below ))?(?P<most>[0-9]{2,3})"
)
_CHANGING: Final = r"(?:touch|modif|edit|chang|delet|remov|renam|alter|mov|creat|updat)\w*"
_GUARD_TERMS: Final = (
    rf"(?i)\b(?:{_NOT}\W+{_GAP}{_CHANGING}|{_CHANGING}|nobody"
    rf"|nothing|may|under|below|stay|so|{_LOCKED}|forbidden|prohibited"
    r"|(?:without|unless|requir\w*|needs?)\b.*(?:approv|permi|review|consent|authori|ask|confirm|instruct).*)\b"
)
"""What a sentence may say about the paths that it guards."""

_REMOVAL: Final = re.compile(r"\b(?:delet|remov|renam|mov)\w*", re.IGNORECASE)
_EXPLANATION: Final = re.compile(r"[:;(\u2013\u2014]|\s-\s|\b(?:because|since|so)\b", re.IGNORECASE)

_ONE_COMMIT: Final = r"\b(?:one|single|1) commit (?:per|for each|for every|in each)"

# A sign-off of documents is no trailer of commits.
_OF_DOCUMENTS: Final = ("Documents ", "All documents ", "Each document ", "Every document ")
_DCO: Final = r"(?:see (?:the )?)?(?:DCO|Developer Certificate of Origin)"

_KNOWN_DEMANDS: Final = (
    (
        r"^(?:(?:all|every) )?(?:pull request|PR) titles? (?:must|shall) follow conventional commits\b",
        "rules.pull-request-title.conventional = true",
    ),
    (r"\bconventional[- ]commits?\b", "rules.commit-message.conventional = true"),
    (
        rf"\b(?:sign(?:ed)?[- ]off(?:-by|s)?|{_DCO}|(?-i:git commit -s))\b",
        'rules.missing-trailer.require = [{key = "Signed-off-by"}]',
    ),
    (
        rf"\b(?:{_NOT}|no)\W+(?!need|have){_GAP}(?:push|commit)\w*\s+(?:\w+\s+)?(?:to|on|into)\s+(?:the\s+)?(main|master|trunk)\b",
        r'rules.protected-branch.branches = ["\1"]',
    ),
    (rf"{_ONE_COMMIT} (phase|track|task|slice)\b", r"work.\1.commits = 1"),
    (rf"{_ONE_COMMIT} (?:pull request|PR|branch|change)\b", "rules.commit-count.exactly = 1"),
    (
        rf"\b(?:(?:no|{_NOT} (?:create|make)) merge commits?|merge commits? are {_BANNED}|linear history)\b",
        "rules.merge-commit.linear = true",
    ),
    (
        rf"\b(?:{_NOT} end {_GAP}subject(?: line)?|subject(?: line)? must not end) with a (?:period|dot)\b",
        'rules.commit-form.trailing_dot = "forbid"',
    ),
    (rf"\bsubjects?(?: lines?)?\W+{_GAP}{_AT_MOST} char\w*", r"rules.commit-form.subject_max = \g<most>"),
    (
        r"\bCI\b[^;]*\b(?:not|never)\b[^;]*\blocalhost\b(?: services?)?",
        'rules.host-network-call.files = [".github/workflows/*.yml", ".github/workflows/*.yaml"]',
    ),
)
"""Settings that sentences ask for: an expression, and the setting.

An expression does not see what those before it have read.
"""


def find_statements(
    document: Document, path: str, sections: Mapping[str, str], policy: Policy
) -> Iterator[Statement]:
    """Yield all sentences of a document that command, except quotations.

    Args:
        document: the document.
        path: its path.
        sections: the meaning of each known section, from `known_sections`.
        policy: the policy that may enforce them.
    """
    unread = {(one.line, one.meaning) for one in policy.unread if one.path == path}
    for block, titles, _, _ in _blocks_with_section(document, sections):
        # Here the innermost known title counts, even if it guards nothing.
        known = (sections.get(normal_title(one.text.rendered), "") for one in reversed(titles))
        meaning = next(filter(None, known), "")
        for text in texts([block]):
            for sentence in text.sentences():
                if _COMMAND_WORDS.search(CODE.sub("", sentence.raw).replace("*", "").replace("_", "")):
                    text_line = " ".join(sentence.plain.split())
                    # The section's rule does not hold an item that was not read.
                    is_unread = (text.line, meaning) in unread and not isinstance(block, Paragraph)
                    enforcement = _find_enforcement(policy, sentence, text_line, "" if is_unread else meaning)
                    yield Statement(path, sentence.line, shortened(text_line, SHOWN), *enforcement)


def _find_enforcement(policy: Policy, sentence: Text, text: str, meaning: str) -> tuple[list[str], list[str]]:
    """Return the codes of the active rules that enforce a sentence; if none does, settings that would."""
    named = {*_RULE.findall(text), *sentence.spans}
    codes = {rule.code for rule in policy.rules if rule.active and named & {rule.code, rule.name}}
    section = policy.active_rule(meaning)
    if section and text.endswith(":") and suggested_rule(text) == section.name:
        codes.add(section.code)
    if codes or len(text) > LONGEST_SENTENCE:
        return sorted(codes), []
    if re.search(_STAY_UNCHANGED, text) and not re.search(_MAY_CHANGE, text):
        codes, proposed = _find_guards(policy, sentence, text, meaning)
        if codes or proposed:
            return sorted(codes), proposed
    wanted: list[str] = []
    rest = text
    for expression, setting in _KNOWN_DEMANDS:
        table, name, _ = setting.split(".", 2)
        rule = policy.rule(name if table == "rules" else "commit-count")
        # The platform writes what a squash lands, so no commit is asked for trailers (CMT006).
        judged = name != "missing-trailer" or not (policy.merge == "squash" or text.startswith(_OF_DOCUMENTS))
        for match in re.finditer(expression, rest, re.IGNORECASE) if judged else ():
            rest = rest.replace(match[0], "\0")
            asked = match.expand(setting) if match.re.groups else setting
            if match.groupdict().get("below"):
                asked = asked.replace(match["most"], str(int(match["most"]) - 1))
            if rule and rule.active and _in_force(policy, tomllib.loads(asked)):
                codes.add(rule.code)
            else:
                wanted.append(asked)
    if not _says_no_more(rest) or not all(one.startswith("rules.") for one in wanted):
        return [], []
    return [] if wanted else sorted(codes), list(dict.fromkeys(wanted))


def _says_no_more(rest: str) -> bool:
    """Return True if a text says nothing of weight beside what was understood, which a NUL replaces."""
    head, _, tail = rest.rpartition("\0")
    said, *explanation = _EXPLANATION.split(tail, 1)
    words = re.sub(rf"(?i)\b{_FILLERS}\b", "", head + said)
    return not any(map(str.isalnum, words)) and not re.search(_MAY_CHANGE, "".join(explanation))


def _find_guards(policy: Policy, sentence: Text, text: str, meaning: str) -> tuple[set[str], list[str]]:
    """Return the codes of the rules that guard all paths of a sentence; else none, and a setting that would.

    Without a path, the section's own rule counts.
    """
    raw = CODE.sub(" ", sentence.raw).split()
    words = (word.lstrip("([*_\"'").rstrip(")],.;:*_\"'").removeprefix("./") for word in raw)
    # Stars that a reader sees are no emphasis.
    words = (f"**{word}" if word.startswith("/") and f"**{word}" in text else word for word in words)
    names = [name for name in (*sentence.spans, *words) if name and looks_like_path(name)]
    every = [*names, *sentence.spans]
    guards = {one: policy.guards.find(one.removesuffix("/**").strip("/").encode()) for one in every}
    # A code span that is no path may still name something that is guarded.
    found = {one: guard for one, guard in guards.items() if guard or one in names}
    section = policy.active_rule(meaning)
    if not found and section is not None:
        # A name in a code span may be that of a file which the section does not list.
        return set() if any(name[:1].isalnum() for name in sentence.spans) else {section.code}, []
    names = list(dict.fromkeys([*sentence.spans, *names]))
    said = re.sub(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(names, reverse=True)))})", "\0", text)
    if not _says_no_more(re.sub(_GUARD_TERMS, "\0", said)):
        return set(), []
    if found and all(found.values()):
        return {guard.code for guard in found.values() if guard}, []
    # A lock also holds edits, which a sentence on removals alone does not speak of.
    stays = re.search(_STAY_UNCHANGED, _REMOVAL.sub("", said)) and not any(map(Guarding.problem_in, names))
    return set(), [f"rules.locked-path.paths = {toml_value(names)}"] if names and stays else []


def _in_force(policy: Policy, wanted: Mapping[str, Any]) -> bool:
    """Return True if a policy has a setting, or a stricter one."""
    for name, table in wanted.get("rules", {}).items():
        rule = policy.rule(name)
        ((key, value),) = table.items()
        return rule is not None and _covers(plain(getattr(rule.load(), key, None)), value)
    ((kind, table),) = wanted["work"].items()
    found = policy.tables.get("work", {}).get(kind)
    commits = plain(found.commits) if found else None
    return bool((commits.get("exactly") if isinstance(commits, dict) else commits) == table["commits"])


def _covers(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return all(any(_covers(one, each) for one in value or ()) for each in wanted)
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(value.get(key) == each for key, each in wanted.items())
    if isinstance(wanted, int) and not isinstance(wanted, bool):
        return isinstance(value, int) and 0 < value <= wanted
    return bool(value == wanted)
