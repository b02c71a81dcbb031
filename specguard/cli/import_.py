"""`specguard import`: settings of other tools and folders as settings of this one."""

from __future__ import annotations

import os

import click

from specguard.authority.compile import compile_policy
from specguard.authority.load import AUTHORITY, PYPROJECT, SETTINGS, Source, read_file
from specguard.change.git import Git
from specguard.change.repository import Repository
from specguard.cli.files import replace_file
from specguard.cli.options import complete_sources, counted, in_directory
from specguard.engine.plugins import load_registry
from specguard.errors import SpecguardError, nearest
from specguard.importers import commitlint, folders, repolinter
from specguard.importers.settings import Imported
from specguard.reporters.escape import cut, json_text, visible
from specguard.reporters.policy import settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any, Final

    from specguard.authority.policy import Policy
    from specguard.model import Origin

SOURCES: Final = ("commitlint", "openspec", "repolinter", "spec-kit")
"""What can be imported."""

TITLE: Final = "## Imported settings"

_UNITED: Final = frozenset({"rules.forbidden-path.paths"})
"""Keys of which every source adds to what others say."""


@click.command("import", short_help="Read settings of other tools into an authority.")
@click.argument("sources", metavar="[SOURCE|SOURCE=FILE]...", nargs=-1, shell_complete=complete_sources)
@in_directory
@click.option("--write", is_flag=True, help=f"Add the settings to {AUTHORITY}.")
@click.option("--output-format", type=click.Choice(("text", "json")), default="text", help="What is printed.")
def command(sources: tuple[str, ...], directory: str, write: bool, output_format: str) -> None:
    """Read settings of commitlint, OpenSpec, repolinter and spec-kit into an authority.

    Without SOURCE it reads all that it finds, without running code; `commitlint` has that program print a
    script's settings. Standard error lists what was not carried over.
    """
    repository = Repository.locate(directory, os.environ)
    top = repository.work_tree()
    made = Imported()
    found = list(_asked(top, sources) if sources else _found(top))
    if not found:
        raise SpecguardError(
            f"there is nothing to import here of {', '.join(SOURCES)}",
            help="name a file: specguard import repolinter=rules/ruleset.json",
            code="usage",
        )
    for source, file in found:
        made.take(_imported(repository, top, source, file, named=bool(sources)))
    before = _compiled(top, "")
    if before is not None:
        _leave_what_is_said(made, before)
    text = _section(made, [file or source for source, file in found])
    if made.tables:
        _check(top, text)
    if write and made.tables:
        _write(top, text)
    if output_format == "json":
        click.echo(json_text(_data(made, text)))
        return
    if not made.tables:
        click.echo("there is no setting to add", err=True)
    elif write:
        click.echo(f"{AUTHORITY}: {counted(sum(map(len, made.tables.values())), 'setting')} added")
    else:
        click.echo(text, nl=False)
    if made.left:
        click.echo(f"{len(made.left)} could not be carried over:", err=True)
    for origin, what, why in made.left:
        click.echo(visible(f"  {cut(f'{origin}: {what}: {why}')}"), err=True)


def _found(top: str) -> Iterator[tuple[str, str]]:
    """The sources that are here, each with its file where it has one."""
    first = next((name for name in commitlint.FILES if commitlint.has_configuration(top, name)), None)
    if first is not None:
        yield "commitlint", first
    if os.path.isdir(os.path.join(top, folders.OPENSPEC)):
        yield "openspec", ""
    for name in repolinter.FILES:
        if os.path.isfile(os.path.join(top, name)):
            yield "repolinter", name
            break
    if folders.has_features(top):
        yield "spec-kit", ""


def _asked(top: str, sources: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The sources that are named; those without a file as they are found.

    Raises:
        SpecguardError: there is no such source, or it is not here.
    """
    here = dict(_found(top))
    for named in sources:
        source, separator, file = named.partition("=")
        if source not in SOURCES:
            raise SpecguardError(
                f"{source!r} cannot be imported", help=nearest(source, SOURCES), code="usage"
            )
        if separator and source in ("openspec", "spec-kit"):
            raise SpecguardError(
                f"{source} is a folder, and is named without a file", help=f"say {source}", code="usage"
            )
        if not separator and source not in here:
            raise SpecguardError(
                f"there is no {source} here", help="without a name all that is here is read", code="usage"
            )
        yield source, file if separator else here[source]


def _imported(repository: Repository, top: str, source: str, file: str, *, named: bool) -> Imported:
    if source == "commitlint":
        return commitlint.import_commitlint(top, file, ask=named)
    if source == "openspec":
        return folders.import_openspec(top)
    if source == "repolinter":
        return repolinter.import_repolinter(top, file, _tracked(repository))
    return folders.import_speckit(top)


def _tracked(repository: Repository) -> Sequence[bytes]:
    """The files that the index has."""
    if not os.path.exists(repository.index):
        return []
    with Git(repository) as git:
        return git.read(git.start("ls-files", "-z", index=repository.index), "the index").split(b"\0")[:-1]


def _leave_what_is_said(made: Imported, before: Policy) -> None:
    """Take back what the authority says already, and say so where it says otherwise."""
    own = {key: origin for key, origin in before.origins.items() if not origin.path.startswith("preset:")}
    alone = compile_policy(
        [Source(AUTHORITY, "", _section(made, []))], registry=load_registry, read=_no_other
    )
    said, new = _values(before), _values(alone) if alone else {}
    for table, keys in list(made.tables.items()):
        for key, value in list(keys.items()):
            name = f"{table}.{key}"
            origin = next((own[one] for one in own if one == name or one.startswith(f"{name}.")), None)
            if origin is None:
                continue
            old, wanted = _below(said, name), _below(new, name)
            if name in _UNITED:
                keys[key].value = [one for one in value.value if one not in old.values()]
                if keys[key].value:
                    continue
            elif old != wanted:
                made.leave(value.origins[0], name, f"{origin} says otherwise")
            del keys[key]
        if not keys:
            del made.tables[table]


def _no_other(path: str, named_by: Origin) -> Source:
    raise SpecguardError(f"{named_by} names {path}, and no import does that")


def _values(policy: Policy) -> dict[str, Any]:
    return {setting.key: setting.value for setting in settings(policy)}


def _below(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key == name or key.startswith(f"{name}.")}


def _section(made: Imported, names: Sequence[str]) -> str:
    """The settings as a section of an authority."""
    read = ", ".join(f"`{name}`" for name in names) or "nothing"
    return f"{TITLE}\n\nRead from {read}.\n\n```toml specguard\n{made.toml()}```\n"


def _compiled(top: str, more: str) -> Policy | None:
    """The policy of the working tree's documents, with a text below the first; None where there is none.

    Raises:
        SpecguardError: it is wrong.
    """
    sources = []
    for name in (AUTHORITY, SETTINGS, PYPROJECT):
        file = os.path.join(top, name)
        text = read_file(file).text if os.path.isfile(file) else ""
        if name == AUTHORITY and more:
            text = f"{text.rstrip()}\n\n{more}" if text else more
        if text:
            sources.append(Source(name, "", text))

    def read(path: str, named_by: Origin) -> Source:
        file = os.path.join(top, path)
        if not os.path.isfile(file):
            raise SpecguardError(
                f"`documents` names {path!r}, which does not exist",
                path=named_by.path,
                line=named_by.line or None,
                help="add it, or take it out of `documents`",
                code="broken-authority",
            )
        return Source(path, "", read_file(file).text)

    return compile_policy(sources, registry=load_registry, read=read) if sources else None


def _check(top: str, text: str) -> None:
    """Compile what is about to be written, so that nothing is written that would not judge."""
    try:
        _compiled(top, text)
    except SpecguardError as error:
        raise SpecguardError(
            f"these settings do not go together with those that are there: {error.message}",
            help="import one source at a time, or fix the authority first",
            path=error.path,
            line=error.line,
        ) from error


def _write(top: str, text: str) -> None:
    """Add a section to the authority, by a rename."""
    file = os.path.join(top, AUTHORITY)
    if os.path.islink(file):
        raise SpecguardError(
            "it is a symbolic link, and is not written to",
            path=AUTHORITY,
            help="leave --write out, and put what is printed where the link leads",
            code="outside-repository",
        )
    before = read_file(file).text if os.path.exists(file) else "# Authority\n"
    try:
        replace_file(file, f"{before.rstrip()}\n\n{text}")
    except OSError as error:
        raise SpecguardError(
            f"it cannot be written: {error.strerror}",
            path=AUTHORITY,
            help="without --write the settings are printed",
            code="unwritable-file",
        ) from error


def _data(made: Imported, text: str) -> dict[str, Any]:
    return {
        "settings": made.settings,
        "section": text if made.tables else None,
        "left": [
            {"path": origin.path, "line": origin.line or None, "what": what, "why": why}
            for origin, what, why in made.left
        ],
    }
