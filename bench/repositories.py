"""The judged repositories, built with `git fast-import` and kept below `.bench/`.

Repositories are the same on every machine: names, contents and dates come from a seeded generator.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import markdown
from place import PLACE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

POLICIES = Path(__file__).resolve().parent / "policies"
AUTHOR = b"Ann Example <ann@example.org>"
FIRST_DATE = 1_767_225_600
"""The first commit's date in seconds since 1970: 2026-01-01. Each next one is a minute later."""

WORDS = """
    adapter alias anchor archive batch beacon border bridge buffer cache canvas channel cluster
    codec column cursor decoder driver engine entity export factory feature filter format gateway
    graph handler header import index journal kernel layout ledger linker loader locale logger
    mapper matrix module monitor object packet parser policy portal process queue reader record
    region relay render report router schema script sensor session signal socket source stream
    switch symbol table ticket timer token tracer update vector viewer widget worker writer
""".split()  # noqa: SIM905 - as a literal it would be ninety lines

COMMITS = 2500
PARTS = (1, 100, 500)
"""The numbers of the 2,500 commits that the branches `first-1`, `first-100` and `first-500` have."""

FRESH_POLICIES = 300
ENTRIES = 10_000
FILES = 2_000
LINES_A_FILE = 500
FILES_WITH_FEW = 112
FILES_WITH_MOST = 1_326
DOCUMENTS = 5_000
MORE_DOCUMENTS = 10_000
FRESH_COMMITS = 100
CHANGES = 50_000

MESSAGE = """feat(parser): read the header of a record in one pass

The header was read twice, once for its length and once for its fields. One
pass finds both, and a record that is cut short is reported where it ends.

Refs: 1234
"""


class Stream:
    """Commits on their way into `git fast-import`."""

    def __init__(self, repository: Path) -> None:
        # A list, not a shell line; only this file writes the stream.
        self._process = subprocess.Popen(
            ["git", "fast-import", "--quiet", "--force"], cwd=repository, stdin=subprocess.PIPE
        )
        self._count = 0

    def commit(
        self, ref: str, message: str, files: Iterable[tuple[str, bytes]], parent: str = "", merged: str = ""
    ) -> None:
        """Add a commit to a ref, after the ref's last one in this stream or after a parent given by name.

        A merge has the tree of its first parent, plus the given files.
        """
        self._count += 1
        when = FIRST_DATE + 60 * self._count
        text = message.encode()
        self._write(b"commit %s\n" % ref.encode())
        self._write(b"author %s %d +0000\ncommitter %s %d +0000\n" % (AUTHOR, when, AUTHOR, when))
        self._write(b"data %d\n%s\n" % (len(text), text))
        if parent:
            self._write(b"from %s\n" % parent.encode())
        if merged:
            self._write(b"merge %s\n" % merged.encode())
        for path, content in files:
            self._write(b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(content), content))
        self._write(b"\n")

    def end(self) -> None:
        """Wait until all commits are stored.

        Raises:
            RuntimeError: git refused the stream.
        """
        assert self._process.stdin is not None
        self._process.stdin.close()
        if self._process.wait():
            raise RuntimeError("git fast-import failed")

    def _write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)


def build(name: str) -> Path:
    """Return the repository of a name in `BUILDERS`; build it if it is missing or was made by other code."""
    made_by = hashlib.sha1(Path(__file__).read_bytes(), usedforsecurity=False)
    made_by.update(Path(markdown.__file__).read_bytes())
    for policy in sorted(POLICIES.iterdir()):
        made_by.update(policy.read_bytes())
    path = PLACE / "repositories" / name
    stamp = path / ".git" / "made-by"
    if stamp.exists() and stamp.read_text("ascii") == made_by.hexdigest():
        return path
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    git(path, "init", "-q", "--template=", "--initial-branch=main")
    BUILDERS[name](path)
    stamp.write_text(made_by.hexdigest(), "ascii")
    return path


def git(repository: Path, *arguments: str) -> str:
    """Run git in a repository, outside of any timing, and return its output."""
    done = subprocess.run(
        ["git", *arguments], cwd=repository, env=_environment(), capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def use_policy(repository: Path, number: int) -> None:
    """Move `main` of the repository `hook` to the commit with this version of the authority."""
    git(repository, "update-ref", "refs/heads/main", f"refs/policies/{number % FRESH_POLICIES}")


def use_commit(repository: Path, number: int) -> None:
    """Move `main` and `work` to a commit of the same tree that no recent check has seen."""
    for branch in ("main", "work"):
        git(repository, "update-ref", f"refs/heads/{branch}", f"refs/fresh/{number % FRESH_COMMITS}")


def _environment() -> Mapping[str, str]:
    return {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "HOME": str(PLACE)}


def _hook(path: Path) -> None:
    """Build one staged file in a repository of 2,000; `refs/policies/N` is `main` with a new authority."""
    chance = random.Random(1)
    stream = _begin(path, "forty-settings.md", ((name, _text(chance, 40)) for name in _names(chance, 2000)))
    policy = (POLICIES / "forty-settings.md").read_text("utf-8")
    for number in range(FRESH_POLICIES):
        fresh = policy.replace("subject_max = 72", f"subject_max = {73 + number}")
        if fresh == policy:
            raise RuntimeError("forty-settings.md has no 'subject_max = 72'")
        stream.commit(
            f"refs/policies/{number}",
            f"chore: policy {number}",
            [("SPEC_AUTHORITY.md", fresh.encode())],
            parent="refs/heads/main",
        )
    stream.end()
    _check_out(path)
    first = git(path, "ls-files", "src").split("\n")[0]
    with (path / first).open("ab") as file:
        file.write(b"one more line\n")
    git(path, "add", first)
    (path / ".git" / "COMMIT_EDITMSG").write_text(MESSAGE, "utf-8")


def _begin_range(path: Path, chance: random.Random) -> tuple[Stream, list[str]]:
    """Write `main` with 4,000 files under the policy of ranges; return the stream and the files' names."""
    names = list(_names(chance, 4000))
    stream = _begin(path, "range.md", ((name, _text(chance, 30)) for name in names))
    return stream, names


def _range(path: Path) -> None:
    """Build `main` and 2,500 commits on `work`, each of which changes three of 4,000 files."""
    chance = random.Random(2)
    stream, names = _begin_range(path, chance)
    for number in range(COMMITS):
        first = chance.randrange(len(names) - 1)
        changed = sorted({names[first], names[first + 1], chance.choice(names)})
        kind = chance.choice(("feat", "fix", "docs", "test", "refactor"))
        one, other = chance.choice(WORDS), chance.choice(WORDS)
        stream.commit(
            "refs/heads/work",
            f"{kind}({one}): let the {other} keep item {number}\n\n{_body(chance)}\nRefs: {number}\n",
            [(name, _text(chance, 30)) for name in changed],
            parent="" if number else "refs/heads/main",
        )
    stream.end()
    _check_out(path)
    for count in PARTS:
        git(path, "update-ref", f"refs/heads/first-{count}", f"work~{COMMITS - count}")


def _mixed_range(path: Path) -> None:
    """Build `main` and 2,500 commits on `work` with the usual mix of a history, and 251 findings.

    One in twenty commits each is a merge, is on the merged branch, is a release, is a revert, and changes a
    locked file. Releases and reverts do not have the required form. One in five is a bot's.
    """
    chance = random.Random(9)
    stream, names = _begin_range(path, chance)
    work, topic = "refs/heads/work", "refs/heads/topic"
    stream.commit(work, "feat: begin", [("begin.txt", b"begun\n")], parent="refs/heads/main")
    topic_files: list[tuple[str, bytes]] = []
    for number in range(2, COMMITS + 1):
        changed = [(name, _text(chance, 30)) for name in sorted(set(chance.choices(names, k=4)))]
        one, other = chance.choice(WORDS), chance.choice(WORDS)
        message = f"feat({one}): let the {other} keep item {number}\n\n{_body(chance)}\nRefs: {number}\n"
        position = number % 20
        if position in (2, 7, 11, 16):
            message = f"chore(deps): bump {one} from 1.{number}.0 to 1.{number}.1"
        elif position == 4:
            message = f"v1.{number}.0"
        elif position == 9:
            message = f'Revert "feat({one}): let the {other} go"\n\nIt was too slow.\n'
        elif position == 17:
            changed.append(("docs/adr/file.txt", _text(chance, 3)))
        if position == 18:
            stream.commit(topic, message, changed, parent=work)
            topic_files = changed
        elif position == 0:
            stream.commit(work, f"Merge branch 'topic' of {one}", topic_files, merged=topic)
        else:
            stream.commit(work, message, changed)
    stream.end()
    _check_out(path)


def _entries(path: Path) -> None:
    """Build a change of 10,000 files on `work`, and in the index; no pattern of 60 matches."""
    chance = random.Random(3)
    names = list(_names(chance, ENTRIES))
    stream = _begin(path, "sixty-patterns.md", ((name, b"old %d\n" % n) for n, name in enumerate(names)))
    stream.commit(
        "refs/heads/work",
        "refactor: change everything",
        ((name, b"new %d\n" % n) for n, name in enumerate(names)),
        parent="refs/heads/main",
    )
    stream.end()
    _check_out(path)
    # The same change again, staged: `HEAD` is `main`, and the index is `work`.
    git(path, "branch", "staged", "main")
    git(path, "symbolic-ref", "HEAD", "refs/heads/staged")


def _lines(path: Path) -> None:
    """Build 1,000,000 added lines in 2,000 files; in no, few or most files one of the lines matches."""
    chance = random.Random(4)
    names = list(_names(chance, FILES))
    old = [_text(chance, 50) for _ in names]
    stream = _begin(path, "content.md", zip(names, old, strict=True))
    for ref, matching in (("none", 0), ("few", FILES_WITH_FEW), ("most", FILES_WITH_MOST)):
        chance = random.Random(5)
        stream.commit(
            f"refs/heads/{ref}",
            "feat: add a million lines",
            _grown_files(chance, names, old, set(random.Random(6).sample(range(FILES), matching))),
            parent="refs/heads/main",
        )
    stream.end()
    git(path, "symbolic-ref", "HEAD", "refs/heads/few")
    _pack(path)


def _documents(path: Path) -> None:
    """Build 5,000 Markdown files of 16 MB, one in ten of them under a contract."""
    _build_documents(path, DOCUMENTS, parts=10)


def _more_documents(path: Path) -> None:
    """Build 10,000 Markdown files of 100 MB, one in ten of them under a contract."""
    _build_documents(path, MORE_DOCUMENTS, parts=32)


def _build_documents(path: Path, count: int, *, parts: int) -> None:
    chance = random.Random(7)
    code = sorted({f"src/{chance.choice(WORDS)}_{chance.choice(WORDS)}.py" for _ in range(200)})
    files = [(name, _text(chance, 60)) for name in code]
    files += markdown.documents(chance, WORDS, count, code, parts=parts)
    stream = _begin(path, "documents.md", files)
    for number in range(FRESH_COMMITS):
        stream.commit(f"refs/fresh/{number}", f"chore: the same tree {number}", [], parent="refs/heads/main")
    stream.end()
    _check_out(path)


def _history(path: Path) -> None:
    """Build 50,000 changes on `main`: each of three small files of 4,000; one in twenty of a locked one."""
    chance = random.Random(8)
    names = list(_names(chance, 4000))
    stream = _begin(path, "forty-settings.md", ((name, _text(chance, 10)) for name in names))
    for number in range(CHANGES):
        first = chance.randrange(len(names) - 1)
        changed = {names[first], names[first + 1], chance.choice(names)}
        if number % 20 == 0:
            changed.add("package-lock.json")
        one, other = chance.choice(WORDS), chance.choice(WORDS)
        stream.commit(
            "refs/heads/main",
            f"feat({one}): let the {other} keep item {number}\n\n{_body(chance)}",
            [(name, _text(chance, 10)) for name in sorted(changed)],
        )
    stream.end()
    git(path, "branch", "work", "main")
    # Nobody commits to the base.
    git(path, "symbolic-ref", "HEAD", "refs/heads/work")
    git(path, "repack", "-a", "-d", "-q")


def _grown_files(
    chance: random.Random, names: list[str], old: list[bytes], matching: set[int]
) -> Iterator[tuple[str, bytes]]:
    """Yield each file with half of its new lines before the old ones, half after; some have a match."""
    half = LINES_A_FILE // 2
    for number, name in enumerate(names):
        before, behind = _text(chance, half), _text(chance, half - 1)
        last = b"    console.log(value)\n" if number in matching else b"    logger.info(value)\n"
        yield name, before + old[number] + behind + last


def _begin(path: Path, policy: str, files: Iterable[tuple[str, bytes]]) -> Stream:
    """Write `main`: a policy as the authority, a file for each pattern of its lists, and other files.

    A pattern without a file is a finding.
    """
    text = (POLICIES / policy).read_text("utf-8")
    found = [("SPEC_AUTHORITY.md", text.encode())]
    for pattern in re.findall(r"^- `([^`]+)`", text, flags=re.MULTILINE):
        name = re.sub(r"\[(.)[^]]*\]", r"\1", pattern).replace("**", "all").replace("*", "any")
        if name != "SPEC_AUTHORITY.md":
            found.append((name + ("file.txt" if name.endswith("/") else ""), b"guarded\n"))
    stream = Stream(path)
    stream.commit("refs/heads/main", "chore: start", [*found, *files])
    return stream


def _check_out(path: Path) -> None:
    if git(path, "for-each-ref", "refs/heads/work") == "":
        git(path, "branch", "work", "main")
    git(path, "symbolic-ref", "HEAD", "refs/heads/work")
    git(path, "reset", "-q", "--hard")
    _pack(path)


def _pack(path: Path) -> None:
    """Repack the objects of fast-import, which have few deltas, as a clone would have them."""
    git(path, "repack", "-a", "-d", "-f", "-q")
    git(path, "pack-refs", "--all")


def _names(chance: random.Random, count: int) -> Iterator[str]:
    """Return different paths, three to six levels deep, at most twenty files a folder, sorted."""
    folders: set[str] = set()
    while len(folders) * 20 < count * 2:
        top = chance.choice(("src", "lib", "tests", "tools"))
        folders.add("/".join((top, *chance.sample(WORDS, chance.randint(1, 4)))))
    names: set[str] = set()
    ordered = sorted(folders)
    while len(names) < count:
        ending = chance.choice((".py", ".ts", ".md", ".json"))
        names.add(f"{chance.choice(ordered)}/{chance.choice(WORDS)}_{chance.choice(WORDS)}{ending}")
    return iter(sorted(names))


def _body(chance: random.Random) -> str:
    """Return one to three paragraphs of a message, each of one to four lines of at most 72 characters."""
    paragraphs = []
    for _ in range(chance.randint(1, 3)):
        lines = (" ".join(chance.choices(WORDS, k=8)) for _ in range(chance.randint(1, 4)))
        paragraphs.append("".join(f"{line}\n" for line in lines))
    return "\n".join(paragraphs)


def _text(chance: random.Random, lines: int) -> bytes:
    """Return lines of source-like text, about fifty bytes each."""
    pick = chance.choices(WORDS, k=lines * 4)
    return "".join(
        f"    {pick[i]}_{pick[i + 1]} = self.{pick[i + 2]}({pick[i + 3]}, {chance.randrange(10**6)})\n"
        for i in range(0, lines * 4, 4)
    ).encode()


BUILDERS: dict[str, Callable[[Path], None]] = {
    "hook": _hook,
    "range": _range,
    "mixed-range": _mixed_range,
    "entries": _entries,
    "lines": _lines,
    "documents": _documents,
    "more-documents": _more_documents,
    "history": _history,
}
"""The builder of each repository, called with the folder of an empty repository."""
