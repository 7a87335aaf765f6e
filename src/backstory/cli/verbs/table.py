"""`backstory table`: the tables, the rows of one, or one row, now or as of a revision."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from backstory.cli.exits import UsageError, answer
from backstory.cli.show import table as columns
from backstory.cli.show.text import left_out
from backstory.cli.show.value import shown
from backstory.likeness import did_you_mean
from backstory.lookup import commit_at
from backstory.rows.field_changes import cell
from backstory.told import cut, plain, quiet

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping

    from backstory.cli.show.output import Output
    from backstory.projections.find import Page
    from backstory.rows.shape import Found
    from backstory.session import Session

EXAMPLES = """\
backstory table
backstory table customers
backstory table customers c-1
backstory table customers c-1 --at main~1
backstory table customers --where "city == 'Basel'" --sort=-name -n 20
backstory table customers --as jsonl > customers.jsonl
backstory table customers c-1 --history
backstory table customers --history --as csv > history.csv
backstory table customers --history --since 2026-11-01 --until 2026-12-01 --as csv > november.csv
"""

TEXT = """\
Without a TABLE, the tables are listed, with the number of their rows. A table needs no application: it has the rows
that were written, in a program, by `set`, or by `import rows`. EXPRESSION is about their fields, as for bisect;
`blame customers c-1`, `diff A B customers c-1`, `diff A B --all customers` and `bisect customers c-1 --where ...`
ask their history. With -n, the last line says how to go on. JSON Lines give back each value to `import rows`; of
CSV all are text. With --history, there is a line for each field that a commit changed: when, by whom and why, its
value before and after. Exit code 1: there is no such row or table."""

CHOICE = {"--where": "where", "--sort": "sort", "-n": "number", "--after": "after"}
"""The options that choose rows, each with the name of its argument."""

LONGEST = 40
"""Letters of a value in the table, on a terminal."""


def arguments(parser: ArgumentParser) -> None:
    """The table or the row, the condition, the order and the piece."""
    parser.add_argument("table", metavar="TABLE", nargs="?", help="the table (default: list the tables)")
    parser.add_argument("key", metavar="KEY", nargs="?", help="one row")
    parser.add_argument(
        "--where", default="", metavar="EXPRESSION", help="the condition that is true of them"
    )
    parser.add_argument(
        "--sort",
        action="append",
        default=[],
        metavar="FIELD",
        help="sort by it, or descending by --sort=-FIELD; repeatable",
    )
    parser.add_argument("-n", "--number", type=int, metavar="N", help="the highest number of rows")
    parser.add_argument("--after", metavar="CURSOR", help="go on behind the last piece")
    parser.add_argument("--count", action="store_true", help="also say how many there are in all")
    parser.add_argument(
        "--as", dest="form", choices=("csv", "jsonl"), help="print the rows as `import rows` takes them"
    )
    parser.add_argument(
        "--history", action="store_true", help="not the rows, but who changed which field, when and why"
    )
    parser.add_argument("--since", metavar="TIME", help="with --history: not earlier than this")
    parser.add_argument("--until", metavar="TIME", help="with --history: not later than this")
    parser.add_argument(
        "--key", dest="column", metavar="COLUMN", help="with --as: the column of the key (default: id)"
    )
    parser.add_argument("--at", metavar="REVISION", help="as it was then: '#12', a commit's id or hash, HEAD")


def run(arguments: Namespace, session: Session, out: Output) -> int:
    """Find and show."""
    if arguments.number is not None and arguments.number < 1:
        raise UsageError(f"-n takes a number of rows, not {arguments.number}")
    if arguments.column and not arguments.form:
        raise UsageError("--key names the column of the key in rows that are printed --as csv or jsonl")
    if arguments.form and out.json:
        raise UsageError("--as and --json are two forms: give one")
    if not arguments.history and (arguments.since or arguments.until):
        raise UsageError("--since and --until are for --history; --at shows the rows as they were at a time")
    if arguments.table is None:
        return show_tables(arguments, session, out)
    if arguments.history:
        return show_history(arguments, session, out)
    found = rows(arguments, session)
    if found.withheld:
        out.say(f"backstory: {left_out(found.withheld)}")
    if not found and not out.json:
        out.say(f"backstory: {plain(nothing(arguments, session))}")
    if arguments.form:
        column = arguments.column or "id"
        if any(column in row for row in found):
            raise UsageError(f"rows have a field {column!r}: name another column for their keys, with --key")
        (as_csv if arguments.form == "csv" else as_lines)(found, column, out)
        return answer(found)
    if out.json:
        items = [{"key": each.key, "fields": dict(each)} for each in found]
        said = {"cursor": found.cursor, "total": found.total, "withheld": list(found.withheld)}
        out.document("rows", table=arguments.table, rows=items, **said)
        return answer(found)
    write(found, out)
    return answer(found)


def need_none(arguments: Namespace, others: Mapping[str, str], words: str) -> None:
    """Raise `UsageError` for options that choose rows, and for these others: by option, the name of its argument."""
    for option, name in {**CHOICE, **others}.items():
        if getattr(arguments, name):
            raise UsageError(words.format(option))


def show_tables(arguments: Namespace, session: Session, out: Output) -> int:
    """The tables, each with the number of its rows."""
    need_none(
        arguments,
        {"--as": "form", "--history": "history"},
        "{} is for the rows of one table: name it",
    )
    db, counts = session.database, {}
    with quiet():
        for name in names(session):
            counts[name] = db.table(name).find(limit=1, count=True, at=arguments.at or "HEAD").total or 0
    if out.json:
        out.document("tables", tables=[{"table": name, "rows": rows} for name, rows in counts.items()])
    elif counts:
        out.page()
        columns.write(
            out, ("table", "rows"), [(name, f"{rows:,}") for name, rows in counts.items()], right="rows"
        )
    else:
        out.say("backstory: there is no table yet")
    return answer(counts)


def names(session: Session) -> list[str]:
    """The tables that have ever had a row on this branch."""
    from backstory.rows.kinds import tables_of

    return tables_of(each.type for each in session.database.types())


def show_history(arguments: Namespace, session: Session, out: Output) -> int:
    """The history of the rows, or of one."""
    from backstory.cli.parse.times import parsed
    from backstory.cli.show import row_history
    from backstory.rows.field_changes import field_changes

    need_none(
        arguments,
        {"--count": "count", "--key": "column"},
        "--history is all that happened to a row or a table, and takes no {}",
    )
    at = arguments.at or "HEAD"
    since, until = (None if text is None else parsed(text) for text in (arguments.since, arguments.until))
    changes = field_changes(session.database, arguments.table, arguments.key, at, since=since, until=until)
    return answer(
        row_history.write(out, changes, arguments.table, arguments.form, partial(nothing, arguments, session))
    )


def rows(arguments: Namespace, session: Session) -> Page[Found]:
    """The rows that were asked for."""
    table = session.database.table(arguments.table)
    where = arguments.where
    if arguments.key is not None:
        if where or arguments.sort or arguments.after:
            raise UsageError(f"{arguments.key} is one row, which nothing has to find or to sort")
        from backstory.projections.find import Page

        one = table.get(arguments.key, at=arguments.at)
        page = Page([] if one is None else [one])
        page.total = len(page) if arguments.count else None
        return page
    with quiet():  # a person at the command line asks now and then
        return table.find(
            where,
            order_by=arguments.sort,
            limit=arguments.number,
            after=arguments.after,
            count=arguments.count,
            at=arguments.at or "HEAD",
        )


def nothing(arguments: Namespace, session: Session) -> str:
    """The reason that no row was found, in words."""
    asked, key, tables = arguments.table, arguments.key, names(session)
    if asked not in tables:
        listed = f"the tables are {', '.join(tables)}" if tables else "there is none yet"
        return f"there is no table {asked}; {did_you_mean(asked, tables, listed)}"
    if arguments.since or arguments.until:
        return f"nothing happened to {asked if key is None else f'{asked} {key}'} in this time"
    if key is None:
        return f"there is no row in {asked}"
    table, words = session.database.table(asked), f"there is no row {asked} {key}"
    first = next(table.history(key), None)
    if arguments.at and first is not None and next(table.history(key, arguments.at), None) is None:
        commit = commit_at(session.log, first.position)
        return f"{words} at {arguments.at}: its history begins later, at #{first.position}, {commit.hash.hex()[:8]}"
    return words


def write(found: Page[Found], out: Output) -> None:
    """A line for each row: its key, then all fields that any of them has."""
    out.page()
    if found:
        fields = list(dict.fromkeys(name for row in found for name in row))
        most = LONGEST if out.terminal else None

        def cell(row: Any, name: str) -> str:
            return cut(shown(row[name]), most) if name in row else ""

        cells = [(plain(row.key), *(cell(row, name) for name in fields)) for row in found]
        columns.write(out, ("key", *map(plain, fields)), cells)
    if found.total is not None:
        out.say(f"backstory: {found.total:,} in all")
    if found.cursor is not None:
        out.say(f"backstory: there are more: the same with --after {found.cursor}")


def as_lines(found: Page[Found], column: str, out: Output) -> None:
    """An object for each row, on one line."""
    for row in found:
        out.json_line(msgspec.json.encode({column: row.key, **row}))


def as_csv(found: Page[Found], column: str, out: Output) -> None:
    """A header, and a line for each row. Text is itself, other values are JSON, a field that is not there is empty."""
    names = list(dict.fromkeys(name for row in found for name in row))
    out.csv([column, *names], ([row.key, *(cell(row.get(name, "")) for name in names)] for row in found))
