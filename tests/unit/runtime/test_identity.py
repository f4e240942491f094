# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users and groups of a container, from its own files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.runtime import identity
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.runtime import User

FILES = {
    "/etc/passwd": b"# comment\nroot:x:0:0:root:/root:/bin/sh\nweb:x:33:34:Web:/srv/web:/bin/false\nnohome:x:40:41:::\n"
                   b"broken:x:no:1:::\nshort:x:1\n33names:x:50:50::/n:\n",
    "/etc/group": b"root:x:0:\nweb:x:34:\nextra:x:60:other,web\nmore:x:61:web\nbroken:x:no:web\n",
}


def resolve(text, groups=(), files=None):
    return identity.resolve(text, (FILES if files is None else files).get, groups)


@pytest.mark.parametrize(("text", "uid", "gid", "additional", "home"), [
    (None, 0, 0, (), "/root"),
    ("", 0, 0, (), "/root"),
    ("root", 0, 0, (), "/root"),
    ("0", 0, 0, (), "/root"),
    ("web", 33, 34, (60, 61), "/srv/web"),
    ("33", 33, 34, (60, 61), "/srv/web"),
    ("web:extra", 33, 60, (), "/srv/web"),
    ("web:0", 33, 0, (), "/srv/web"),
    ("1000", 1000, 0, (), None),
    ("1000:1001", 1000, 1001, (), None),
    ("1000:web", 1000, 34, (), None),
    ("nohome", 40, 41, (), None),
    ("33names", 50, 50, (), "/n"),
])
def test_who(text, uid, gid, additional, home):
    assert resolve(text) == identity.Identity(User(uid=uid, gid=gid, additional_gids=additional), home)


def test_additional_groups():
    assert resolve("web", ("more", "70", "60")).user.additional_gids == (60, 61, 70)
    assert resolve("1000", ("web",)).user.additional_gids == (34,)


def test_without_files():
    assert resolve(None, files={}) == identity.Identity(User(uid=0, gid=0, additional_gids=()), None)
    assert resolve("5:6", files={}).user == User(uid=5, gid=6, additional_gids=())


@pytest.mark.parametrize(("text", "groups", "option"), [
    ("ghost", (), "user"), ("web:ghost", (), "user"), ("web", ("ghost",), "groups"), ("broken", (), "user"), ("short", (), "user"),
    ("²", (), "user"), ("4294967295", (), "user"), ("99999999999", (), "user"), ("1:4294967295", (), "user"), ("-1", (), "user"),
])
def test_refusals_name_option_and_value(text, groups, option):
    with pytest.raises(InvalidValue) as caught:
        resolve(text, groups)
    assert caught.value.option == option and caught.value.value == (groups[0] if groups else text) and caught.value.hint


@given(st.text(max_size=12), st.binary(max_size=80), st.binary(max_size=80))
def test_any_text_and_files_answer_or_refuse(text, passwd, group):
    try:
        user = identity.resolve(text, {"/etc/passwd": passwd, "/etc/group": group}.get).user
    except InvalidValue as error:
        assert error.option == "user"
    else:
        assert 0 <= user.uid < (1 << 32) - 1 and 0 <= user.gid < (1 << 32) - 1
