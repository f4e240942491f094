# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes and access control lists in PAX headers: the spellings of star, GNU tar and libarchive."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Corrupt, Unsupported
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import acl, tar, write, xattrs

NAMES = st.text(st.characters(blacklist_characters="\0", blacklist_categories=("Cs",)), min_size=1, max_size=20).map("user.".__add__)


def there_and_back(attributes):
    entry = write.make_entry("f", xattrs=attributes)
    return next(iter(tar.TarReader([write.header(entry) + write.END]))).xattrs


@given(st.dictionaries(NAMES, st.binary(max_size=50), min_size=1, max_size=4))
def test_every_name_and_value(attributes):
    assert there_and_back(attributes) == attributes


def test_names_that_pax_cannot_spell_and_bytes():
    attributes = {"user.a=b": b"1=2\n", "user.\udcff": b"\0\xff", "user.\udcfe=": b"", "security.capability": bytes(range(20))}
    assert there_and_back(attributes) == attributes
    assert b"LIBARCHIVE.xattr.user.a%3Db=MT0yCg" in write.header(write.make_entry("f", xattrs=attributes))


def test_libarchive_writes_both():
    both = {"LIBARCHIVE.xattr.user.a": b"b25l", "LIBARCHIVE.xattr.user.b%20c": b"dHdv", "SCHILY.xattr.user.a": b"one"}
    found = xattrs.from_pax(both, "f")
    assert found == {"user.a": b"one", "user.b c": b"two"}
    with pytest.raises(Corrupt, match="f has a malformed"):
        xattrs.from_pax({"LIBARCHIVE.xattr.user.a": b"b"}, "f")


def packed(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NONE = 0xFFFFFFFF


@pytest.mark.parametrize("text", [
    "user::rwx,user:1000:r--,group::r-x,group:7:---,mask::r-x,other::--x",
    "user::rwx\nuser:1000:r--\ngroup::r-x\ngroup:7:---\nmask::r-x\nother::--x\n",
    "user::rwx,group::r-x,mask::r-x,other::--x,user:bob:r--:1000,group:staff:---:7",
    "u::rwx,u:1000:r,g::rx,g:7:,m::rx,o::x",
    "user::rwx,user:1000:r--\t#effective:r--,group::r-x,group:7:---,mask:r-x,other:--x",
])
def test_texts_of_lists(text):
    assert acl.parse(text.encode(), "f") == packed((1, 7, NONE), (2, 4, 1000), (4, 5, NONE), (8, 0, 7), (16, 5, NONE), (32, 1, NONE))


def test_root_is_known_by_name():
    assert acl.parse(b"user:root:r--", "f") == packed((2, 4, 0))


def test_a_name_without_its_number_is_refused():
    with pytest.raises(Unsupported, match="bob"):
        acl.parse(b"user::rwx,user:bob:r--", "f")


@pytest.mark.parametrize("text", ["nobody::rwx", "user", "user::rwxq", "user::rwxr", "mask:3:r--", "user:1:2:3:4", "other::s"])
def test_malformed_lists_are_refused(text):
    with pytest.raises(Corrupt, match="malformed"):
        acl.parse(text.encode(), "f")


def test_lists_of_members():
    head = {"SCHILY.acl.access": b"user::rwx,group::r-x,other::r-x", "SCHILY.acl.default": b""}
    assert xattrs.from_pax(head, "f") == {"system.posix_acl_access": packed((1, 7, NONE), (4, 5, NONE), (32, 5, NONE))}


def test_what_belongs_to_a_layer():
    assert [name for name in ("user.a", "security.capability", "security.selinux", "trusted.overlay.opaque", "user.overlay.x", "trusted.x")
            if xattrs.belongs(name)] == ["user.a", "security.capability", "trusted.x"]
