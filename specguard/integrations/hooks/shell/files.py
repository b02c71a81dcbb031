"""Programs that make, copy, move and remove files, and what a few programs print."""

from __future__ import annotations

import re

from specguard.integrations.hooks.pathnames import as_bytes, joined
from specguard.integrations.hooks.shell.field import Field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

    from specguard.integrations.hooks.shell.arguments import Arguments
    from specguard.integrations.hooks.shell.call import Call


def known_output(call: Call) -> str | None:
    """What `cat` and a few others print, where that is known."""
    words = call.words[1:]
    if call.name == "cat":
        if not words or [word.text for word in words] == ["-"]:
            return call.given
        parts: list[str] = []
        for word in words:
            if word.text is None or word.option:
                return None
            paths = call.paths(word, "reads")
            content = call.shell.telling.content(paths[0]) if len(paths) == 1 else None
            if content is None:
                return None
            parts.append(content.decode("utf-8", "surrogateescape"))
            if sum(map(len, parts)) > 2_000_000:
                return None
        return "".join(parts)
    if call.name in ("dirname", "basename") and len(words) == 1 and words[0].text:
        head, slash, tail = words[0].text.rstrip("/").rpartition("/")
        if call.name == "basename":
            return (tail or "/") + "\n"
        return (head or (slash or ".")) + "\n"
    if call.name in ("mkdir", "rmdir", "true", "sleep"):
        return ""
    return None


def _tee(call: Call) -> str | None:
    arguments = call.arguments()
    appended = arguments.has("a", "append")
    content = None if call.given is None or appended else as_bytes(call.given)
    for field in named(call, arguments):
        call.write(field, content, known=content is not None)
    return call.given


def named(call: Call, arguments: Arguments) -> Sequence[Field]:
    """The operands; where an option may be among them, that is said."""
    if arguments.odd is not None:
        call.undecided(f"what `{arguments.odd.raw}` is to {call.name} is not known")
    return arguments.operands


def _remove(call: Call) -> str | None:
    for field in named(call, call.arguments()):
        for path in call.paths(field, "removes"):
            call.shell.telling.remove(path)
    return ""


def _touch(call: Call) -> str | None:
    for field in named(call, call.arguments("drt", ["date", "reference", "time"])):
        for path in call.paths(field):
            call.shell.telling.touch(path)
    return ""


def _mode(call: Call) -> str | None:
    """`chmod`: the first operand is the mode, unless another file's is taken."""
    arguments = call.arguments(longs=["reference"])
    operands = list(named(call, arguments))
    words = [word for word in call.resolved() if re.match(r"-[rwxXstugo,+=-]+$", word.start)]
    taken = arguments.has("reference") or (
        words
        and not any(letter in "vfcR" for letter in words[0].start[1:])
        and not (operands and re.fullmatch(r"[0-7]{1,5}|[ugoa]*[-+=][rwxXstugo,+=-]*", operands[0].start))
    )
    given = None if taken or not operands else operands[0].text
    executable = _executable(words[0].text if words and given is not None and taken is False else given)
    for field in operands if taken else operands[1:]:
        for path in call.paths(field, "changes"):
            for each in (call.shell.telling.below(path) or ()) if arguments.has("R", "recursive") else ():
                call.shell.telling.mode(each, executable)
            call.shell.telling.mode(path, executable)
            if b".git/hooks" in path:
                call.shell.telling.bypass(f"chmod changes the hook `{field.raw}`")
    return ""


def _executable(mode: str | None) -> bool | None:
    """Whether a mode of `chmod` lets a file be executed; None where that is open or nobody reads it."""
    if mode and re.fullmatch(r"0?[4-7][0-7]{2}", mode):
        return bool(int(mode[-3]) & 1)
    if mode and re.fullmatch(r"[ua]*\+x", mode):
        return True
    return False if mode and re.fullmatch(r"a?-x", mode) else None


def _truncate(call: Call) -> str | None:
    for field in named(call, call.arguments("srIo", ["size", "reference"])):
        call.write(field)
    return ""


def _dd(call: Call) -> str | None:
    for word in call.words[1:]:
        if word.start.startswith("of="):
            call.write(Field(None if word.text is None else word.text[3:], word.raw, start=word.start[3:]))
        elif word.option:
            call.undecided(f"what `{word.raw}` makes dd write is not known")
    return None


def _targets(
    call: Call, operands: Sequence[Field], directory: Sequence[Field], *, plain: bool
) -> list[tuple[bytes, bytes, bool]]:
    """Pairs of a source and its target for `cp`, `mv`, `ln` and `install`, and whether one is a folder."""
    telling = call.shell.telling
    pairs: list[tuple[bytes, bytes, bool]] = []
    if directory:
        sources, folders, within = operands, call.paths(directory[-1]), True
    elif len(operands) >= 2:
        sources, last = operands[:-1], operands[-1]
        if last.several and not last.pattern:
            call.undecided(f"what `{last.raw}` is, that {call.name} writes, is not known")
            return []
        folders = call.paths(last)
        within = len(sources) > 1 or any(each.several for each in sources)
    else:
        call.undecided(f"what {call.name} writes is not known")
        return []
    for field in sources:
        for source in call.paths(field, "takes"):
            for folder in folders:
                inside = not plain and (within or folder.endswith(b"/") or telling.is_folder(folder))
                if inside and not source.rstrip(b"/").rpartition(b"/")[2].strip(b"."):
                    pairs += [(source, folder, True)]
                    continue
                name = source.rstrip(b"/").rpartition(b"/")[2]
                target = folder.rstrip(b"/") + b"/" + name if inside else folder
                pairs.append((source, target, telling.is_folder(source)))
    if not all(field.text is not None for field in sources) and folders:
        call.undecided(f"which files {call.name} puts at `{(directory or operands)[-1].raw}` is not known")
    return pairs


def _copy(call: Call) -> str | None:
    arguments = call.arguments("tS", ["target-directory", "suffix"], flags=["parents", "no-target-directory"])
    operands = named(call, arguments)
    telling = call.shell.telling
    if arguments.has("parents"):
        call.undecided("where `cp --parents` puts files is not known")
    pairs = _targets(
        call,
        operands,
        arguments.values("t", "target-directory"),
        plain=arguments.has("T", "no-target-directory"),
    )
    for source, target, folder in pairs:
        if folder:
            _tree(call, source, target)
            continue
        content = telling.content(source)
        telling.write(target, content, known=content is not None)
        if arguments.has("l", "link", "s", "symbolic-link"):
            telling.link(target, telling.absolute(source))
        if arguments.has("b", "backup", "S", "suffix"):
            call.undecided("what `cp` keeps as a backup is not known")
    return ""


def _tree(call: Call, source: bytes, target: bytes) -> None:
    """Tell the files that copying a folder makes."""
    telling = call.shell.telling
    if telling.is_link(source) or telling.changed_within(source):
        call.undecided(
            f"what the copied folder `{source[-60:].decode('utf-8', 'replace')}` holds is not known"
        )
    below = telling.below(source)
    for each in below or ():
        rest = each[len(source.rstrip(b"/")) :].lstrip(b"/")
        content = telling.content(each)
        telling.write(joined(target.rstrip(b"/"), rest), content, known=content is not None)
    telling.write(target, None, known=False)
    telling.folders.add(telling.absolute(target))


def _move(call: Call) -> str | None:
    arguments = call.arguments("tS", ["target-directory", "suffix"], flags=["no-target-directory"])
    operands = named(call, arguments)
    telling = call.shell.telling
    plain = arguments.has("T", "no-target-directory")
    for source, target, folder in _targets(
        call, operands, arguments.values("t", "target-directory"), plain=plain
    ):
        if folder:
            _tree(call, source, target)
        else:
            content = telling.content(source)
            telling.write(target, content, known=content is not None)
        telling.remove(source)
    if arguments.has("b", "backup", "S", "suffix"):
        call.undecided("what `mv` keeps as a backup is not known")
    return ""


def _link(call: Call) -> str | None:
    arguments = call.arguments(
        "tS", ["target-directory", "suffix"], flags=["symbolic", "no-target-directory"]
    )
    operands = list(named(call, arguments))
    telling = call.shell.telling
    if len(operands) == 1 and not arguments.has("t", "target-directory"):
        operands.append(Field(".", "."))
    soft = arguments.has("s", "symbolic")
    plain = arguments.has("T", "no-target-directory")
    for source, target, _ in _targets(call, operands, arguments.values("t", "target-directory"), plain=plain):
        aim = source
        if soft and not source.startswith(b"/"):
            # The target of a symbolic link is read from the folder in which the link is.
            places = call.state.places or (b"",)
            text = source[len(places[0]) :].lstrip(b"/") if places[0] else source
            aim = joined(target.rpartition(b"/")[0], text)
        telling.link(target, telling.absolute(aim))
    return ""


def _install(call: Call) -> str | None:
    arguments = call.arguments("tSmog", ["target-directory", "suffix", "mode", "owner", "group"])
    operands = named(call, arguments)
    telling = call.shell.telling
    if arguments.has("d", "directory"):
        return ""
    for source, target, _ in _targets(
        call, operands, arguments.values("t", "target-directory"), plain=arguments.has("T")
    ):
        content = telling.content(source)
        telling.write(target, content, known=content is not None)
    return ""


FILES: Final[Mapping[str, Callable[[Call], str | None]]] = {
    "tee": _tee,
    "sponge": _tee,
    **dict.fromkeys(["rm", "unlink", "shred", "grm", "trash", "srm"], _remove),
    **dict.fromkeys(["touch", "gtouch", "mkfifo", "mknod"], _touch),
    "chmod": _mode,
    "truncate": _truncate,
    "dd": _dd,
    **dict.fromkeys(["cp", "gcp"], _copy),
    **dict.fromkeys(["mv", "gmv"], _move),
    **dict.fromkeys(["ln", "link", "gln"], _link),
    **dict.fromkeys(["install", "ginstall"], _install),
}
"""Programs of this module by their names."""
