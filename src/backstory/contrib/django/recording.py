"""Which models are recorded, and what is captured of the tables of each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

import msgspec
from django.apps import apps
from django.conf import settings as project
from django.core.exceptions import ImproperlyConfigured

from backstory.capture import Capture, Captured, Column, key_of, parts_of
from backstory.contrib.django.conf import configured
from backstory.rows.kinds import NAME, kind

if TYPE_CHECKING:
    from django.db.models import Field, Model

    from backstory.rows.forms import Kind
    from backstory.rows.kinds import Row

M = TypeVar("M", bound="type[Model]")

LONGEST = 40
"""Characters of the name of a history."""

KINDS: dict[str, Kind] = {
    "BooleanField": "bool",
    "BinaryField": "bytes",
    "DecimalField": "decimal",
    "FloatField": "float",
    "DateField": "date",
    "TimeField": "time",
    "UUIDField": "uuid",
    "JSONField": "json",
}
"""The meaning of fields whose form differs from one database to the other, by their internal types."""


class Wanted(msgspec.Struct, frozen=True):
    """The settings of a model that is recorded."""

    name: str | None = None
    exclude: tuple[str, ...] = ()


_declared: dict[type[Model], Wanted] = {}


@overload
def recorded(model: M, *, name: str | None = None, exclude: Collection[str] = ()) -> M: ...


@overload
def recorded(
    model: None = None, *, name: str | None = None, exclude: Collection[str] = ()
) -> Callable[[M], M]: ...


def recorded(model: Any = None, *, name: str | None = None, exclude: Collection[str] = ()) -> Any:
    """Record a model: `@recorded` above its class, or `recorded(User)` where an app is ready, for one of another app.

    Its rows are recorded with those of its parents and of its many-to-many fields, by triggers that `migrate` makes.
    `name` is that of its history, else `app_model`. Fields in `exclude` are in no history, and the password of a user
    is in none anyway.
    """

    def marked(model: M) -> M:
        _declared[model] = Wanted(name, tuple(exclude))
        return model

    return marked if model is None else marked(model)


def models() -> dict[type[Model], Wanted]:
    """All models that are recorded, by `recorded` or by `BACKSTORY["RECORD"]`; parents before their children."""
    found: dict[type[Model], Wanted] = {}
    for model, wanted in [*_declared.items(), *((model, Wanted()) for model in _listed())]:
        for each in (*reversed(_parents(model)), model):
            own = wanted if each is model else _declared.get(each, Wanted())
            found.setdefault(cast("Any", each._meta).concrete_model, own)
    for model in list(found):
        for through in _throughs(model):
            if not cast("Any", through._meta).auto_created:
                found.setdefault(through, _declared.get(through, Wanted()))
    return found


def _throughs(model: type[Model]) -> list[type[Model]]:
    """The models whose rows tie the objects of its many-to-many fields together."""
    return [cast("Any", field).remote_field.through for field in model._meta.local_many_to_many]


def _listed() -> Iterator[type[Model]]:
    for label in configured().record:
        try:
            if "." in label:
                yield apps.get_model(label)
            else:
                yield from (
                    model
                    for model in apps.get_app_config(label).get_models()
                    if not model._meta.proxy and not model._meta.swapped and model._meta.managed
                )
        except LookupError as wrong:
            raise ImproperlyConfigured(f"BACKSTORY['RECORD'] names {label!r}: {wrong}") from wrong


def _parents(model: type[Model]) -> list[type[Model]]:
    """The models whose tables hold a part of its rows, the nearest first."""
    return [parent for parent in model._meta.get_parent_list() if not parent._meta.proxy]


def is_recorded(model: type[Model]) -> bool:
    """Whether the rows of a model have a history."""
    return cast("Any", model._meta).concrete_model in models()


def capture(only: Collection[str] | None = None) -> Capture:
    """The tables of all recorded models, or those of these tables."""
    tables = [captured for _, captured in described() if only is None or captured.table in only]
    return Capture(tables)


def described() -> list[tuple[type[Model], Captured]]:
    """Each recorded model with its table, and each many-to-many field's own table."""
    found: dict[str, tuple[type[Model], Captured]] = {}
    for model, wanted in models().items():
        found.setdefault(model._meta.db_table, (model, captured_of(model, wanted)))
        for through in _throughs(model):
            if cast("Any", through._meta).auto_created:
                found.setdefault(through._meta.db_table, (through, captured_of(through, Wanted())))
    return list(found.values())


def history_of(model: type[Model]) -> str:
    """The name of the history of a model's rows: that of the topmost parent whose key they share."""
    top = _root(model)
    wanted = models().get(top, Wanted())
    return wanted.name or _named(f"{top._meta.app_label}_{top._meta.model_name}")


def _root(model: type[Model]) -> type[Model]:
    """The model whose row its objects share: the parent that their primary key is a link to, and so on."""
    found = cast("Any", model._meta).concrete_model
    while getattr(found._meta.pk.remote_field, "parent_link", False):
        found = found._meta.pk.related_model._meta.concrete_model
    return cast("type[Model]", found)


def _named(name: str) -> str:
    if NAME.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    plain = "".join(char if char.isascii() and char.isalnum() else "_" for char in name)
    return f"{plain[: LONGEST - 9]}_{digest}"


def captured_of(model: type[Model], wanted: Wanted) -> Captured:
    """The captured columns of a model's own table."""
    meta = model._meta
    fields = [field for field in meta.local_concrete_fields if field.column]
    excluded = {*wanted.exclude, *_secret(model)}
    for name in wanted.exclude:
        meta.get_field(name)  # raises FieldDoesNotExist, with the name
    left_out = tuple(cast("str", field.column) for field in fields if {field.name, field.attname} & excluded)
    columns = tuple(_column(field) for field in fields if field.column not in left_out)
    schema, table = place_of(model)
    return Captured(
        table,
        tuple(cast("str", field.column) for field in cast("Any", meta).pk_fields),
        columns,
        history_of(model),
        schema,
        part=_root(model) is not model,
        left_out=left_out,
    )


def place_of(model: type[Model]) -> tuple[str, str]:
    """The schema and the table of a model; the schema is empty where `search_path` finds it.

    Django knows no schemas. Projects write `db_table = 'sales"."order'`, which it puts between quotes.
    """
    name = model._meta.db_table
    if name.startswith('"') and name.endswith('"'):
        name = name[1:-1]
    schema, _, table = name.rpartition('"."')
    return schema, table


def _secret(model: type[Model]) -> set[str]:
    """The fields that no history should have, whatever anybody says: a password stays one after it was changed."""
    from django.contrib.auth.base_user import AbstractBaseUser

    return {"password"} if issubclass(model, AbstractBaseUser) else set()


def _column(field: Field[Any, Any]) -> Column:
    base: Any = field
    while getattr(base, "remote_field", None) is not None and hasattr(base, "target_field"):
        base = base.target_field
    name = base.get_internal_type()
    meaning: Kind = KINDS.get(name, "")
    if name == "DateTimeField":
        meaning = "instant" if project.USE_TZ else "datetime"
    elif name == "DurationField":
        meaning = "micros"
    return Column(cast("str", field.column), field.attname, meaning, getattr(base, "decimal_places", None))


def row_of(instance: Model) -> Row:
    """The row of an object as a state, for each verb of a database: `database().blame(row_of(book))`.

    Raises `ValueError` for an object of a model that is not recorded, and for one without a primary key.
    """
    model = type(instance)
    if not is_recorded(cast("Any", model._meta).auto_created or model):
        raise ValueError(f"{model._meta.label} is not recorded: put @recorded above it, or name it in RECORD")
    if instance.pk is None:
        raise ValueError(f"this {model._meta.label} has no primary key: it is not saved yet, or was deleted")
    return row_with(model, instance.pk)


def row_with(model: type[Model], pk: Any) -> Row:
    """The row of the object of a model that has this primary key, as the object has it or as text."""
    fields = cast("Any", model._meta).pk_fields
    values = pk if len(fields) > 1 else (pk,)
    parts = (field.to_python(value) for field, value in zip(fields, values, strict=True))
    return kind(history_of(model)).row(key_of(*parts))


def pk_of(model: type[Model], key: str) -> Any:
    """The primary key of the object whose row has this key: a tuple, if it has several fields."""
    fields = cast("Any", model._meta).pk_fields
    found = tuple(
        None if part is None else field.to_python(part)
        for field, part in zip(fields, parts_of(key, len(fields)), strict=True)
    )
    return found if len(fields) > 1 else found[0]
