"""The commands of the application, and the form of one of them."""

from __future__ import annotations

from backstory.documents import document
from backstory.documents.application import command_type_document
from backstory.texts.usage import usage
from backstory.web.actions import do, need
from backstory.web.ask import Ask, NotFound
from backstory.web.asked import address, application_of
from backstory.web.page import Answer, Page


def page(ask: Ask) -> Answer:
    """The list of commands, or the form of one."""
    application = application_of(ask)
    match ask.path[1:]:
        case []:
            found = [command_type_document(command, usage(command)) for command in application.commands]
            addresses = [address(application, command) for command in application.commands]
            return Page(
                "commands.html",
                "Commands",
                document("commands", app=application.name, commands=found),
                ("commands", "--app"),
                {
                    "rows": list(zip(found, addresses, strict=True)),
                    "acts": ask.may("append") and ask.reader.scope.is_whole,
                },
            )
        case [name]:
            need(ask, "append")
            return do.form_of(ask, application.command(name), dict(ask.params))
        case _:
            raise NotFound(f"there is no page {'/'.join(ask.path)}")
