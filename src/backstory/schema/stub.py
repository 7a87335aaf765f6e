"""The upcaster that a change needs, as code to paste and complete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, get_origin

import msgspec

from backstory.schema.compatibility import Difference
from backstory.schema.json_schema import Schema
from backstory.schema.lock import Published
from backstory.values.event import Event
from backstory.values.event_types import EventType
from backstory.values.fields import hints

CASTS = {
    ("integer", "string"): "str({})",
    ("number", "string"): "str({})",
    ("string", "integer"): "int({})",
    ("string", "number"): "float({})",
    ("number", "integer"): "round({})",
}
"""How a value becomes one of another type, if there is one obvious way."""


def stub(kind: EventType, found: Iterable[Difference], before: Published, now: Published) -> str:
    """A class body's upcaster from this version to the next; `...` stands for values that only a person can know.

    A tagged field that was renamed keeps its key, so that stored events are still found.
    """
    old, new = before.schema, now.schema
    by_field: dict[str, list[Difference]] = {}
    for difference in found:
        by_field.setdefault(difference.path[0] if difference.path else "", []).append(difference)
    renamed = dict(_renamed(by_field, old, new))
    steps = list(_steps(by_field, renamed, old, new))
    fields = [
        tagged(kind, name, before.tags[was])
        for was, name in renamed.items()
        if before.tags.get(was) and name in now.tags
    ]
    old_version, version = kind.version, kind.version + 1
    name = "" if kind.name == kind.cls.__name__ else f', name="{kind.name}"'
    function = [
        f"def from_{old_version}(data: dict[str, Any]) -> dict[str, Any]:",
        *(f"    {step}" for step in ("data = dict(data)", *steps, "return data")),
    ]
    if not issubclass(kind.cls, Event):
        upcasters = f"{{{old_version}: from_{old_version}}}"
        register = f"register({kind.cls.__name__}{name}, version={version}, upcasters={upcasters})"
        return "\n".join([*(f"# {field}" for field in fields), *function, "", register])
    body = ["...", *fields, "", f"@upcast({old_version})", "@staticmethod", *function]
    head = f"class {kind.cls.__name__}(Event{name}, version={version}):"
    return "\n".join([head, *(f"    {line}".rstrip() for line in body)])


def tagged(kind: EventType, name: str, key: str) -> str:
    """A field of an event class as it is written to make a tag under this key."""
    annotation = (hints(kind.cls) or {})[name]
    plain = annotation.__origin__ if get_origin(annotation) is Annotated else annotation
    written = plain.__name__ if type(plain) is type else str(plain)
    return f'{name}: Annotated[{written}, Tagged("{key}")]'


def _renamed(by_field: dict[str, list[Difference]], old: Schema, new: Schema) -> Iterator[tuple[str, str]]:
    """Pairs that look like one field under two names: the one that went, and the one of the same type that came."""
    gone = [name for name, found in by_field.items() if found[0].kind == "removed"]
    came = [name for name in new.get("properties", {}) if name not in old.get("properties", {})]
    for name in gone:
        alike = [other for other in came if _bare(new["properties"][other]) == _bare(old["properties"][name])]
        if len(alike) == 1:
            came.remove(alike[0])
            yield name, alike[0]


def _bare(schema: Any) -> bytes:
    return msgspec.json.encode(
        {key: part for key, part in schema.items() if key != "default"}, order="sorted"
    )


def _steps(
    by_field: dict[str, list[Difference]], renamed: dict[str, str], old: Schema, new: Schema
) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, found in by_field.items():
        place = f"data[{_quoted(name)}]"
        note = "; ".join(f"{one.place} {one.why}" if len(one.path) > 1 else one.why for one in found)
        if name in renamed:
            value = f"data.pop({_quoted(name)}{_else(name, old)})"
            yield f"data[{_quoted(renamed[name])}] = {value}  # was it renamed?"
        elif name in renamed.values():
            continue
        elif not name or (found[0].kind == "tag" and len(found) == 1):
            yield f"# {name or 'the event'} {note}"
        elif found[0].kind == "removed" and len(found[0].path) == 1:
            yield f"data.pop({_quoted(name)}, None)"
        elif found[0].kind == "required" and name not in before:
            yield f"{place} = ...  # {note}"
        elif (
            found[0].kind in ("required", "default") and "default" in before[name] and len(found[0].path) == 1
        ):
            yield f"data.setdefault({_quoted(name)}, {before[name]['default']!r})  # {note}"
        else:
            cast = CASTS.get((before.get(name, {}).get("type", ""), after.get(name, {}).get("type", "")))
            plain = "format" not in before.get(name, {}) and "format" not in after.get(name, {})
            missing = _else(name, old)
            stored = f"data.get({_quoted(name)}{missing})" if missing else place
            value = cast.format(stored) if cast and plain and len(found[0].path) == 1 else "..."
            yield f"{place} = {value}  # {note}"


def _else(name: str, old: Schema) -> str:
    """The second argument of `get` or `pop` for a field that stored data may lack: its default, if that is known."""
    if name in old.get("required", ()):
        return ""
    field = old.get("properties", {}).get(name, {})
    return f", {field['default']!r}" if "default" in field else ", ..."


def _quoted(name: str) -> str:
    return msgspec.json.encode(name).decode()
