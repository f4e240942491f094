# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image references: the grammar of the distribution project, Docker's defaults."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize("text, canonical, familiar", [
    ("nginx", "docker.io/library/nginx:latest", "nginx:latest"),
    ("nginx:1.27", "docker.io/library/nginx:1.27", "nginx:1.27"),
    ("library/nginx", "docker.io/library/nginx:latest", "nginx:latest"),
    ("docker.io/nginx", "docker.io/library/nginx:latest", "nginx:latest"),
    ("index.docker.io/library/nginx", "docker.io/library/nginx:latest", "nginx:latest"),
    ("team/web", "docker.io/team/web:latest", "team/web:latest"),
    ("localhost/web", "localhost/web:latest", "localhost/web:latest"),
    ("localhost:5000/web:a_B-1.c", "localhost:5000/web:a_B-1.c", "localhost:5000/web:a_B-1.c"),
    ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c:latest", "127.0.0.1:5000/a/b/c:latest"),
    ("[::1]:5000/web", "[::1]:5000/web:latest", "[::1]:5000/web:latest"),
    ("nginx@" + DIGEST, "docker.io/library/nginx@" + DIGEST, "nginx@" + DIGEST),
    ("nginx:1@" + DIGEST, "docker.io/library/nginx@" + DIGEST, "nginx@" + DIGEST),
    ("Example.com/a__b/c---d", "Example.com/a__b/c---d:latest", "Example.com/a__b/c---d:latest"),
])
def test_forms(text, canonical, familiar):
    reference = Reference.parse(text)
    assert (reference.canonical, reference.familiar) == (canonical, familiar)
    assert Reference.parse(canonical).canonical == canonical


@pytest.mark.parametrize("text", [
    "", None, 5, "Nginx", "nginx:", "nginx:.a", "nginx:" + "a" * 129, "a//b", "/a", "a/", "-a", "a..b", "a___b", "nginx@sha256:12",
    "nginx@md5:" + "0" * 32, "nginx@" + DIGEST.upper(), "a b", "a\n", "nginx:1\n", "host:port/a", "exa_mple.com:1/a", "0" * 64, "x" * 256,
    "http://localhost:5000/a", "a:b:c", "../etc", "localhost:5000/../x",
])
def test_malformed(text):
    with pytest.raises(InvalidValue) as caught:
        Reference.parse(text)
    assert caught.value.option == "name" and repr(text) in str(caught.value)


def test_option_is_named():
    with pytest.raises(InvalidValue, match=r"^repository: 'UP' has upper-case letters"):
        Reference.parse("UP", option="repository")


def test_with_digest():
    reference = Reference.parse("localhost:5000/web:1").with_digest(DIGEST)
    assert (reference.canonical, reference.target, reference.name) == ("localhost:5000/web@" + DIGEST, DIGEST, "localhost:5000/web")


COMPONENT = st.from_regex(r"[a-z0-9]+((\.|_|__|-{1,3})[a-z0-9]+){0,2}", fullmatch=True)
HOST = st.one_of(st.just("docker.io"), st.just("localhost"), st.from_regex(r"[a-z0-9]{1,8}\.[a-z]{2,5}(:[0-9]{1,5})?", fullmatch=True))
TAG = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)


@given(HOST, st.lists(COMPONENT, min_size=1, max_size=3), TAG, st.booleans())
def test_canonical_form_is_a_fixed_point(host, components, tag, with_digest):
    text = "%s/%s:%s" % (host, "/".join(components), tag) + ("@" + DIGEST if with_digest else "")
    reference = Reference.parse(text)
    assert Reference.parse(reference.canonical).canonical == reference.canonical
    assert Reference.parse(reference.familiar).canonical == reference.canonical
    assert reference.registry == host and reference.tag == tag


@given(st.text(max_size=40))
def test_any_text_is_parsed_or_refused(text):
    try:
        reference = Reference.parse(text)
    except InvalidValue:
        return
    assert Reference.parse(reference.canonical).canonical == reference.canonical
    assert ".." not in reference.canonical.split("/")
