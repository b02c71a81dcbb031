"""`[authors.<name>]`: who is known to have made a change, and which conventions do not hold for them.

A name or an address in a commit proves nothing, so neither is asked. The platform knows its accounts, and a
key signs.
"""

from __future__ import annotations

from specguard.approvals.keys import key_problem
from specguard.approvals.people import SIGNATURE
from specguard.declaration.rule import Settings
from specguard.errors import MissingFact, NotApplicable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Annotated, Final

    from pydantic import Field

    from specguard.change.change import Change
    from specguard.change.git import Git
    from specguard.model import RuleResult

CONVENTIONS: Final = ("CMT", "PRQ")
"""The families of which an author may be exempt; what guards holds for everybody."""


class Author(Settings):
    """Somebody, such as a bot, whose commit messages and pull requests are not the team's."""

    logins: Annotated[
        list[str],
        Field(
            description="accounts, if the platform's event says who opened the pull request",
            json_schema_extra={"tightens": "fewer"},
        ),
    ] = []
    keys: Annotated[
        list[str],
        Field(
            description="public SSH keys, if one has signed each commit",
            json_schema_extra={"tightens": "fewer"},
        ),
    ] = []
    exempt: Annotated[
        list[str],
        Field(
            min_length=1,
            description="what does not hold for them: these families or their codes",
            json_schema_extra={"tightens": "fewer"},
        ),
    ] = ["CMT", "PRQ"]

    def problem(self) -> str:
        """What cannot be, as a clause."""
        other = next((one for one in self.exempt if not one.startswith(CONVENTIONS)), None)
        if other is not None:
            return f"`exempt` names {other!r}, and an author is exempt only of {' and '.join(CONVENTIONS)}"
        if not self.logins and not self.keys:
            return "it has neither `logins` nor `keys`, by which the author would be known"
        return next((said for key in self.keys if (said := key_problem(key))), "")


def exempt(results: Sequence[RuleResult], change: Change, authors: Mapping[str, Author]) -> None:
    """Take back what rules found of which the known author of a change is exempt.

    Args:
        results: what became of the rules; some are altered.
        change: what was judged.
        authors: the policy's table.
    """
    for name, author in authors.items():
        held = [
            result
            for result in results
            if result.state in ("failed", "warned", "indeterminate")
            and not {result.code, result.code[:3]}.isdisjoint(author.exempt)
        ]
        known = _known_by(author, change) if held else ""
        for result in held if known else ():
            result.state, result.findings = "not-applicable", []
            result.reason = f"{name} made the change, as {known} shows, and is exempt ([authors.{name}])"


def _known_by(author: Author, change: Change) -> str:
    """What shows that an author made a change; empty where nothing does."""
    login = change.author_login.casefold()
    if login and login in {one.casefold() for one in author.logins}:
        return "the platform's event"
    try:
        commits = change.commits if author.keys else ()
        if commits and all(is_signed(change.git, commit.oid, author.keys) for commit in commits):
            return "the signature of each commit"
    except (MissingFact, NotApplicable):
        # Whom nothing shows is not exempt.
        return ""
    return ""


def is_signed(git: Git, oid: str, keys: Sequence[str]) -> bool:
    """Whether one of some public SSH keys has signed a commit.

    Raises:
        MissingFact: `ssh-keygen` is not there, or cannot tell.
    """
    from specguard.approvals.signatures import signer

    header, blank, message = git.object(oid)[1].partition(b"\n\n")
    header += blank[:1]
    found = SIGNATURE.search(header)
    if found is None:
        return False
    signed = header[: found.start()] + header[found.end() + 1 :] + blank[1:] + message
    return signer(signed, found[1].replace(b"\n ", b"\n"), keys, namespace="git") is not None
