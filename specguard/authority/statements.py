"""The sentences of an authority that command, what holds each, and what setting would.

A sentence is bound to an active rule where it names that rule's code or name; where it says that paths must
stay as they are, and they are guarded; or where it asks for a setting of `_ASKED`, and that one is in force.
More is not guessed: what stands beside a sentence holds nothing of it.
"""

from __future__ import annotations

import re
import tomllib

from specguard.authority.unread import SHOWN
from specguard.authority.values import plain
from specguard.documents.blocks import Heading, texts
from specguard.documents.content import looks_like_path
from specguard.documents.titles import normal_title
from specguard.documents.toml import toml_value
from specguard.model import shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Final

    from specguard.authority.guards import Guard
    from specguard.authority.policy import Policy
    from specguard.documents.blocks import AnyBlock, Text
    from specguard.documents.document import Document

_COMMANDS: Final = re.compile(
    r"(?<!-)\b(?:must|shall|never|only|required|forbidden|prohibited|do\s+not|don't|conventional\s+commits?)\b",
    re.IGNORECASE,
)
_CODE: Final = re.compile(r"(`+).+?\1", re.DOTALL)
_RULE: Final = re.compile(r"\b[A-Z]{3}[0-9]{3}\b")

_KEEPS: Final = re.compile(
    r"\b(?:not|never|don't|nobody|cannot)\b[^;]*?\b(?:touch|modif|edit|chang|delet|remov|renam|alter|mov)\w*"
    r"|\b(?:locked|frozen|immutable|read-only|off-limits)\b|\brequir\w* (?:an? |explicit )*approval",
    re.IGNORECASE,
)
"""A path that it names is to be left alone."""

_OTHERWISE: Final = re.compile(
    r"\b(?:by hand|manually|directly|outside|except|other than|but|same (?:commit|change|pr|pull request))\b"
    r"|\bwithout (?!.*\b(?:approv|permi|review|consent|authori|ask|confirm|instruct))",
    re.IGNORECASE,
)
"""It may change, in another way or with something else."""

_ASKED: Final = (
    (r"\bconventional[- ]commits?\b", "commit-message", "rules.commit-message.conventional = true"),
    (
        r"\b(?:signed[- ]off|sign[- ]offs?|DCO)\b",
        "missing-trailer",
        'rules.missing-trailer.require = [{key = "Signed-off-by"}]',
    ),
    (
        r"\b(?:not|never|don't|no)\b[^;]*\b(?:push|commit)\w*\s+(?:\w+\s+)?(?:to|on|into)\s+(?:the\s+)?(main|master|trunk)\b",
        "protected-branch",
        r'rules.protected-branch.branches = ["\1"]',
    ),
    (
        r"\b(?:one|single|1) commit (?:per|for each|for every|in each) (phase|track|task|slice)\b",
        "commit-count",
        r"work.\1.commits = 1",
    ),
    (
        r"\b(?:one|single|1) commit (?:per|for each|for every|in each) (?:pull request|PR|branch|change)\b",
        "commit-count",
        "rules.commit-count.exactly = 1",
    ),
    (r"\bno merge commits?\b|\blinear history\b", "merge-commit", "rules.merge-commit.linear = true"),
    (
        r"\bsubjects?(?: lines?)?\b[^;]*?\b([0-9]{2,3}) char",
        "commit-form",
        r"rules.commit-form.subject_max = \1",
    ),
    (
        r"\blocalhost\b",
        "host-network-call",
        'rules.host-network-call.files = [".github/workflows/*.yml", ".github/workflows/*.yaml"]',
    ),
)
"""What sentences ask for: an expression, the rule that holds it, and the setting by which it does."""


class Command:
    """A sentence that commands.

    Attributes:
        path: the document.
        line: its line.
        text: the sentence on one line.
        meaning: what the items of the section around it are, such as `locked-path`; empty outside.
        spans: its code spans.
        names: the paths that it names.
    """

    __slots__ = ("line", "meaning", "names", "path", "said", "spans", "text")

    def __init__(self, path: str, sentence: Text, meaning: str) -> None:
        self.path = path
        self.line = sentence.line
        self.said = " ".join(sentence.plain.split())
        self.text = shortened(self.said, SHOWN)
        self.meaning = meaning
        self.spans = sentence.spans
        words = (word.strip("()[],.;:*_\"'") for word in _CODE.sub(" ", sentence.raw).split())
        self.names = [name for name in (*self.spans, *words) if name and looks_like_path(name)]

    def held(self, policy: Policy) -> tuple[list[str], list[str]]:
        """The codes of the active rules that hold it; where none does, settings that would."""
        named = {*_RULE.findall(self.said), *self.spans}
        codes = {rule.code for rule in policy.rules if rule.active and named & {rule.code, rule.name}}
        would: list[str] = []
        if _KEEPS.search(self.said) and not _OTHERWISE.search(self.said):
            guards = {name: _guard(policy, name) for name in dict.fromkeys([*self.names, *self.spans])}
            found = [guard for name, guard in guards.items() if guard or name in self.names]
            section = policy.rule(self.meaning)
            if not found and section is not None and section.active:
                codes.add(section.code)
            elif all(found):
                codes.update(guard.code for guard in found if guard is not None)
            else:
                would.append(f"rules.locked-path.paths = {toml_value(self.names)}")
        for expression, name, setting in _ASKED:
            asked = re.search(expression, self.said, re.IGNORECASE)
            rule = policy.rule(name)
            if asked is None or rule is None:
                continue
            setting = asked.expand(setting) if asked.re.groups else setting
            if rule.active and _in_force(policy, tomllib.loads(setting)):
                codes.add(rule.code)
            elif setting.startswith("rules."):
                would.append(setting)
        return sorted(codes), [] if codes else would


def commands_of(document: Document, path: str, sections: Mapping[str, str]) -> Iterator[Command]:
    """All sentences of a document that command, quotations left out.

    Args:
        document: the document.
        path: its path.
        sections: what each known section is, from `known_sections`.
    """
    open_sections: list[tuple[int, str]] = []
    for heading, inside in _parts(document):
        if heading is not None:
            while open_sections and open_sections[-1][0] >= heading.level:
                open_sections.pop()
            open_sections.append((heading.level, sections.get(normal_title(heading.text.plain), "")))
        meaning = next((meaning for _, meaning in reversed(open_sections) if meaning), "")
        for text in texts(inside):
            for sentence in text.sentences():
                if _COMMANDS.search(_CODE.sub("", sentence.raw)):
                    yield Command(path, sentence, meaning)


def _parts(document: Document) -> Iterator[tuple[Heading | None, list[AnyBlock]]]:
    """Each heading with the blocks up to the next heading of any level."""
    heading: Heading | None = None
    inside: list[AnyBlock] = []
    for block in document.blocks:
        if isinstance(block, Heading):
            yield heading, inside
            heading, inside = block, []
        else:
            inside.append(block)
    yield heading, inside


def _guard(policy: Policy, name: str) -> Guard | None:
    return policy.guards.find(name.removesuffix("/**").rstrip("/").encode())


def _in_force(policy: Policy, wanted: Mapping[str, Any]) -> bool:
    """Whether a policy has a setting, or one that asks for more."""
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
