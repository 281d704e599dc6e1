"""The base of our enumerations, whose members are plain attributes of an object.

Until Python 3.11 a read of `enum.Enum`'s members runs through a hook of its metaclass, ten times slower than an
attribute, and also an attribute of a class is read three times slower than one of an object; strategies compare
statuses for every order of every book. To a type checker this is `enum.Enum`.
"""

from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from enum import Enum

    Enumeration = Enum
else:

    class _Member:
        """Has `name` and `value`, is found by either, and is what it was after a copy or pickling."""

        __slots__ = ("__weakref__", "name", "value")

        def __init__(self, name, value):
            self.name, self.value = name, value

        def __reduce__(self):
            return getattr, (self.enumeration, self.name)

        def __copy__(self):
            return self

        def __deepcopy__(self, memo):
            return self

        def __repr__(self):
            return f"<{type(self).__name__}.{self.name}: {self.value!r}>"

        def __str__(self):
            return f"{type(self).__name__}.{self.name}"

    class _Members:
        """What a sub-class of Enumeration becomes: an object that has a member for each public text in its body."""

        __slots__ = ("__weakref__",)

        def __call__(self, value):
            for member in self:
                if member.value == value or member is value:
                    return member
            raise ValueError(f"{value!r} is not a valid {type(self).__name__}")

        def __iter__(self):
            return iter(self.__members__.values())

        def __len__(self):
            return len(self.__members__)

        def __getitem__(self, name):
            return self.__members__[name]

        def __contains__(self, member):
            return isinstance(member, self)

        def __instancecheck__(self, member):
            return isinstance(member, self.member_type)

        def __subclasscheck__(self, cls):  # `isinstance(member, OrderStatus | None)` asks
            return issubclass(cls, self.member_type)

        def __or__(self, other):
            return Union[self, other]  # noqa: UP007 - `|` is what this is

        __ror__ = __or__

        def __reduce__(self):
            return type(self).__name__  # the global of this name

        def __repr__(self):
            return f"<enumeration {type(self).__name__}>"

    class _Making(type):
        """Makes an object where a class is asked for."""

        def __new__(metaclass, name, bases, body):
            if not bases:
                return super().__new__(metaclass, name, bases, body)
            values = {key: value for key, value in body.items() if isinstance(value, str) and not key.startswith("_")}
            shared = {key: body[key] for key in body if key not in values} | {"__slots__": (), "__name__": name}
            member_type = type(name, (_Member,), dict(shared))
            members = {key: member_type(key, value) for key, value in values.items()}
            more = {"__slots__": tuple(values), "__members__": members, "member_type": member_type}
            made = member_type.enumeration = type(name, (_Members,), shared | more)()
            for key, member in members.items():
                setattr(made, key, member)
            return made

    class Enumeration(metaclass=_Making):
        """Sub-classes name their members, each with its text."""
