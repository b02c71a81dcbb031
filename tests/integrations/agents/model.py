"""A model that is none: it has an agent's program call one tool, and then ends the turn.

It speaks as much of Anthropic's Messages API, of the Gemini API and of OpenAI's Responses API as the three
programs need, so that a real program runs its real hooks without a model or a network.
"""

import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

FORMS = json.loads(Path(__file__).with_name("model.json").read_text("utf-8"))
"""What the three answer, with names of values in braces."""

ENDED = "all done"
"""What the model says at the end."""


class Model:
    """The model; a context manager that serves it on an address of this machine.

    Args:
        calls: the tools that it has called, one a turn: their names and what they are called with.

    Attributes:
        url: where it is served.
        requests: the paths and bodies that it was asked with.
    """

    def __init__(self, *calls: tuple[str, Mapping[str, Any]]) -> None:
        self.calls = list(calls)
        self.requests: list[tuple[str, Any]] = []
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Nothing is logged."""

            def do_HEAD(self) -> None:
                self._send(b"", "application/json")

            def do_GET(self) -> None:
                model.requests.append((self.path, None))
                self._send(b'{"models": [], "data": []}', "application/json")

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                try:
                    body = json.loads(raw)
                except ValueError:
                    body = {}
                model.requests.append((self.path, body))
                text, kind = model.answer(self.path.partition("?")[0], body)
                self._send(text.encode(), kind)

            def _send(self, data: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def heard(self) -> str:
        """All that the program said to the model."""
        return json.dumps([body for _, body in self.requests])

    def answer(self, path: str, body: Any) -> tuple[str, str]:
        """What is answered to a request, and of which type it is."""
        if path.endswith("/messages"):
            return self._anthropic(body)
        if path.endswith("/responses"):
            return self._openai(body)
        if "enerateContent" in path:
            return self._gemini(path, body)
        if path.endswith(("count_tokens", ":countTokens")):
            return json.dumps({"input_tokens": 1, "totalTokens": 1}), "application/json"
        return "{}", "application/json"

    def _values(self, results: int, *, tools: object = True) -> dict[str, Any]:
        """What the call after so many results fills in; it has no name where the turn ends."""
        ends = not tools or results >= len(self.calls)
        name, given = ("", {}) if ends else self.calls[results]
        return {
            "results": results,
            "ended": ENDED,
            "name": name,
            "given": given,
            "json": json.dumps(given),
            "patch": given.get("input"),
        }

    def _anthropic(self, body: Any) -> tuple[str, str]:
        results = _count(body.get("messages"), "type", "tool_result")
        values = {**self._values(results, tools=body.get("tools")), "model": body.get("model")}
        forms = FORMS["anthropic"]
        parts = _filled(forms["tool" if values["name"] else "text"], values)
        message = _filled(forms["message"], values)
        if body.get("stream"):
            return _events(_filled(forms["events"], {**parts, "message": message}))
        whole = {**message, "content": [parts["whole"]], "stop_reason": parts["reason"]}
        return json.dumps(whole), "application/json"

    def _openai(self, body: Any) -> tuple[str, str]:
        kinds = ("function_call_output", "custom_tool_call_output")
        values = self._values(sum(_count(body.get("input") or [], "type", kind) for kind in kinds))
        forms = FORMS["openai"]
        name = values["name"]
        item = _filled(forms["apply_patch" if name == "apply_patch" else "tool" if name else "text"], values)
        return _events(_filled(forms["events"], {**values, "item": item}))

    def _gemini(self, path: str, body: Any) -> tuple[str, str]:
        results = sum(
            "functionResponse" in part
            for one in body.get("contents") or []
            for part in one.get("parts") or []
        )
        values = self._values(results, tools=body.get("tools"))
        part = _filled(FORMS["gemini"]["tool" if values["name"] else "text"], values)
        data = json.dumps(_filled(FORMS["gemini"]["answer"], {"part": part}))
        if "stream" not in path:
            return data, "application/json"
        return f"data: {data}\r\n\r\n", "text/event-stream"


def _filled(form: Any, values: Mapping[str, Any]) -> Any:
    """A form with the values in place of their names; a text that is but a name becomes the value."""
    if isinstance(form, str):
        if form[1:-1] in values:
            return values[form[1:-1]]
        return form.replace("{results}", str(values.get("results")))
    if isinstance(form, list):
        return [_filled(one, values) for one in form]
    if isinstance(form, dict):
        return {key: _filled(one, values) for key, one in form.items()}
    return form


def _count(value: Any, key: str, wanted: str) -> int:
    """How often a member of this value stands in what a request says."""
    inner: Sequence[Any] = ()
    found = 0
    if isinstance(value, dict):
        inner = list(value.values())
        found = int(value.get(key) == wanted)
    elif isinstance(value, list):
        inner = value
    return found + sum(_count(one, key, wanted) for one in inner)


def _events(events: Iterable[Mapping[str, Any]]) -> tuple[str, str]:
    text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return text, "text/event-stream"
