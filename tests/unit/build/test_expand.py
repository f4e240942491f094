# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instructions with the values of their variables, and the checks of those values."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.build import dockerfile
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.expand import expand
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.position import DockerfileError
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.scope import Scope
from ansible_collections.agentless.containers.plugins.module_utils.engine.build.shell import quote

ENV = {"A": "val", "S": "two words", "P": "80", "E": "", "Q": '"$A"'}


def expanded(text, env=None, head=""):
    """The last instruction of a stage, expanded."""
    found = dockerfile.parse("%sFROM scratch\n%s" % (head, text))
    scope = Scope.of_file(found.stages).stage(ENV if env is None else env)
    return expand(found.stages.stages[0].instructions[-1], scope)


@pytest.mark.parametrize("text, field, value", [
    ("COPY $A/x ${A}y /$A/", "sources", ("val/x", "valy")), ("COPY x /$S/", "destination", "/two words/"),
    ("ADD --chown=$A:${P} x /", "chown", "val:80"), ("COPY --chmod=0${E:-755} x /", "chmod", "0755"), ("COPY --chown=$E x /", "chown", ""),
    ("COPY --exclude=$A x /", "exclude", ("$A",)), ("COPY --from=$ x /", "from_name", None),
    ("ENV X=$A Y='$A' Z=\"$S\" W=$Q", "pairs", (("X", "val"), ("Y", "$A"), ("Z", "two words"), ("W", '"$A"'))),
    ("ENV X $S  b", "pairs", (("X", "two words  b"),)), ("LABEL $A=\"a b\" 'c d'=e", "pairs", (("val", "a b"), ("c d", "e"))),
    ("EXPOSE $P/udp 443 $P", "ports", ("80/tcp", "443/tcp", "80/udp")),
    ("EXPOSE 8000-8002/TCP", "ports", ("8000/tcp", "8001/tcp", "8002/tcp")),
    ("EXPOSE 127.0.0.1:8080:080 53:54/udp", "ports", ("80/tcp", "54/udp")), ("EXPOSE [::1]:1:2", "ports", ("2/tcp",)),
    ("EXPOSE ${L}", "ports", ()), ("USER $A:${P}", "value", "val:80"), ("USER $E", "value", ""),
    ("WORKDIR /$A/$S", "value", "/val/two words"), ("VOLUME /$A /b", "paths", ("/val", "/b")),
    ('VOLUME ["/$A x"]', "paths", ("/val x",)), ("STOPSIGNAL SIG${E:-USR1}", "value", "SIGUSR1"), ("STOPSIGNAL 9", "value", "9"),
    ("MAINTAINER $A", "value", "$A"),
])
def test_values(text, field, value):
    if value is None:
        with pytest.raises(DockerfileError, match="cannot hold a variable"):
            expanded(text)
        return
    assert getattr(expanded(text), field) == value


@pytest.mark.parametrize("text", [
    "RUN echo $A", 'RUN ["$A"]', "CMD $A", 'ENTRYPOINT ["$A", "b"]', "HEALTHCHECK CMD $A", "ONBUILD ENV x=$A", 'SHELL ["$A"]',
])
def test_the_shell_of_the_container_expands_these(text):
    found = expanded(text)
    assert "$A" in repr(found.replace(node=found.node.replace(text="", original="", arguments="")))


def test_contents_of_here_documents():
    found = expanded("COPY <<one <<-'two' <<three /d/\n\"$A\" \\$A 'x' \\\\\none\n\t$A\n\t\ttab\ntwo\n\t$A\nthree")
    assert [(each.name, each.text) for each in found.contents] == [
        ("one", "\"val\" $A 'x' \\\n"), ("two", "$A\ntab\n"), ("three", "\tval\n")]
    again = expand(found, Scope(env={"A": "other"}))
    assert again.contents == found.contents


@pytest.mark.parametrize("text, expected", [
    ("type=secret,id=a", ("secret", "a", "/run/secrets/a", 0o400)), ("type=secret,id=a/b,target=/$A", ("secret", "a/b", "/val", 0o400)),
    ("type=secret,target=/x/key,mode=0444", ("secret", "key", "/x/key", 0o444)), ("type=secret,id=a,env=B", ("secret", "a", "", 0o400)),
    ("type=ssh", ("ssh", "default", "/run/buildkit/ssh_agent.0", 0o600)),
    ("type=cache,target=/c/../$A/", ("cache", "/val", "/c/../val/", None)),
    ("type=cache,id=$A,target=/c", ("cache", "val", "/c", None)), ("type=${E:-tmpfs},target=t", ("tmpfs", "", "t", None)),
])
def test_mounts(text, expected):
    mount = expanded("RUN --mount=%s x" % text).mounts[0]
    assert (mount.type, mount.id, mount.target, mount.mode) == expected


def test_agents_are_counted():
    mounts = expanded("RUN --mount=type=ssh --mount=type=tmpfs,target=/t --mount=type=ssh,id=two x").mounts
    assert [mount.target for mount in mounts] == ["/run/buildkit/ssh_agent.0", "/t", "/run/buildkit/ssh_agent.1"]


@pytest.mark.parametrize("text, reason, column", [
    ("EXPOSE 0-1", "'0-1' is no port", 8), ("EXPOSE 70000", "'70000'", 8), ("EXPOSE 9-8", "'9-8'", 8),
    ("EXPOSE 80/icmp", "no protocol icmp", 8),
    ("EXPOSE 80 x", "'x' is no port", 11), ("EXPOSE 80/tcp/udp", "no port", 8), ("STOPSIGNAL NO", "no signal", 12),
    ("STOPSIGNAL 65", "no signal", 12),
    ("STOPSIGNAL $E", "'' is no signal", 12), ("COPY --chmod=9 a b", "no mode", 6), ("COPY --chmod=77777 a b", "no mode", 6),
    ("COPY --chmod=u+q a b", "no mode", 6), ("COPY --chown=a:b:c x y", "no owner", 6), ("COPY --chown=:g x y", "no owner", 6),
    ("COPY --chown=4294967295 x y", "no ID", 6), ("COPY http://a/b c", "takes no URL", 6), ("COPY git@h:r c", "takes no URL", 6),
    ("ADD --checksum=md5:00 http://a b", "no checksum", 5), ("ADD --checksum=xyz http://a b", "neither", 5),
    ("ADD --checksum=sha256:" + "0" * 64 + " a b", "goes with a URL", None),
    ("ADD --checksum=abcdef0 http://a http://b c", "exactly one", 5),
    ("VOLUME data", "absolute", 8), ("VOLUME $E", "absolute", 8), ("USER a:b:c", "no user", 6), ("USER :b", "no user", 6),
    ("USER a b", "no user", 6), ("VOLUME //", "whole file system", 8),
    ("RUN --mount=type=cache,target=/ x", "target /", 5), ("RUN --mount=type=tmpfs,target=/a,size=$A x", "size", None),
    ("COPY a $E", "destination is empty", 8), ("ENV A=${B:?gone}", "B: gone", 7), ("LABEL $E=x", "empty name", None),
])
def test_what_is_refused_and_where(text, reason, column):
    with pytest.raises(DockerfileError, match=re.escape(reason)) as caught:
        expanded("\n" + text)
    assert caught.value.line == 3 and column in (None, caught.value.column)


@pytest.mark.parametrize("mode", ["644", "0755", "00755", "4755", "u+x", "u=rwX,go=rX", "a-w", "=r", "+x", "g=u", "ug+rwX,o-rwx", "u+s,+t"])
def test_modes(mode):
    assert expanded("COPY --chmod=%s a b" % mode).chmod == mode


NAMES = st.text("abcXYZ_", min_size=1, max_size=4)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0"), max_size=12)


@given(NAMES, VALUES, st.sampled_from("\\`"))
def test_a_quoted_value_comes_back(name, value, escape):
    if len(value.splitlines()) > 1 or value.strip() != value:
        value = "x" + "".join(value.split()) + "y"
    head = "# escape=%s\n" % escape
    assert expanded("ENV %s=%s" % (name, quote(value, escape)), {}, head).pairs == ((name, value),)


@given(st.lists(st.tuples(st.integers(1, 65535), st.sampled_from(["", "/tcp", "/udp", "/sctp"])), min_size=1, max_size=6))
def test_ports_are_a_set(ports):
    found = expanded("EXPOSE " + " ".join("%d%s" % pair for pair in ports)).ports
    assert set(found) == {"%d%s" % (number, protocol or "/tcp") for number, protocol in ports} and len(set(found)) == len(found)


@given(st.dictionaries(NAMES, VALUES, max_size=3), st.text("ab$ {}:-+?'\"\\#%/", max_size=20))
def test_random_words_expand_or_are_refused_with_a_place(env, text):
    """Whatever stands in a file, the answer is a value or an error that says where."""
    try:
        found = expanded("WORKDIR /%s" % text, env)
    except DockerfileError as error:
        assert error.line == 2
    else:
        assert found.value.startswith("/")
