"""The history browser: pages that show a store, to mount in a Starlette, FastAPI or Django application.

    from backstory.web import Reader, app

    def reader(request):
        return Reader("mia", may={"read"}) if request.user.is_staff else None

    routes = [Mount("/history", app(db, application, actor=reader))]

`backstory ui` opens the same pages on the store of a folder. The extra `web` brings Starlette and Jinja2.
"""

from backstory.told import extra

extra("starlette", "backstory.web", "web")
extra("jinja2", "backstory.web", "web")

from backstory.web.app import app  # noqa: E402 - only where the extra is there
from backstory.web.reader import Reader  # noqa: E402

__all__ = ["Reader", "app"]
