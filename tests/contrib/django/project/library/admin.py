"""The library's admin."""

from django.contrib import admin

from tests.contrib.django.project.library import models


@admin.register(models.Author)
class AuthorAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    search_fields = ["name"]


@admin.register(models.Book)
class BookAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["title", "number", "price"]


@admin.register(models.Member)
class MemberAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ["name", "email", "active"]
    fields = ["name", "email", "active", "details", "phone"]


admin.site.register(models.Loan)
