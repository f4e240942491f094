# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents: frozen dataclasses with a JSON form. Absent values are None and stay out of the JSON."""

from __future__ import annotations

import dataclasses


def document(cls):
    """Class decorator: a frozen dataclass that takes equality, hash and text from :class:`Document`.

    The standard decorator writes and compiles those three anew for every class, which was half of the time that importing ``spec`` took.
    """
    return dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)


class Document:
    """Base of the frozen dataclasses in ``spec/``.

    ``NESTED`` names the fields that hold documents: ``{"mounts": Mount}``, one or a list of them. ``KEYS`` names the fields whose JSON key
    is not the field's own name. Lists become tuples, so that documents are hashable and compare by value; dicts stay dicts.
    """

    NESTED = {}
    KEYS = {}

    def __eq__(self, other):
        return self.__class__ is other.__class__ and self._values() == other._values()

    def __hash__(self):
        return hash(self._values())

    def __repr__(self):
        fields = ", ".join("%s=%r" % pair for pair in zip(self.__dataclass_fields__, self._values()))
        return "%s(%s)" % (self.__class__.__qualname__, fields)

    def _values(self):
        return tuple(getattr(self, name) for name in self.__dataclass_fields__)

    def to_json(self):
        """The JSON-able dict of this document, without its unset (None) fields."""
        answer = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None:
                answer[self.KEYS.get(field.name, field.name)] = _plain(value)
        return answer

    @classmethod
    def from_json(cls, data):
        """The document of a dict made by :meth:`to_json`; keys that it does not know are left out."""
        values = {}
        for field in dataclasses.fields(cls):
            key = cls.KEYS.get(field.name, field.name)
            if key in data and data[key] is not None:
                values[field.name] = _typed(data[key], cls.NESTED.get(field.name))
        return cls(**values)

    def replace(self, **changes):
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)


def _plain(value):
    if hasattr(value, "to_json"):
        return value.to_json()
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value


def _typed(value, nested):
    if isinstance(value, list):
        return tuple(_typed(each, nested) for each in value)
    if nested is not None and isinstance(value, dict):
        return nested.from_json(value)
    return value
