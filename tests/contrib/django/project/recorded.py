"""The same settings with a history: all that a project adds."""

from typing import Any

from tests.contrib.django.project.settings import *  # noqa: F403
from tests.contrib.django.project.settings import BASE_DIR, DATABASES, INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "backstory.contrib.django"]
MIDDLEWARE = [*MIDDLEWARE, "backstory.contrib.django.middleware.BackstoryMiddleware"]
BACKSTORY: dict[str, Any] = {
    "APP": "tests.contrib.django.project.library.lending",
    "RECORD": ["library", "auth.User"],
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    BACKSTORY["STORE"] = BASE_DIR / "history.db"
