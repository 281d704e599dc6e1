"""The base of our enumerations, whose members are plain attributes of their class.

Until Python 3.11 a read of `enum.Enum`'s members runs through a hook of its metaclass, ten times slower than an
attribute, and strategies compare statuses for every order of every book. To a type checker this is `enum.Enum`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from enum import Enum

    Enumeration = Enum
else:

    class _Members(type):
        """Makes one instance of each public text in a class's body."""

        def __new__(metaclass, name, bases, body):
            values = {key: value for key, value in body.items() if isinstance(value, str) and not key.startswith("_")}
            made = super().__new__(metaclass, name, bases, {key: body[key] for key in body if key not in values})
            made.__members__ = {}
            for key, value in values.items():
                member = object.__new__(made)
                member.name, member.value = key, value
                made.__members__[key] = member
                setattr(made, key, member)
            return made

        def __call__(cls, value):
            for member in cls:
                if member.value == value or member is value:
                    return member
            raise ValueError(f"{value!r} is not a valid {cls.__name__}")

        def __iter__(cls):
            return iter(cls.__members__.values())

        def __len__(cls):
            return len(cls.__members__)

        def __getitem__(cls, name):
            return cls.__members__[name]

        def __contains__(cls, member):
            return isinstance(member, cls)

    class Enumeration(metaclass=_Members):
        """Members have `name` and `value`, are found by either, and are what they were after a copy or pickling."""

        __slots__ = ("name", "value")

        def __reduce__(self):
            return type(self), (self.value,)

        def __copy__(self):
            return self

        def __deepcopy__(self, memo):
            return self

        def __repr__(self):
            return f"<{type(self).__name__}.{self.name}: {self.value!r}>"

        def __str__(self):
            return f"{type(self).__name__}.{self.name}"
