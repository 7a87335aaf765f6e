"""Writes `docs/reference.md`, the public names with their docstrings.

python scripts/reference.py            # after a change of a public name or of its docstring
python scripts/reference.py --check    # fails where the page is not what it would write
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec

from backstory.errors import BackstoryError

PAGE = Path(__file__).parents[1] / "docs" / "reference.md"

TOP = """\
# Reference

The public names, from their docstrings: `python scripts/reference.py` writes this page, and a test fails if it is old.
The guides say how the parts work together; [errors](errors.md) has every error, [the command line](cli.md) every verb.
"""

SECTIONS: dict[str, tuple[str, dict[str, list[str]]]] = {
    "backstory": ("To be imported from `backstory`.", {"backstory": []}),
    "backstory.aio": ("The same database for async code; needs the extra `async`.", {"backstory.aio": []}),
    "backstory.contrib.sqlalchemy": (
        "A history of what an application writes with [SQLAlchemy](guide/sqlalchemy.md); needs the extra `sqlalchemy`.",
        {"backstory.contrib.sqlalchemy": []},
    ),
    "backstory.capture": (
        "The same for any application, for those who write an adapter; [the design](design/capture.md).",
        {"backstory.capture": []},
    ),
    "backstory.contrib.fastapi": (
        "The database in an application of [FastAPI](guide/fastapi.md); needs the extra `fastapi`.",
        {"backstory.contrib.fastapi": []},
    ),
    "backstory.contrib.starlette": (
        "The same for [Starlette](guide/fastapi.md#starlette-without-fastapi); needs the extra `web`.",
        {"backstory.contrib.starlette": []},
    ),
    "backstory.contrib.flask": (
        "The same for [Flask](guide/flask.md); needs the extra `flask`.",
        {"backstory.contrib.flask": []},
    ),
    "backstory.outbox": ("Outboxes: events that go to other systems.", {"backstory.outbox": []}),
    "backstory.scope": (
        "The part of a history that a reader may see; [scopes](design/scope.md).",
        {"backstory.scope": ["Scope", "scoped"]},
    ),
    "backstory.web.live": (
        "Live parts of an application's pages, with Datastar; needs the extra `web`.",
        {"backstory.web.live": ["live", "together", "Part"]},
    ),
    "backstory.projections.elsewhere": (
        "Other databases that may have the tables of a projection; the [guide](guide/read-models.md) says when.",
        {"backstory.projections.elsewhere": ["DuckDB", "Postgres", "SqliteFile"]},
    ),
    "backstory.transfer": (
        "History from elsewhere, taken into a log by a program; the [guide](guide/existing-history.md) has an example.",
        {
            "backstory.transfer": ["Asked", "LoadReport", "load", "read_audit", "read_debezium"],
            "backstory.local": ["import_key"],
        },
    ),
    "backstory.contrib.django": (
        "History for the models of a Django project; the [guide](guide/django.md) says how. Needs the extra `django`.",
        {"backstory.contrib.django": [], "backstory.contrib.django.testing": ["HistoryMixin"]},
    ),
    "backstory.testing": ("Tests of commands and states, without a store.", {"backstory.testing": []}),
    "backstory.frames": (
        "The columns that `db.frame` gives; the [guide](guide/notebooks.md) shows them. Needs the extra `frames`.",
        {"backstory.frames": ["Frame"]},
    ),
    "backstory.model": (
        "The [event model](guide/model.md) of an application, read from its code.",
        {"backstory.model": []},
    ),
    "backstory.scaffold": ("The code that `backstory new` writes.", {"backstory.scaffold": []}),
    "backstory.mcp": (
        "The [server for assistants](guide/assistants.md), by the Model Context Protocol; needs the extra `mcp`.",
        {"backstory.mcp": []},
    ),
    "backstory.web": (
        "The [history browser](guide/history-browser.md), to mount in an application; needs the extra `web`.",
        {"backstory.web": [], "backstory.application": ["load"]},
    ),
    "Results": (
        "Arguments and results of verbs. They are imported for annotations only.",
        {
            "backstory.values.commit": ["Commit", "Head"],
            "backstory.decide.execution": ["Preview"],
            "backstory.history.refs.revision": ["Point"],
            "backstory.history.refs.branches": ["Branch", "Mark"],
            "backstory.history.compare.diff": ["Difference", "Change"],
            "backstory.history.blame.blame": ["Blame", "Blamed"],
            "backstory.history.ask.bisect": ["Found", "StateTurn", "Turn"],
            "backstory.history.ask.causes": ["Cause", "Effect"],
            "backstory.history.ask.unread": ["Unread"],
            "backstory.history.merge.merge": ["MergeReport"],
            "backstory.history.merge.replay": ["MergeStep"],
            "backstory.history.ask.summary": ["TagCount", "TypeCount"],
            "backstory.history.check.proof": ["Proof", "Proven"],
            "backstory.projections.find": ["Page"],
            "backstory.frames": ["Frame"],
            "backstory.place": ["Place"],
            "backstory.live": ["Live", "Seen", "CaughtUp"],
            "backstory.reactions.lanes": ["Delivery"],
            "backstory.reactions.run": ["Running"],
        },
    ),
    "backstory.adapters": (
        "The log itself, for adapters of other libraries; the [guide](guide/adapters.md) has an example.",
        {"backstory.adapters": []},
    ),
}
"""The sections: what each is, and its names by the module that has them; without names, all that the module exports."""

ELSEWHERE = (BackstoryError, Warning)
"""Classes that have a page of their own."""


def written() -> str:
    """The page as it should be."""
    parts, told = [TOP], set()
    for title, (about, modules) in SECTIONS.items():
        parts.append(f"## {title}\n\n{about}\n")
        for module, names in modules.items():
            home = import_module(module)
            for name in sorted(names or home.__all__, key=str.lower):
                thing = getattr(home, name)
                key = id(thing)
                if key in told or (isinstance(thing, type) and issubclass(thing, ELSEWHERE)):
                    continue
                told.add(key)
                parts.append("\n".join(_entry(name, thing)))
    return "\n".join(parts)


def _entry(name: str, thing: Any) -> Iterator[str]:
    """A name with its docstring; a class with its fields and methods."""
    yield f"### `{name}`\n"
    if isinstance(thing, type):
        yield f"```text\n{_head(name, thing)}\n```\n"
        yield f"{inspect.getdoc(thing)}\n"
        yield from _members(thing)
    elif callable(thing) and not hasattr(thing, "__origin__"):
        yield f"```text\n{_called(name, thing)}\n```\n"
        yield f"{inspect.getdoc(thing)}\n"
    else:
        yield f"{_said(name, thing)}\n"


def _said(name: str, thing: Any) -> str:
    """The words for a value that has no docstring: those that stand below it in its module."""
    for module in filter(None, list(sys.modules.values())):
        if module.__name__.startswith("backstory.") and vars(module).get(name) is thing:
            lines = inspect.getsource(module).splitlines()
            for number, line in enumerate(lines):
                if line.startswith((f"{name} = ", f"{name}: ")):
                    return _docstring(lines[number + 1 :])
    raise SystemExit(f"{name} has no docstring")


def _docstring(lines: list[str]) -> str:
    text = "\n".join(lines).lstrip("\n")
    if not text.startswith('"""'):
        raise SystemExit(f"there is no docstring above {text[:60]!r}")
    return " ".join(text[3:].partition('"""')[0].split())


def _head(name: str, cls: type[Any]) -> str:
    """How an instance is made."""
    if getattr(cls, "_is_protocol", False):
        return name
    if issubclass(cls, msgspec.Struct):
        return f"{name}({', '.join(_fields(cls))})"
    return _called(name, cls.__init__) if "__init__" in vars(cls) else name


def _fields(cls: type[msgspec.Struct]) -> Iterator[str]:
    notes = {key: note for base in reversed(cls.__mro__) for key, note in _annotations(base).items()}
    for field in msgspec.structs.fields(cls):
        yield f"{field.name}: {notes[field.name]}" + ("" if field.required else " = ...")


def _annotations(cls: type[Any]) -> dict[str, str]:
    found = vars(cls).get("__annotations__", {})
    return {
        key: note if isinstance(note, str) else inspect.formatannotation(note) for key, note in found.items()
    }


def _members(cls: type[Any]) -> Iterator[str]:
    """The public properties and methods of a class and of its bases here."""
    for name in sorted(set(dir(cls)), key=str.lower):
        home = next((base for base in cls.__mro__ if name in vars(base)), object)
        if name.startswith("_") or not home.__module__.startswith("backstory."):
            continue
        member = vars(home)[name]
        if isinstance(member, property):
            yield f"- **`{name}`** {_line(member)}"
        elif isinstance(member, (classmethod, staticmethod)) or inspect.isfunction(member):
            function: Any = getattr(member, "__func__", member)
            yield f"- **`{_called(name, function)}`** {_line(function)}"
    yield ""


def _line(thing: Any) -> str:
    """A docstring as the text of a list's item."""
    return (inspect.getdoc(thing) or "").replace("\n", "\n  ").replace("\n  \n", "\n\n")


def _called(name: str, function: Callable[..., Any]) -> str:
    """A call, its annotations as they are written."""
    function = inspect.unwrap(function)
    signature = inspect.signature(function)
    parts: list[str] = []
    keywords = False
    for parameter in list(signature.parameters.values()):
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not keywords:
            keywords = True
            if not any(part.startswith("*") for part in parts):
                parts.append("*")
        keywords = keywords or parameter.kind is parameter.VAR_POSITIONAL
        stars: dict[Any, str] = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}
        star = stars.get(parameter.kind, "")
        parts.append(f"{star}{parameter.name}{_noted(parameter.annotation)}{_default(parameter)}")
    gives = signature.return_annotation
    returned = "" if gives in (signature.empty, "None") else f" -> {_note(gives)}"
    return f"{name}({', '.join(parts)}){returned}"


def _noted(annotation: Any) -> str:
    return "" if annotation is inspect.Parameter.empty else f": {_note(annotation)}"


def _note(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _default(parameter: inspect.Parameter) -> str:
    default = parameter.default
    if default is parameter.empty:
        return ""
    shown = default.__name__ if callable(default) and hasattr(default, "__name__") else repr(default)
    return f" = {'...' if ' object at 0x' in shown or len(shown) > 30 else shown}"


def main() -> None:
    """Write the page, or say that it is old."""
    text = written()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text, encoding="utf-8")
    elif text != PAGE.read_text(encoding="utf-8"):
        sys.exit(f"{PAGE.name} is not what the docstrings say: run python scripts/reference.py")


if __name__ == "__main__":
    main()
