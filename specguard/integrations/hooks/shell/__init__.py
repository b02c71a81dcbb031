"""What a shell command would certainly do, told before it runs.

`reader` splits the command into simple commands of words that are written out; `programs` and `git` say what
those that are known by name write. What is written in another way (a loop, a variable, a program that is not
known) is passed over: the working tree, the index and the commits are judged after every command, so nothing
here has to be complete.
"""

from __future__ import annotations

from specguard.integrations.hooks.shell.programs import read_command

__all__ = ["read_command"]
