"""The history of an object in Django's admin: what happened, who owns each field, differences, and taking back.

Each recorded model has it in the place of the stock page, unless `BACKSTORY["ADMIN"]` is False; then admins that derive
from `RecordedAdmin` have it. Nothing here needs JavaScript.
"""

from __future__ import annotations

from functools import update_wrapper
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.contrib.auth import get_permission_codename
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse

from backstory.contrib.django.conf import configured
from backstory.contrib.django.databases import current_database
from backstory.contrib.django.draining import drain
from backstory.contrib.django.recording import models
from backstory.contrib.django.reverting import Reversal, take_back
from backstory.contrib.django.timeline import Timeline
from backstory.errors import BackstoryError, RevertError, RevisionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.db.models import Model

REASON = 1_000
"""Characters of a reason."""


class Reason(forms.Form):
    """Why a change is taken back."""

    reason = forms.CharField(
        max_length=REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="It is kept in the history with your name.",
    )


class RecordedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """An admin whose objects have their recorded history on the page `History`."""

    def get_urls(self) -> list[URLResolver | URLPattern]:  # type: ignore[override]
        """The stock ones, and those of differences and of taking back."""

        def wrapped(view: Callable[..., Any]) -> Callable[..., Any]:
            def called(*args: Any, **kwargs: Any) -> Any:
                return self.admin_site.admin_view(view)(*args, **kwargs)

            return update_wrapper(called, view)

        name = f"{self.opts.app_label}_{self.opts.model_name}"
        own: list[URLResolver | URLPattern] = [
            path(
                "<path:object_id>/history/difference/",
                wrapped(self.difference_view),
                name=f"{name}_difference",
            ),
            path(
                "<path:object_id>/history/<int:position>/revert/",
                wrapped(self.revert_view),
                name=f"{name}_revert",
            ),
        ]
        return own + super().get_urls()

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The history of an object, which may be gone by now, and the owners of its fields."""
        instance, timeline = self._seen(request, object_id)
        before = request.GET.get("before", "")
        try:
            entries, more = timeline.entries(int(before) if before.isdecimal() and len(before) < 19 else None)
        except RevisionError as wrong:
            raise Http404(str(wrong)) from wrong
        context = {
            "entries": entries,
            "more": more,
            "owners": timeline.owners() if not before else [],
            "may_revert": self.has_revert_permission(request, instance),
            "difference_url": self._url("difference", object_id),
            **(extra_context or {}),
        }
        for entry in entries:
            if entry.is_own:
                entry.revert_url = self._url("revert", object_id, entry.position)
        return self._page(request, "history", instance, object_id, "Change history", context)

    def difference_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """An object at two points, field by field."""
        instance, timeline = self._seen(request, object_id)
        points = [request.GET.get(name, "") for name in ("from", "to")]
        if not all(point.isdecimal() and len(point) < 19 for point in points):
            raise Http404("a difference is between two positions")
        start, end = sorted(map(int, points))
        try:
            was, now = timeline.at(start), timeline.at(end)
        except RevisionError as wrong:
            raise Http404(str(wrong)) from wrong
        context = {
            "start": start,
            "end": end,
            "changes": list(timeline.changes(was, now)),
            "then": timeline.shown(now),
            "history_url": self._url("history", object_id),
        }
        return self._page(request, "difference", instance, object_id, "Difference", context)

    def revert_view(self, request: HttpRequest, object_id: str, position: int) -> HttpResponse:
        """Ask for a reason, show what would be written, and take the change back."""
        instance, timeline = self._seen(request, object_id)
        if not self.has_revert_permission(request, instance):
            raise PermissionDenied
        history = self._url("history", object_id)
        try:
            reversal = Reversal(self.model, unquote(object_id), position)
        except (RevertError, RevisionError) as wrong:
            raise Http404(str(wrong)) from wrong
        if not self._may_write(request, instance, reversal):
            raise PermissionDenied
        form = Reason(request.POST or None)
        refused = reversal.refused
        if request.method == "POST" and form.is_valid() and not refused:
            try:
                take_back([(self.model, unquote(object_id), position, position)], form.cleaned_data["reason"])
            except RevertError as wrong:
                refused = str(wrong)
            else:
                self.message_user(request, f"The change #{position} was taken back.", messages.SUCCESS)
                return HttpResponseRedirect(history)
        context = {
            "form": form,
            "refused": refused,
            "position": position,
            "commit": reversal.commit,
            "changes": list(timeline.changes(reversal.now, reversal.target)),
            "deletes": reversal.target is None,
            "history_url": history,
        }
        page = self._page(request, "revert", instance, object_id, "Take back", context)
        page.status_code = 409 if refused and request.method == "POST" else 200
        return page

    def has_revert_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - as Django's
        """Whether changes may be taken back: `app.revert_model`, which `migrate` makes."""
        codename = get_permission_codename("revert", self.opts)
        return bool(cast("Any", request.user).has_perm(f"{self.opts.app_label}.{codename}"))

    def _may_write(self, request: HttpRequest, instance: Model | None, reversal: Reversal) -> bool:
        if reversal.now is None:
            return self.has_add_permission(request)
        if reversal.target is None:
            return self.has_delete_permission(request, instance)
        return self.has_change_permission(request, instance)

    def _seen(self, request: HttpRequest, object_id: str) -> tuple[Model | None, Timeline]:
        """The object, if it is there, and its history. Raises `PermissionDenied`, `Http404`."""
        instance = self.get_object(request, unquote(object_id))
        if not self.has_view_or_change_permission(request, instance):
            raise PermissionDenied
        if configured().drain != "worker":
            drain()
        try:
            timeline = Timeline(
                current_database(), self.model, unquote(object_id), self.get_exclude(request, instance)
            )
            if instance is None and not timeline.exists:
                raise Http404(
                    f"There is no {self.opts.verbose_name} {unquote(object_id)}, and there was none"
                )
        except (BackstoryError, ValueError, forms.ValidationError) as wrong:
            raise Http404(str(wrong)) from wrong
        return instance, timeline

    def _url(self, page: str, object_id: str, *more: Any) -> str:
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"
        return reverse(name, args=(quote(unquote(object_id)), *more), current_app=self.admin_site.name)

    def _page(
        self,
        request: HttpRequest,
        page: str,
        instance: Model | None,
        object_id: str,
        title: str,
        context: dict[str, Any],
    ) -> TemplateResponse:
        shown = str(instance) if instance is not None else f"{self.opts.verbose_name} {unquote(object_id)}"
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            f"admin/backstory/{page}.html",
            {
                **self.admin_site.each_context(request),
                "title": f"{title}: {shown}",
                "subtitle": None,
                "shown": shown,
                "object": instance,
                "opts": self.opts,
                "module_name": str(self.opts.verbose_name_plural).capitalize(),
                "history_url": self._url("history", object_id),
                **context,
            },
        )


def with_stock_page() -> Iterator[Any]:
    """The admins of recorded models that have Django's own history page, and none that somebody wrote."""
    from django.contrib.admin.sites import all_sites

    wanted = models()
    for site in all_sites:
        for model, model_admin in site._registry.items():
            is_stock = type(model_admin).history_view is admin.ModelAdmin.history_view
            if is_stock and cast("Any", model._meta).concrete_model in wanted:
                yield model_admin


def attach() -> None:
    """Give the admins of recorded models this history page."""
    for model_admin in list(with_stock_page()):
        cls = type(model_admin)
        model_admin.__class__ = type(cls.__name__, (RecordedAdmin, cls), {"__module__": cls.__module__})
