"""The page of a slice: one line, by what the pages of the application share."""

from __future__ import annotations

from backstory.scaffold import code
from backstory.scaffold.names import words


def page(package: str, name: str, kind: str, shows: str) -> str:
    """The module `page` of a slice: a `form` or a `table` of something that its other module has."""
    needed = code.imports({f"{package}.pages.{kind}", f"{package}.{name}.{shows}"}, package)
    path = f'"/{name.replace("_", "-")}"'
    return code.text(
        [f'"""The page of: {words(name)}."""', "", "from __future__ import annotations", ""],
        needed,
        [""],
        code.call(f"pages = {kind}", [path, shows.rpartition(".")[2]]),
    )
