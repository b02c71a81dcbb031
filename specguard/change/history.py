"""The base's history, searched for commits that mention something."""

from __future__ import annotations

from specguard.change.facts import PastCommit
from specguard.change.process import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from specguard.change.entry import Entry
    from specguard.change.git import Git


class History:
    """The commits of the trusted base's tip, and of what a change stands on, and all before them.

    Args:
        git: where they are read.
        tips: their object ids; None where there is no base, and so no history.
    """

    def __init__(self, git: Git, *tips: str | None) -> None:
        self._git = git
        self._tips = [tip for tip in tips if tip]

    def mentioning(self, words: Sequence[str]) -> Iterator[PastCommit]:
        """The commits whose message has one of these words, newest first.

        Args:
            words: plain text, sought anywhere and whatever its case; only ASCII letters have two cases here.

        Raises:
            MissingFact: the history is not all there.
        """
        wanted = [word for word in words if word]
        if not wanted or not self._tips:
            return
        process = self._git.start(
            "log", "-z", "--format=%H%n%B", "--encoding=UTF-8", "-F", "-i",
            *[f"--grep={word}" for word in wanted], *self._tips, "--",
        )  # fmt: skip
        rest = b""
        try:
            for chunk in process.chunks():
                *records, rest = (rest + chunk).split(b"\0")
                for record in records:
                    yield _commit(record)
        except CommandError as error:
            raise self._git.missing("the base's history", error.first_line) from error
        if rest:
            yield _commit(rest)

    def changed_since(self, paths: Sequence[bytes]) -> Sequence[Entry]:
        """How the first tip differs from the first commit that had one of some files, by first parents.

        Raises:
            MissingFact: the history is not all there.
        """
        names = [path.decode("utf-8", "surrogateescape") for path in paths]
        if not self._tips or not names:
            return ()
        process = self._git.start(
            "log", "--first-parent", "--no-renames", "--diff-filter=A", "--format=%H", self._tips[0], "--",
            *names,
        )  # fmt: skip
        found = self._git.read(process, "the history").decode("ascii").split()
        return self._git.diff_trees(found[-1], self._tips[0]) if found else ()

    def changed_by(self, commit: PastCommit) -> Sequence[Entry]:
        """How a commit differs from its first parent.

        Raises:
            MissingFact: one of them is not there.
        """
        before = self._git.commit(commit.oid).parents[:1] or [self._git.empty_tree]
        return self._git.diff_trees(before[0], commit.oid)


def _commit(record: bytes) -> PastCommit:
    oid, _, message = record.decode("utf-8", "surrogateescape").partition("\n")
    return PastCommit(oid, message.rstrip("\n"))
