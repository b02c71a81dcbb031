"""What a caller, a hook or git may hand over, in any state: one clear error, or a verdict."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from specguard.testing import Repository
from tests.fuzz.damage import DRAWN, damaged, few
from tests.fuzz.verdicts import checked

ZERO = "0" * 40


def text(content: bytes) -> str:
    """As the system hands an argument over."""
    return content.replace(b"\0", b"").decode("utf-8", "surrogateescape")


REVISIONS = st.sampled_from(
    [b"main", b"HEAD~1", b"HEAD^2", b"@{-1}", b"origin/main", b"a" * 40, b"phase-1-x", b"HEAD^{tree}"]
)
OPTIONS = st.sampled_from(DRAWN["options"])
VALUES = damaged(
    REVISIONS
    | st.sampled_from([b"main..HEAD", b"A...B", b"2026-01-31", b"PTH002,CMT", b"Phase 1: x", b"/dev/null"])
)


@few(120)
@given(given_to=st.lists(st.tuples(OPTIONS, VALUES), min_size=1, max_size=3))
def test_no_argument_is_a_crash(red: Repository, given_to: list[tuple[str, bytes]]) -> None:
    words = [word for option, value in given_to for word in (option, text(value))]
    checked(red, *words)


@few(60)
@given(data=st.data())
def test_what_git_says_is_pushed_is_judged_or_refused(red: Repository, data: st.DataObject) -> None:
    head, base = red.names["head"], red.names["base"]
    lines = st.lists(
        st.sampled_from([
            f"refs/heads/phase-1-x {head} refs/heads/phase-1-x {ZERO}\n",
            f"HEAD {head} refs/heads/x {base}\n",
            f"{head} {head} refs/heads/release/1 {ZERO}\n",
            f"refs/heads/phase-1-x {head} refs/heads/main {base}\n",
        ]),
        min_size=1,
    ).map(lambda several: "".join(several).encode())  # fmt: skip
    whole = data.draw(lines)
    content = data.draw(damaged(st.just(whole)) | st.just(whole))
    outcome = checked(red, "--push", stdin=content)
    if content == whole:
        assert outcome.exit_code == 1
    # A line that names the head as what is pushed is judged, whatever has become of the others.
    pushed = [line.split(b" ") for line in content.split(b"\n")]
    if any(len(line) == 4 and line[1] == head.encode() for line in pushed):
        assert outcome.exit_code in {1, 2}


MESSAGE = b"feat: x\n\nThe body.\n\nWork-Item: A-1\nCo-authored-by: Bo <bo@example.org>\n# a comment\n"


@few(60)
@given(content=damaged(st.just(MESSAGE)))
def test_any_message_is_judged(red: Repository, file: Path, content: bytes) -> None:
    file.write_bytes(content)
    outcome = checked(red, f"--commit-msg-file={file}")
    if not content.startswith(b"feat: "):
        # A mark of a comment hides the line, and nothing but the subject's own form makes it right.
        lines = (line for line in content.split(b"\n") if line.strip() and not line.startswith(b"#"))
        subject = next(lines, b"")
        assert outcome.exit_code == 1 or subject.startswith((b"feat: ", b"\xef\xbb\xbffeat: "))


@few(40)
@given(content=damaged(st.just(MESSAGE)), name=damaged(st.just(b"locked/new")))
def test_any_commit_is_judged(red: Repository, content: bytes, name: bytes) -> None:
    tree = f"100644 blob {red.blob('x')}\t".encode() + name.replace(b"\0", b"").replace(b"/", b"|") + b"\0"
    made = red.process("mktree", "-z", stdin=tree)
    if made.returncode:
        return
    commit = b"tree %sparent %s\nauthor A <a@x> 1 +0000\ncommitter C <c@x> 1 +0000\n\n%s" % (
        made.stdout, red.names["base"].encode(), content,
    )  # fmt: skip
    head = red.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=commit)
    outcome = checked(red, f"--base={red.names['base']}", f"--head={head}")
    # It has no locked folder any more.
    assert outcome.exit_code == 2 or "PTH002" in outcome.codes
