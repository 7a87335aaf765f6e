"""Its pages."""

from django.contrib import admin
from django.urls import path

from tests.contrib.django.project.library import views

urlpatterns = [
    path("admin/", admin.site.urls),
    path("members/<int:key>/rename", views.rename),
    path("members/<int:key>/arename", views.arename),
]
