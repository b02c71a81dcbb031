"""What a report can quote: the authority's words, what the change does to the file, and the rule's text."""

from __future__ import annotations

from specguard.errors import MissingFact, NotApplicable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Final

    from specguard.authority.policy import Policy
    from specguard.change.git import Git
    from specguard.change.lines import Hunk
    from specguard.change.sources import Change
    from specguard.model import Origin, RuleResult

_PRESET: Final = "preset:"


def quote(results: Sequence[RuleResult], policy: Policy, change: Change) -> None:
    """Give each finding the line of the authority that is behind it, as `Judged.quote`.

    A line that cannot be had, such as one of a file that `--authority` names, stays empty.

    Args:
        results: the results whose findings are meant.
        policy: what they were judged by.
        change: what was judged.
    """
    quotes = Quotes(policy, change.git)
    for result in results:
        for judged in result.findings:
            judged.quote = quotes.of(judged.authority)


class Quotes:
    """The words of a policy's documents and presets, line by line.

    Args:
        policy: the policy.
        git: reads its documents.
    """

    def __init__(self, policy: Policy, git: Git) -> None:
        self._policy = policy
        self._git = git
        self._documents = dict(policy.documents)
        self._known: dict[str, Sequence[str]] = {}

    def of(self, origin: Origin | None) -> str:
        """A line without the blanks around it; empty where it is a whole file, or cannot be had."""
        if origin is None or not origin.line:
            return ""
        if origin.path not in self._known:
            self._known[origin.path] = self._lines(origin.path)
        lines = self._known[origin.path]
        return lines[origin.line - 1].strip() if origin.line <= len(lines) else ""

    def _lines(self, path: str) -> Sequence[str]:
        if path.startswith(_PRESET):
            from specguard.engine.plugins import load_registry

            text = load_registry(self._policy.plugins).presets.get(path.removeprefix(_PRESET), "")
            return text.split("\n")
        oid = self._documents.get(path)
        try:
            content = self._git.small_blob(oid, path) if oid else None
        except MissingFact:
            content = None
        return (content or b"").decode("utf-8", "surrogateescape").split("\n")


def hunks_of(results: Sequence[RuleResult], change: Change) -> Mapping[bytes, Sequence[Hunk]]:
    """What the change removes and adds in the files that findings are about, by path.

    A file that is binary or cannot be compared is left out.

    Args:
        results: the results whose findings are meant.
        change: what was judged.
    """
    paths = {judged.finding.path for result in results for judged in result.findings}
    try:
        entries = [entry for entry in change.entries if entry.path in paths]
    except (MissingFact, NotApplicable):
        return {}
    try:
        return {entry.path: hunks for entry, hunks in change.lines.compare(entries)}
    except MissingFact:
        pass
    # One of them is not there or too large: the others are compared by themselves.
    found = {}
    for entry in entries:
        try:
            found[entry.path] = change.lines.hunks(entry)
        except MissingFact:
            continue
    return found


def describe(results: Sequence[RuleResult], policy: Policy) -> None:
    """Give each rule that was judged its docstring, as `RuleResult.text`, and where it comes from.

    Args:
        results: the results of the rules.
        policy: what they were judged by.
    """
    rules = {rule.code: rule for rule in policy.rules}
    for result in results:
        rule = rules.get(result.code)
        if rule is not None:
            result.plugin = rule.plugin
            # A rule that was not judged need not be imported; one that cannot be has crashed.
            if result.state not in ("off", "not-applicable") and not result.crashed:
                result.text = type(rule.load()).__doc__ or ""
