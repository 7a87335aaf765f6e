"""What a request writes is by its user, and what another one writes is not."""

from __future__ import annotations

import asyncio

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import AsyncClient, Client, TestCase

from backstory.contrib.django import database, row_of
from backstory.contrib.django.authors import process
from backstory.contrib.django.testing import HistoryMixin
from backstory.store import Record
from tests.contrib.django.project.library.models import Member


def last(member: Member) -> Record:
    """What happened last to a member."""
    return next(database().read(row_of(member), backwards=True))


class Requests(HistoryMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.member = Member.objects.create(name="Ann", email="a@example.org")
        self.ann = User.objects.create_user("ann")
        self.bob = User.objects.create_user("bob")

    def signed_in(self, user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    def rename(self, client: Client, name: str = "Anna", **headers: str) -> Record:
        url = f"/members/{self.member.pk}/rename"
        self.assertEqual(client.post(url, {"name": name}, headers=headers).status_code, 204)
        return last(self.member)

    def test_the_author_is_the_user_and_the_path_and_the_id_of_the_request_are_told(self) -> None:
        record = self.rename(self.signed_in(self.ann), **{"X-Request-ID": "r-7"})
        self.assertEqual(record.author, "ann")
        self.assertEqual(record.metadata["correlation"], "r-7")
        self.assertEqual(record.metadata["path"], f"/members/{self.member.pk}/rename")

    def test_somebody_who_has_not_logged_in_is_no_author_and_not_the_one_before(self) -> None:
        self.rename(self.signed_in(self.ann), "Anna")
        record = self.rename(Client(), "Annie")
        self.assertEqual(record.author, "")

    def test_after_a_request_the_author_is_the_process_again(self) -> None:
        self.rename(self.signed_in(self.ann))
        Member.objects.update(name="Annina")
        record = last(self.member)
        self.assertNotIn(record.author, ("ann", ""))
        self.assertIn("test", record.metadata["process"])

    def test_async_views_that_run_at_once_have_an_author_each(self) -> None:
        other = Member.objects.create(name="Bob", email="b@example.org")

        async def both() -> None:
            clients = []
            for user in (self.ann, self.bob):
                clients.append(AsyncClient())
                await clients[-1].aforce_login(user)
            answers = await asyncio.gather(
                *(
                    client.post(f"/members/{member.pk}/arename", {"name": f"{number}"})
                    for number in range(5)
                    for client, member in zip(clients, (self.member, other), strict=True)
                )
            )
            self.assertEqual({answer.status_code for answer in answers}, {204})

        async_to_sync(both)()
        self.assertEqual((last(self.member).author, last(other).author), ("ann", "bob"))

    def test_the_setting_names_another_function_for_the_author(self) -> None:
        with self.settings(BACKSTORY={**self.configured(), "AUTHOR": f"{__name__}.initials"}):
            self.assertEqual(self.rename(self.signed_in(self.bob)).author, "B")

    def configured(self) -> dict[str, object]:
        from django.conf import settings

        found: dict[str, object] = settings.BACKSTORY
        return found

    def test_arguments_of_a_management_command_are_not_told(self) -> None:
        self.assertEqual(process(["manage.py", "loaddata", "--password=x"]), "manage.py loaddata")
        self.assertEqual(process(["/usr/bin/gunicorn", "secret"]), "gunicorn")


def initials(request: object) -> str:
    """Another rule for authors."""
    return str(getattr(request, "user", ""))[:1].upper()
