from django.apps import AppConfig


class LibraryConfig(AppConfig):
    name = "tests.contrib.django.project.library"
    label = "library"
