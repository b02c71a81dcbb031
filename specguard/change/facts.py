"""Small facts about where a change comes from and where it goes."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from specguard.change.change import Change
    from specguard.change.commit import Commit
    from specguard.change.entry import Entry
    from specguard.documents.document import Document
    from specguard.model import Stage


class Branch:
    """The branch that is judged.

    Attributes:
        name: its short name, e.g. `phase-12`; bytes that are not UTF-8 are surrogate escapes.
        source: what said so: `option` (`--branch`), `event`, `head` (a head given by name), `HEAD`,
            `push` or `run`.
    """

    __slots__ = ("name", "source")

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.source = source


class PullRequest:
    r"""A pull request's text, as flags, an event file or the platform's variables give it.

    Attributes:
        title: None where the source has none.
        body: with `\n` for newlines; None where the source has none.
        base: the short name of the branch it is to be merged into, or None.
        number: None where it is not known.
    """

    __slots__ = ("_document", "base", "body", "number", "title")

    def __init__(
        self,
        *,
        title: str | None = None,
        body: str | None = None,
        base: str | None = None,
        number: int | None = None,
    ) -> None:
        self.title = title
        self.body = body
        self.base = base
        self.number = number
        self._document: Document | None = None

    def section(self, title: str) -> str | None:
        """What a reader sees in a section of the body; None where it has no such heading, or is not known.

        Args:
            title: the heading's words; case, numbering and punctuation do not count.
        """
        from specguard.documents.blocks import Html, fences, texts
        from specguard.documents.document import Document

        if self._document is None:
            self._document = Document(self.body or "")
        section = self._document.section(title)
        if section is None:
            return None
        seen = [text.plain for text in texts(section.blocks)]
        seen += [fence.content for fence in fences(section.blocks)]
        seen += [block.content for block in section.blocks if isinstance(block, Html)]
        return "\n".join(seen)


class Base:
    """What a change is compared with.

    Attributes:
        name: how a person calls it, e.g. `origin/main`.
        tip: the object id everything trusted is read from; None where there is nothing trusted.
        start: the object id whose tree the entries are taken against (the merge base); None: the empty tree.
        head: the judged commit's object id; None where the head is no commit (an index, a tree).
        trusted: whether `tip` was found as a base, and is not `HEAD`, the head or `--authority`'s.
        merge_bases: all merge bases of `tip` and `head`, where both are commits.
        stacked: whether it is not the trusted base itself, but an item's branch that the change stands on.
        of_files: whether files of the working tree are judged, which git need not know yet.
    """

    __slots__ = ("_change", "head", "merge_bases", "name", "of_files", "stacked", "start", "tip", "trusted")

    def __init__(
        self,
        change: Change,
        *,
        name: str,
        tip: str | None,
        start: str | None,
        head: str | None,
        trusted: bool,
        merge_bases: Sequence[str] = (),
        stacked: bool = False,
        of_files: bool = False,
    ) -> None:
        self._change = change
        self.name = name
        self.stacked = stacked
        self.tip = tip
        self.start = start
        self.head = head
        self.trusted = trusted
        self.merge_bases = merge_bases
        self.of_files = of_files

    def has(self, entry: Entry) -> bool:
        """Whether an entry leaves at its path what the trusted base has there: nothing has to be put back."""
        return self._change.is_put_back(entry)

    def origin(self, entry: Entry) -> str | None:
        """The commit that has what is to be put back at an entry's path; None where there is none."""
        joined = self._change.joined
        return (joined.origin(entry) if joined else None) or self.start

    @property
    def commits(self) -> Sequence[Commit]:
        """The judged commits, oldest first; none where what is judged is no commit yet."""
        return () if self.head is None or self.of_files else self._change.commits

    def is_branch(self, branch: Branch, stage: Stage) -> bool:
        """Whether the judged branch is the base itself, and what is judged has landed there.

        A fork's pull request may come from a branch that has the base's name: nothing of it has landed.
        """
        landed = branch.source == "event" and stage != "pull-request"
        return self.name in {branch.name, f"origin/{branch.name}"} and (landed or self.head == self.tip)


class Ref:
    """A branch, local or of a remote.

    Attributes:
        name: in full, e.g. `refs/remotes/origin/main`.
        short: without `refs/heads/` or `refs/remotes/<remote>/`.
        oid: the full object id it points to.
    """

    __slots__ = ("name", "oid", "short")

    def __init__(self, name: str, short: str, oid: str) -> None:
        self.name = name
        self.short = short
        self.oid = oid


class Remote:
    """A remote as the repository's and the user's configuration have it.

    Attributes:
        name: e.g. `origin`.
        url: its first address, as written; None where the remote does not exist.
        fetch: where a fetch goes, after `url.<base>.insteadOf`; empty where the remote does not exist.
        pushes: every address that a push goes to, after `pushurl`, `pushInsteadOf` and `insteadOf`.
    """

    __slots__ = ("fetch", "name", "pushes", "url")

    def __init__(self, name: str, *, url: str | None, fetch: str = "", pushes: Sequence[str] = ()) -> None:
        self.name = name
        self.url = url
        self.fetch = fetch
        self.pushes = pushes


class Push:
    """One ref of a push.

    Attributes:
        remote: the remote's name or URL.
        local_ref: what is pushed, as git's pre-push input names it; empty where it is not known.
        remote_ref: the ref that will be written, in full.
        new: the object id that is pushed; None for a deletion.
        old: the object id the remote has; None for a ref that is new there.
    """

    __slots__ = ("local_ref", "new", "old", "remote", "remote_ref")

    def __init__(
        self, *, remote: str, local_ref: str, remote_ref: str, new: str | None, old: str | None
    ) -> None:
        self.remote = remote
        self.local_ref = local_ref
        self.remote_ref = remote_ref
        self.new = new
        self.old = old


class PastCommit:
    """A commit of the base's history, read only as far as its message.

    Attributes:
        oid: its full object id.
        message: subject and body as text.
    """

    __slots__ = ("message", "oid")

    def __init__(self, oid: str, message: str) -> None:
        self.oid = oid
        self.message = message

    @property
    def subject(self) -> str:
        """The first line."""
        return self.message.split("\n", 1)[0]
