"""Text that becomes a value of a type."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec

from backstory.documents.types import bare, item, spelled
from backstory.errors import UnknownRevision
from backstory.history.refs.parse_time import parse_time
from backstory.values.naive import is_wall_time


def parsed(text: str, annotation: Any) -> Any:
    """The value of this type that a text means. Raises `ValueError` that names the values of the type."""
    if bare(annotation) is datetime and not is_wall_time(annotation):
        text = _time(text).isoformat()
    elif bare(annotation) is datetime:
        with suppress(ValueError):  # which is said below, in words
            text = datetime.fromisoformat(text).isoformat()
    structured = _json(text) if text.lstrip()[:1] in ("{", "[") or bare(annotation) is Any else None
    try:
        if structured is not None:
            return msgspec.convert(structured, annotation, strict=False)
    except msgspec.ValidationError as wrong:
        if spelled(annotation) == "JSON" or item(annotation) is not None:
            raise ValueError(_why(wrong)) from None
    try:
        return msgspec.convert(text, annotation, strict=False)
    except msgspec.ValidationError as wrong:
        raise ValueError(f"takes {_takes(annotation, wrong)}, not {text!r}") from None


def parsed_many(texts: list[str], annotation: Any) -> Any:
    """The collection that texts make, one each; a single text may also be a JSON list. Raises `ValueError`."""
    if len(texts) == 1 and isinstance(_json(texts[0]), list):
        return parsed(texts[0], annotation)
    values = [parsed(text, item(annotation)) for text in texts]
    try:
        return msgspec.convert(values, annotation, strict=False)
    except msgspec.ValidationError as wrong:
        raise ValueError(_why(wrong)) from None


def _time(text: str) -> datetime:
    try:
        return parse_time(text, datetime.now().astimezone())
    except UnknownRevision as wrong:
        raise ValueError(f"{text!r} is not understood: {wrong.why}") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _takes(annotation: Any, wrong: Exception) -> str:
    """The values that a type takes, in words; its bounds as msgspec says them."""
    name = spelled(annotation)
    if ">=" in str(wrong) or "<=" in str(wrong) or "matching" in str(wrong) or "multiple" in str(wrong):
        return _why(wrong).removeprefix("expected ")
    words = {
        "INT": "a whole number",
        "NUMBER": "a number",
        "DECIMAL": "a decimal number",
        "DATE": "a date like 2026-11-03",
        "TIME-OF-DAY": "a time of day like 14:00:00",
        "DURATION": "a duration like P1D or PT2H",
        "BASE64": "bytes as base64",
        "UUID": "a UUID",
        "JSON": "JSON",
    }
    if name == "JSON" and hasattr(bare(annotation), "__struct_fields__"):
        return (
            "JSON like {" + ", ".join(f'"{field}": ...' for field in bare(annotation).__struct_fields__) + "}"
        )
    return words.get(name, name.replace("|", " or "))


def _why(wrong: Exception) -> str:
    text = str(wrong).replace(" - at `$`", "").replace("`$.", "`").replace("`$[", "`[")
    for name, words in (("int", "a whole number"), ("float", "a number"), ("str", "text")):
        text = text.replace(f"`{name}`", words)
    return text[0].lower() + text[1:]
