# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever people write into options, files and environment variables, they get a value or an error that names it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError, InvalidValue
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import logins, mirrors
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.credentials import Credentials, helper_of, stored_in
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.proxy import Proxy, proxy_for
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.transport import split

WORDS = st.text(st.sampled_from("abzAZ09.:/@[]*-_, %\u00e9\0"), max_size=40) | st.text(max_size=40)
JSON = st.recursive(st.none() | st.booleans() | st.integers() | WORDS, lambda each: st.lists(each, max_size=3) | st.dictionaries(
    WORDS | st.sampled_from(["auth", "identitytoken", "registrytoken", "username", "password"]), each, max_size=3), max_leaves=8)


@given(WORDS, WORDS, st.sampled_from(["http", "https"]), st.sampled_from(["r.example", "10.0.0.1", "fd00::1"]))
def test_proxies(address, exceptions, scheme, name):
    try:
        found = proxy_for(scheme, name, 443, {scheme + "_proxy": address, "no_proxy": exceptions})
    except InvalidValue as error:
        assert error.option == scheme + "_proxy"
        return
    assert found is None or (isinstance(found, Proxy) and found.host and 0 <= found.port <= 65535)


@given(st.dictionaries(WORDS, WORDS | st.lists(WORDS, max_size=2) | JSON, max_size=2) | JSON)
def test_mirrors(value):
    try:
        found = mirrors.parse(value)
    except InvalidValue as error:
        assert error.option == "registry_mirrors"
        return
    for each in [mirror for several in found.values() for mirror in several]:
        assert each.scheme in (None, "http", "https")
        split("https://%s/v2/" % each.host)


@given(WORDS)
def test_registries(text):
    try:
        name = logins.registry_named(text)
    except InvalidValue as error:
        assert error.option == "registry_url"
        return
    split("https://%s/v2/" % name)


@given(st.fixed_dictionaries({}, optional={"auths": st.dictionaries(WORDS | st.just("r"), JSON, max_size=3), "credHelpers": JSON,
                                           "credsStore": st.none() | st.integers()}), st.none() | st.just("team/web"))
def test_files_of_logins(config, repository):
    if helper_of(config, "r") is not None:
        return
    try:
        found = stored_in(config, "r", "/f", repository)
    except EngineError as error:
        assert "the login for r in /f is damaged" in str(error)
        return
    assert found is None or isinstance(found, Credentials)
