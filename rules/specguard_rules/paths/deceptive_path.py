"""PTH005: names that are not what they look like, or that become another file's name on another machine."""

from __future__ import annotations

import re
from itertools import pairwise

from specguard.rules import Finding, Rule, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from typing import ClassVar, Final, TypeAlias

    from specguard.rules import Base, Entry, Guards, Severity, Stage, Tree

    Problem: TypeAlias = tuple[str, Severity, str]
    """The problem with a name, as a clause, its severity, and the finding's key."""

# `re` compiles and caches these on first use.
_CONTROL: Final = "[\x00-\x1f\x7f-\x9f]"
# Names of devices on Windows, with any extension (Microsoft, "Naming Files, Paths, and Namespaces").
_DEVICE: Final = r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])(?=[ .:]|$)"
# The short form of a long name that Windows gives to old programs: up to eight characters that end with a
# number.
_SHORT_NAME: Final = rb"(?=[^.]{3,8}(?:\.|$))[^. /]+~[1-9][0-9]*(?:\.[^. ]{1,3})?"
_CRAFTED: Final = (b"//", b"/./", b"/../", b"/git~1", *(b"/.git%c" % sign for sign in b"/ .:\\"))
# Every suspicious name has one of these signs between slashes, or a character that is not printable ASCII.
_SUSPICIOUS_SIGNS: Final = (":", "\\", "~", " /", "./", "/con", "/prn", "/aux", "/nul", "/com", "/lpt")
# Characters that HFS+ ignores in names, as listed by git (utf8.c, next_hfs_char).
_UNSEEN_BY_HFS: Final = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)


class DeceptivePath(Rule):
    r"""An added name misleads, or clashes with another one.

    Reported are control and invisible characters, bytes that are not UTF-8, and look-alike letters (UTS 39).
    So are names that differ only in case or Unicode form, that Windows takes for others, or git for
    `.git`. Any language is fine: `docs/café.md`, `資料.md`. Odd names that cannot be mistaken are warnings.

    Why is this bad? People read one name and machines open another.

    How to fix it: rename it in plain characters, or allow it with `exclude`.

    ```text
    error: Docs/policy.md: the folder Docs differs from 'docs' only in case
    ```

    ```toml fails
    base = {files = {"docs/policy.md" = "a"}}

    [[commits]]
    message = "docs: x"
    files = {"Docs/policy.md" = "b", "src/l\u043ecked.md" = "c", "src/nul" = "d"}

    [[expect]]
    code = "PTH005"
    path = "Docs/policy.md"
    message = "differs from 'docs' only in case"

    [[expect]]
    code = "PTH005"
    path = "src/l\u043ecked.md"
    message = "U+043E CYRILLIC SMALL LETTER O"

    [[expect]]
    code = "PTH005"
    path = "src/nul"
    ```

    ```toml passes
    [[commits]]
    message = "docs: x"
    files = {"docs/café.md" = "a", "日本語.md" = "b", "docs/Übersicht.md" = "c"}
    ```
    """

    code: ClassVar[str] = "PTH005"
    stages: ClassVar[tuple[Stage, ...]] = ("edit", "staged", "push", "range", "pull-request", "run")
    condition: ClassVar[str] = "every added name is what it looks like, on every machine"

    def check(
        self, entries: Sequence[Entry], start_files: Tree, head_files: Tree, guards: Guards, base: Base
    ) -> Iterator[Finding]:
        """Search every path for crafted segments, and check the names that the change adds."""
        crafted = dict(crafted_paths([entry.path for entry in entries if not entry.deleted]))
        yield from (_finding(base, path, path, what, "error", "crafted") for path, what in crafted.items())
        added = [entry.path for entry in entries if entry.added and entry.path not in crafted]
        flagged = _suspicious(added, start_files, head_files, guards)
        for path in added if flagged else ():
            above = [path[:end] for end, byte in enumerate(path + b"/") if byte == 0x2F]
            if problems := [(one, *flagged[one]) for one in above if one in flagged]:
                yield _finding(base, path, *next((one for one in problems if one[2] == "error"), problems[0]))


def _finding(base: Base, path: bytes, odd: bytes, what: str, severity: Severity, key: str) -> Finding:
    # Imported here, so that a change without such names does not wait for it.
    from specguard_rules.finding_texts import rename

    how = "Give it a name of its own" if key == "twin" else "Rename it in plain characters"
    command = "" if base.change.source == "edit" else f" with `{rename(path, base)}`"
    message = f"the {'name' if odd == path else 'folder'} {path_text(odd)} {what}"
    return Finding(message, f"{how}{command}, or let it in with 'exclude'.", path, key=key, severity=severity)


def is_git_name(segment: bytes) -> bool:
    r"""True if one segment of a path is `.git`, or becomes it where files are checked out.

    `.GIT`, `git~1`, `.git.`, `.git ` and `.git:stream` do on Windows, `.g\u200cit` does on macOS.
    """
    if not segment.isascii():
        plain = segment.decode("utf-8", "surrogateescape").translate(_UNSEEN_BY_HFS)
        segment = plain.encode("utf-8", "replace")
    return segment.lower().partition(b":")[0].partition(b"\\")[0].rstrip(b" .") in {b".git", b"git~1"}


def crafted_paths(paths: Sequence[bytes]) -> Iterator[tuple[bytes, str]]:
    """Yield the paths that no git command would have put into a tree, each with its problem.

    Args:
        paths: the paths of all files that the change leaves behind, sorted.
    """
    files = set(paths)
    for one, other in pairwise(paths) if len(files) < len(paths) else ():
        if one == other:
            yield one, "is in one tree twice"
    folders = {path.rpartition(b"/")[0] for path in paths}
    for folder in list(folders):
        while (folder := folder.rpartition(b"/")[0]) and folder not in folders:
            folders.add(folder)
    clashes = files & folders
    # All paths are searched at once, with each segment between slashes.
    whole = b"/%s/" % b"/\0/".join(paths).lower()
    if not clashes and whole.isascii() and not any(sign in whole for sign in _CRAFTED):
        return
    for path in paths:
        segments = path.split(b"/")
        if (odd := next((one for one in segments if one in {b"", b".", b".."}), None)) is not None:
            yield path, f"has the segment '{odd.decode('ascii')}', which leads elsewhere or nowhere"
        elif any(map(is_git_name, segments)):
            yield path, "is what git or a file system takes for '.git'"
        elif any(path[:end] in clashes for end, byte in enumerate(path) if byte == 0x2F):
            yield path, "needs a folder where the tree also has a file"


def _new_names(paths: Sequence[bytes], before: Tree) -> Mapping[bytes, tuple[list[bytes], Collection[bytes]]]:
    """Map each folder with new names to these names and to the names that it had before.

    New names are those of added files, and of the folders that are created for them; the root's path is
    empty.
    """
    found: dict[bytes, tuple[list[bytes], Collection[bytes]]] = {}
    for path in paths:
        folder, _, name = path.rpartition(b"/")
        while folder not in found:
            known = before.find(folder) if folder else None
            there = not folder or (known is not None and known.is_directory)
            found[folder] = [name], before.names(folder) if there else ()
            if there:
                break
            folder, _, name = folder.rpartition(b"/")
        else:
            found[folder][0].append(name)
    return found


def _suspicious(paths: Sequence[bytes], before: Tree, after: Tree, guards: Guards) -> dict[bytes, Problem]:
    """Return the suspicious new names by path; a folder's name is judged once, whatever it contains."""
    flagged: dict[bytes, Problem] = {}
    for folder, (names, existing) in _new_names(paths, before).items():
        odd = {name for name in names if may_be_suspicious([name])} if may_be_suspicious(names) else set()
        lowered = {name.lower() for name in names}
        plain = b"".join(names).isascii() and b"".join(existing).isascii()
        distinct = len(lowered) == len(names) and lowered.isdisjoint([name.lower() for name in existing])
        suspects = odd if plain and distinct else dict.fromkeys(names)
        alike: dict[str, list[bytes]] = {}
        for name in (*existing, *names) if suspects else ():
            for one in _readings(name)[:1]:
                alike.setdefault(one, []).append(name)
        for name in suspects:
            path = folder + b"/" + name if folder else name
            found = _twin(folder, name, alike, after)
            if found is None and name in odd:
                found = _guarded_lookalike(path, guards) or suspicion(name)
            if found:
                flagged[path] = found
    return flagged


def _twin(folder: bytes, name: bytes, alike: Mapping[str, Sequence[bytes]], after: Tree) -> Problem | None:
    """Return the problem with a new name that looks like another one in its folder; None if none does.

    Args:
        folder: the folder.
        name: the new name.
        alike: the names of the folder, including removed ones, by their likeliest reading.
        after: the tree after the change.
    """
    for like in dict.fromkeys((name, _windows_name(name))):
        for other in (one for read in dict.fromkeys(_readings(like)) for one in alike.get(read, ())):
            # An ASCII name is never reported as the look-alike of a name with other characters. The older
            # name may be gone: a name whose case changes has no twin.
            path = folder + b"/" + other if folder else other
            is_twin = (other.isascii() or not like.isascii()) and (like != name or other != name)
            if is_twin and after.find(path) is not None:
                what = f"is '{path_text(other)}' on Windows" if like != name else _difference(name, other)
                return what, "error", "twin"
    return None


def _guarded_lookalike(path: bytes, guards: Guards) -> Problem | None:
    """Return the problem with a path that only looks like a guarded one; None if it does not."""
    windows = b"/".join(map(_windows_name, path.replace(b"\\", b"/").split(b"/")))
    for like in (*(one.encode("utf-8") for one in _readings(path)), windows):
        guard = guards.find(like) if like and like != path else None
        if guard is not None and guard != guards.find(path):
            return f"reads like a path under {guard.pattern}, which is guarded", "error", "guarded"
    return None


def _windows_name(name: bytes) -> bytes:
    """Return the file that Windows opens by a name: without a stream and trailing dots and spaces."""
    return name.partition(b":")[0].rstrip(b" .") or name


def _readings(name: bytes) -> Sequence[str]:
    """Return the possible readings of a name, the likeliest first; empty if it is not UTF-8."""
    if name.isascii():
        return [name.decode("ascii").lower()]
    from specguard.rules import look_alikes

    try:
        return [*look_alikes.readings(name.decode("utf-8")), name.decode("utf-8").casefold()]
    except UnicodeDecodeError:
        return []


def _difference(name: bytes, other: bytes) -> str:
    """Describe the difference between two names that look alike."""
    named, one, two = path_text(other), name.decode("utf-8"), other.decode("utf-8")
    if one.casefold() == two.casefold():
        return f"differs from '{named}' only in case"
    from specguard.rules import look_alikes

    strange = next((char for char in one if not char.isascii() and char not in two), "")
    remark = f" (it has {look_alikes.described(strange)})" if strange else ""
    return f"looks like '{named}'{remark}"


def may_be_suspicious(names: Sequence[bytes]) -> bool:
    """True if `suspicion` may find a problem in one of these segments; False is certain, and cheap."""
    plain = (b"/%s/" % b"/".join(names)).decode("latin-1").lower()
    return not plain.isascii() or not plain.isprintable() or any(sign in plain for sign in _SUSPICIOUS_SIGNS)


def suspicion(segment: bytes) -> Problem | None:
    """Return the problem with one segment of a path by itself; None if it is not suspicious."""
    try:
        text = segment.decode("utf-8")
    except UnicodeDecodeError:
        return "is not UTF-8", "error", "encoding"
    if control := re.search(_CONTROL, text):
        return f"has the control character U+{ord(control[0]):04X}", "error", "control"
    return (None if text.isascii() else _character_problem(text)) or _windows_problem(segment, text)


def _character_problem(text: str) -> Problem | None:
    """Return the problem with the characters of a segment beyond ASCII; None if they are not suspicious."""
    import unicodedata

    from specguard.rules import look_alikes

    kinds = {char: unicodedata.category(char) for char in text if not char.isascii()}
    unseen = [*look_alikes.unseen(text), *(char for char in kinds if kinds[char] in {"Zl", "Zp", "Co"})]
    spaces = [char for char in kinds if kinds[char] == "Zs" and char != "\u3000"]
    marks = [text[0]] if kinds.get(text[0], "").startswith("M") else []
    special, mixed = look_alikes.reads_like_special(text), look_alikes.mixed(text)
    strange: Sequence[tuple[Iterable[str], str, Severity, str]] = (
        (unseen, "which cannot be seen", "error", "unseen"),
        (filter(look_alikes.is_separator, kinds), "which looks like a separator", "error", "separator"),
        (marks, "which joins the slash before it", "error", "mark"),
        ([special] if special else (), "", "error", "special"),
        (mixed[:1] if mixed else (), "a letter of another script than the others", "error", "script"),
        (filter(look_alikes.is_styled, kinds), "a plain letter in another form", "warning", "form"),
        (spaces, "which looks like a space", "warning", "space"),
    )
    for found, what, severity, key in strange:
        for one in found:
            clause = f"has {look_alikes.described(one)}, {what}" if what else f"reads like '{one}'"
            return clause, severity, key
    return None


def _windows_problem(segment: bytes, text: str) -> Problem | None:
    """Return the problem that a segment causes on Windows; None if it causes none."""
    if segment[-1] in b" .":
        sign = "space" if segment.endswith(b" ") else "dot"
        return f"ends with a {sign}, which Windows leaves out", "error", "end"
    if b"::" in segment and b":$" in segment.lower():
        return "names a stream of another file on Windows", "error", "stream"
    if re.fullmatch(_SHORT_NAME, segment):
        return "has the form of Windows' short name for another file", "error", "short-name"
    if device := re.match(_DEVICE, text):
        is_whole = device.end() == len(text)
        return f"is the device '{device[0]}' on Windows", "error" if is_whole else "warning", "device"
    if b":" in segment:
        return "has a colon, behind which Windows reads the name of a stream", "warning", "stream"
    if b"\\" in segment:
        leads = any(part in {b"..", b"."} for part in segment.split(b"\\"))
        return "has a backslash, which Windows reads as a slash", "error" if leads else "warning", "backslash"
    return None
