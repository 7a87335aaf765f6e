"""The application: `uvicorn examples.helpdesk.app:app`."""

from __future__ import annotations

from fastapi import FastAPI

from examples.helpdesk.api import api
from examples.helpdesk.history import history, lifespan
from examples.helpdesk.pages import pages

app = FastAPI(title="Helpdesk", lifespan=lifespan)
history.install(app)
app.include_router(api)
app.include_router(pages)
