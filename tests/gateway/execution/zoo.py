"""A Strawberry schema with resolvers of every form, and what may stand around them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from enum import Enum
from functools import partial, wraps
from typing import Annotated, Any, Generic, TypeVar

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission
from strawberry.relay import GlobalID

T = TypeVar("T")


@strawberry.enum
class Colour(Enum):
    RED = "red"
    GREEN = strawberry.enum_value(2, name="GREENISH")


@strawberry.input
class Box:
    width: int
    height: int | None = 3
    colour: Colour = Colour.RED
    boxes: list["Box"] | None = None


class Allowed(BasePermission):
    message = "not allowed"

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        return bool(info.context["allowed"])


class Late(BasePermission):
    message = "not allowed later"

    async def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        await asyncio.sleep(0)
        return bool(info.context["allowed"])


class Twice(FieldExtension):
    def resolve(self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        return 2 * next_(source, info, **kwargs)


class TwiceLater(FieldExtension):
    async def resolve_async(self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        return 2 * await next_(source, info, **kwargs)


@strawberry.interface
class Animal:
    name: str

    @strawberry.field
    def shouted(self) -> str:
        return self.name.upper()


@strawberry.type
class Dog(Animal):
    barks: bool = True


@strawberry.type
class Cat(Animal):
    lives: int = 9

    @strawberry.field
    async def kittens(self, first: int = 2) -> list["Cat"]:
        return [Cat(name=f"{self.name} {number}") for number in range(first)]


@strawberry.type
class Unrelated:
    name: str


@strawberry.type
class Page(Generic[T]):
    items: list[T]


class Row:
    """Something of another library, cast to a type."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lives = 1
        self.barks = False


def told(info: Any) -> str:
    """What an info shows."""
    raw = info._raw_info
    parts = (
        (info.field_name, info.python_name, info.path.as_list(), str(raw.return_type), raw.parent_type.name),
        (
            info.context["allowed"],
            info.root_value,
            info.variable_values,
            info.operation.operation,
            len(raw.field_nodes),
        ),
        (
            [one.name for one in info.selected_fields],
            info.return_type,
            isinstance(info, strawberry.Info),
            sorted(raw.fragments),
        ),
        (raw.schema is info.schema._schema, raw.operation_extensions, type(info).__name__, repr(info._field)[:20]),
        (isinstance(raw, tuple), raw.is_awaitable.__name__, info.get_argument_definition("x") is None),
    )
    return repr(parts)


def wrapped(function: Any) -> Any:
    @wraps(function)
    def around(*args: Any, **kwargs: Any) -> Any:
        return f"around {function(*args, **kwargs)}"

    return around


def standalone(root: Any, info: strawberry.Info, x: int = 1) -> str:
    return f"{root is None} {info.field_name} {x}"


@strawberry.type
class Query:
    plain: str = "plain"
    when: date = date(2026, 1, 2)
    colours: list[Colour] = strawberry.field(default_factory=lambda: [Colour.GREEN, Colour.RED])
    from_function: str = strawberry.field(resolver=standalone)

    @strawberry.field
    def info_of(self, info: strawberry.Info, x: int = 4) -> str:
        return told(info)

    @strawberry.field
    async def info_later(self, what: strawberry.Info) -> str:
        await asyncio.sleep(0)
        return told(what)

    @strawberry.field
    def given(
        self,
        number: int = 5,
        text: str | None = None,
        maybe: str | None = strawberry.UNSET,
        renamed: Annotated[int, strawberry.argument(name="other")] = 1,
        colour: Colour = Colour.GREEN,
        numbers: list[int] | None = None,
        colours: list[Colour | None] = [Colour.RED],  # noqa: B006 - it is what is tested
        ratio: float = 1.0,
    ) -> str:
        numbers = numbers and [*numbers, 0]
        colours.append(None)
        return repr((number, text, maybe, renamed, colour, numbers, colours, ratio))

    @strawberry.field
    def boxed(self, box: Box, boxes: list[Box] | None = None) -> str:
        return repr((box, boxes))

    @strawberry.field
    async def boxed_later(self, box: Box | None = None, key: GlobalID | None = None) -> str:
        return repr((box, key))

    @strawberry.field
    def maybe(self, x: strawberry.Maybe[int | None] = None) -> str:
        return repr(x)

    @strawberry.field
    def of_parent(self, parent: strawberry.Parent[Any], x: int = 3) -> str:
        return type(parent).__name__

    @strawberry.field
    @staticmethod
    def static(x: int = 1) -> int:
        return x

    @strawberry.field
    @classmethod
    def of_class(cls, x: int = 1) -> str:
        return f"{cls.__name__} {x}"

    @strawberry.field
    @wrapped
    def wrapped_resolver(self, x: int = 1) -> str:
        return f"{type(self).__name__} {x}"

    partly: str = strawberry.field(resolver=partial(lambda x: f"part {x}", 3))

    @strawberry.field(permission_classes=[Allowed])  # type: ignore[untyped-decorator]
    def guarded(self, x: int = 2) -> int:
        return x

    @strawberry.field(permission_classes=[Late])  # type: ignore[untyped-decorator]
    async def guarded_later(self) -> int | None:
        return 1

    @strawberry.field(extensions=[Twice()])  # type: ignore[untyped-decorator]
    def doubled(self, x: int) -> int:
        return x

    @strawberry.field(extensions=[TwiceLater()])  # type: ignore[untyped-decorator]
    async def doubled_later(self, x: int = 2) -> int:
        return x

    @strawberry.field
    def animals(self) -> list[Animal]:
        cast = Row("cast")
        return [Dog(name="rex"), Cat(name="tom"), strawberry.cast(Cat, cast), Dog(name="ada")]  # type: ignore[list-item]

    @strawberry.field
    async def wrong_animal(self) -> Animal | None:
        return Unrelated(name="x")  # type: ignore[return-value]

    @strawberry.field
    def either(self, which: int = 0) -> Dog | Cat:
        return [Dog(name="rex"), Cat(name="tom"), strawberry.cast(Dog, Row("r")), Unrelated(name="u")][which]  # type: ignore[return-value]

    @strawberry.field
    def page(self) -> Page[Dog]:
        return Page(items=[Dog(name="one")])

    @strawberry.field
    def pages(self) -> list[Page[int]]:
        return [Page(items=[1, 2]), Page(items=[])]

    @strawberry.field
    async def broken(self) -> int:
        raise ValueError("broken")

    @strawberry.field
    def broken_now(self) -> int | None:
        raise ValueError("broken now")

    @strawberry.field
    def returned(self) -> int | None:
        return ValueError("returned")  # type: ignore[return-value]

    @strawberry.field
    def gives_awaitable(self) -> int:
        return asyncio.sleep(0, 3)  # type: ignore[return-value]

    @strawberry.field
    def nested(self) -> "Query | None":
        return Query()


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def first(self, x: int) -> int:
        await asyncio.sleep(0)
        return x

    @strawberry.mutation
    def second(self, x: int) -> int | None:
        raise ValueError(f"second {x}")


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def animals(self, names: list[str]) -> AsyncIterator[Animal]:
        for name in names:
            yield Cat(name=name) if name != "bad" else None  # type: ignore[misc]


@strawberry.type
class NotFound:
    message: str
