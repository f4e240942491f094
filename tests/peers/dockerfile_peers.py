# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builders side by side: ours, and BuildKit (in dockerd) and buildah out of the root file system that scripts/peer_root.sh makes.

The peers live in one mount and network namespace of their own, which a server of files and of git repositories shares; ours builds in that
network namespace, too.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import time

from image_tree import read_archive, tree_of

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
PEER_ROOT = CHECKOUT / ".cache" / "peers" / "root"
WEB, GIT = 8931, 9418
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BASES = {
    "busybox": {"Env": [PATH], "Cmd": ["sh"]},
    "parent": {"Env": [PATH, "NAME=parent", "KEPT=yes"], "Cmd": ["base", "command"], "Entrypoint": ["/bin/env"], "WorkingDir": "/srv/base",
               "User": "www-data", "Labels": {"base": "1", "kept": "yes"}, "Volumes": {"/base": {}}, "ExposedPorts": {"7/udp": {}},
               "StopSignal": "SIGINT", "Shell": ["/bin/ash", "-c"], "Healthcheck": {"Test": ["CMD", "true"], "Retries": 2}},
    "trigger": {"Env": [PATH, "WHERE=/opt"], "Cmd": ["sh"],
                "OnBuild": ["ARG WHAT=none", "COPY data $WHERE/data", "RUN echo $WHAT > $WHERE/what"]},
}
"""Base images: name -> configuration; all on the same layer."""


class Refused(Exception):
    """A builder did not build; the text is what it said."""


class Namespaces:
    """The process that holds the peers' namespaces, and the servers in them."""

    def __init__(self, work):
        self.work = work
        self._undo = contextlib.ExitStack()

    def __enter__(self):
        script = ("ip link set lo up && mount --bind $R $R && "
                  "mount -t proc proc $R/proc && mount --rbind /sys $R/sys && mount --rbind /dev $R/dev && "
                  "mount -t tmpfs tmpfs $R/run && echo ready && exec sleep 86400")
        self.holder = subprocess.Popen(["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", script],
                                       env=dict(os.environ, R=str(PEER_ROOT)), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self._undo.callback(self._end, self.holder)
        assert self.holder.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *unused):
        self._undo.close()

    @property
    def network(self):
        return "/proc/%d/ns/net" % self.holder.pid

    def _end(self, process):
        process.terminate()
        process.wait()

    def start(self, argv, chroot=False, **options):
        """A process in the namespaces, to be ended with them."""
        process = subprocess.Popen(self.inside(argv, chroot), stdin=subprocess.DEVNULL, **options)
        self._undo.callback(self._end, process)
        return process

    def inside(self, argv, chroot):
        enter = ["nsenter", "--net", "--mount", "--target", str(self.holder.pid)]
        if chroot:
            enter += ["chroot", str(PEER_ROOT), "env", "-i", "HOME=/root", PATH, "DOCKER_BUILDKIT=1", "BUILDX_NO_DEFAULT_ATTESTATIONS=1"]
        return enter + argv

    def run(self, argv, seconds=120):
        """Output (str) of a command in the peers' root. :raises Refused:"""
        done = subprocess.run(self.inside(argv, True), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds,
                              check=False)
        if done.returncode:
            raise Refused("%s: %s" % (argv[0], (done.stderr + done.stdout).strip()))
        return done.stdout

    def serve(self, files, repositories):
        """Directories by HTTP and by git's protocol."""
        self.start([sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(files), str(WEB)],
                   stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.start(["git", "daemon", "--export-all", "--reuseaddr", "--listen=127.0.0.1", "--port=%d" % GIT,
                    "--base-path=%s" % repositories, str(repositories)], stderr=subprocess.DEVNULL)


def base_archive(name, layer):
    """Bytes of a docker-archive of one of BASES; ``layer``: bytes of a tar archive."""
    config = {"architecture": "amd64", "os": "linux", "created": "2026-01-01T00:00:00Z", "config": BASES[name],
              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
              "history": [{"created": "2026-01-01T00:00:00Z", "created_by": "base"}]}
    manifest = [{"Config": "config.json", "RepoTags": [name + ":latest"], "Layers": ["layer.tar"]}]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member, data in (("config.json", json.dumps(config).encode()), ("layer.tar", layer),
                             ("manifest.json", json.dumps(manifest).encode())):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Peer:
    """A builder in the peers' root. Paths in commands are those inside it; ``work`` is /work there."""

    def __init__(self, namespaces, archives):
        self.namespaces = namespaces
        self.work = PEER_ROOT / "work"
        for name, data in archives.items():
            (self.work / (name + ".tar")).write_bytes(data)
            self.load(name)

    def build(self, name, context, case):
        """(config, tree) of a case whose prepared context is the directory ``context``."""
        place = self.work / "context"
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run(["cp", "-a", str(context), str(place)], check=True)
        archive = self.work / "image.tar"
        archive.unlink(missing_ok=True)
        try:
            self.namespaces.run(self.command(name, case, "/work/context"))
            self.save(name)
            return read_archive(archive)
        finally:
            shutil.rmtree(place, ignore_errors=True)
            archive.unlink(missing_ok=True)

    def common(self, case, place):
        words = ["--file", "%s/%s" % (place, case.dockerfile)]
        for key, value in case.args.items():
            words += ["--build-arg", "%s=%s" % (key, value)]
        for key, value in case.labels.items():
            words += ["--label", "%s=%s" % (key, value)]
        for key in case.secrets:
            words += ["--secret", "id=%s,src=%s/%s" % (key, place, case.secret_file(key))]
        for key, value in case.contexts.items():
            words += ["--build-context", "%s=%s" % (key, value if "://" in value else "%s/%s" % (place, value))]
        if case.target:
            words += ["--target", case.target]
        return words


class BuildKit(Peer):
    """dockerd and the BuildKit in it."""

    socket = "/run/docker.sock"

    def __init__(self, namespaces, archives):
        (PEER_ROOT / "work").mkdir(exist_ok=True)
        configuration = {"builder": {"entitlements": {"security-insecure": True, "network-host": True}}}
        (PEER_ROOT / "work" / "daemon.json").write_text(json.dumps(configuration), encoding="utf-8")
        with open(PEER_ROOT / "work" / "dockerd.log", "wb") as log:
            namespaces.start(["dockerd", "--config-file", "/work/daemon.json", "--data-root", "/work/docker", "--exec-root", "/run/docker",
                              "--pidfile", "/run/docker.pid", "-H", "unix://" + self.socket, "--iptables=false", "--ip6tables=false",
                              "--bridge=none"], True, stdout=log, stderr=log)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.version = namespaces.run(["docker", "-H", "unix://" + self.socket, "version", "-f", "{{.Server.Version}}"]).strip()
                break
            except Refused:
                assert time.monotonic() < deadline, "dockerd does not start: see %s" % (PEER_ROOT / "work" / "dockerd.log")
                time.sleep(0.2)
        super().__init__(namespaces, archives)

    @property
    def title(self):
        return "BuildKit (docker %s)" % self.version

    def docker(self, *words):
        return self.namespaces.run(["docker", "-H", "unix://" + self.socket, *words])

    def load(self, name):
        self.docker("load", "-i", "/work/%s.tar" % name)

    def command(self, name, case, place):
        extra = ["--allow", "network.host", "--allow", "security.insecure", "--network", "none", "--provenance=false"]
        if case.ssh:
            extra += ["--ssh", "default=/work/agent.sock"]
        return ["docker", "-H", "unix://" + self.socket, "buildx", "build", "--quiet", "--tag", "case-" + name, *extra,
                *self.common(case, place), place]

    def save(self, name):
        self.docker("save", "-o", "/work/image.tar", "case-" + name)


class Buildah(Peer):
    """buildah, with layers, in its chroot isolation."""

    def __init__(self, namespaces, archives):
        (PEER_ROOT / "work").mkdir(exist_ok=True)
        policy = PEER_ROOT / "etc" / "containers" / "policy.json"
        if not policy.exists():
            policy.parent.mkdir(parents=True, exist_ok=True)
            policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}', encoding="utf-8")
        self.version = namespaces.run(["buildah", "--version"]).split()[2]
        super().__init__(namespaces, archives)

    @property
    def title(self):
        return "buildah " + self.version

    place = ("--root", "/work/buildah", "--runroot", "/run/buildah", "--storage-driver", "overlay")

    def buildah(self, *words):
        return self.namespaces.run(["buildah", *self.place, *words])

    def load(self, name):
        self.buildah("pull", "--quiet", "docker-archive:/work/%s.tar" % name)

    def command(self, name, case, place):
        extra = ["--isolation", "chroot", "--format", "docker", "--layers", "--pull=never", "--identity-label=false",
                 "--ulimit", "nofile=1024:1024"]
        if case.ssh:
            extra += ["--ssh", "default=/work/agent.sock"]
        return ["buildah", *self.place, "build", "--quiet", "--tag", "case-" + name, *extra, *self.common(case, place), place]

    def save(self, name):
        self.buildah("push", "--quiet", "case-" + name, "docker-archive:/work/image.tar:case-%s:latest" % name)


class Ours:
    """The engine of this checkout, in this process."""

    title = "agentless.containers"

    def __init__(self, directory, archives, network):
        from ansible_collections.agentless.containers.plugins.module_utils.engine.image import archive, store
        from ansible_collections.agentless.containers.plugins.module_utils.engine.spec.image import platform_of
        from ansible_collections.agentless.containers.plugins.module_utils.engine.state import Roots

        self.roots = Roots(str(directory))
        self.network = network
        self.images = store.ImageStore(self.roots)
        for name, data in archives.items():
            path = directory / (name + ".tar")
            path.write_bytes(data)
            archive.load(self.images, str(path), platform_of("x86_64"))

    def build(self, name, context, case):
        """(config, tree); :raises Refused:"""
        from ansible_collections.agentless.containers.plugins.module_utils.engine.build.settings import Settings
        from ansible_collections.agentless.containers.plugins.module_utils.engine.build.solve import Build
        from ansible_collections.agentless.containers.plugins.module_utils.engine.errors import EngineError
        from ansible_collections.agentless.containers.plugins.module_utils.engine.linux import netns

        secrets = {key: (context / case.secret_file(key)).read_bytes() for key in case.secrets}
        contexts = {key: value if "://" in value else str(context / value) for key, value in case.contexts.items()}
        ssh = {"default": str(PEER_ROOT / "work" / "agent.sock")} if case.ssh else {}
        settings = Settings(str(context), dockerfile=case.dockerfile, args=case.args, target=case.target or None, labels=case.labels,
                            secrets=secrets, contexts=contexts, ssh=ssh, network="none", allow=("network.host", "security.insecure"))
        try:
            with netns.entered(self.network), Build(self.roots, settings) as build:
                outcome = build.run()
        except EngineError as error:
            raise Refused(str(error)) from error
        manifest = json.loads(self.images.blobs.read(outcome.descriptor.digest))
        config = json.loads(self.images.blobs.read(manifest["config"]["digest"]))
        return config, tree_of(self.images.blobs.read(layer["digest"]) for layer in manifest["layers"])
