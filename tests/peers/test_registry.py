# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One registry, one file of logins, two clients: skopeo reads what we pushed and stored, we read what skopeo did."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Denied, EngineError
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import create, listing, logins, pull, push
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.changes import Changes
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.credentials import Credentials
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.registry import Registry
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.transport import RegistryOptions
from ansible_collections.agentless.containers.plugins.module_utils.engine.layer import tar, write
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import platform_of
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference
from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

pytestmark = pytest.mark.root
ADA = "ada:$2b$04$fVgS90TszG7UWor9aLST6u4SGUfB16J6nz.Yo9eL39URtVT3mEr4K\n"
MINE = RegistryOptions("ada", "secret", timeout=10)


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Address of a registry for account ada with the password secret, which still takes schema 1."""
    for program in ("skopeo", "docker-registry"):
        if shutil.which(program) is None:
            pytest.skip("%s is missing" % program)
    directory = tmp_path_factory.mktemp("registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (directory / "htpasswd").write_text(ADA)
    (directory / "config.yml").write_text(json.dumps({
        "version": 0.1, "log": {"level": "warn"}, "storage": {"filesystem": {"rootdirectory": str(directory / "data")}},
        "http": {"addr": "127.0.0.1:%d" % port}, "compatibility": {"schema1": {"enabled": True}},
        "auth": {"htpasswd": {"realm": "test", "path": str(directory / "htpasswd")}}}))
    with open(directory / "log", "wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(directory / "config.yml")], stdout=log, stderr=log)
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, (directory / "log").read_text()
            time.sleep(0.05)
    yield "localhost:%d" % port
    process.terminate()
    process.wait(10)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An account without logins."""
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path


@pytest.fixture
def roots(tmp_path):
    return Roots(str(tmp_path / "state"))


def make(roots, name):
    """An image of one layer in the store."""
    store = ImageStore(roots)
    content = os.urandom(50000)
    layer = create.store_layer(store.blobs, [write.header(write.make_entry("file", tar.REGULAR, size=len(content))) + content
                                             + write.padding(len(content)) + write.END])
    config = create.child_config(create.new_config(platform_of(os.uname().machine)), Changes(), [layer.diff_id])
    return store.add(create.store_image(store.blobs, config, [layer.descriptor]), [Reference.parse(name).canonical])[0]


def skopeo(*argv):
    return subprocess.run(["skopeo", "--insecure-policy", *argv], capture_output=True, text=True, check=True, timeout=60).stdout


def test_skopeo_uses_our_login(registry, roots, home):
    name = registry + "/ours:1"
    image = make(roots, name)
    push.push(roots, image, name, MINE)
    path = str(home / "logins.json")
    logins.save(path, registry, Credentials("ada", "secret"))
    seen = json.loads(skopeo("inspect", "--authfile", path, "--tls-verify=false", "docker://" + name))
    assert seen["Digest"] == image.manifest_digest and seen["Layers"] == [layer.digest for layer in image.manifest.layers]
    logins.erase(path, registry)
    with pytest.raises(subprocess.CalledProcessError):
        skopeo("inspect", "--authfile", path, "--tls-verify=false", "docker://" + name)


@pytest.mark.parametrize("place", [".docker/config.json", ".config/containers/auth.json", "run/containers/auth.json"])
def test_we_use_the_login_of_skopeo(registry, home, place):
    (home / place).parent.mkdir(parents=True)
    skopeo("login", "--authfile", str(home / place), "--tls-verify=false", "-u", "ada", "-p", "secret", registry)
    with Registry(registry) as client:
        assert isinstance(listing.catalog(client), list)
    assert logins.observe(str(home / place), registry).credentials == Credentials("ada", "secret")
    skopeo("logout", "--authfile", str(home / place), registry)
    with Registry(registry) as client, pytest.raises(Denied):
        listing.catalog(client)


@pytest.mark.parametrize("form", ["oci", "v2s2"])
def test_we_pull_what_skopeo_pushed(registry, roots, tmp_path, form):
    ours, theirs = registry + "/ours:" + form, "%s/theirs-%s:1" % (registry, form)
    image = make(roots, ours)
    push.push(roots, image, ours, MINE)
    skopeo("copy", "--format", form, "--src-creds=ada:secret", "--dest-creds=ada:secret", "--src-tls-verify=false",
           "--dest-tls-verify=false", "docker://" + ours, "docker://" + theirs)
    other = Roots(str(tmp_path / "other"))
    pulled = pull.pull(other, theirs, MINE).image
    assert pulled.config.rootfs.diff_ids == image.config.rootfs.diff_ids
    (path,) = ImageStore(other).layers.ensure(pulled)
    assert os.path.getsize(os.path.join(path, "file")) == 50000
    assert not pull.outlook(other, theirs, MINE).changed


def test_schema_1_is_refused(registry, roots, tmp_path):
    ours, old = registry + "/ours:old", registry + "/old:1"
    push.push(roots, make(roots, ours), ours, MINE)
    skopeo("copy", "--format", "v2s1", "--src-creds=ada:secret", "--dest-creds=ada:secret", "--src-tls-verify=false",
           "--dest-tls-verify=false", "docker://" + ours, "docker://" + old)
    for ask in (pull.outlook, pull.pull):
        with pytest.raises(EngineError, match="image %s has a manifest of schema 1" % old):
            ask(Roots(str(tmp_path / "other")), old, MINE)


def test_skopeo_lists_what_we_list(registry, roots):
    name = Reference.parse(registry + "/listed:1")
    image = make(roots, str(name))
    for tag in ("1", "2", "3"):
        push.push(roots, image, Reference(name.registry, name.repository, tag), MINE)
    seen = json.loads(skopeo("list-tags", "--creds=ada:secret", "--tls-verify=false", "docker://%s/listed" % registry))
    with Registry(registry, MINE) as client:
        assert sorted(seen["Tags"]) == sorted(listing.tags(client, name)) == ["1", "2", "3"]
