# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Dockerfiles of tests/peers/dockerfiles, and what comparing one of them says.

A case is a directory: its files are the build context, ``case.yml`` says the rest:

- ``covers``: what it is about, for the table.
- ``peers``: which builders to compare with; the first that builds it counts. Default buildkit, then buildah.
- ``args labels target dockerfile secrets contexts ssh``: options of the build; ``secrets`` maps an ID to a file of the context.
- ``prepare``: shell commands, run in a copy of the context: what a repository cannot hold (links, archives, owners, xattrs).
- ``differs``: paths and keys of the configuration that differ, each with the reason.
- ``expect``: where no peer knows a flag: what the image must hold, path -> attributes (or null for absent), and below ``config`` its keys.
- ``refused``: text of the error that ours must give; the peers must refuse the Dockerfile, too.
"""

from __future__ import annotations

import dataclasses
import pathlib
import shutil
import subprocess

import yaml
from dockerfile_peers import Refused
from image_tree import differences, settings

DIRECTORY = pathlib.Path(__file__).resolve().parent / "dockerfiles"
PEERS = ("buildkit", "buildah")
# what runtimes leave of the files that they mount, and directories that the base has anyway
MOUNTED = ("/etc/hosts", "/etc/resolv.conf", "/etc/hostname", "/proc", "/sys", "/dev", "/run/.containerenv")


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    covers: str
    peers: tuple = PEERS
    args: dict = dataclasses.field(default_factory=dict)
    labels: dict = dataclasses.field(default_factory=dict)
    target: str = ""
    dockerfile: str = "Dockerfile"
    secrets: dict = dataclasses.field(default_factory=dict)
    contexts: dict = dataclasses.field(default_factory=dict)
    ssh: bool = False
    prepare: str = ""
    differs: dict = dataclasses.field(default_factory=dict)
    expect: dict = dataclasses.field(default_factory=dict)
    refused: str = ""

    def secret_file(self, name):
        return self.secrets[name]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """:param peer: title of the builder that it was compared with. :param lines: the differences that the case does not explain."""

    case: Case
    peer: str
    lines: tuple


def cases():
    """All cases (list), by name."""
    found = []
    for path in sorted(DIRECTORY.iterdir()):
        if (path / "case.yml").is_file():
            values = yaml.safe_load((path / "case.yml").read_text(encoding="utf-8"))
            values["peers"] = tuple(values.get("peers", PEERS))
            found.append(Case(path.name, **values))
    return found


def prepared(case, directory):
    """A copy of a case's context as it is given to builders."""
    context = pathlib.Path(directory) / "context"
    shutil.copytree(DIRECTORY / case.name, context, symlinks=True)
    (context / "case.yml").unlink()
    # what a checkout gives is up to the umask
    subprocess.run(["chmod", "-R", "u=rwX,go=rX", str(context)], check=True)
    if case.prepare:
        subprocess.run(["sh", "-euc", "umask 022\n" + case.prepare], cwd=context, check=True)
    return context


def compare(case, ours, peers, directory):
    """The Verdict of one case.

    :param ours: its builder. :param peers: dict of those that are there.
    """
    context = prepared(case, directory)
    if case.refused:
        return _refusal(case, ours, peers, context)
    config, tree = ours.build(case.name, context, case)
    if case.expect:
        return Verdict(case, "a written tree", tuple(_unexpected(case.expect, config, tree)))
    said = []
    for name in case.peers:
        try:
            their_config, their_tree = peers[name].build(case.name, context, case)
        except Refused as error:
            said.append("%s: %s" % (name, error))
            continue
        lines = differences(settings(config), settings(their_config), tuple(case.differs))
        lines += differences(tree, their_tree, tuple(case.differs), MOUNTED)
        return Verdict(case, peers[name].title, tuple(lines))
    return Verdict(case, "none", tuple(said))


def _refusal(case, ours, peers, context):
    lines = []
    for builder in [peers[name] for name in case.peers] + [ours]:
        try:
            builder.build(case.name, context, case)
            lines.append("%s builds it" % builder.title)
        except Refused as error:
            if builder is ours and case.refused not in str(error):
                lines.append("ours says: %s" % error)
    return Verdict(case, ", ".join(peers[name].title for name in case.peers), tuple(lines))


def _unexpected(expect, config, tree):
    for path, attributes in expect.items():
        if path == "config":
            found = settings(config)
            yield from ("%s: ours %s, expected %s" % (key, found.get(key), value) for key, value in attributes.items()
                        if found.get(key) != value)
        elif attributes is None or path not in tree:
            if (path in tree) != (attributes is not None):
                yield "%s: ours %s, expected %s" % (path, tree.get(path), attributes)
        else:
            for key, value in attributes.items():
                if tree[path].get(key) != value:
                    yield "%s: %s is %r, expected %r" % (path, key, tree[path].get(key), value)
    unknown = [path for path in tree if any(path.startswith(root + "/") for root in expect) and path not in expect]
    yield from ("%s: not expected" % path for path in unknown)
