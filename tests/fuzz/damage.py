"""Valid inputs, and what damage makes of them: cut, doubled, moved, flipped, with odd things put in."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st

DRAWN = tomllib.loads(Path(__file__).with_name("drawn.toml").read_text("utf-8"))
"""What properties draw from, as far as it is plain data."""

ODD: Sequence[bytes] = (
    *(text.encode() for text in DRAWN["odd"]),
    *(b"\x0b\x0c\x1c\x85", b"\xff", b"\xc3", b"\xed\xa0\x80", b"1" * 25, b"9" * 400, b"9" * 5000),
    *(mark * 200 for mark in (b"[", b"{", b'{"a":', b"> ", b"- ", b"a.", b"(", b"*_`")),
    *(b"a" * 3000, b"\n" * 300, b" " * 300),
)
"""What is put in: controls, odd Unicode, no UTF-8, marks of every format, huge numbers, deep nesting."""


def few(share: int) -> settings:
    """The settings of a property that tries so many percent of the examples that the profile asks for."""
    profile = settings.default
    assert profile is not None
    return settings(max_examples=max(1, profile.max_examples * share // 100))


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes], most: int = 3) -> bytes:
    """Something valid with damage done to it in one to a few places.

    Args:
        draw: hypothesis's.
        whole: what is valid.
        most: in how many places at most it is damaged.
    """
    data = draw(whole)
    for _ in range(draw(st.integers(1, most))):
        data = draw(_one(data, whole))
    return data


@st.composite
def _one(draw: st.DrawFn, data: bytes, whole: st.SearchStrategy[bytes]) -> bytes:
    kind = draw(
        st.sampled_from(["cut", "drop", "double", "swap", "flip", "put", "replace", "lines", "splice"])
    )
    if kind == "lines":
        return _lines(draw, data)
    at = draw(st.integers(0, len(data)))
    end = min(len(data), at + draw(st.integers(0, 80)))
    part = data[at:end]
    made = {"cut": data[:at], "drop": data[:at] + data[end:], "swap": data[end:] + part + data[:at]}
    if kind in made:
        return made[kind]
    if kind == "double":
        return data[:end] + part * draw(st.integers(1, 3)) + data[end:]
    if kind == "flip":
        return data[:at] + bytes([draw(st.integers(0, 255))]) + data[at + 1 :]
    if kind == "splice":
        other = draw(whole)
        return data[:at] + other[draw(st.integers(0, len(other))) :]
    odd = draw(st.sampled_from(ODD))
    return data[:at] + odd + data[at if kind == "put" else end :]


def _lines(draw: st.DrawFn, data: bytes) -> bytes:
    """Damage to whole lines, which leaves each of them what it was."""
    lines = data.split(b"\n")
    one, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
    kind = draw(st.sampled_from(["drop", "double", "swap", "indent", "join", "put"]))
    if kind == "drop":
        del lines[one]
    elif kind == "double":
        lines.insert(other, lines[one])
    elif kind == "swap":
        lines[one], lines[other] = lines[other], lines[one]
    elif kind == "indent":
        lines[one] = draw(st.sampled_from([b" ", b"    ", b"\t", b"> ", b"- "])) + lines[one]
    elif kind == "join" and one + 1 < len(lines):
        lines[one] += lines.pop(one + 1)
    else:
        lines.insert(one, draw(st.sampled_from(ODD)))
    return b"\n".join(lines)
