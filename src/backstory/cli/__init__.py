"""The `backstory` command: finds the verb, imports that verb's module and no other, and puts errors into words.

A verb is a line in `VERBS` and a module of `verbs/` with

    EXAMPLES                         commands, one a line, as they stand in its help; the tests run each of them
    arguments(parser)                adds the verb's own options; those of every verb are in `parse/parser.py`
    run(arguments, session, out)     does it, and returns the exit code

and perhaps, if its options depend on its words, or if it shows data only with some of its options,

    narrowed(words) -> ...           its replacement then: a longer name, a summary, such a module, the words left
    shows_data(arguments) -> bool    whether to read the application's marks first; else always, if it has --app

`verbs/types.py` is the shortest one to copy. A verb takes store, branch and application from its session, writes only
through `out` (`show/output.py`), and raises `UsageError` or any `BackstoryError` if it cannot go on. Code that several
verbs need is in `parse/` or `show/`: no verb imports another one, and lint proves it.
"""

from __future__ import annotations

import gc
import io
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

from backstory.cli.exits import BUG, FINE, INTERRUPTED, PIPE_CLOSED, USAGE, UsageError, code_of, is_no_text
from backstory.errors import BackstoryError, ClearTextWarning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from types import ModuleType
    from typing import Any, NoReturn

    from backstory.session import Session

VERBS: dict[str, dict[str, str]] = {
    "make history": {
        "init": "make a store",
        "append": "append a commit with one event",
        "do": "execute a command of an application",
        "set": "change fields of a row of a table, insert it, or delete it",
        "import": "bring in history from Git, CSV, JSON Lines or XES",
        "revert": "undo commits, by new events that say the opposite",
        "export": "write history as JSON Lines or CloudEvents",
        "clone": "copy all branches and marks into another store, of any kind",
    },
    "read history": {
        "log": "list the commits, newest first",
        "show": "show a commit with its events, or one event",
        "state": "show a tag with the latest values of its fields, or a state of an application",
        "table": "list the tables, the rows of one, or one row",
        "grep": "find commits by their messages or subjects, or events by their data",
    },
    "ask history": {
        "diff": "show the difference between two points: of events, of a state, or of every state of a kind",
        "blame": "show for each field of a state the author, time and message of its last change",
        "bisect": "find the first event after which something is true of a state",
        "why": "show why a field has its value: its event, the decision, what that had read, and what caused it",
        "causes": "show what caused a commit, back to the first cause, and what it caused",
        "what-if": "show what a command would do and start, now or at any revision; nothing is stored",
        "spec": "print a decision of the history as a given/when/then test",
        "backtest": "run recorded commands again with the code as it is now: which decisions would differ",
    },
    "see history in a page": {
        "ui": "open the history browser on this machine",
    },
    "let an assistant see history": {
        "mcp": "serve the history to an assistant, by the Model Context Protocol",
    },
    "try things out": {
        "status": "show the branch, how far it is ahead and behind, and an unfinished merge",
        "branch": "list, make or delete branches",
        "switch": "go to another branch",
        "mark": "list, make or delete names for points of history",
        "reflog": "list the changes of branches and marks",
        "merge": "take over the commits of another branch, judged again",
        "rebase": "let this branch start at another point, its commits judged again",
        "cherry-pick": "take over one commit of another branch, judged again",
    },
    "run read models and reactions": {
        "find": "find states of a kind by a condition, sorted",
        "run": "feed the projections of an application, and run its reactions",
        "projections": "show where each projection and each reaction stands, and check it",
        "rebuild": "make the tables of projections anew, beside those that are read",
        "parked": "list, retry or leave out the events that a projection or a reaction keeps back",
        "pause": "let nobody run a projection or a reaction until it is resumed",
        "resume": "let a projection or a reaction go on",
    },
    "know the application": {
        "guide": "show how something is done: a page for each topic",
        "new": "make an application to begin with, or a slice of this one",
        "states": "list its states: their identities, and the events that make them",
        "commands": "list its commands: their arguments, the states that they read, and their events",
        "model": "show its event model, read from the code: what can be decided, what then happens, who reads it",
        "check": "find what is missing, in vain or drifted in its event model, by file and line",
        "schema": "lock the schemas of its events, and check that stored events can be read",
    },
    "know the store": {
        "types": "list the event types",
        "tags": "list the tags, or their keys",
        "stats": "count commits, events, tags and authors",
        "verify": "check that all of it fits together, and still has a head that was kept",
        "prove": "prove one event to somebody who has kept a head, and has no store",
        "forget": "take the values of rows of a table out of the history for good, and keep everything verifiable",
        "withhold": "take parts of a commit away for good, and keep everything verifiable",
        "gc": "drop logs and snapshots that nothing needs any more",
    },
}
"""Every verb with its summary, in the groups of the help."""

OTHERS = {
    "checkout": "switch", "commit": "append", "tag": "mark", "fsck": "verify", "annotate": "blame", "history": "log",
    "undo": "revert", "create": "init", "execute": "do", "events": "types", "dump": "export",
    "fetch": "clone", "pull": "clone", "push": "clone", "backup": "clone",
}  # fmt: skip
"""Words of other programs, and the verb that does the same here."""

LOADING = 50_000
"""Objects that a process may make before the collector looks at them: loading a verb makes fewer."""


def process() -> NoReturn:
    """Run the command line of this process, and end it.

    A process of a few milliseconds is spared the collector's passes over modules that it has just loaded (7 of 48
    ms, as measured), and being taken apart piece by piece when all that it held is written and closed (1 of 41).
    """
    gc.set_threshold(LOADING, *gc.get_threshold()[1:])
    warnings.formatwarning = _worded(warnings.formatwarning)
    code = main(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = PIPE_CLOSED
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    if sys.stdout is None or sys.stderr is None:  # closed by the program that started it, as with `>&-`
        _open_closed()
    if isinstance(
        sys.stdout, io.TextIOWrapper
    ):  # a character that its encoding does not have is shown by its number
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _dispatch(list(argv))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return PIPE_CLOSED
    except Exception as error:
        if os.environ.get("BACKSTORY_DEBUG"):
            raise
        return _complain(error)


def _worded(usual: Callable[..., str]) -> Callable[..., str]:
    """How a warning is written: one of ours as every message is, without a line of code."""

    def written(message: Warning | str, category: type[Warning], *place: Any) -> str:
        ours = issubclass(category, ClearTextWarning)
        return f"backstory: {message}\n" if ours else usual(message, category, *place)

    return written


def _dispatch(words: list[str]) -> int:
    from backstory.told import repeating

    with repeating(lambda hint: _repeated(words, hint)):
        return _run(words)


def _repeated(words: Sequence[str], hint: Sequence[str]) -> Sequence[str]:
    """The words of a hint with the options of this command line that it needs."""
    from backstory.cli.parse.parser import build
    from backstory.cli.parse.repeated import repeated

    return repeated(words, hint, lambda verb: set(build(verb, "", load(verb))._option_string_actions))


def _run(words: list[str]) -> int:
    from backstory.cli.parse import parser

    verb, rest = parser.split(words)
    if verb in ("help", "--help", "-h", None):
        topics = [word for word in rest if not word.startswith("-")] if verb == "help" else []
        if not topics:
            print(parser.overview(VERBS))
            return USAGE if verb is None else FINE
        verb, rest = topics[0], [*topics[1:], "--help"]
    if verb in ("--version", "-V"):
        print(parser.version())
        return FINE
    module: Any = load(verb, words)
    name, about = verb, summary(verb)
    if hasattr(module, "narrowed") and (narrowed := module.narrowed(rest)) is not None:
        name, about, module, rest = narrowed
    verb_parser = parser.build(name, about, module)
    if parser.wants_help(rest):
        print(verb_parser.format_help(), end="")
        return FINE
    arguments = verb_parser.parse_intermixed_args(rest)
    from backstory.cli.show.output import Output

    with (
        Output.of(arguments) as out,
        parser.session_of(arguments) as session,
        _masking(module, arguments, session),
    ):
        return int(module.run(arguments, session, out))
    return FINE  # the reader left the pager before the end


def _masking(module: Any, arguments: Namespace, session: Session) -> AbstractContextManager[None]:
    """The veil over the output of a verb: by the marks of the application, if the verb shows data."""
    if not hasattr(arguments, "app") or not getattr(module, "shows_data", _always)(arguments):
        return nullcontext()
    return session.masking(personal=arguments.personal)


def _always(_: Namespace) -> bool:
    return True


def summary(verb: str) -> str:
    """A verb's help in a few words."""
    return next(verbs[verb] for verbs in VERBS.values() if verb in verbs)


def load(verb: str, words: Sequence[str] = ()) -> ModuleType:
    """Import a verb's module. Raises `UsageError` if there is no such verb, with likely meanings of these words."""
    from importlib import import_module

    known = [name for verbs in VERBS.values() for name in verbs]
    if verb not in known:
        raise UsageError(f"there is no verb {verb!r}; {_meant(verb, words, known)}")
    return import_module(f"{__name__}.verbs.{'import_' if verb == 'import' else verb.replace('-', '_')}")


def _meant(verb: str, words: Sequence[str], known: Sequence[str]) -> str:
    """The verb that somebody meant: one that stands later, one that other programs call so, or one that is like it."""
    from backstory.likeness import did_you_mean

    later = next((word for word in words if word in known), None)
    if later is None:
        listed = "the verbs are listed by: backstory --help"
        return f"did you mean {OTHERS[verb]}?" if verb in OTHERS else did_you_mean(verb, known, listed)
    from shlex import join

    others = [word for word in words if word != later]
    if words[0] == verb and ("." in verb or ":" in verb or "/" in verb):
        return f"a store is named by -s: backstory {join(['-s', verb, later, *others[1:]])}"
    return f"the verb comes first: backstory {join([later, *others])}"


def _complain(error: Exception) -> int:
    """Write an error to standard error, in one line if it was foreseen, without control characters."""
    from backstory.told import plain_lines

    hints = error.hints if isinstance(error, BackstoryError) else ()
    print(plain_lines("\n".join([f"backstory: {_words(error)}", *hints])), file=sys.stderr)
    return code_of(error)


def _words(error: Exception) -> str:
    """The words of an error."""
    if isinstance(error, UnicodeEncodeError) and is_no_text(error):
        return f"the command line has bytes that are not UTF-8, after {error.object[: error.start]!r}"
    if isinstance(error, OSError) and not isinstance(error, BackstoryError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}"
    if code_of(error) == BUG:
        return (
            f"this is a bug: {type(error).__name__}: {error}\n"
            "Run it again with BACKSTORY_DEBUG=1 to see where, and please report it."
        )
    return str(error)


def _open_closed() -> None:
    """Drop all output to a closed standard stream."""
    nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - pathlib is slow, and it stays open
    sys.stdout = sys.stdout or nowhere
    sys.stderr = sys.stderr or nowhere


def _forget_stdout() -> None:
    """Point standard output at nothing, or Python complains about the closed pipe once more when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
