"""What is suspicious about a name by itself."""

from __future__ import annotations

import re
from itertools import pairwise

from specguard_rules.paths._git_links import is_git_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Final

    from specguard.rules import Severity

# Most checks need none of these but the one for crafted paths; `re` compiles and keeps what is used.
_CONTROL: Final = "[\x00-\x1f\x7f-\x9f]"
# Names that Windows gives to devices, with any extension (Microsoft, "Naming Files, Paths, and Namespaces").
_DEVICE: Final = r"(?i)(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3])(?=[ .:]|$)"
# What Windows makes of a long name for old programs: up to eight characters with a number at their end.
_SHORT_NAME: Final = rb"(?=[^.]{3,8}(?:\.|$))[^. /]+~[1-9][0-9]*(?:\.[^. ]{1,3})?"

_CRAFTED: Final = rb"(?i)/(?:\.{1,2}/|(?:\.git|git~1)[ .:\\/])"
_ODD: Final = (
    rb"(?i)[\x00-\x1f\x7f-\xff:\\~]|[ .]/|/(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:in\$|out\$)?[ .:/]"
)
# One of these, a space or a dot before a slash, or what is not printable ASCII is in whatever it matches.
_ODD_SIGNS: Final = (":", "\\", "~", "/con", "/prn", "/aux", "/nul", "/com", "/lpt")


def crafted_paths(paths: Sequence[bytes]) -> Iterator[tuple[bytes, str]]:
    """The paths that no command of git would have put into a tree, each with what is wrong with it.

    Args:
        paths: the paths of all files that the change leaves behind, sorted.
    """
    files = set(paths)
    if len(files) < len(paths):
        for one, other in pairwise(paths):
            if one == other:
                yield one, "is in one tree twice"
    folders = {path.rpartition(b"/")[0] for path in paths}
    for folder in list(folders):
        while (folder := folder.rpartition(b"/")[0]) and folder not in folders:
            folders.add(folder)
    both = files & folders
    # All of them are searched at once, with each segment between slashes.
    whole = b"/%s/" % b"/\0/".join(paths)
    if not both and whole.isascii() and b"//" not in whole and not _may_be_crafted(whole):
        return
    for path in paths:
        what = _crafted(path)
        if not what and any(path.startswith(folder + b"/") for folder in both):
            what = "needs a folder where the tree also has a file"
        if what:
            yield path, what


def _may_be_crafted(whole: bytes) -> bool:
    # Few changes have anything of the expression, and it need not be compiled for the others.
    if b"/." not in whole and b"~" not in whole:
        return False
    lowered = whole.lower()
    may = b"/./" in whole or b"/../" in whole or b"/.git" in lowered or b"/git~1" in lowered
    return may and re.search(_CRAFTED, whole) is not None


def _crafted(path: bytes) -> str:
    """What is wrong with one of a path's segments; empty where nothing is."""
    for segment in path.split(b"/"):
        if segment in {b"", b".", b".."}:
            return f"has the segment '{segment.decode('ascii')}', which leads elsewhere or nowhere"
        if is_git_name(segment):
            return "is what git or a file system takes for '.git'"
    return ""


def may_be_suspicious(names: Sequence[bytes]) -> bool:
    """Whether `suspicion` may find something in one of these segments; False is certain, and cheap."""
    text = b"/%s/" % b"/".join(names)
    return _may_be_odd(text) and re.search(_ODD, text) is not None


def _may_be_odd(text: bytes) -> bool:
    # Most names have nothing of the expression, and it need not be compiled for them.
    lowered = text.decode("latin-1").lower()
    if not lowered.isascii() or not lowered.isprintable() or " /" in lowered or "./" in lowered:
        return True
    return any(sign in lowered for sign in _ODD_SIGNS)


def suspicion(segment: bytes) -> tuple[str, Severity, str] | None:
    """What is suspicious about one segment of a path.

    Returns:
        A clause, how bad it is, and the finding's key; None where nothing is.
    """
    if segment.isascii():
        text = segment.decode("ascii")
        control = re.search(_CONTROL, text)
        if control:
            return f"has the control character {_code(control[0])}", "error", "control"
        return _on_windows(segment, text)
    try:
        text = segment.decode("utf-8")
    except UnicodeDecodeError:
        return "is not UTF-8", "error", "encoding"
    control = re.search(_CONTROL, text)
    if control:
        return f"has the control character {_code(control[0])}", "error", "control"
    return _in_letters(text) or _on_windows(segment, text)


def _code(char: str) -> str:
    return f"U+{ord(char):04X}"


def _in_letters(text: str) -> tuple[str, Severity, str] | None:
    """What is suspicious about a segment with characters beyond ASCII."""
    import unicodedata

    from specguard.rules import look_alikes

    for char in look_alikes.unseen(text):
        return f"has {look_alikes.described(char)}, which cannot be seen", "error", "unseen"
    spaced = ""
    for char in text:
        if char.isascii():
            continue
        if look_alikes.is_separator(char):
            return f"has {look_alikes.described(char)}, which looks like a separator", "error", "separator"
        category = unicodedata.category(char)
        if category in {"Zl", "Zp", "Co"}:
            return f"has {look_alikes.described(char)}, which has no look of its own", "error", "unseen"
        if category == "Zs" and char != "\u3000":
            spaced = spaced or char
    if unicodedata.category(text[0]).startswith("M"):
        return (
            f"begins with {look_alikes.described(text[0])}, which joins the slash before it",
            "error",
            "mark",
        )
    special = look_alikes.reads_like_special(text)
    if special:
        return f"reads like '{special}'", "error", "special"
    mixed = look_alikes.mixed(text)
    if mixed:
        char, script, other = mixed
        scripts = f"a {script.title()} letter in a {other.title()} word"
        return f"has {look_alikes.described(char)}, {scripts}", "error", "script"
    styled = next(filter(look_alikes.is_styled, text), "")
    if styled:
        return f"has {look_alikes.described(styled)}, a plain letter in another form", "warning", "form"
    if spaced:
        return f"has {look_alikes.described(spaced)}, which looks like a space", "warning", "space"
    return None


def _on_windows(segment: bytes, text: str) -> tuple[str, Severity, str] | None:
    """What is suspicious about a segment because of what Windows makes of it."""
    if segment[-1] in b" .":
        sign = "space" if segment.endswith(b" ") else "dot"
        return f"ends with a {sign}, which Windows leaves out", "error", "end"
    if b"::" in segment and b":$" in segment.lower():
        return "names a stream of another file on Windows", "error", "stream"
    if re.fullmatch(_SHORT_NAME, segment):
        return "has the form of Windows' short name for another file", "error", "short-name"
    device = re.match(_DEVICE, text)
    if device:
        alone = device.end() == len(text)
        return f"is the device '{device[0]}' on Windows", "error" if alone else "warning", "device"
    if b":" in segment:
        return "has a colon, behind which Windows reads the name of a stream", "warning", "stream"
    if b"\\" in segment:
        leads = any(part in {b"..", b"."} for part in segment.split(b"\\"))
        return "has a backslash, which Windows reads as a slash", "error" if leads else "warning", "backslash"
    return None
