"""Backstory in a Django project: history for its models, and commands inside its transactions.

    INSTALLED_APPS = [..., "backstory.contrib.django"]
    BACKSTORY = {"STORE": BASE_DIR / "history.db", "RECORD": ["library"]}

`docs/guide/django.md` shows it from the first line on. Needs the extra `django`.
"""

from backstory.told import extra

extra("django", "backstory.contrib.django", "django")

from backstory.contrib.django.access import adatabase, database  # noqa: E402 - the library is looked for first
from backstory.contrib.django.draining import drain  # noqa: E402 - as above
from backstory.contrib.django.forgetting import forget  # noqa: E402 - as above
from backstory.contrib.django.recording import is_recorded, recorded, row_of  # noqa: E402 - as above
from backstory.contrib.django.reverting import revert  # noqa: E402 - as above
from backstory.contrib.django.writing import append, execute  # noqa: E402 - as above

__all__ = [
    "adatabase",
    "append",
    "database",
    "drain",
    "execute",
    "forget",
    "is_recorded",
    "recorded",
    "revert",
    "row_of",
]
