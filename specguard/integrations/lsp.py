"""A language server: problems in authority documents, artifacts and guarded files, as they are saved."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import TYPE_CHECKING, Final

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from specguard import __version__
from specguard.authority.load import DEFAULT_PATHS, load_policy
from specguard.authority.policy import Policy
from specguard.change.check_request import Request
from specguard.change.repository import Repository
from specguard.change.worktree import FolderTree
from specguard.engine.check import check
from specguard.engine.plugins import known_rules
from specguard.engine.trusted_policy import open_policy
from specguard.errors import SpecguardError
from specguard.model import Record
from specguard.reporters.escape import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pygls.workspace import TextDocument

    from specguard.model import Severity


_log: Final = logging.getLogger(__name__)

_SEVERITIES: Final = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "info": types.DiagnosticSeverity.Information,
}


def make_server() -> LanguageServer:
    """Return a server with all its features, not started yet."""
    server = LanguageServer("specguard", __version__)

    judging = asyncio.Lock()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def judge(given: types.DidOpenTextDocumentParams | types.DidSaveTextDocumentParams) -> None:
        document = server.workspace.get_text_document(given.text_document.uri)
        lines = document.lines
        async with judging:
            # In a thread, so that the editor gets other answers meanwhile.
            flaws = await asyncio.to_thread(flaws_of, _file(document))
        found = [_diagnostic(flaw, lines) for flaw in flaws]
        # A document that was closed meanwhile, or opened anew, is another object.
        if server.workspace.get_text_document(document.uri) is document:
            server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(document.uri, found))

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def on_close(given: types.DidCloseTextDocumentParams) -> None:
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(given.text_document.uri, []))

    return server


def serve() -> None:
    """Serve on stdin and stdout until the editor ends the server."""
    # Other output, for example of a plugin, must not mix with the answers.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        make_server().start_io(stdout=answers)


def _file(document: TextDocument) -> str:
    """Return the path of a document's file; empty if it is not a file."""
    try:
        path = to_fs_path(document.uri)
        return os.path.realpath(path) if path else ""
    except ValueError:
        # The path has a NUL.
        return ""


def flaws_of(file: str) -> Sequence[DocumentFlaw]:
    """Return the flaws of a file; none if it cannot be judged, or is in no repository.

    A document belongs to the authority by its name, or because the trusted base says so. Rules judge it, too.

    Args:
        file: its absolute path, with links resolved; empty without a file.
    """
    if not file:
        return []
    flaws: list[DocumentFlaw] = []
    try:
        root = os.path.realpath(Repository.locate(os.path.dirname(file), os.environ).work_tree())
        path = os.path.relpath(file, root)
        is_authority = path in DEFAULT_PATHS
        if is_authority:
            flaws = _authority_flaws(root, path)
        policy = open_policy(Request(environment=os.environ, directory=root))
        if not is_authority and path in dict(policy.documents):
            flaws = _authority_flaws(root, path)
        return [*flaws, *_artifact_flaws(root, path, policy)]
    except SpecguardError as error:
        _log.warning("%s", visible(error.message))
        return flaws


def _diagnostic(flaw: DocumentFlaw, lines: Sequence[str]) -> types.Diagnostic:
    first, end = (min(max(line - 1, 0), max(len(lines) - 1, 0)) for line in (flaw.line, flaw.end_line))
    # Editors count UTF-16 code units.
    width = len(lines[end].rstrip("\r\n").encode("utf-16-le", "surrogatepass")) // 2 if lines else 0
    return types.Diagnostic(
        range=types.Range(types.Position(first, 0), types.Position(max(first, end), width)),
        message=flaw.message,
        severity=_SEVERITIES.get(flaw.severity, types.DiagnosticSeverity.Hint),
        source="specguard",
        code=flaw.code or None,
    )


_SHOWN: Final = ("ART", "SPC", "PLN", "PTH001", "PTH002")
"""The starts of the codes of rules whose findings belong to one file, and help while it is written."""

_MOST_FLAWS: Final = 500


class DocumentFlaw(Record):
    """A flaw in a file.

    Attributes:
        message: the problem, and the next step.
        line: its first line, from 1; 0: the whole file.
        end_line: its last line.
        severity: the severity.
        code: the rule's code; empty for flaws of an authority.
    """

    message: str
    line: int
    end_line: int
    severity: Severity
    code: str = ""


def _authority_flaws(root: str, path: str) -> list[DocumentFlaw]:
    """Return the flaws of a document of the authority in a working tree, by its path there."""
    try:
        # Only plugins that the trusted base names are imported, not those in the text.
        policy = load_policy(FolderTree(root), registry=lambda _: known_rules(root))
    except SpecguardError as error:
        errors = [(one.path, one.line or 0, _message(one.message, one.help)) for one in error.errors()]
        own = [DocumentFlaw(message, line, line, "error") for at, line, message in errors if at == path]
        # The reader of this document must see that another one makes the authority unreadable.
        others = (f"{at}: {message}" if at else message for at, _, message in errors[:1])
        return own or [DocumentFlaw(message, 0, 0, "error") for message in others]
    if policy is None:
        return []
    flaws = [
        DocumentFlaw(_message(one.message, one.help), one.origin.line, one.origin.line, "error")
        for one in policy.disregarded
        if one.origin.path == path
    ]
    for one in policy.unread:
        if one.path == path:
            severity: Severity = "info" if one.meaning in ("prose", "hidden", "list") else "warning"
            flaws.append(DocumentFlaw(f"not understood: {visible(one.reason)}", one.line, one.line, severity))
    return flaws[:_MOST_FLAWS]


def _artifact_flaws(root: str, path: str, policy: Policy) -> list[DocumentFlaw]:
    """Return the findings in a saved file about artifacts, specs, plans and guarded paths.

    Raises:
        SpecguardError: no verdict is possible.
    """
    asked = [rule.code for rule in policy.rules if rule.active and rule.code.startswith(_SHOWN)]
    if not asked:
        return []
    request = Request(environment=os.environ, directory=root, worktree=True, all=True, select=asked)
    flaws = []
    for judged in (one for verdict in check(request) for one in verdict.findings):
        finding = judged.finding
        if judged.state == "open" and finding.path == os.fsencode(path):
            text = _message(finding.message, finding.help)
            text = f"{text} ({visible(str(judged.authority))})" if judged.authority else text
            line = finding.line or 0
            flaws.append(DocumentFlaw(text, line, finding.end_line or line, judged.severity, judged.code))
    return flaws[:_MOST_FLAWS]


def _message(message: str, help: str) -> str:
    return visible(message) + (f"\n{visible(help)}" if help else "")
