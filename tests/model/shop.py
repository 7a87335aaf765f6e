"""A shop in one text: one of everything that a model has."""

from __future__ import annotations

SHOP = '''\
class Opened(Event, name="kiosk.opened", version=2):
    """A day begins."""

    kiosk: Tag[str]
    by: Personal[str]
    float_cents: int = 0

    @upcast(1)
    @staticmethod
    def named(data: dict[str, Any]) -> dict[str, Any]:
        return {"by": "", **data}


class Sold(Event, name="kiosk.sold"):
    kiosk: Tag[str]
    item: Tag[str]
    cents: int


class Counted(Event, name="kiosk.counted"):
    kiosk: Tag[str]
    cents: int


class Closed(Event, name="kiosk.closed"):
    kiosk: Tag[str]


class Corrected(Event, name="kiosk.corrected"):
    kiosk: Tag[str]
    cents: int


class Ordered(Event, name="kiosk.ordered"):
    item: Tag[str]


class Kiosk(State):
    """The till of a kiosk."""

    kiosk: Tag[str]
    cents: int = 0
    is_open: bool = False
    colour: str = "red"

    def apply(self, event: Opened | Sold | Closed) -> None:
        match event:
            case Opened():
                self.is_open, self.cents = True, event.float_cents
            case Sold():
                self._take(event.cents)
            case Closed():
                self.is_open = False

    def _take(self, cents: int) -> None:
        self.cents += cents

    def need_open(self) -> None:
        if not self.is_open:
            raise ClosedKiosk(self.kiosk)


class ClosedKiosk(Refused):
    def __init__(self, kiosk: str) -> None:
        super().__init__(f"{kiosk} is closed", code="closed", kiosk=kiosk)


class Item(State):
    item: Tag[str]
    sold: int = 0

    def apply(self, event: Sold) -> None:
        self.sold += 1


class Sales(Projection):
    """What was sold."""

    tables = "CREATE TABLE sales (item TEXT PRIMARY KEY, number INTEGER NOT NULL, colour TEXT)"

    def apply(self, event: Sold, tx: Tx) -> None:
        tx.execute(
            "INSERT INTO sales (item, number) VALUES (?, 1) ON CONFLICT (item) DO UPDATE SET number = number + 1",
            (event.item,),
        )


@command
def open_kiosk(kiosk: Kiosk, by: Personal[str], float_cents: int = 0) -> Opened:
    """Open it."""
    if kiosk.is_open:
        raise Refused("it is open", code="open")
    return Opened(kiosk.kiosk, by, float_cents)


@command
def sell(kiosk: Kiosk, item: Item, cents: int, now: Now = provided) -> Iterator[Sold]:
    kiosk.need_open()
    _need_amount(cents)
    if item.sold > 9:
        raise Refused(f"{item.item} is sold out")
    yield Sold(kiosk.kiosk, item.item, cents)


@command
def count_till(kiosk: Kiosk) -> Any:
    return [Counted(kiosk.kiosk, kiosk.cents)]


@command
def close(kiosk: Kiosk) -> Closed | None:
    return Closed(kiosk.kiosk) if kiosk.is_open else None


@command
def reorder(item: Item) -> Ordered:
    return Ordered(item.item)


def _need_amount(cents: int) -> None:
    if cents < 1:
        raise Refused("no amount")


@reaction
def restock(event: Sold, item: Item) -> Any:
    if item.sold == 9:
        return reorder(item)


class Evening(Process):
    kiosk: Tag[str]

    def apply(self, event: Opened | Closed) -> None: ...

    @react
    def opened(self, event: Opened) -> Iterator[Step]:
        yield Deadline("night", after=timedelta(hours=12))

    @react
    def night(self, due: Due) -> Iterator[Step]:
        yield from self._end()

    def _end(self) -> Iterator[Step]:
        yield close(Kiosk(self.kiosk))


@reverts(Sold)
def give_back(event: Sold) -> Corrected:
    return Corrected(event.kiosk, -event.cents)


def correct(db: Database, kiosk: str) -> None:
    db.append(Corrected(kiosk, 5), message="by hand")


def watch_orders(db: Database) -> None:
    for record in db.follow(Ordered | Counted):
        print(record)
'''
