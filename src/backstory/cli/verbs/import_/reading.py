"""The sources of an import: files, opened and read by their formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import TYPE_CHECKING

from backstory.cli.exits import UsageError
from backstory.cli.parse import files
from backstory.lookup import commit_with
from backstory.transfer.order import by_time
from backstory.transfer.source import RECORD, InputFile, open_input

if TYPE_CHECKING:
    from argparse import Namespace
    from datetime import tzinfo

    from backstory.cli.show.bar import Bar
    from backstory.store import Log
    from backstory.transfer.formats.columns import Columns
    from backstory.transfer.source import Source
    from backstory.transfer.typed import Events


@contextmanager
def opened(files_of: list[Namespace], names: list[str]) -> Iterator[list[tuple[Namespace, InputFile]]]:
    """The files to read, each with its options; none for Git, which is a folder."""
    arguments = files_of[0]
    limit = (arguments.max_record or RECORD >> 20) << 20
    with ExitStack() as stack:
        if arguments.format == "git":
            from backstory.transfer.formats.git import check_repository

            check_repository(names[0], arguments.revision or "HEAD")
            yield []
        else:
            yield [
                (
                    own,
                    InputFile("<stdin>", files.standard_input(), limit=limit)
                    if name == "-"
                    else stack.enter_context(open_input(name, limit=limit)),
                )
                for own in files_of
                for name in own.sources
            ]


def source(
    arguments: Namespace,
    inputs: list[tuple[Namespace, InputFile]],
    log: Log,
    key: bytes,
    events: Events | None,
    bar: Bar,
    exported: Callable[[], object],
) -> Source:
    """The entries to import: those of several files together, by time where the format has it.

    `exported` is called before those of Backstory's own export.
    """
    if not inputs:
        from backstory.transfer.formats.git import read_git

        return read_git(
            arguments.sources[0] if arguments.sources else ".",
            arguments.revision or "HEAD",
            known=lambda id: commit_with(log, id) is not None,
            progress=bar,
        )
    found = [read(own, file, key, events, bar, exported) for own, file in inputs]
    if len(found) == 1:
        return found[0]
    timed = [goes_by_time(own) for own, _ in inputs]
    if any(timed) and not all(timed):
        without = inputs[timed.index(False)][1].name
        raise UsageError(
            f"{without} has no --time-column, and files go in together by time; --order file: in this order"
        )
    return by_time(*found) if all(timed) else chain.from_iterable(found)


def goes_by_time(arguments: Namespace) -> bool:
    """Whether the files are read in the order of time."""
    if arguments.order == "file" or arguments.format == "jsonl":
        return False
    return arguments.format == "xes" or bool(arguments.time_column) or columns(arguments) is None


def read(
    arguments: Namespace,
    file: InputFile,
    key: bytes,
    events: Events | None,
    bar: Bar,
    exported: Callable[[], object],
) -> Source:
    """The entries of one file."""
    if arguments.format == "csv":
        return table(arguments, file, key, events, bar)
    if arguments.format == "jsonl":
        from backstory.transfer.formats.jsonl import read_jsonl

        items = read_jsonl(file, key=key, progress=bar, exported=exported)
    else:
        from backstory.transfer.formats.xes import read_xes

        items = read_xes(file, key=key, in_file_order=arguments.order == "file", progress=bar)
    if events is None:
        return items
    from backstory.transfer.typed import checked

    return checked(items, events)


def table(arguments: Namespace, file: InputFile, key: bytes, events: Events | None, bar: Bar) -> Source:
    """The rows to import."""
    from backstory.transfer.formats.columns import Reading
    from backstory.transfer.formats.table import read_csv

    reading = Reading(
        type=arguments.type or "Row",
        zone=zone(arguments.timezone or "UTC"),
        time_format=arguments.time_format,
        infer=arguments.infer,
        keep_empty=arguments.keep_empty,
        in_file_order=arguments.order == "file",
        encoding=arguments.encoding or "utf-8-sig",
        delimiter=delimiter(arguments.delimiter),
        events=events,
    )
    return read_csv(file, columns(arguments), reading, key=key, progress=bar)


def columns(arguments: Namespace) -> Columns | None:
    """The meaning of the columns; None if no option gives one."""
    from backstory.transfer.formats.columns import Columns

    tags: dict[str, tuple[str, ...]] = {}
    for key, column in pairs("tag", "KEY=COLUMN", arguments.tag):
        tags[key] = (*tags.get(key, ()), column)
    found = Columns(
        type=arguments.type_column,
        time=arguments.time_column,
        author=arguments.author_column,
        message=arguments.message_column,
        id=arguments.id_column,
        tags=tags,
        fields=dict(pairs("field", "NAME=COLUMN", arguments.field)),
        drop=arguments.drop or (),
    )
    return found if found.named() else None


def pairs(option: str, form: str, texts: list[str] | None) -> Iterator[tuple[str, str]]:
    """The two sides of each KEY=COLUMN. Raises `UsageError`."""
    for text in texts or ():
        key, equals, column = text.partition("=")
        if not (key and equals and column):
            raise UsageError(f"--{option} is {form}, like order=order_id; got {text!r}")
        yield key, column


def zone(name: str) -> tzinfo:
    """The time zone of that name."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as wrong:
        raise UsageError(f"no time zone is named {name!r}; names are like Europe/Amsterdam") from wrong


def delimiter(text: str | None) -> str | None:
    """The delimiter that was asked for."""
    found = {"tab": "\t", "\\t": "\t"}.get(text or "", text)
    if found is not None and (len(found) != 1 or found in '"\r\n'):
        raise UsageError(f"--delimiter is one character, no quote and no line break, or tab; got {text!r}")
    return found
