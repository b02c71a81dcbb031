"""Whether an artifact can be read, and whether what is structured fits its schema."""

from __future__ import annotations

from specguard.documents.data import dotted
from specguard.errors import MissingFact
from specguard.model import Finding, path_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from specguard.artifacts.artifacts import Artifact
    from specguard.change.tree import Tree
    from specguard.documents.data import Data, Problem
    from specguard.documents.schemas import Misfit, Schema


def invalid_structure(artifact: Artifact) -> Iterator[Finding]:
    """What keeps an artifact from being read, or does not fit the schema of its contract.

    Raises:
        MissingFact: the artifact is not there, or its schema cannot be used.
    """
    data = artifact.data
    if data is None:
        yield _unread(artifact, "it is no regular file", None)
        return
    problem = None if artifact.structured else artifact.document.problem
    if problem is None and data.problem is not None:
        problem = data.problem
        if not artifact.structured:
            yield _unread(artifact, f"its front matter is not valid: {problem.message}", problem)
            return
    if problem is not None:
        yield _unread(artifact, problem.message, problem)
        return
    if not artifact.structured and artifact.document.marked and artifact.document.front_matter is not None:
        # Some readers take it for text then, and the page for one without any.
        yield Finding(
            f"{path_text(artifact.path)} has a byte-order mark before its front matter",
            help="Save it as UTF-8 without a byte-order mark.",
            path=artifact.path,
            line=1,
            key="marked",
            setting=artifact.setting("path"),
        )
    if artifact.contract.schema:
        schema = artifact.artifacts.schema(artifact.contract.schema)
        yield from _misfits(artifact, data, schema)


def _unread(artifact: Artifact, why: str, problem: Problem | None) -> Finding:
    return Finding(
        f"{path_text(artifact.path)} cannot be read: {why}",
        help="Mend it; what cannot be read holds nothing of what it must hold.",
        path=artifact.path,
        line=problem.line if problem else None,
        key="unread",
        setting=artifact.setting("path"),
    )


def _misfits(artifact: Artifact, data: Data, schema: Schema) -> Iterator[Finding]:
    from specguard.documents.schemas import SchemaError

    name = artifact.contract.schema
    try:
        for misfit in schema.misfits(data.value):
            yield _misfit(artifact, data, misfit)
    except SchemaError as error:
        raise MissingFact(
            f"the schema {name} of [artifacts.{artifact.name}] cannot be used: {error}",
            code="unusable-schema",
        ) from None


def _misfit(artifact: Artifact, data: Data, misfit: Misfit) -> Finding:
    where = dotted(misfit.path)
    return Finding(
        f"{f'{where}: ' if where else ''}{misfit.message}",
        help=f"Make it fit {artifact.contract.schema}.",
        path=artifact.path,
        line=data.line(misfit.path),
        field=where or None,
        key=f"{dotted(['*' if isinstance(part, int) else part for part in misfit.path])} {misfit.keyword}",
        setting=artifact.setting("schema"),
    )


def read_schema(tree: Tree, path: str) -> Schema:
    """The JSON Schema at a path.

    Args:
        tree: the tree that the policy is read from.
        path: from its root; JSON, or YAML where its name says so.

    Raises:
        MissingFact: it is not there, or is no schema that can be used.
    """
    from specguard.change.tree import Documents
    from specguard.documents.schemas import Schema, SchemaError

    data = Documents(tree).data(path.encode("utf-8", "surrogateescape"))
    if data is None:
        raise MissingFact(
            f"there is no schema {path} beside the policy", f"git log -- {path}", code="unusable-schema"
        )
    if data.problem is not None:
        raise MissingFact(f"the schema {path} cannot be read: {data.problem.message}", code="unusable-schema")
    try:
        return Schema(data.value)
    except SchemaError as error:
        raise MissingFact(f"the schema {path} cannot be used: {error}", code="unusable-schema") from None
