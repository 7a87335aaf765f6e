"""An application that has used its database before a server forks its workers, as with `gunicorn --preload`."""

from __future__ import annotations

import os

from tests.contrib.fastapi.depot import Parcel, label
from tests.contrib.flask.depot import application, depot

history = depot(os.environ["DEPOT"], most_streams=1)
app = application(history)

with app.app_context():
    history.db.execute(label(Parcel("p-0"), ["before the fork"]))


@app.get("/process")
def process() -> str:
    """The process that answers."""
    return str(os.getpid())
