"""A Django project, run as a program: it makes a database, and the history of what happens in it.

python -m tests.transfer.audit.django_project shop '{"ENGINE": "django.db.backends.sqlite3", "NAME": "shop.db"}'
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import django
from django.conf import settings

PACKAGE = __package__ or "tests.transfer.audit"


def main(app: str, database: str) -> None:
    """Make the tables of an application and let something happen."""
    own = {"shop": ["simple_history"], "stock": ["pgtrigger", "pghistory"]}[app]
    settings.configure(
        INSTALLED_APPS=[
            "django.contrib.contenttypes",
            "django.contrib.auth",
            *own,
            f"{PACKAGE}.{app}",
        ],
        DATABASES={"default": json.loads(database)},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()

    from django.core.management import call_command

    call_command("migrate", verbosity=0, run_syncdb=True)
    if app == "shop":
        sell()
    else:
        call_command("pgtrigger", "install", verbosity=0)
        stack()


def sell() -> None:
    """Products come, change and go; users do it, and programs."""
    from django.contrib.auth.models import User
    from simple_history.utils import bulk_create_with_history, update_change_reason

    from tests.transfer.audit.shop.models import Customer, Label, Product

    ann, bob = (User.objects.create(username=name) for name in ("ann", "bob"))
    printer = Product(
        name="Printer",
        price=Decimal("129.90"),
        since=date(2026, 3, 2),
        checked=datetime(2026, 3, 2, 9, 15, tzinfo=UTC),
        details={"weight": 7.5, "parts": ["tray", None]},
        picture=b"\0\1\xff",
    )
    printer._history_user = ann
    printer.save()
    printer.labels.add(Label.objects.create(name="new"), Label.objects.create(name="loud"))
    printer._history_user = bob
    printer.price = Decimal("119.00")
    printer.save()
    update_change_reason(printer, "spring sale")
    printer.sold, printer.checked = True, None
    printer.save()
    printer.save()  # nothing changed, and still a row of its history
    bulk_create_with_history(
        [Product(name=f"Cable “{n}”; DROP TABLE\n", price=Decimal(n)) for n in range(3)], Product
    )
    ada = Customer.objects.create(email="ada@example.org", name="Ada")
    ada.city = "Zürich"
    ada.save()
    ada.delete()
    del printer._history_user
    bob.delete()  # the history that he made stays
    printer.delete()


def stack() -> None:
    """Items and shelves change by the ORM, in bulk, and by SQL that no ORM sees."""
    import pghistory
    from django.contrib.auth.models import User
    from django.db import connection

    from tests.transfer.audit.stock.models import Item, Shelf

    ann = User.objects.create(username="ann")
    with pghistory.context(user=ann.pk, url="/stock/", why="delivery"):
        Item.objects.bulk_create(
            [Item(name=f"Item {n}", count=n, price=Decimal("1.10"), details={"n": [n]}) for n in range(3)]
        )
        Shelf.objects.create(code="a/1", room="cellar")
    Item.objects.update(count=7)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE stock_item SET until = 'infinity', name = 'Ü' WHERE name = 'Item 1'")
        cursor.execute("UPDATE stock_shelf SET room = NULLIF(room, '') || ' 2'")
    Item.objects.filter(name="Item 2").delete()
    with pghistory.context(user=ann.pk):
        Shelf.objects.all().delete()


if __name__ == "__main__":
    main(*sys.argv[1:])
