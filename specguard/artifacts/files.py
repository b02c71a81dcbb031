"""The files of artifacts: lookup by templates, required files, and readability."""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property

from specguard.documents.data import Data, Problem, data_kind, dotted
from specguard.errors import MissingFact
from specguard.model import TYPE_CHECKING, Finding, cached_method, folders_of, grouped, path_text, shortened
from specguard.work.name_templates import PathTemplate, path_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

    from specguard.artifacts.artifacts import Artifact, Artifacts
    from specguard.change.tree import Tree
    from specguard.documents.schemas import Schema


class Places:
    """The files of a tree, including symbolic links and submodules.

    Args:
        tree: the tree to search.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def matching(self, folder: bytes, text: str, fields: Mapping[str, str]) -> Sequence[bytes]:
        """Return the paths of non-folder entries that match a template, sorted.

        Args:
            folder: the folder to which the template is relative; empty for the root. A template with a
                leading slash is always relative to the root.
            text: the template.
            fields: the values of its placeholders; a placeholder without a value matches anything.

        Raises:
            MissingFact: a tree object is missing.
        """
        template = path_template(text)
        path = unique_path(template, folder, fields)
        if path is not None:
            entry = self.tree.find(path)
            return [] if entry is None or entry.is_directory else [path]
        names = frozenset(template.names & fields.keys())
        known = self._by_key(b"" if text.startswith("/") else folder, text, names)
        return known.get(template.key(fields), [])

    @cached_method
    def _by_key(self, folder: bytes, text: str, names: frozenset[str]) -> dict[tuple[str, ...], list[bytes]]:
        """Return the paths in a folder that a template matches, by the texts of some placeholders."""
        template = path_template(text)
        found = ((template.key_of(name, names), name) for name in self._names(folder, text))
        return grouped((key, join_path(folder, name)) for key, name in found if key is not None)

    def files_beside(self, folder: bytes, text: str, fields: Mapping[str, str]) -> Sequence[bytes]:
        """Return the regular files among the results of `matching`."""
        return list(filter(self.tree.has_file, self.matching(folder, text, fields)))

    def below(self, folder: bytes) -> Sequence[bytes]:
        """Return all non-folder paths below a folder, sorted; all paths of the tree for the root.

        Raises:
            MissingFact: a tree object is missing.
        """
        paths = self.tree.paths()
        if not folder:
            return paths
        return paths[bisect_left(paths, folder + b"/") : bisect_left(paths, folder + b"0")]

    def folders(self, text: str, fields: Mapping[str, str]) -> Sequence[bytes]:
        """Return the folders that match a template from the root, sorted.

        Raises:
            MissingFact: a tree object is missing.
        """
        template = path_template(text)
        names = template.names & fields.keys()
        wanted = template.key(fields)
        return [folder for folder in self._folders if template.key_of(folder, names) == wanted]

    @cached_property
    def _folders(self) -> Sequence[bytes]:
        return sorted(folders_above(self.tree.paths()))

    def _names(self, folder: bytes, text: str) -> Sequence[bytes]:
        """Return the paths, relative to a folder, that a template can match."""
        if "/" in text.removeprefix("/") or "**" in text:
            return [path[len(folder) + 1 :] if folder else path for path in self.below(folder)]
        return sorted(name for name, entry in self.tree.names(folder).items() if not entry.is_directory)


def folders_above(paths: Iterable[bytes]) -> set[bytes]:
    """Return all folders above some paths, without the root."""
    folders = {path.rpartition(b"/")[0] for path in paths}
    return folders.union(*map(folders_of, folders)) - {b""}


def join_path(folder: bytes, name: bytes) -> bytes:
    """Join a folder, empty for the root, and a relative path."""
    return folder + b"/" + name if folder else name


def unique_path(template: PathTemplate, folder: bytes, fields: Mapping[str, str]) -> bytes | None:
    """Return the only path that a template can match, relative to the root; None if it is not unique.

    A wildcard, or a placeholder without a value, leaves the path open. A template with a leading slash
    ignores `folder`.
    """
    plain = template.exact_path(fields)
    return plain if plain is None or template.text.startswith("/") else join_path(folder, plain)


def missing_files(artifact: Artifact) -> Iterator[Finding]:
    """Yield findings about missing companions of an artifact, or missing members of a pass.

    Raises:
        MissingFact: a required object is missing.
    """
    name = path_text(artifact.path.rpartition(b"/")[2])
    for index, companion in enumerate(artifact.contract.companions):
        yield from _missing(artifact, alternatives(companion), f"companions.{index}", where=f"beside {name}")
    for index, template in enumerate(artifact.contract.members):
        yield from _missing(artifact, [template], f"members.{index}", where=f"in {name}/")


def had_companion(artifact: Artifact, lost: Set[bytes], places: Places) -> bool:
    """True if one of the lost paths was a companion of an artifact in the places before the change."""
    texts = [one for companion in artifact.contract.companions for one in alternatives(companion)]
    return any(not lost.isdisjoint(places.matching(artifact.folder, text, artifact.fields)) for text in texts)


def alternatives(companion: str | list[str]) -> list[str]:
    """Return the templates of a companion, one of which must exist."""
    return [companion] if isinstance(companion, str) else companion


def _missing(artifact: Artifact, templates: Sequence[str], key: str, *, where: str) -> Iterator[Finding]:
    places, folder, fields = artifact.artifacts.places, artifact.folder, artifact.fields
    found = [path for template in templates for path in places.matching(folder, template, fields)]
    existing = [path for path in found if path != artifact.path]
    problems = [why for path in existing if (why := artifact_problem(artifact.artifacts, path))]
    if len(problems) < len(existing) or (not existing and _is_cleaned_up(artifact, templates)):
        return
    names = [path_template(template).show(fields) for template in templates]
    name = " or ".join(names)
    if existing:
        shown = path_text(existing[0])
        message = f"{shown} {problems[0]}, and must be an artifact {where}"
        help = f"Write {shown} as a file of its own, with content."
    else:
        message = f"{name} is missing {where}"
        help = f"Add {names[0]}."
    yield artifact.finding(key, name, message, help)


def _is_cleaned_up(artifact: Artifact, templates: Sequence[str]) -> bool:
    """True if a manifest lists one of some companions as removed, with a reason.

    The manifest must be touched by the change if the change removes the companion or adds the artifact. Only
    touched manifests are compared with the removed paths.
    """
    artifacts = artifact.artifacts
    listing = artifacts.cleaned_up
    for text in templates:
        path = unique_path(path_template(text), artifact.folder, artifact.fields)
        is_past = artifact.path not in artifacts.added and path not in artifacts.changed
        for _, readings in listing.matches([path] if path is not None else []):
            if is_past or any(reading.manifest.touched for reading in readings):
                return True
    return False


def artifact_problem(artifacts: Artifacts, path: bytes) -> str:
    """Return the reason why a path does not have an artifact; empty if it has one."""
    entry = artifacts.documents.tree.find(path)
    if entry is None or not entry.is_file:
        return "is not a regular file"
    from specguard.documents.completeness import content_of

    artifacts.fetch()
    content = (artifacts.documents.content(path) or b"").strip()
    if not content or data_kind(path) is not None:
        return "" if content else "is empty"
    document = artifacts.documents.read(path)
    if document is None or document.problem is not None:
        return "cannot be read"
    found = content_of(document.blocks)
    # The entries of a log may be headings.
    if document.front_matter or found.kind == "content" or (document.stamps and not found.text):
        return ""
    says = "says" if found.kind == "nothing" else "has a placeholder:"
    return f"only {says} {shortened(found.text)!r}" if found.text else "is empty to a reader"


def invalid_structure(artifact: Artifact) -> Iterator[Finding]:
    """Yield a finding if an artifact cannot be read, or violates its contract's schema.

    Raises:
        MissingFact: the artifact is missing, or its schema cannot be used.
    """
    name, document = path_text(artifact.path), artifact.document
    data = artifact.data or Data(None, problem=Problem("it is not a regular file"))
    problem = document.problem or data.problem
    if problem is not None:
        is_front_matter = document.problem is None and not artifact.structured
        why = "its front matter is not valid: " if is_front_matter else ""
        help = "Mend it; what cannot be read holds nothing of what it must hold."
        message = f"{name} cannot be read: {why}{problem.message}"
        yield artifact.finding("path", "unread", message, help, problem.line)
        return
    if document.marked and document.front_matter is not None:
        # Some readers take the front matter for text then.
        message = f"{name} has a byte-order mark before its front matter"
        yield artifact.finding("path", "marked", message, "Save it as UTF-8 without a byte-order mark.", 1)
    if artifact.contract.schema:
        yield from _misfits(artifact, data, _read_schema(artifact.artifacts, artifact.contract.schema))


def _misfits(artifact: Artifact, data: Data, schema: Schema) -> Iterator[Finding]:
    from specguard.documents.schemas import SchemaError

    name = artifact.contract.schema
    try:
        for misfit in schema.misfits(data.value):
            where = dotted(misfit.path)
            kind = dotted(["*" if isinstance(part, int) else part for part in misfit.path])
            message = f"{where}: {misfit.message}" if where else misfit.message
            key, line = f"{kind} {misfit.keyword}", data.line(misfit.path)
            help, field = f"Make it fit {name}.", where or None
            yield artifact.finding("schema", key, message, help, line, field=field)
    except SchemaError as error:
        message = f"the schema {name} of [artifacts.{artifact.name}] cannot be used: {error}"
        raise MissingFact(message, code="unusable-schema") from None


@cached_method
def _read_schema(artifacts: Artifacts, path: str) -> Schema:
    """Return the JSON Schema at a path of the tree that the policy is read from: JSON, or YAML by its name.

    Raises:
        MissingFact: the file is missing, or is not a usable schema.
    """
    from specguard.change.tree import Documents
    from specguard.documents.schemas import Schema, SchemaError

    data = Documents(artifacts.change.policy_files).data(path.encode("utf-8", "surrogateescape"))
    if data is None:
        why = f"there is no schema {path} beside the policy"
        raise MissingFact(why, f"git log -- {path}", code="unusable-schema")
    try:
        if data.problem is None:
            return Schema(data.value)
        why = data.problem.message
    except SchemaError as error:
        why = str(error)
    raise MissingFact(f"the schema {path} cannot be used: {why}", code="unusable-schema")
