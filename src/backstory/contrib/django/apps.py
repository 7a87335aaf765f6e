"""The app: what is set up when a Django project starts."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.apps import AppConfig, apps
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate

from backstory.contrib.django.conf import configured


class BackstoryConfig(AppConfig):
    """History for the models of a project."""

    name = "backstory.contrib.django"
    label = "backstory"
    verbose_name = "Backstory"

    def ready(self) -> None:
        """Begin. Opens no database: Django's tests give the connections other databases later."""
        from backstory.contrib.django import authors, capturing, checks, stamping

        authors.begin()
        checks.register()
        connection_created.connect(capturing.keep_triggers)
        connection_created.connect(stamping.stamp)
        post_migrate.connect(_after_migrations, sender=self)
        with suppress(ImproperlyConfigured):  # which the checks tell
            if apps.is_installed("django.contrib.admin") and configured().admin:
                from backstory.contrib.django.admin import attach

                attach()


def _after_migrations(using: str, verbosity: int = 1, **told: Any) -> None:
    from backstory.contrib.django import draining, migrating

    if using == configured().database:
        if "plan" in told:
            migrating.finish(using, verbosity)
        else:  # only rows went, by `flush`
            draining.end_test()
        migrating.permit(using)
