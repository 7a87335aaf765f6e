"""The app: what is set up when a Django project starts."""

from __future__ import annotations

from django.apps import AppConfig


class BackstoryConfig(AppConfig):
    """History for the models of a project."""

    name = "backstory.contrib.django"
    label = "backstory"
    verbose_name = "Backstory"

    def ready(self) -> None:
        """Begin. Opens no database: Django's tests give the connections other databases later."""
        from backstory.contrib.django import authors, checks

        authors.begin()
        checks.register()
