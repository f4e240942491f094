# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An instruction with its variables -> the same instruction with their values, and every value checked.

What Docker leaves to the shell of the container (the text of RUN, CMD, ENTRYPOINT and HEALTHCHECK), to the build of another image (ONBUILD)
or takes as it stands (MAINTAINER, ``--from``) is not touched. Expanding what is expanded gives other results where values hold quotes or
dollars: do it once.
"""

from __future__ import annotations

import posixpath
import re

from ..image.changes import is_signal
from .model import Copy, Env, Expose, Label, Run, Simple, Volume

_OCTAL = re.compile(r"[0-7]{1,4}|0[0-7]{4}")
_SYMBOLIC = re.compile(r"[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+(?:,[ugoa]*(?:[-+=](?:[rwxXst]*|[ugo]))+)*")
_DIGESTS = {"sha256": 64, "sha384": 96, "sha512": 128}
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
# an address and a port of the host in front say nothing to an image; lint.py warns of them
_PORT = re.compile(r"(?:(?:[0-9.]*:|\[[0-9a-fA-F:.]*\]:)?(?:[0-9]+(?:-[0-9]+)?)?:)?([0-9]+)(?:-([0-9]+))?(?:/([a-zA-Z]*))?", re.ASCII)
_SCP = re.compile(r"git@[^/:]+:")
PROTOCOLS = ("tcp", "udp", "sctp")
SECRETS = "/run/secrets"
AGENT = "/run/buildkit/ssh_agent.%d"


def expand(instruction, scope):
    """The instruction as it is to be carried out; ``scope`` itself is not changed by it.

    Declare ARG with ``scope.declare(instruction)``, and ENV with ``scope.set_env(expanded.pairs)``.

    :raises DockerfileError: with the place.
    """
    handler = _HANDLERS.get(type(instruction))
    return instruction if handler is None else handler(instruction, scope)


def _pairs(instruction, scope):
    return instruction.replace(pairs=scope.pairs(instruction))


def _copy(instruction, scope):
    def word(text):
        return scope.expand(text, instruction) if text else text

    found = instruction.replace(
        sources=tuple(map(word, instruction.sources)), destination=word(instruction.destination),
        contents=tuple(_content(each, instruction, scope) for each in instruction.contents),
        chown=word(instruction.chown), chmod=word(instruction.chmod), checksum=word(instruction.checksum))
    if not found.destination:
        raise instruction.error("the destination is empty: %s" % instruction.destination, instruction.destination)
    _check_owner(found)
    if found.chmod and not (_OCTAL.fullmatch(found.chmod) or _SYMBOLIC.fullmatch(found.chmod)):
        raise found.error("--chmod: %r is no mode" % found.chmod, "--chmod", "write it as 0755 or u=rwX,go=rX")
    _check_checksum(found)
    for source in found.sources:
        if found.keyword == "COPY" and is_remote(source):
            raise found.error("COPY takes no URL: %s" % source, source, "use ADD")
    return found


def _content(heredoc, instruction, scope):
    text = scope.expand_content(heredoc.text, instruction) if heredoc.expand else heredoc.text
    return heredoc.replace(content=text, expand=False, strip_tabs=False)


def _check_owner(found):
    user, colon, group = found.chown.partition(":")
    if found.chown and (not user or (colon and not group) or ":" in group):
        raise found.error("--chown: %r is no owner" % found.chown, "--chown", "write it as USER, USER:GROUP, UID or UID:GID")
    for name in (user, group):
        if name.isascii() and name.isdigit() and int(name[:11]) >= 2 ** 32 - 1:
            raise found.error("--chown: %r is no ID" % name, "--chown")


def _check_checksum(found):
    text = found.checksum
    if not text:
        return
    algorithm, colon, digits = text.partition(":")
    if colon:
        if _DIGESTS.get(algorithm) != len(digits) or re.search("[^0-9a-f]", digits):
            raise found.error("--checksum: %r is no checksum" % text, "--checksum", "write it as sha256: and 64 hexadecimal digits")
    elif not _COMMIT.fullmatch(text):
        raise found.error("--checksum: %r is neither ALGORITHM:DIGITS nor a commit" % text, "--checksum")
    if len(found.sources) != 1 or found.contents:
        raise found.error("--checksum goes with exactly one source", "--checksum")
    if found.keyword == "ADD" and not is_remote(found.sources[0]):
        raise found.error("--checksum goes with a URL, not with %s" % found.sources[0], found.sources[0])


def is_remote(source):
    """Whether a source of ADD is a URL or a git repository and not a path of the context."""
    return source.startswith(("http://", "https://", "git://", "ssh://")) or _SCP.match(source) is not None


def _run(instruction, scope):
    def word(text):
        return scope.expand(text, instruction)

    mounts = []
    for each in instruction.expanded_mounts(word):
        agents = sum(mount.type == "ssh" for mount in mounts)
        mounts.append(_settled(each, agents, instruction))
    return instruction.replace(mounts=tuple(mounts), mount_texts=())


def _settled(mount, agents, instruction):
    """The mount with what follows from its other values: where secrets and sockets go, what caches are called."""
    if mount.type == "secret":
        name = mount.source or mount.id or posixpath.basename(mount.target)
        target = mount.target or ("" if mount.env else posixpath.join(SECRETS, posixpath.basename(name)))
        return mount.replace(id=name, source="", target=target, mode=0o400 if mount.mode is None else mount.mode)
    if mount.type == "ssh":
        return mount.replace(id=mount.source or mount.id or "default", source="", target=mount.target or AGENT % agents,
                             mode=0o600 if mount.mode is None else mount.mode)
    if posixpath.normpath("/" + mount.target) in ("/", "//"):
        raise instruction.error("a mount cannot have the target %s" % mount.target, "--mount")
    if mount.type == "cache" and not mount.id:
        return mount.replace(id=posixpath.normpath(mount.target))
    return mount


def _expose(instruction, scope):
    found = {}
    for text in instruction.ports:
        for word in scope.expand_words(text, instruction):
            found.update(dict.fromkeys(_ports(word, instruction)))
    return instruction.replace(ports=tuple(sorted(found, key=_port_order)))


def _ports(word, instruction):
    match = _PORT.fullmatch(word)
    if match is None:
        raise instruction.error("%r is no port" % word, word, "write it as PORT, FIRST-LAST or PORT/udp")
    first, last = int(match.group(1)[:10]), int((match.group(2) or match.group(1))[:10])
    protocol = (match.group(3) or "tcp").lower()
    if protocol not in PROTOCOLS:
        raise instruction.error("%r: no protocol %s" % (word, match.group(3)), word, "use one of %s" % ", ".join(PROTOCOLS))
    if not 1 <= first <= last <= 65535:
        raise instruction.error("%r is no port" % word, word, "ports go from 1 to 65535")
    return ["%d/%s" % (number, protocol) for number in range(first, last + 1)]


def _port_order(port):
    number, unused, protocol = port.partition("/")
    return protocol, int(number)


def _volume(instruction, scope):
    paths = tuple(scope.expand(each, instruction) for each in instruction.paths)
    for written, path in zip(instruction.paths, paths):
        if not path.startswith("/"):
            raise instruction.error("VOLUME: %r is not an absolute path" % path, written,
                                    "no container could be made of the image: write /%s" % path if path else None)
        if not path.strip("/."):
            raise instruction.error("VOLUME: %r is the whole file system" % path, written, "name a directory below it")
    return instruction.replace(paths=paths)


def _simple(instruction, scope):
    if instruction.keyword == "MAINTAINER":
        return instruction
    value = scope.expand(instruction.value, instruction)
    if instruction.keyword == "STOPSIGNAL" and not is_signal(value):
        raise instruction.error("%r is no signal" % value, instruction.value, "use a name such as SIGTERM or a number from 1 to 64")
    if instruction.keyword == "USER":
        user, colon, group = value.partition(":")
        if ":" in group or (colon and not (user and group)) or value.split() not in ([], [value]):
            raise instruction.error("%r is no user" % value, instruction.value, "write it as USER, USER:GROUP, UID or UID:GID")
    return instruction.replace(value=value)


_HANDLERS = {Env: _pairs, Label: _pairs, Copy: _copy, Run: _run, Expose: _expose, Volume: _volume, Simple: _simple}
