"""What a shell command would do, told before it runs.

The command is read as bash reads it and followed program by program, without running any. It goes through
four parts, each of which knows those before it alone:

1. Reading makes a tree of the text: `syntax` has what the tree is made of; `cursor`, `word_reader`,
   `command_reader` and `script_reader`, each made on the one before, read it; `escapes` reads `$'…'`.
2. Words become the arguments of programs: `expansion` asks what variables hold and commands print, and
   `fields`, `braces` and `patterns` make of one word (`field`) the several that a program is given.
3. Following takes the commands in turn: `shell` goes through lists, branches and loops, `state` is what it
   knows between two commands, `redirections` opens files, `builtins` and `variables` are what the shell does
   itself; a program's `call` has its `arguments`.
4. Telling says what each program writes: `programs` finds who does, by its name: `files`, `git` and its
   modules, and for programs that most commands do not have, imported only then, `wrappers` (those that run
   others), `sed`, `interpreters`, `tools` and `patching`. All of it goes to `telling`, which looks at `disk`.

Nothing that cannot be told is passed over: what is in no edit, message or bypass is in `undecided`, unless
the program only reads. So what is rare need not be known, and leaving it out is always right.
"""

from __future__ import annotations

import os

from specguard.integrations.hooks.deeds import Deeds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

SIZE: Final = 4_000_000
"""Commands of more characters than this are not read."""


def read_command(text: str, directory: bytes, environment: Mapping[str, str] | None = None) -> Deeds:
    """What a shell command would do.

    Args:
        text: the command, as `bash -c` takes it.
        directory: the folder in which it would run, absolute.
        environment: the variables that it would see; those of this process where they are not given. Only
            `HOME` is believed.
    """
    from specguard.integrations.hooks.shell.shell import Shell
    from specguard.integrations.hooks.shell.state import State
    from specguard.integrations.hooks.shell.telling import Telling, TooMuch

    telling = Telling(directory, os.environ if environment is None else environment)
    if len(text) > SIZE:
        return Deeds(undecided=["the command is too long to be read"])
    if "\0" in text:
        return Deeds(undecided=["the command holds a NUL, which no command can"])
    shell = Shell(telling)
    try:
        shell.run_text(text, State())
    except TooMuch:
        telling.undecided("the command does more than can be followed")
    except RecursionError:
        telling.undecided("the command is nested too deeply to be followed")
    return telling.deeds()
