# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Dockerfile says, one frozen document an instruction; instructions.py makes them out of nodes. Nothing is expanded yet."""

from __future__ import annotations

from typing import Optional, Tuple

from ..spec.document import Document, document
from .mount import Mount, parse_mount
from .parser import Heredoc, Node


class Instruction(Document):
    """Base of all: ``node`` is where it stands."""

    @property
    def keyword(self):
        return self.node.keyword

    def error(self, reason, token=None, hint=None):
        return self.node.error(reason, token, hint)


@document
class Command(Document):
    """What is to be executed: the words of the JSON form, or one text for the shell."""

    words: Tuple[str, ...]
    shell: bool = True

    def argv(self, shell):
        """The words to execute; :param shell: those of SHELL."""
        return tuple(shell) + self.words if self.shell else self.words


@document
class From(Instruction):
    """FROM; ``name`` is in small letters."""

    node: Node
    image: str
    name: str = ""
    platform: str = ""


@document
class Arg(Instruction):
    """ARG: (name, default or None)."""

    node: Node
    pairs: Tuple[Tuple[str, Optional[str]], ...]


@document
class Env(Instruction):
    node: Node
    pairs: Tuple[Tuple[str, str], ...]


@document
class Label(Instruction):
    node: Node
    pairs: Tuple[Tuple[str, str], ...]


@document
class Run(Instruction):
    """RUN. ``mount_texts`` are the flags as written, for :meth:`expanded_mounts`."""

    node: Node
    command: Command
    mounts: Tuple[Mount, ...] = ()
    mount_texts: Tuple[str, ...] = ()
    network: str = "default"
    security: str = "sandbox"

    @property
    def heredocs(self):
        return self.node.heredocs

    @property
    def script(self):
        """The Heredoc that is a program of its own (``#!`` in its first line), or None."""
        return self.heredocs[0] if self._only_heredoc() and self.heredocs[0].content.startswith("#!") else None

    @property
    def shell_text(self):
        """What the shell gets: a here-document alone is itself the text, otherwise the shell reads it as usual."""
        if self._only_heredoc():
            return self.heredocs[0].text
        return self.command.words[0] + "".join("\n" + each.content + each.name for each in self.heredocs)

    def _only_heredoc(self):
        return len(self.heredocs) == 1 and len(self.command.words[0].split()) == 1

    def expanded_mounts(self, expand):
        """The mounts with their variables; :raises DockerfileError: for values that make no sense then."""
        found = []
        for text in self.mount_texts:
            try:
                found.append(parse_mount(text, expand))
            except ValueError as error:
                raise self.error(*error.args) from None
        return tuple(found)


@document
class Copy(Instruction):
    """COPY and ADD: ``node.keyword`` says which. ``contents`` are here-documents among the sources."""

    node: Node
    sources: Tuple[str, ...]
    destination: str
    contents: Tuple[Heredoc, ...] = ()
    from_name: str = ""
    chown: str = ""
    chmod: str = ""
    link: bool = False
    parents: bool = False
    exclude: Tuple[str, ...] = ()
    checksum: str = ""
    keep_git_dir: Optional[bool] = None
    unpack: Optional[bool] = None


@document
class Cmd(Instruction):
    node: Node
    command: Command


@document
class Entrypoint(Instruction):
    node: Node
    command: Command


@document
class Expose(Instruction):
    node: Node
    ports: Tuple[str, ...]


@document
class Volume(Instruction):
    node: Node
    paths: Tuple[str, ...]


@document
class Simple(Instruction):
    """MAINTAINER, USER, WORKDIR or STOPSIGNAL: one value."""

    node: Node
    value: str


@document
class Healthcheck(Instruction):
    """HEALTHCHECK: ``test`` as in an image; times in nanoseconds; None where not given."""

    node: Node
    test: Tuple[str, ...]
    interval: Optional[int] = None
    timeout: Optional[int] = None
    start_period: Optional[int] = None
    start_interval: Optional[int] = None
    retries: Optional[int] = None


@document
class Shell(Instruction):
    node: Node
    words: Tuple[str, ...]


@document
class OnBuild(Instruction):
    """ONBUILD: the text that the image keeps."""

    node: Node
    trigger: str
