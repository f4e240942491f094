# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stored logins: which one is found, what helpers are asked, and what is written."""

from __future__ import annotations

import base64
import json
import os
import stat
import threading

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError, InvalidValue, NotFound, TimedOut
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import credential_helper, logins
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.credentials import (
    Credentials,
    config_files,
    credentials_for,
    read_config,
)
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.transport import RegistryOptions
from ansible_collections.agentless.containers.plugins.module_utils.engine.reconcile.login import plan_login, plan_logout

HUB = "https://index.docker.io/v1/"


def auth(text):
    return {"auth": base64.b64encode(text.encode()).decode()}


@pytest.fixture
def config(tmp_path):
    """Function that writes the file of logins of Docker."""
    path = tmp_path / ".docker" / "config.json"

    def write(value, mode=0o600):
        path.parent.mkdir(exist_ok=True)
        path.write_text(value if isinstance(value, str) else json.dumps(value))
        path.chmod(mode)
        return str(path)

    return write


def found(registry, repository=None):
    return credentials_for(registry, RegistryOptions(), repository)


class TestFind:
    @pytest.mark.parametrize("repository, account", [
        ("team/web", "web"), ("team/db", "team"), ("team/web/x", "web"), ("teamx", "all"), (None, "all"),
    ])
    def test_the_closest_namespace(self, config, repository, account):
        config({"auths": {"r.example": auth("all:x"), "r.example/team": auth("team:x"), "r.example/team/web": auth("web:x")}})
        assert found("r.example", repository).username == account

    def test_no_login_of_another_namespace_port_or_host(self, config):
        config({"auths": {"r.example/other": auth("a:x"), "r.example:5000": auth("b:x"), "x.r.example": auth("c:x")}})
        assert found("r.example", "team/web") is None

    def test_places_in_their_order(self, tmp_path, config, monkeypatch):
        places = {"named": tmp_path / "named.json", "podman": tmp_path / "run" / "containers" / "auth.json",
                  "home": tmp_path / ".config" / "containers" / "auth.json"}
        for name, path in places.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"auths": {"r": auth(name + ":x")}}))
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(places["named"]))
        docker = config({"auths": {"r": auth("docker:x")}})
        for name, path in (("named", places["named"]), ("docker", docker), ("podman", places["podman"]), ("home", places["home"])):
            assert found("r").username == name
            os.unlink(path)
        assert found("r") is None

    def test_root_of_podman(self, monkeypatch):
        assert "/run/containers/%d/auth.json" % os.geteuid() in config_files("/root", {})
        assert config_files("/x", {"DOCKER_CONFIG": "/d"})[0] == "/d/config.json"

    def test_tokens(self, config):
        config({"auths": {"a": dict(auth("ada:"), identitytoken="i"), "b": {"registrytoken": "r"}}})
        assert found("a") == Credentials("ada", None, "i") and found("b") == Credentials(None, None, None, "r")

    @pytest.mark.parametrize("text", ["{", "[]", '{"auths": [1]}', '"x"'])
    def test_a_file_of_something_else(self, config, text):
        path = config(text)
        with pytest.raises(EngineError, match="the file of logins %s is damaged" % path):
            found("r")

    @pytest.mark.parametrize("value", [None, 5, "x", {"auth": 5}, {"auth": "!"}, {"registrytoken": {"a": 1}}, {"username": ["x"]}])
    def test_entries_of_something_else(self, config, value):
        config({"auths": {"r": value}})
        if isinstance(value, dict):
            with pytest.raises(EngineError, match="is damaged"):
                found("r")
        else:
            assert found("r") is None


@pytest.fixture
def helper(tmp_path, monkeypatch):
    """Function that puts a helper of a name and a shell script into the PATH; what it reads is in the file ``asked``."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", "%s:%s" % (directory, os.environ["PATH"]))

    def write(name, script):
        path = directory / ("docker-credential-" + name)
        path.write_text('#!/bin/sh\n(echo "$1"; cat) >>%s\n%s\n' % (tmp_path / "asked", script))
        path.chmod(0o755)
        return tmp_path / "asked"

    return write


class TestHelpers:
    def test_the_one_of_the_registry_and_the_one_of_all(self, config, helper):
        asked = helper("one", 'echo \'{"ServerURL":"r","Username":"ada","Secret":"x"}\'')
        helper("all", 'echo \'{"Username":"<token>","Secret":"t"}\'')
        config({"credHelpers": {"r.example": "one"}, "credsStore": "all"})
        assert found("r.example") == Credentials("ada", "x")
        assert found("docker.io") == Credentials(None, None, "t")
        assert asked.read_text().split() == ["get", "r.example", "get", HUB]

    def test_one_that_knows_nothing_leaves_it_to_the_file(self, config, helper):
        helper("all", "echo 'credentials not found in native keychain'; exit 1")
        config({"credsStore": "all", "auths": {"r": auth("ada:x")}})
        assert found("r").username == "ada" and found("other") is None

    @pytest.mark.parametrize("script, words", [
        ("echo 'the key ring is locked'; exit 3", "cannot get the login for r: the key ring is locked"),
        ("exit 1", "cannot get the login for r: it does not say why"),
        ("echo nonsense", "gave no login for r"), ("echo '[]'", "gave no login for r"), ("echo '{}'", "gave no login for r"),
    ])
    def test_one_that_fails(self, config, helper, script, words):
        helper("bad", script)
        path = config({"credsStore": "bad"})
        with pytest.raises(EngineError, match=words) as caught:
            found("r")
        assert "docker-credential-bad (%s)" % path in str(caught.value)

    def test_one_that_is_missing(self, config):
        config({"credsStore": "nowhere"})
        with pytest.raises(NotFound, match=r"credential helper docker-credential-nowhere, which .* names, cannot be run: no such file"):
            found("r")

    @pytest.mark.parametrize("name", ["../x", "a/b", "-x", "a b"])
    def test_names_of_no_program(self, config, name):
        config({"credsStore": name})
        with pytest.raises(EngineError, match="which is no name of a program"):
            found("r")

    def test_one_that_does_not_answer(self, config, helper, monkeypatch):
        monkeypatch.setattr(credential_helper, "TIMEOUT", 0.2)
        helper("slow", "exec sleep 60")
        config({"credsStore": "slow"})
        with pytest.raises(TimedOut, match="docker-credential-slow did not answer"):
            found("r")

    def test_one_that_does_not_stop(self, config, helper):
        helper("yes", "exec yes")
        config({"credsStore": "yes"})
        with pytest.raises(EngineError):
            found("r")

    def test_one_that_reads_nothing(self, tmp_path, config, helper):
        helper("deaf", "")
        (tmp_path / "bin" / "docker-credential-deaf").write_text('#!/bin/sh\nexec <&-\necho \'{"Username":"a","Secret":"b"}\'\n')
        config({"credsStore": "deaf"})
        assert found("r") == Credentials("a", "b")

    def test_no_descriptor_is_left(self, config, helper):
        helper("one", 'echo \'{"Username":"ada","Secret":"x"}\'')
        config({"credsStore": "one"})
        before = len(os.listdir("/proc/self/fd"))
        for unused in range(3):
            found("r")
        config({"credsStore": "nowhere"})
        with pytest.raises(NotFound):
            found("r")
        assert len(os.listdir("/proc/self/fd")) == before


class TestStore:
    def test_what_is_written(self, tmp_path):
        path = str(tmp_path / "new" / "config.json")
        logins.save(path, "r.example:5000", Credentials("ada", "p:w"))
        logins.save(path, "docker.io", Credentials("eve", "x"))
        assert read_config(path) == {"auths": {"r.example:5000": auth("ada:p:w"), HUB: auth("eve:x")}}
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600 and stat.S_IMODE(os.stat(tmp_path / "new").st_mode) == 0o700
        assert logins.observe(path, "docker.io") == logins.Stored(Credentials("eve", "x"))
        assert os.listdir(tmp_path / "new") == ["config.json"]

    def test_everything_else_stays(self, config):
        path = config({"detachKeys": "x", "auths": {"other": auth("a:b")}, "credHelpers": {}}, 0o644)
        logins.save(path, "r", Credentials("ada", "x"))
        logins.erase(path, "r")
        assert read_config(path) == {"detachKeys": "x", "auths": {"other": auth("a:b")}, "credHelpers": {}}
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
    def test_the_owner_stays_the_owner(self, config):
        path = config({})
        os.chown(path, 1234, 5678)
        logins.save(path, "r", Credentials("ada", "x"))
        found = os.stat(path)
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (1234, 5678, 0o600)

    def test_two_at_once(self, tmp_path):
        path = str(tmp_path / "config.json")
        threads = [threading.Thread(target=logins.save, args=(path, "r%d" % number, Credentials("ada", "x"))) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(read_config(path)["auths"]) == ["r%d" % number for number in range(8)]

    def test_a_link_stays_a_link(self, tmp_path, config):
        path = config({})
        link = tmp_path / "link.json"
        link.symlink_to(path)
        logins.save(str(link), "r", Credentials("ada", "x"))
        assert link.is_symlink() and "r" in read_config(path)["auths"]

    def test_with_a_helper(self, config, helper):
        asked = helper("one", "exit 0")
        path = config({"credHelpers": {"r": "one"}})
        logins.save(path, "r", Credentials("ada", "secret"))
        lines = asked.read_text().splitlines()
        assert lines[0] == "store" and json.loads(lines[1]) == {"ServerURL": "r", "Username": "ada", "Secret": "secret"}
        assert read_config(path)["auths"] == {"r": {}}
        logins.erase(path, "r")
        assert asked.read_text().splitlines()[2:] == ["erase", "r"] and read_config(path)["auths"] == {}

    def test_a_helper_that_repeats_the_secret(self, config, helper):
        helper("bad", "echo no room for secret; exit 1")
        path = config({"credsStore": "bad"})
        with pytest.raises(EngineError, match=r"cannot store the login for r: no room for \*\*\*"):
            logins.save(path, "r", Credentials("ada", "secret"))
        assert "auths" not in read_config(path)

    def test_erase_all_names_of_a_registry(self, config):
        path = config({"auths": {HUB: auth("a:x"), "docker.io": auth("a:x"), "registry-1.docker.io/v2/": auth("a:x"),
                                 "docker.io/team": auth("b:x")}})
        logins.erase(path, "docker.io")
        assert list(read_config(path)["auths"]) == ["docker.io/team"]

    @pytest.mark.parametrize("url, expected", [
        (HUB, "docker.io"), ("docker.io", "docker.io"), ("https://r.example:5000/v2/", "r.example:5000"),
        ("http://localhost:5000", "localhost:5000"),
        ("[::1]:5000", "[::1]:5000"), ("registry", "registry"),
    ])
    def test_names_of_registries(self, url, expected):
        assert logins.registry_named(url) == expected

    @pytest.mark.parametrize("url", ["", "a b", "ftp://x", "https://", "-x", "x:port", "a@b", "r:65536"])
    def test_what_is_no_registry(self, url):
        with pytest.raises(InvalidValue, match="registry_url: "):
            logins.registry_named(url)


class TestPlans:
    ADA = Credentials("ada", "secret")

    @pytest.mark.parametrize("stored, actions, before", [
        (logins.Stored(), ["store the login of account ada for registry r in /f"], {"username": None}),
        (logins.Stored(Credentials("ada", "old")), ["store the login of account ada for registry r in /f"],
         {"username": "ada", "password": "another one"}),
        (logins.Stored(Credentials("ada", None, "token"), "ring"),
         ["store the login of account ada for registry r in credential helper docker-credential-ring"],
         {"username": "ada", "password": "another one"}),
        (logins.Stored(ADA), [], {}),
        (logins.Stored(ADA, None, True), ["let only the owner read /f"], {"exposed": True}),
    ])
    def test_login(self, stored, actions, before):
        plan = plan_login("r", "/f", self.ADA, stored)
        assert plan.describe() == actions and plan.before == before
        assert not any(word in repr((plan.actions, plan.before, plan.after)) for word in ("secret", "old"))

    def test_logout(self):
        assert not plan_logout("r", "/f", logins.Stored())
        assert plan_logout("r", "/f", logins.Stored(self.ADA)).describe() == ["remove the login for registry r from /f"]
