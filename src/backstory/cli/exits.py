"""Exit codes of verbs and errors for the shell. The rule of 1 and 2 is here, and nowhere else.

1 is an answer: a check failed, nothing was found, a decision or a condition refused. The same command may give 0 on
another history. 2 is a question that cannot be answered: a wrong command line, input, revision or store.
"""

from __future__ import annotations

from backstory.errors import AppendError, BackstoryError, IdReused, Refused, RevertError

FINE, DIFFERENT, USAGE, BUG, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 70, 130, 141
"""Exit codes. A shell gives the last two to a program that SIGINT or SIGPIPE ended, as with Git."""


class UsageError(BackstoryError):
    """The command line is wrong; the message names the fault, and the right form."""


def code_of(error: Exception) -> int:
    """The exit code for an error."""
    if isinstance(error, AppendError | Refused | RevertError) and not isinstance(error, IdReused):
        return DIFFERENT
    return USAGE if isinstance(error, BackstoryError | Warning | OSError) or is_no_text(error) else BUG


def is_no_text(error: Exception) -> bool:
    """Whether the error is about words of the command line that are bytes and no text."""
    return isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed"


def answer(yes: object) -> int:
    """The exit code for an answer: `DIFFERENT` if a check failed, or nothing was found."""
    return FINE if yes else DIFFERENT
