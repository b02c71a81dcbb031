"""The server: diagnostics of open files, pages of rules on hover, and the names of rules in `[rules.`."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
from typing import TYPE_CHECKING, Final

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from specguard import __version__
from specguard.authority.schema import rule_options
from specguard.engine.plugins import find_rule, known_rules
from specguard.errors import SpecguardError
from specguard.integrations.lsp.flaws import Place, artifact_flaws, authority_flaws, is_authority
from specguard.reporters import manual
from specguard.reporters.escape import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pygls.workspace import TextDocument

    from specguard.declaration.registry import Registered
    from specguard.integrations.lsp.flaws import Flaw

_log: Final = logging.getLogger(__name__)

_BEFORE: Final = re.compile(r"[A-Za-z0-9-]*$")
_AFTER: Final = re.compile(r"^[A-Za-z0-9-]*")
_TABLE: Final = re.compile(r"\s*\[(?:tool\.specguard\.)?rules\.([a-z-]*)$")
_PAUSE: Final = 0.3
"""So many seconds after the last key an authority is read again."""

_SEVERITIES: Final = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "info": types.DiagnosticSeverity.Information,
}


def make_server() -> LanguageServer:
    """A server with all that it answers, which has not begun."""
    server = LanguageServer("specguard", __version__)

    async def judge(uri: str, *, saved: bool) -> None:
        document = server.workspace.get_text_document(uri)
        version, lines = document.version, document.lines
        texts = {_file(one): one.source for one in server.workspace.text_documents.values()}
        # In a thread: meanwhile the editor is answered.
        flaws = await asyncio.to_thread(_flaws, _file(document), texts, saved=saved)
        now = server.workspace.text_documents.get(uri)
        if flaws is not None and now is not None and now.version == version:
            found = [_diagnostic(flaw, lines) for flaw in flaws]
            server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, version))

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(given: types.DidOpenTextDocumentParams) -> None:
        await judge(given.text_document.uri, saved=True)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(given: types.DidSaveTextDocumentParams) -> None:
        await judge(given.text_document.uri, saved=True)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(given: types.DidChangeTextDocumentParams) -> None:
        await asyncio.sleep(_PAUSE)
        now = server.workspace.text_documents.get(given.text_document.uri)
        if now is not None and now.version == given.text_document.version:
            await judge(given.text_document.uri, saved=False)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(given: types.DidCloseTextDocumentParams) -> None:
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(given.text_document.uri, []))

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hover(given: types.HoverParams) -> types.Hover | None:
        document = server.workspace.get_text_document(given.text_document.uri)
        word = document.word_at_position(given.position, _BEFORE, _AFTER)
        page = await asyncio.to_thread(_page, word, _file(document)) if word else ""
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, page)) if page else None

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=["."]))
    async def complete(given: types.CompletionParams) -> list[types.CompletionItem]:
        document = server.workspace.get_text_document(given.text_document.uri)
        at = document.position_from_client_units(given.position)
        lines = document.lines
        begun = _TABLE.match(lines[at.line][: at.character]) if at.line < len(lines) else None
        if begun is None:
            return []
        entries = await asyncio.to_thread(_entries, _file(document))
        return [
            types.CompletionItem(
                one.rule.name,
                kind=types.CompletionItemKind.Struct,
                detail=f"{one.rule.code}: {manual.summary(one)}",
            )
            for one in entries
            if one.rule.name.startswith(begun[1])
        ]

    return server


def serve() -> None:
    """Answer on standard input and output until the editor ends it."""
    # What else is printed, by a plugin say, must not come between the answers.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        make_server().start_io(stdout=answers)


def _file(document: TextDocument) -> str:
    """The file of a document; empty where it is none."""
    try:
        path = to_fs_path(document.uri)
        return os.path.realpath(path) if path else ""
    except ValueError:
        # It has a NUL.
        return ""


def _flaws(file: str, texts: Mapping[str, str], *, saved: bool) -> Sequence[Flaw] | None:
    """What is wrong in a file; None where that cannot be told now, so that what was told before stays."""
    if not file:
        return None
    try:
        place = Place(file)
        if is_authority(place):
            return authority_flaws(place, texts.get)
        return artifact_flaws(place) if saved else None
    except SpecguardError as error:
        _log.warning("%s", visible(error.message))
        return [] if saved else None


def _page(word: str, file: str) -> str:
    """The manual page of a rule, as the file's repository knows it; empty where the word is none."""
    try:
        entry = find_rule(known_rules(os.path.dirname(file)), word)
    except SpecguardError:
        return ""
    return manual.page(entry, rule_options(entry.rule))


def _entries(file: str) -> Sequence[Registered]:
    """All rules that the file's repository knows, by name."""
    try:
        return sorted(known_rules(os.path.dirname(file)).rules.values(), key=lambda one: one.rule.name)
    except SpecguardError:
        return []


def _diagnostic(flaw: Flaw, lines: Sequence[str]) -> types.Diagnostic:
    last = max(len(lines) - 1, 0)
    first, end = (min(max(line - 1, 0), last) for line in (flaw.line, flaw.end_line))
    # An editor counts in units of UTF-16.
    width = len(lines[end].rstrip("\r\n").encode("utf-16-le", "surrogatepass")) // 2 if lines else 0
    return types.Diagnostic(
        range=types.Range(types.Position(first, 0), types.Position(max(first, end), width)),
        message=flaw.message,
        severity=_SEVERITIES.get(flaw.severity, types.DiagnosticSeverity.Hint),
        source="specguard",
        code=flaw.code or None,
    )
