"""A model that is none: it has an agent's program call one tool, and then ends the turn.

It speaks as much of Anthropic's Messages API, of the Gemini API and of OpenAI's Responses API as the three
programs need, so that a real program runs its real hooks without a model or a network.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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

    def _next(self, results: int) -> tuple[str, Mapping[str, Any]] | None:
        """The call that comes after so many results of calls."""
        return self.calls[results] if results < len(self.calls) else None

    def _anthropic(self, body: Any) -> tuple[str, str]:
        results = _count(body.get("messages"), "type", "tool_result")
        call = self._next(results) if body.get("tools") else None
        message = {
            "id": f"msg_{results}", "type": "message", "role": "assistant", "model": body.get("model"),
            "content": [], "stop_reason": None, "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }  # fmt: skip
        if call is None:
            block: dict[str, Any] = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": ENDED}
            whole: dict[str, Any] = {"type": "text", "text": ENDED}
        else:
            block = {"type": "tool_use", "id": f"toolu_{results}", "name": call[0], "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(call[1])}
            whole = {**block, "input": call[1]}
        reason = "end_turn" if call is None else "tool_use"
        if not body.get("stream"):
            return json.dumps({**message, "content": [whole], "stop_reason": reason}), "application/json"
        return _events(
            [
                {"type": "message_start", "message": message},
                {"type": "content_block_start", "index": 0, "content_block": block},
                {"type": "content_block_delta", "index": 0, "delta": delta},
                {"type": "content_block_stop", "index": 0},
                {
                    "type": "message_delta", "usage": {"output_tokens": 1},
                    "delta": {"stop_reason": reason, "stop_sequence": None},
                },
                {"type": "message_stop"},
            ]
        )  # fmt: skip

    def _openai(self, body: Any) -> tuple[str, str]:
        given = body.get("input") or []
        results = _count(given, "type", "function_call_output") + _count(
            given, "type", "custom_tool_call_output"
        )
        call = self._next(results)
        name = f"resp_{results}"
        if call is None:
            item: dict[str, Any] = {
                "type": "message", "role": "assistant", "id": f"msg_{results}",
                "content": [{"type": "output_text", "text": ENDED}],
            }  # fmt: skip
        elif call[0] == "apply_patch":
            item = {
                "type": "custom_tool_call", "call_id": f"call_{results}", "name": call[0],
                "input": call[1]["input"],
            }  # fmt: skip
        else:
            item = {
                "type": "function_call", "call_id": f"call_{results}", "name": call[0],
                "arguments": json.dumps(call[1]),
            }  # fmt: skip
        usage = {
            "input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "input_tokens_details": None,
            "output_tokens_details": None,
        }  # fmt: skip
        return _events(
            [
                {"type": "response.created", "response": {"id": name}},
                {"type": "response.output_item.done", "item": item},
                {"type": "response.completed", "response": {"id": name, "usage": usage}},
            ]
        )

    def _gemini(self, path: str, body: Any) -> tuple[str, str]:
        results = sum(
            "functionResponse" in part
            for one in body.get("contents") or []
            for part in one.get("parts") or []
        )
        call = self._next(results) if body.get("tools") else None
        part = {"text": ENDED} if call is None else {"functionCall": {"name": call[0], "args": call[1]}}
        data = {
            "candidates": [
                {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
            ],
            "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
        }
        if "stream" not in path:
            return json.dumps(data), "application/json"
        return f"data: {json.dumps(data)}\r\n\r\n", "text/event-stream"


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
