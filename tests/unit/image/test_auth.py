# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials and challenges."""

from __future__ import annotations

import base64
import json

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.auth import challenges
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.credentials import Credentials, credentials_for
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.transport import RegistryOptions


def encoded(text):
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)

    def write(name, auths):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"auths": auths}))
        return str(tmp_path)

    return write


@pytest.mark.parametrize("registry, key", [
    ("docker.io", "https://index.docker.io/v1/"), ("localhost:5000", "localhost:5000"), ("r.example", "https://r.example/v2/"),
    ("r.example", "r.example/"),
])
def test_stored_login(home, registry, key):
    directory = home(".docker/config.json", {"x": {"auth": encoded("no:no")}, key: {"auth": encoded("ada:p:w")}})
    found = credentials_for(registry, RegistryOptions(), home=directory)
    assert (found.username, found.password) == ("ada", "p:w")


def test_login_of_podman_and_token(home):
    directory = home(".config/containers/auth.json", {"r.example": {"auth": encoded("ada:x")}})
    assert credentials_for("r.example", RegistryOptions(), home=directory).username == "ada"
    home(".docker/config.json", {"r.example": {"identitytoken": "t"}})
    assert credentials_for("r.example", RegistryOptions(), home=directory).identity_token == "t"


def test_what_the_task_gives_wins(home):
    directory = home(".docker/config.json", {"r": {"auth": encoded("ada:x")}})
    assert credentials_for("r", RegistryOptions("eve", "y"), home=directory) == Credentials("eve", "y")


def test_no_login(home):
    assert credentials_for("r", RegistryOptions(), home=home(".docker/config.json", {"other": {"auth": encoded("a:b")}, "r": {}})) is None


def test_damaged_login(home):
    with pytest.raises(EngineError, match=r"the login for r in .*config\.json is damaged"):
        credentials_for("r", RegistryOptions(), home=home(".docker/config.json", {"r": {"auth": "###"}}))


def test_nothing_shows_the_password():
    assert "secret" not in repr(Credentials("ada", "secret")) + repr(RegistryOptions("ada", "secret"))


@pytest.mark.parametrize("values, expected", [
    (['Basic realm="a b"'], [("basic", {"realm": "a b"})]),
    (['Bearer realm="https://x/t?a=b",service="s, t",scope="repository:a:pull,push"'],
     [("bearer", {"realm": "https://x/t?a=b", "service": "s, t", "scope": "repository:a:pull,push"})]),
    (['bearer Realm=x, error="invalid_token", Basic realm="q\\"r"'],
     [("bearer", {"realm": "x", "error": "invalid_token"}), ("basic", {"realm": 'q"r'})]),
    (["Negotiate", "Basic realm=r"], [("negotiate", {}), ("basic", {"realm": "r"})]),
    (["", "=,=", '"'], []),
])
def test_challenges(values, expected):
    assert challenges(values) == expected
