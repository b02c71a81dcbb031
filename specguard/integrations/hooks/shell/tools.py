"""Programs that write a file among other things: `curl`, sorting, editors, hooks' managers."""

from __future__ import annotations

from specguard.integrations.hooks.shell.files import named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final

    from specguard.integrations.hooks.shell.call import Call


_CURL_FLAGS: Final = (
    "remote-name",
    "remote-name-all",
    "remote-header-name",
    "silent",
    "show-error",
    "location",
    "fail",
    "fail-with-body",
    "fail-early",
    "head",
    "include",
    "insecure",
    "compressed",
    "verbose",
    "get",
    "http1.1",
    "http2",
    "ipv4",
    "ipv6",
    "no-progress-meter",
    "progress-bar",
    "globoff",
    "no-buffer",
    "version",
    "help",
    "retry-all-errors",
    "location-trusted",
    "post301",
    "parallel",
)


def _curl(call: Call) -> str | None:
    valued = "oDcKTAbdeEFHmPQrtuUwxXyYzC"
    longs = [
        "output", "dump-header", "cookie-jar", "config", "trace", "trace-ascii", "output-dir", "stderr",
        "header", "data", "data-raw", "data-binary", "user", "url", "request", "form", "user-agent",
        "max-time", "retry", "etag-save", "hsts", "alt-svc", "libcurl", "connect-timeout", "proxy",
        "cookie", "write-out", "json", "upload-file", "referer", "range", "cacert", "cert", "key",
        "resolve", "data-urlencode", "retry-delay", "max-redirs",
    ]  # fmt: skip
    arguments = call.arguments(valued, longs, flags=_CURL_FLAGS)
    known = {*longs, *_CURL_FLAGS}
    others = [name for name, _ in arguments.options if len(name) > 1 and name not in known]
    written = [value.text for value in arguments.values("w", "write-out")]
    if others or any(text is None or text.startswith("@") or "%output" in text for text in written):
        call.undecided("which files curl writes by these options is not known")
    if arguments.odd is not None:
        call.undecided(f"what `{arguments.odd.raw}` makes curl write is not known")
    if arguments.has(
        "K", "config", "output-dir", "J", "remote-header-name", "remote-name-all", "O", "remote-name"
    ):
        call.undecided("which files curl writes is not known")
    named = ("o", "output", "D", "dump-header", "c", "cookie-jar", "trace", "trace-ascii", "stderr")
    for field in arguments.values(*named, "etag-save", "hsts", "alt-svc", "libcurl"):
        if field.text != "-":
            call.write(field)
    return None


def _second(call: Call) -> str | None:
    """`uniq` and `xxd`: the second operand is written."""
    arguments = call.arguments(
        "fsw" if call.name == "uniq" else "sclgon", ["skip-fields", "skip-chars", "check-chars"]
    )
    for field in named(call, arguments)[1:]:
        call.write(field)
    return None


def _sort(call: Call) -> str | None:
    arguments = call.arguments(
        "okSTt",
        [
            "output",
            "key",
            "buffer-size",
            "temporary-directory",
            "field-separator",
            "compress-program",
            "files0-from",
        ],
    )
    named(call, arguments)
    for field in arguments.values("o", "output"):
        call.write(field)
    if arguments.has("compress-program"):
        call.unknown()
    return None


def _editor(call: Call) -> str | None:
    arguments = call.arguments("csuSTp", ["cmd"])
    for field in arguments.operands:
        call.write(field)
    call.undecided(f"what is done in the editor `{call.name}` is not known")
    return None


def _temporary(call: Call) -> str | None:
    arguments = call.arguments("p", ["suffix"], flags=["tmpdir"])
    if arguments.operands or arguments.odd is not None or arguments.has("p", "tmpdir"):
        call.undecided("which file mktemp makes is not known")
    return None


def _hooks(call: Call) -> str | None:
    """Programs that manage git's hooks."""
    words = [word.text for word in call.words[1:]]
    if "uninstall" in words:
        call.shell.telling.bypass(f"`{call.name} uninstall` removes the hooks")
    elif words and words[0] in ("--version", "--help", "validate-config", "sample-config", "help", "version"):
        return None
    else:
        call.unknown()
    return None


TOOLS: Final[Mapping[str, Callable[[Call], str | None]]] = {
    "curl": _curl,
    **dict.fromkeys(["uniq", "xxd"], _second),
    "sort": _sort,
    **dict.fromkeys(["ed", "red", "ex", "vi", "vim", "nvim", "nano", "emacs", "code"], _editor),
    "mktemp": _temporary,
    **dict.fromkeys(["pre-commit", "prek", "husky", "lefthook", "overcommit"], _hooks),
}
"""Programs of this module by their names."""
