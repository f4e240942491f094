# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull and push, against Debian's docker-registry and against a registry that fails on purpose."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import Corrupt, Denied, NotFound, Unreachable
from ansible_collections.agentless.containers.plugins.module_utils.engine.image import pull, push, transport, upload
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.store import ImageStore
from ansible_collections.agentless.containers.plugins.module_utils.engine.image.transport import RegistryOptions
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import OCI_INDEX, OCI_MANIFEST, platform_of
from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.reference import Reference

from .conftest import free_port, make_image, make_layer

NOISE = random.Random(5).randbytes(700000)
OPTIONS = RegistryOptions(timeout=5)


def content(roots, image):
    """{name: bytes} of all layers of an image, unpacked."""
    found = {}
    for path in ImageStore(roots).layers.ensure(image):
        for name in os.listdir(path):
            with open(os.path.join(path, name), "rb") as stream:
                found[name] = stream.read()
    return found


def state_is_clean(roots):
    """Nothing half made: no blob under a wrong name, no staged layer, no index entry without its blobs."""
    store = ImageStore(roots)
    for image in store.list():
        store.check_complete(image.manifest_digest)
        assert store.layers.missing(image) == []
    for digest in store.blobs.list():
        for unused in store.blobs.chunks(digest):
            pass
    assert [name for name in os.listdir(roots.layers) if name.startswith(".")] == [] if os.path.isdir(roots.layers) else True
    return True


class TestRealRegistry:
    def test_there_and_back(self, docker_registry, roots, other_roots):
        name = "%s/team/web:1" % docker_registry.address
        image = make_image(roots, name, make_layer({"a": b"1"}), make_layer({"b": NOISE}))
        sent = push.push(roots, image, name)
        assert sent.changed and len(sent.uploaded) == 3 and sent.digest == image.manifest_digest
        again = push.push(roots, image, name)
        assert not again.changed and again.uploaded == ()
        assert pull.remote_digest(other_roots, name) == image.manifest_digest
        assert pull.would_change(other_roots, name)
        result = pull.pull(other_roots, name)
        assert result.changed and result.image.id == image.id
        assert content(other_roots, result.image) == {"a": b"1", "b": NOISE}
        assert not pull.would_change(other_roots, name) and not pull.pull(other_roots, name).changed
        by_digest = "%s/team/web@%s" % (docker_registry.address, image.manifest_digest)
        assert pull.pull(other_roots, by_digest).image.id == image.id and not pull.would_change(other_roots, by_digest)
        assert state_is_clean(other_roots)

    def test_a_moved_tag(self, docker_registry, roots, other_roots):
        name = "%s/moved" % docker_registry.address
        first = make_image(roots, name, make_layer({"a": b"1"}))
        push.push(roots, first, name)
        pull.pull(other_roots, name)
        second = make_image(roots, name, make_layer({"a": b"2"}))
        assert second.id != first.id
        assert len(push.push(roots, second, name).uploaded) == 2
        assert pull.would_change(other_roots, name)
        assert pull.pull(other_roots, name).changed and ImageStore(other_roots).get(name).id == second.id
        assert ImageStore(other_roots).get(first.id).references == ("%s@%s" % (name, first.manifest_digest),)

    def test_layers_that_are_there_are_not_sent(self, docker_registry, roots):
        shared = make_layer({"shared": NOISE})
        push.push(roots, make_image(roots, "x:1", shared), "%s/shared:1" % docker_registry.address)
        second = make_image(roots, "x:2", shared, make_layer({"c": b"1"}))
        assert len(push.push(roots, second, "%s/shared:2" % docker_registry.address).uploaded) == 2

    def test_unknown_image(self, docker_registry, roots):
        for name in ("nothing/here:1", "nothing@sha256:" + "0" * 64):
            with pytest.raises(NotFound, match="image %s/%s is not in registry" % (docker_registry.address, name)):
                pull.pull(roots, "%s/%s" % (docker_registry.address, name))
        assert ImageStore(roots).list() == []

    def test_tls(self, tls_registry, roots, other_roots):
        name = "%s/tls" % tls_registry.address
        image = make_image(roots, name, make_layer({"a": b"1"}))
        trusted = RegistryOptions(ca_path=tls_registry.certificate, timeout=5)
        push.push(roots, image, name, trusted)
        assert pull.pull(other_roots, name, trusted).image.id == image.id
        assert pull.remote_digest(roots, name, RegistryOptions(validate_certs=False)) == image.manifest_digest
        for plain in (None, False):
            with pytest.raises(Unreachable, match="certificate that is not trusted") as caught:
                pull.remote_digest(roots, name, RegistryOptions(plain_http=plain))
            assert "ca_path" in caught.value.hint

    def test_no_tls_where_it_is_wanted(self, docker_registry, roots):
        with pytest.raises(Unreachable, match="registry %s does not speak TLS" % docker_registry.address) as caught:
            pull.remote_digest(roots, "%s/x" % docker_registry.address, RegistryOptions(plain_http=False))
        assert "plain_http" in caught.value.hint

    def test_killed_at_many_points(self, docker_registry, roots, other_roots):
        name = "%s/killed" % docker_registry.address
        layers = [make_layer({"f%d-%d" % (layer, number): NOISE[:50000] for number in range(20)}) for layer in range(4)]
        image = make_image(roots, name, *layers)
        push.push(roots, image, name)
        chance = random.Random(3)
        survived = 0
        for unused in range(20):
            pid = os.fork()
            if pid == 0:
                try:
                    pull.pull(other_roots, name)
                finally:
                    os._exit(0)
            time.sleep(chance.uniform(0.005, 0.25))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            found = ImageStore(other_roots).find(name)
            survived += found is not None
            if found is not None:
                ImageStore(other_roots).remove(found)
        result = pull.pull(other_roots, name)
        assert result.image.id == image.id and len(content(other_roots, result.image)) == 80
        assert state_is_clean(other_roots)
        assert survived < 20, "no kill came in time: the test shows nothing"


class TestFaults:
    def test_wrong_content(self, fake, roots):
        digests = fake.image("web", "1", make_layer({"a": b"1"}), make_layer({"b": NOISE}))[2]
        fake.tampered[digests[1]] = make_layer({"b": NOISE[::-1]})
        with pytest.raises(Corrupt, match=digests[1]):
            pull.pull(roots, fake.address + "/web:1", OPTIONS)
        assert ImageStore(roots).list() == [] and state_is_clean(roots)
        del fake.tampered[digests[1]]
        assert content(roots, pull.pull(roots, fake.address + "/web:1", OPTIONS).image)["b"] == NOISE

    def test_more_and_less_than_promised(self, fake, roots):
        layer = make_layer({"a": b"1"})
        digests = fake.image("web", "1", layer)[2]
        for data in (layer + b"x" * 100, layer[:-100]):
            fake.tampered[digests[0]] = data
            with pytest.raises((Corrupt, Unreachable)):
                pull.pull(roots, fake.address + "/web:1", OPTIONS)
            assert state_is_clean(roots)

    def test_content_that_is_not_that_of_the_diff_id(self, fake, roots):
        layer, other = make_layer({"a": b"1"}), make_layer({"a": b"2"})
        unused, unused2, digests = fake.image("web", "1", layer)
        document = json.loads(fake.manifests["web", "1"][0])
        document["layers"][0].update(digest=fake.blob(other), size=len(other))
        fake.manifest("web", "1", document)
        with pytest.raises(Corrupt, match="its image names " + digests[0]):
            pull.pull(roots, fake.address + "/web:1", OPTIONS)
        assert ImageStore(roots).list() == [] and os.listdir(roots.layers) == []

    def test_wrong_manifest(self, fake, roots):
        digest, unused, unused2 = fake.image("web", "1", make_layer({"a": b"1"}))
        fake.tampered[digest] = b"{}"
        with pytest.raises(Corrupt, match=digest):
            pull.pull(roots, "%s/web@%s" % (fake.address, digest), OPTIONS)

    def test_hostile_layer_leaves_nothing(self, fake, roots):
        fake.image("web", "1", make_layer({"good": NOISE}), make_layer({"../../escape": b"x"}))
        with pytest.raises(Corrupt, match="leads out of the archive"):
            pull.pull(roots, fake.address + "/web:1", OPTIONS)
        assert ImageStore(roots).list() == [] and state_is_clean(roots)

    @pytest.mark.parametrize("ranges", [True, False])
    def test_broken_connections_are_continued(self, fake, roots, ranges):
        fake.ranges = ranges
        layer = make_layer({"b": NOISE})
        unused, unused2, digests = fake.image("web", "1", layer)
        fake.cut[digests[0]] = [300000, 400000] if ranges else [300000]
        assert content(roots, pull.pull(roots, fake.address + "/web:1", OPTIONS).image) == {"b": NOISE}
        asked = [each[2].get("Range") for each in fake.requests if each[0] == "GET" and digests[0] in each[1]]
        assert asked[:2] == [None, "bytes=300000-"] and len(asked) == (3 if ranges else 2)

    def test_a_broken_pull_is_continued_by_the_next(self, fake, roots):
        layer = make_layer({"b": NOISE})
        unused, unused2, digests = fake.image("web", "1", layer)
        fake.cut[digests[0]] = [500000, 0, 0, 0, 0, 0]
        with pytest.raises(Unreachable, match=fake.address):
            pull.pull(roots, fake.address + "/web:1", OPTIONS)
        assert ImageStore(roots).list() == []
        fake.cut.clear()
        fake.requests.clear()
        assert content(roots, pull.pull(roots, fake.address + "/web:1", OPTIONS).image) == {"b": NOISE}
        assert [each[2].get("Range") for each in fake.requests if each[0] == "GET" and digests[0] in each[1]] == ["bytes=500000-"]
        assert os.listdir(os.path.join(roots.images, ".partial")) == []

    def test_damaged_remains_of_a_broken_pull(self, fake, roots):
        unused, unused2, digests = fake.image("web", "1", make_layer({"b": NOISE}))
        partial = os.path.join(roots.images, ".partial", digests[0].partition(":")[2])
        os.makedirs(os.path.dirname(partial))
        with open(partial, "wb") as stream:
            stream.write(b"x" * 1000)
        assert content(roots, pull.pull(roots, fake.address + "/web:1", OPTIONS).image) == {"b": NOISE}

    def test_a_busy_registry_is_asked_again(self, fake, roots, monkeypatch):
        monkeypatch.setattr(transport, "_FIRST_PAUSE", 0.01)
        fake.image("web", "1", make_layer({"a": b"1"}))
        fake.statuses = [503, 500]
        assert pull.pull(roots, fake.address + "/web:1", OPTIONS).changed
        fake.statuses = [503] * 10
        with pytest.raises(Unreachable, match="status 503"):
            pull.remote_digest(roots, fake.address + "/web:1", OPTIONS)

    def test_unreachable(self, roots):
        port = free_port()
        with pytest.raises(Unreachable, match="registry localhost:%d cannot be reached: connection refused" % port):
            pull.pull(roots, "localhost:%d/x" % port, OPTIONS)
        with pytest.raises(Unreachable, match=r"registry no-such-host\.invalid:443 cannot be found"):
            pull.pull(roots, "no-such-host.invalid/x", OPTIONS)

    def test_silence(self, roots):
        import socket

        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(8)
            name = "127.0.0.1:%d/x" % silent.getsockname()[1]
            with pytest.raises(Unreachable, match="did not answer within 1 seconds") as caught:
                pull.pull(roots, name, RegistryOptions(timeout=1))
            assert "timeout" in caught.value.hint

    def test_one_of_several_platforms(self, fake, roots):
        images = {each: fake.image("web", each, make_layer({each: b"1"}), architecture=each) for each in ("s390x", "amd64", "arm64")}
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
            {"mediaType": OCI_MANIFEST, "digest": manifest, "size": len(fake.manifests["web", manifest][0]),
             "platform": {"os": "linux", "architecture": each}} for each, (manifest, unused, unused2) in images.items()]}
        digest = fake.manifest("web", "all", index, OCI_INDEX)
        name = fake.address + "/web:all"
        assert pull.pull(roots, name, OPTIONS, "linux/arm64").image.id == images["arm64"][1]
        assert pull.preview(roots, name, OPTIONS) == (images["arm64"][1], images[platform_of(os.uname().machine).architecture][1])
        assert pull.preview(roots, name, OPTIONS, "s390x") == (images["arm64"][1], images["s390x"][1])
        result = pull.pull(roots, name, OPTIONS, "s390x")
        assert result.changed and result.image.id == images["s390x"][1]
        assert "%s/web@%s" % (fake.address, digest) in result.image.references
        with pytest.raises(NotFound, match="nothing for platform linux/riscv64, only for linux/amd64, linux/arm64, linux/s390x"):
            pull.pull(roots, name, OPTIONS, "riscv64")

    def test_an_image_of_another_machine_that_has_no_other(self, fake, roots):
        name = fake.address + "/web:1"
        fake.image("web", "1", make_layer({"a": b"1"}), architecture="riscv64")
        assert pull.pull(roots, name, OPTIONS).changed
        assert not pull.pull(roots, name, OPTIONS).changed and not pull.would_change(roots, name, OPTIONS)

    def test_a_registry_without_head(self, fake, roots):
        fake.image("web", "1", make_layer({"a": b"1"}))
        fake.statuses = [405]
        assert pull.pull(roots, fake.address + "/web:1", OPTIONS).changed

    def test_an_index_that_changed_for_others_only_is_no_change(self, fake, roots):
        mine = fake.image("web", "mine", make_layer({"a": b"1"}), architecture="arm64")[0]
        for count in (1, 2):
            others = [{"mediaType": OCI_MANIFEST, "digest": "sha256:%064d" % number, "size": 1,
                       "platform": {"os": "linux", "architecture": "s390x"}} for number in range(count)]
            fake.manifest("web", "1", {"schemaVersion": 2, "manifests": [*others, {
                "mediaType": OCI_MANIFEST, "digest": mine, "size": len(fake.manifests["web", mine][0]),
                "platform": {"os": "linux", "architecture": "arm64"}}]}, OCI_INDEX)
            name = fake.address + "/web:1"
            assert pull.would_change(roots, name, OPTIONS, "arm64") is (count == 1)
            assert pull.pull(roots, name, OPTIONS, "arm64").changed is (count == 1)

    def test_nothing_to_do_costs_one_request(self, fake, roots):
        fake.image("web", "1", make_layer({"a": b"1"}))
        pull.pull(roots, fake.address + "/web:1", OPTIONS)
        fake.requests.clear()
        pull.pull(roots, fake.address + "/web:1", OPTIONS)
        assert [(each[0], each[1]) for each in fake.requests] == [("HEAD", "/v2/web/manifests/1")]

    def test_the_same_layer_twice(self, fake, roots):
        empty = make_layer({})
        unused, unused2, digests = fake.image("web", "1", empty, make_layer({"a": NOISE}), empty)
        result = pull.pull(roots, fake.address + "/web:1", OPTIONS)
        assert content(roots, result.image) == {"a": NOISE} and fake.asked("GET", digests[0]) == 1

    def test_two_pulls_at_once(self, fake, roots):
        unused, unused2, digests = fake.image("web", "1", *[make_layer({"f%d" % number: NOISE[number:]}) for number in range(5)])
        failed = []

        def work():
            try:
                pull.pull(roots, fake.address + "/web:1", OPTIONS)
            except Exception as error:
                failed.append(error)

        threads = [threading.Thread(target=work) for unused in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == [] and state_is_clean(roots)
        assert all(fake.asked("GET", digest) == 1 for digest in digests)

    def test_redirect_to_storage_without_our_credentials(self, fake, second_fake, roots):
        fake.image("web", "1", make_layer({"a": b"1"}))
        second_fake.blobs, fake.elsewhere, fake.auth = fake.blobs, "http://" + second_fake.address, "basic"
        pull.pull(roots, fake.address + "/web:1", RegistryOptions("ada", "secret", timeout=5))
        assert second_fake.requests and all("Authorization" not in each[2] for each in second_fake.requests)


class TestLogins:
    @pytest.mark.parametrize("auth", ["basic", "bearer"])
    def test_credentials(self, fake, roots, other_roots, auth, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        fake.auth = auth
        name = fake.address + "/team/web:1"
        image = make_image(roots, name, make_layer({"a": b"1"}))
        mine = RegistryOptions("ada", "secret", timeout=5)
        assert push.push(roots, image, name, mine).changed
        assert pull.pull(other_roots, name, mine).image.id == image.id
        with pytest.raises(Denied, match="registry %s refused the login of account ada" % fake.address) as caught:
            pull.remote_digest(roots, name, RegistryOptions("ada", "wrong", timeout=5))
        assert "wrong" not in str(caught.value)
        with pytest.raises(Denied, match="registry %s wants a login" % fake.address):
            pull.remote_digest(roots, name, OPTIONS)

    def test_stored_login(self, fake, roots, tmp_path, monkeypatch):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.delenv("DOCKER_CONFIG", raising=False)
        fake.auth = "bearer"
        fake.image("web", "1", make_layer({"a": b"1"}))
        (tmp_path / ".docker").mkdir()
        (tmp_path / ".docker" / "config.json").write_text(json.dumps({"auths": {
            "other": {"auth": "eDp5"}, fake.address: {"auth": base64.b64encode(b"ada:secret").decode()}}}))
        assert pull.pull(roots, fake.address + "/web:1", OPTIONS).changed

    def test_forbidden(self, fake, roots):
        fake.statuses = [403]
        with pytest.raises(Denied, match="denies access to %s/web:1" % fake.address):
            pull.pull(roots, fake.address + "/web:1", OPTIONS)


class TestPush:
    def test_in_chunks_where_one_piece_is_refused(self, fake, roots, monkeypatch):
        monkeypatch.setattr(upload, "CHUNK", 100000)
        fake.largest_put = 200000
        image = make_image(roots, "x", make_layer({"b": NOISE}))
        assert push.push(roots, image, fake.address + "/web:1", OPTIONS).changed
        assert image.manifest.layers[0].digest in fake.blobs and fake.asked("PATCH", "/blobs/uploads/") == 8

    def test_damaged_blob_is_refused_by_the_registry(self, fake, roots):
        image = make_image(roots, "x", make_layer({"b": NOISE}))
        path = ImageStore(roots).blobs.path(image.manifest.layers[0].digest)
        with open(path, "r+b") as stream:
            stream.write(b"damage")
        with pytest.raises(Exception, match="digest_invalid"):
            push.push(roots, image, fake.address + "/web:1", OPTIONS)
        assert fake.asked("PUT", "/manifests/") == 0

    def test_what_we_push_others_understand(self, docker_registry, roots, tmp_path):
        image = make_image(roots, "x", make_layer({"b": NOISE}))
        push.push(roots, image, "%s/skopeo:1" % docker_registry.address)
        answer = subprocess.run(["docker-registry", "--version"], capture_output=True, text=True, check=True).stdout
        assert "docker-registry" in answer or "distribution" in answer
        from urllib.request import Request, urlopen

        request = Request("http://%s/v2/skopeo/manifests/1" % docker_registry.address, headers={"Accept": OCI_MANIFEST})
        with urlopen(request) as response:
            assert response.headers["Content-Type"] == OCI_MANIFEST
            assert json.loads(response.read())["config"]["digest"] == image.id


def test_memory_stays_small(docker_registry, roots, tmp_path):
    """A pull of 100 MB in four layers needs less than 100 MB of memory (the promise is 150)."""
    name = "%s/big" % docker_registry.address
    layers = [make_layer({"f%d" % layer: random.Random(layer).randbytes(25 << 20)}) for layer in range(4)]
    push.push(roots, make_image(roots, name, *layers), name)
    # not ru_maxrss: that of a child begins with its parent's
    script = ("import sys; sys.path.insert(0, sys.argv[1])\n"
              "from ansible_collections.agentless.containers.plugins.module_utils.engine.image.pull import pull\n"
              "from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots\n"
              "pull(Roots(sys.argv[2]), sys.argv[3])\n"
              "print([line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0])")
    collections = next(path for path in sys.path if os.path.isdir(os.path.join(path, "ansible_collections", "agentless")))
    argv = [sys.executable, "-c", script, collections, str(tmp_path / "big"), name]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 100 << 10


def test_reference_or_text(docker_registry, roots):
    with pytest.raises(NotFound):
        pull.pull(roots, Reference.parse("%s/none" % docker_registry.address))
