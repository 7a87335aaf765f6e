"""Backstory in an application of Flask: the database, who acts, and views from commands, states and tables.

    history = Backstory("depot.db", author=lambda: session.get("user"))
    history.init_app(app)

    app.post("/parcels/<parcel>")(history.command(arrive, status=201))
    app.get("/parcels/<parcel>")(history.state(Parcel))
    app.get("/parcels")(history.find(Parcel))

    @app.get("/parcels/<parcel>/weight")
    def weight(parcel):
        return str(history.db.load(Parcel(parcel)).grams)

`docs/guide/flask.md` says more. Needs the extra `flask`.
"""

from backstory.told import extra

extra("flask", "backstory.contrib.flask", "flask")

from backstory.contrib.flask.app import Backstory  # noqa: E402 - only where the extra is there

__all__ = ["Backstory"]
