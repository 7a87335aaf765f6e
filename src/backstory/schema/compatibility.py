"""Whether a changed event class still reads every event that was stored under its old schema, and means the same.

The definition, with its reasons, is in docs/design/schema-lock.md. In short, for all data that the old schema allows
and the old class writes: the new class reads it, keeps each of its fields, fills no gap otherwise than the old one, and
would give it the same tags. A change for which this cannot be shown counts as different.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from backstory.schema.json_schema import Schema
from backstory.schema.words import spoken

LOWER = (("minimum", False), ("exclusiveMinimum", True))
UPPER = (("maximum", False), ("exclusiveMaximum", True))
AT_LEAST = ("minLength", "minItems", "minProperties", "minBytes")
AT_MOST = ("maxLength", "maxItems", "maxProperties", "maxBytes")

KNOWN = {
    *(word for word, _ in (*LOWER, *UPPER)),
    *AT_LEAST,
    *AT_MOST,
    *("type", "enum", "const", "default", "required", "properties", "additionalProperties", "propertyNames"),
    *("$defs", "items", "prefixItems", "uniqueItems", "multipleOf", "format", "x-timezone"),
}
"""Keywords that are compared by their meaning; any other must be as it was."""


class Difference(msgspec.Struct, frozen=True):
    """The reason why old data do not fit: the path of the field from the event down, the kind of change, the words.

    `kind` is `removed`, `required` (new or made so), `type`, `default` or `tag`.
    """

    path: tuple[str, ...]
    kind: str
    why: str

    @property
    def place(self) -> str:
        """The path as people write it: `address.city`, `lines[].price`."""
        return ".".join(self.path).replace(".[]", "[]").replace(".{}", "{}") or "the event"


def differences(old: Schema, new: Schema) -> list[Difference]:
    """The reasons why the new schema does not include the old one; nothing if it does."""
    return Comparison(old, new).between(old, new, ())


def tag_differences(
    old: Schema, new: Schema, old_tags: dict[str, str], new_tags: dict[str, str]
) -> Iterator[Difference]:
    """The differences between the tags of stored events, which stay as they are, and those that the new class gives."""
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in sorted(old_tags.keys() | new_tags.keys()):
        was, now = old_tags.get(name), new_tags.get(name)
        if was == now:
            if (
                name in before
                and name in after
                and _has_time(old, before[name]) != _has_time(new, after[name])
            ):
                yield Difference((name,), "tag", f"its tag {was}:... would be written in another form")
        elif name not in before:
            if after.get(name, {}).get("default", ...) not in (None, []):
                yield Difference(
                    (name,), "tag", f"would tag stored events with {now}:..., and they have no such tag"
                )
        elif now is None:
            yield Difference((name,), "tag", f"no longer makes the tag {was}:..., which stored events have")
        elif was is None:
            yield Difference(
                (name,), "tag", f"would tag stored events with {now}:..., and they have no such tag"
            )
        else:
            yield Difference((name,), "tag", f"tagged {was}:..., now tags {now}:...")


class Comparison:
    """Compares parts of two schemas, each with the definitions of its own root."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new
        self._open: set[bytes] = set()

    def between(self, old: Any, new: Any, path: tuple[str, ...]) -> list[Difference]:
        """Why not all that `old` allows is allowed by `new`."""
        key = msgspec.json.encode([old, new], order="sorted")
        if key in self._open:
            return []  # a type that contains itself: settled where it was met first
        self._open.add(key)
        try:
            return self._between(list(branches(old, self._old)), list(branches(new, self._new)), path)
        finally:
            self._open.discard(key)

    def _between(self, olds: list[Schema], news: list[Schema], path: tuple[str, ...]) -> list[Difference]:
        if any(is_anything(branch) for branch in news):
            return []
        found: list[Difference] = []
        missing: list[Schema] = []
        for branch in olds:
            tries = [self._branch(branch, other, path) for other in news]
            if [] in tries:
                continue
            alike = [
                one for one, other in zip(tries, news, strict=True) if kind(other) == kind(branch) and one
            ]
            if len(alike) == 1 and "const" not in branch:
                found += alike[0]
            else:
                missing.append(branch)
        if missing:
            was, now = spoken(missing), spoken(news)
            if all("const" in branch for branch in missing) and all("const" in branch for branch in news):
                why = f"{was} {'is' if len(missing) == 1 else 'are'} no longer allowed"
            else:
                why = (
                    f"was {spoken(olds)}, is now {now}"
                    if was != now
                    else f"{was} is no longer allowed as it was"
                )
            found.append(Difference(path, "type", why))
        return found

    def _branch(self, old: Schema, new: Schema, path: tuple[str, ...]) -> list[Difference]:
        if "const" in old:
            fits = same(old["const"], new["const"]) if "const" in new else allows(new, old["const"])
        elif "const" in new or not _type_fits(old, new):
            fits = False
        else:
            strange = (old.keys() | new.keys()) - KNOWN
            fits = all(same(old.get(word, ...), new.get(word, ...)) for word in strange if word in new)
        if not fits:
            return [Difference(path, "type", f"was {spoken([old])}, is now {spoken([new])}")]
        if "const" in old:
            return []
        found = [Difference(path, "type", f"narrowed: {why}") for why in narrowed(old, new)]
        if new["type"] == "object":
            found += self._objects(old, new, path)
        elif new["type"] == "array":
            found += self._arrays(old, new, path)
        return found

    def _objects(self, old: Schema, new: Schema, path: tuple[str, ...]) -> Iterator[Difference]:
        before, after = old.get("properties"), new.get("properties")
        rest = new.get("additionalProperties", after is None)
        rest = {} if rest is True else rest
        keys = {"type": "string", **new["propertyNames"]} if "propertyNames" in new else {}
        if before is None:
            if after is not None:
                yield Difference(path, "type", "was a dict, is now a class with fields")
                return
            yield from self.between(old.get("additionalProperties", {}), rest, (*path, "{}"))
            yield from self.between(
                {"type": "string", **old.get("propertyNames", {})}, keys, (*path, "its keys")
            )
            return
        for name, part in before.items():
            if after is not None and name in after:
                yield from self.between(part, after[name], (*path, name))
                if name not in old.get("required", ()):
                    yield from self._gap(part, after[name], (*path, name), name in new.get("required", ()))
            elif isinstance(rest, dict):
                yield from self.between({"const": name}, keys, (*path, "its keys"))
                yield from self.between(part, rest, (*path, name))
            else:
                yield Difference(
                    (*path, name), "removed", "was removed: values that are stored there would be dropped"
                )
        for name in new.get("required", ()):
            if name not in before:
                yield Difference(
                    (*path, name), "required", "is new, and has no default that stored events could take"
                )

    def _gap(self, old: Schema, new: Schema, path: tuple[str, ...], required: bool) -> Iterator[Difference]:
        """The differences for stored data that lacks a field which was optional."""
        if required:
            yield Difference(path, "required", "had a default, and has none now: stored events may lack it")
        elif not same(old.get("default", ...), new.get("default", ...)):
            before, after = (spoken_default(part) for part in (old, new))
            yield Difference(
                path, "default", f"events that lack it read as {before}, and would read as {after}"
            )

    def _arrays(self, old: Schema, new: Schema, path: tuple[str, ...]) -> Iterator[Difference]:
        inside = (*path, "[]")
        if new.get("uniqueItems") and not old.get("uniqueItems"):
            yield Difference(
                path, "type", "narrowed: was a list, is now a set, which drops values that stand there twice"
            )
        firsts, others = old.get("prefixItems", []), new.get("prefixItems", [])
        for index, part in enumerate(firsts):
            rest = others[index] if index < len(others) else new.get("items", {})
            if rest is False:
                yield Difference(path, "removed", f"its item {index + 1} was removed")
            else:
                yield from self.between(part, rest, inside)
        more = old.get("items", {})
        if more is False:
            return
        for part in (*others[len(firsts) :], new.get("items", {})):
            if part is False:
                yield Difference(path, "type", "narrowed: had any number of items, has a fixed one now")
            else:
                yield from self.between(more, part, inside)


def branches(schema: Any, root: Schema) -> Iterator[Schema]:
    """The alternatives that a schema is made of: one for each type, and each value of an enum."""
    if schema is True:
        schema = {}
    schema = resolved(schema, root)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            around = {key: part for key, part in schema.items() if key != word}
            for part in schema[word]:
                yield from branches({**around, **resolved(part, root)}, root)
            return
    if isinstance(schema.get("type"), list):
        for name in schema["type"]:
            yield from branches({**schema, "type": name}, root)
    elif "enum" in schema:
        yield from ({"const": value} for value in schema["enum"])
    elif "const" in schema:
        yield {"const": schema["const"]}
    elif schema.get("type") == "null":
        yield {"const": None}
    else:
        yield schema


def resolved(schema: Schema, root: Schema) -> Schema:
    """A schema with its reference followed."""
    while "$ref" in schema or len(schema.get("allOf", ())) == 1:
        if "$ref" in schema:
            target = root["$defs"][schema["$ref"].rpartition("/")[2]] if schema["$ref"] != "#" else root
        else:
            target = schema["allOf"][0]
        schema = {**target, **{key: part for key, part in schema.items() if key not in ("$ref", "allOf")}}
    return schema


def is_anything(schema: Schema) -> bool:
    """Whether any value is allowed."""
    return not schema.keys() - {"default", "$defs"}


def kind(branch: Schema) -> Any:
    """The JSON type of a branch."""
    return type(branch["const"]).__name__ if "const" in branch else branch.get("type")


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; `...` stands for none at all. 1 is not True, and is 1.0."""
    if one is ... or other is ...:
        return one is other
    if isinstance(one, (dict, list)) or isinstance(other, (dict, list)):
        return msgspec.json.encode(one, order="sorted") == msgspec.json.encode(other, order="sorted")
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def allows(schema: Schema, value: Any) -> bool:
    """Whether a branch allows this value, if that can be told."""
    kinds = {str: ("string",), bool: ("boolean",), int: ("integer", "number"), float: ("number",)}
    if schema.get("type") not in kinds.get(type(value), ()):
        return False
    fixed: Schema = {"type": schema["type"]}
    if isinstance(value, str):
        fixed.update(minLength=len(value), maxLength=len(value))
    elif not isinstance(value, bool):
        fixed.update(minimum=value, maximum=value)
    strange = schema.keys() - KNOWN
    return (
        not strange
        and "format" not in schema
        and "multipleOf" not in schema
        and not list(narrowed(fixed, schema))
    )


def narrowed(old: Schema, new: Schema) -> Iterator[str]:
    """The bounds of `new` that `old` does not keep."""
    old, new = _bounded(old), _bounded(new)
    for words, sign in ((LOWER, 1), (UPPER, -1)):
        for word, strict in words:
            if word in new and not _keeps(old, words, new[word], strict, sign):
                yield f"{_named(word)} {new[word]}"
    for word in AT_LEAST:
        if old.get(word, 0) < new.get(word, 0):
            yield f"{_named(word)} {new[word]}"
    for word in AT_MOST:
        if word in new and old.get(word, float("inf")) > new[word]:
            yield f"{_named(word)} {new[word]}"
    step = new.get("multipleOf")
    if step is not None and ("multipleOf" not in old or old["multipleOf"] % step != 0):
        yield f"multiples of {step}"
    zone = new.get("x-timezone")
    if zone is not None and old.get("x-timezone") != zone:
        yield "a time needs a zone" if zone == "required" else "a time may have no zone"


def _bounded(schema: Schema) -> Schema:
    """A schema with the bounds that follow from others: more than 0 is at least 1 of whole numbers."""
    more: Schema = {}
    if schema.get("type") == "integer":
        for word, strict, step in (("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1)):
            if isinstance(schema.get(strict), int):
                pick = max if step > 0 else min
                more[word] = pick(schema[strict] + step, schema.get(word, schema[strict] + step))
    if schema.get("items") is False:
        more["maxItems"] = len(schema.get("prefixItems", ()))
    return {**schema, **more}


def _keeps(old: Schema, words: Iterable[tuple[str, bool]], bound: Any, strict: bool, sign: int) -> bool:
    """Whether a bound of the old schema is at least as tight."""
    return any(
        sign * old[word] > sign * bound or (old[word] == bound and (own_strict or not strict))
        for word, own_strict in words
        if word in old
    )


def _named(word: str) -> str:
    return {
        "minimum": "at least",
        "maximum": "at most",
        "exclusiveMinimum": "more than",
        "exclusiveMaximum": "less than",
        "minLength": "length at least",
        "maxLength": "length at most",
    }.get(word, f"{'at least' if word.startswith('min') else 'at most'} this many {word[3:].lower()}:")


def _type_fits(old: Schema, new: Schema) -> bool:
    was, now = old.get("type"), new.get("type")
    if new.get("format") == "decimal" and was in ("integer", "number"):
        return True  # msgspec reads a number as a Decimal too
    if was == "integer" and now == "number":
        return True
    if was != now or was is None:
        return False
    return now != "string" or "format" not in new or old.get("format") == new["format"]


def spoken_default(schema: Schema) -> str:
    """The default of a field in words."""
    return (
        msgspec.json.encode(schema["default"]).decode() if "default" in schema else "what the class computes"
    )


def _has_time(root: Schema, schema: Schema) -> bool:
    """Whether a tag's value is a time, whose text as a tag is not its text in the data."""
    parts = list(branches(schema, root))
    parts += [
        inner
        for part in parts
        if isinstance(part.get("items"), dict)
        for inner in branches(part["items"], root)
    ]
    return any(part.get("format") == "date-time" for part in parts)
