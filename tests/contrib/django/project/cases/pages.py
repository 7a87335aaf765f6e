"""The history of an object in the admin."""

from __future__ import annotations

from django.contrib.auth.models import Permission, User
from django.test import Client, TestCase

from backstory.contrib.django import database, row_of
from backstory.contrib.django.testing import HistoryMixin
from backstory.contrib.django.timeline import Timeline
from backstory.history.forget.withholding import withhold
from tests.contrib.django.project.library.models import Author, Book, Member, Publication

HOSTILE = "<script>alert(1)</script>'\"&{{ 7 }}"


class Pages(HistoryMixin, TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.boss = User.objects.create_superuser("boss", password="x")
        self.client.force_login(self.boss)
        with database().context(author="ann", message="new here"):
            self.member = Member.objects.create(name="Ann", email="a@example.org")
        with database().context(author=HOSTILE, message=HOSTILE):
            Member.objects.filter(pk=self.member.pk).update(name=HOSTILE, details={"k": HOSTILE})
        with database().context(author="cy", message="she moved"):
            Member.objects.filter(pk=self.member.pk).update(phone="061")
        self.positions = [record.position for record in database().read(row_of(self.member))]

    def page(
        self,
        path: str = "",
        data: dict[str, str] | None = None,
        *,
        client: Client | None = None,
        code: int = 200,
    ) -> str:
        answer = (client or self.client).get(
            f"/admin/library/member/{self.member.pk}/history/{path}", query_params=data or {}
        )
        self.assertEqual(answer.status_code, code)
        return answer.content.decode()

    def take_back(self, position: int, reason: str = "a mistake", *, client: Client | None = None) -> int:
        path = f"/admin/library/member/{self.member.pk}/history/{position}/revert/"
        return (client or self.client).post(path, {"reason": reason}).status_code

    def fresh(self) -> Member:
        return Member.objects.get(pk=self.member.pk)

    def test_it_has_what_happened_by_whom_and_why_and_who_owns_each_field(self) -> None:
        page = self.page()
        for said in ("ann", "new here", "she moved", "cy", "061", "Who gave each field its value"):
            self.assertIn(said, page)
        self.assertLess(page.index("she moved"), page.index("new here"))

    def test_a_change_whose_data_were_withheld_is_told_and_all_others_are_shown(self) -> None:
        second = database().point(self.positions[1]).commit
        assert second is not None
        withhold(database().branches, second, ["data", "message"])
        page = self.page()
        for said in ("new here", "she moved", "061", "Changed (its data were withheld)"):
            self.assertIn(said, page)

    def test_values_authors_and_reasons_are_escaped(self) -> None:
        first, second, _ = self.positions
        for page in (
            self.page(),
            self.page("difference/", {"from": str(first), "to": str(second)}),
            self.page(f"{second}/revert/"),
        ):
            self.assertNotIn("<script>alert", page)
            self.assertIn("&lt;script&gt;alert(1)", page)

    def test_a_difference_is_between_any_two_points_whichever_comes_first(self) -> None:
        first, _, third = self.positions
        page = self.page("difference/", {"from": str(third), "to": str(first)})
        self.assertIn("061", page)
        self.assertIn(f"Between #{first} and #{third}", page)
        self.page("difference/", {"from": "x", "to": "1"}, code=404)
        self.page("difference/", {"from": "1", "to": "9" * 18}, code=404)

    def test_a_page_of_changes_before_a_point_that_is_not_there_is_not_found(self) -> None:
        for before in ("0", "9" * 18):
            self.page(data={"before": before}, code=404)

    def test_a_field_of_which_a_part_has_changed_belongs_to_that_change(self) -> None:
        for details in ({"a": 1, "b": 2}, {"a": 9, "b": 2}, {"a": 9}):
            Member.objects.filter(pk=self.member.pk).update(details=details)
            last = database().head().position
            timeline = Timeline(database(), Member, self.member.pk)
            [owner] = [one for one in timeline.owners() if one.label == "details"]
            self.assertEqual(owner.commit.position, last)

    def test_a_change_is_taken_back_with_a_reason_and_is_in_the_history_itself(self) -> None:
        second = self.positions[1]
        self.assertEqual(self.take_back(second), 302)
        member = self.fresh()
        self.assertEqual((member.name, member.details, member.phone), ("Ann", {}, "061"))
        record = next(database().read(row_of(member), backwards=True))
        self.assertEqual((record.author, record.message), ("boss", "a mistake"))
        [undone] = database().undone_by(second)
        self.assertEqual(undone.id, record.commit.id)
        self.assertIn("taken back by", self.page())
        said = f"#{second} was already undone by #{undone.position}; there is nothing to revert."
        self.assertIn(said, self.page(f"{second}/revert/"))
        self.assertEqual(self.take_back(second), 409)

    def test_a_change_whose_field_belongs_to_a_later_one_is_refused_and_nothing_is_written(self) -> None:
        Member.objects.filter(pk=self.member.pk).update(name="Zoe")
        database()
        [*_, renamed] = [record.position for record in database().read(row_of(self.member))]
        page = self.page(f"{self.positions[1]}/revert/")
        self.assertIn(f"Changed again since: name by #{renamed}. Take these later changes back first.", page)
        self.assertEqual(self.take_back(self.positions[1]), 409)
        self.assertEqual(self.fresh().name, "Zoe")

    def test_the_time_of_the_last_change_belongs_to_nobody(self) -> None:
        member = self.fresh()
        member.name = "Zoe"
        member.save()
        database()
        member.phone = "062"
        member.save()
        position = self.last_but_one()
        self.assertEqual(self.take_back(position), 302)
        self.assertEqual((self.fresh().name, self.fresh().phone), (HOSTILE, "062"))

    def last_but_one(self) -> int:
        database()
        return [record.position for record in database().read(row_of(self.member), backwards=True)][1]

    def test_without_a_reason_or_the_permission_nothing_is_taken_back(self) -> None:
        self.assertEqual(self.take_back(self.positions[2], reason="  "), 200)
        helper = User.objects.create_user("helper", is_staff=True)
        helper.user_permissions.add(*Permission.objects.filter(codename__in=["view_member", "change_member"]))
        client = Client()
        client.force_login(helper)
        self.assertNotIn("revert/", self.page(client=client))
        self.assertEqual(self.take_back(self.positions[2], client=client), 403)
        self.assertEqual(self.fresh().phone, "061")
        permission, _ = Permission.objects.get_or_create(
            codename="revert_member",
            content_type=Permission.objects.get(codename="view_member").content_type,
        )
        helper.user_permissions.add(permission)
        self.assertEqual(self.take_back(self.positions[2], client=client), 302)
        self.assertEqual(self.fresh().phone, "")

    def test_somebody_who_may_not_see_the_object_sees_no_history(self) -> None:
        client = Client()
        client.force_login(User.objects.create_user("other", is_staff=True))
        self.page(client=client, code=403)
        self.page(f"{self.positions[0]}/revert/", client=client, code=403)
        self.page(client=Client(), code=302)

    def test_an_object_that_is_gone_has_its_history_and_comes_back(self) -> None:
        key = self.member.pk
        Member.objects.filter(pk=key).delete()
        self.assertIn("This object is gone", self.page())
        deleted = [record.position for record in database().read(row_of(self.member))][-1]
        self.assertEqual(self.take_back(deleted), 302)
        self.assertEqual((self.fresh().phone, self.fresh().email), ("061", "a@example.org"))

    def test_of_several_objects_that_one_commit_deleted_the_one_that_comes_back_was_taken_back(self) -> None:
        other = Member.objects.create(name="Bea", email="b@example.org")
        gone = [row_of(self.member), row_of(other)]
        Member.objects.all().delete()
        first, second = [[record.position for record in database().read(row)][-1] for row in gone]
        self.assertEqual(database().point(first).commit, database().point(second).commit)
        self.assertEqual(self.take_back(first), 302)
        self.assertIn("taken back by", self.page())
        page = self.client.get(f"/admin/library/member/{gone[1].key}/history/").content.decode()
        self.assertIn("This object is gone", page)
        self.assertNotIn("taken back by", page)

    def test_an_object_without_a_history_has_no_row_of_one(self) -> None:
        with self.assertRaisesRegex(ValueError, "auth.Permission is not recorded: put @recorded above it"):
            row_of(Permission.objects.all()[0])
        with self.assertRaisesRegex(ValueError, "this library.Author has no primary key"):
            row_of(Author(name="Ada"))

    def test_an_object_that_never_was_is_not_found(self) -> None:
        for key in ("999999", "x", "_5F"):
            answer = self.client.get(f"/admin/library/member/{key}/history/")
            self.assertEqual(answer.status_code, 404, key)

    def test_taking_back_the_beginning_deletes_the_object_unless_others_need_it(self) -> None:
        author = Author.objects.create(name="Ada")
        [record] = database().read(row_of(author))
        path = f"/admin/library/author/{author.pk}/history/{record.position}/revert/"
        book = Book.objects.create(title="T")
        book.authors.add(author)
        self.assertEqual(self.client.post(path, {"reason": "twice"}).status_code, 409)
        self.assertTrue(Author.objects.exists())
        book.authors.clear()
        self.assertEqual(self.client.post(path, {"reason": "twice"}).status_code, 302)
        self.assertFalse(Author.objects.exists())

    def test_a_model_with_a_parent_is_taken_back_whole(self) -> None:
        book = Book.objects.create(title="Emma", number="1", pages=3)
        database()
        Book.objects.filter(pk=book.pk).update(title="Emma II")
        database()
        Book.objects.filter(pk=book.pk).update(pages=4)
        database()
        *_, renamed, _ = [record.position for record in database().read(row_of(book))]
        path = f"/admin/library/book/{book.pk}/history/{renamed}/revert/"
        self.assertEqual(self.client.post(path, {"reason": "no"}).status_code, 302)
        found = Book.objects.get()
        self.assertEqual((found.title, found.pages), ("Emma", 4))
        self.assertEqual(Publication.objects.get().title, "Emma")

    def test_many_to_many_fields_are_among_what_happened(self) -> None:
        book, other = Book.objects.create(title="T"), Book.objects.create(title="Other")
        ada, bea = Author.objects.create(name="Ada"), Author.objects.create(name="Bea")
        book.authors.add(ada)
        other.authors.add(bea)
        database()
        book.authors.remove(ada)
        page = self.client.get(f"/admin/library/book/{book.pk}/history/").content.decode()
        self.assertIn("Added to", page)
        self.assertIn("Removed from", page)
        self.assertIn("Ada", page)
        self.assertNotIn("Bea", page)
        self.assertEqual(page.count("/revert/"), 1)

    def test_a_long_history_has_several_pages(self) -> None:
        for number in range(60):
            Member.objects.filter(pk=self.member.pk).update(phone=str(number))
        page = self.page()
        self.assertIn("Older changes", page)
        self.assertNotIn("new here", page.partition("Who gave")[0])
        before = page.partition("?before=")[2].partition('"')[0]
        self.assertIn("new here", self.page(data={"before": before}))
