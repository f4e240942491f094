# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instructions -> stages: what each is built on, what it copies from, and which of them a target needs."""

from __future__ import annotations

# pylint: disable=invalid-field-call  # it does not see that document.py's decorator makes a dataclass
from dataclasses import field
from typing import Dict, Optional, Tuple

from ..errors import InvalidValue
from ..spec.document import Document, document
from .instructions import trigger
from .model import Arg, Copy, From, Instruction, OnBuild, Run
from .position import nearest
from .scope import Scope

SCRATCH = "scratch"


@document
class Stage(Document):
    """:param start: its FROM; :param instructions: all that follow."""

    index: int
    start: From
    instructions: Tuple[Instruction, ...] = ()

    @property
    def name(self):
        return self.start.name

    @property
    def label(self):
        """How people know the stage."""
        return self.name or str(self.index)


@document
class Stages(Document):
    """:param arguments: the ARG instructions in front of the first FROM."""

    arguments: Tuple[Arg, ...]
    stages: Tuple[Stage, ...]

    def find(self, name, before=None):
        """The last Stage of that name (in any case), or None; :param before: only look at stages in front of this index."""
        for stage in reversed(self.stages[:before]):
            if stage.name and stage.name == name.lower():
                return stage
        return None


@document
class Base(Document):
    """What a stage begins with: a stage before it, or an image (``scratch`` for nothing)."""

    image: str
    platform: str = ""
    stage: Optional[int] = None


@document
class Plan(Document):
    """Which stages are to be built.

    :param bases: of every stage.
    :param needs: index of a stage -> indexes of the stages that it needs itself; only of those that are built.
    :param order: the stages to build, each after all that it needs.
    :param triggers: index of a stage -> instructions that its base left for it by ONBUILD, which stand in front of its own; only of those
        that are built and have any.
    """

    target: int
    bases: Tuple[Base, ...]
    needs: Dict[int, Tuple[int, ...]]
    order: Tuple[int, ...]
    triggers: Dict[int, Tuple[Instruction, ...]] = field(default_factory=dict)


def split(instructions):
    """The Stages of all instructions of a file; :raises DockerfileError: where something stands in front of the first FROM."""
    arguments, stages = [], []
    start, body = None, []
    for each in instructions:
        if isinstance(each, From):
            if start is not None:
                stages.append(Stage(len(stages), start, tuple(body)))
            start, body = each, []
        elif start is not None:
            body.append(each)
        elif isinstance(each, Arg):
            arguments.append(each)
        else:
            raise each.error("%s stands in front of the first FROM" % each.keyword, hint="only ARG may; begin the stage with FROM IMAGE")
    if start is None:
        last = arguments[-1] if arguments else None
        if last is None:
            raise InvalidValue("dockerfile", "", "has no instructions", "begin with FROM")
        raise last.error("no FROM follows", hint="name the image to build on: FROM IMAGE, or FROM scratch")
    stages.append(Stage(len(stages), start, tuple(body)))
    return Stages(tuple(arguments), tuple(stages))


def plan(stages, build_args=None, build_platform="linux/amd64", target_platform=None, target=None, on_build=None):
    """The Plan of what ``target`` needs.

    :param build_args: dict of ``--build-arg``.
    :param target: name or index of a stage; None for the last.
    :param on_build: function of a Base that is an image -> the OnBuild list of its configuration; asked for what the target needs only.
    :raises DockerfileError, InvalidValue:
    """
    scope = Scope.of_file(stages, build_args, build_platform, target_platform, target)
    wanted = find_target(stages, target)
    bases = tuple(_base(stages, stage, scope) for stage in stages.stages)
    walk = _Walk(stages, bases, on_build)
    walk.visit(wanted)
    return Plan(wanted, bases, walk.needs, tuple(walk.order), walk.triggers)


def find_target(stages, target):
    """The index of a stage by its name or number."""
    if target is None or target == "":
        return len(stages.stages) - 1
    found = stages.find(str(target))
    if found is not None:
        return found.index
    number = _number(str(target))
    if number is not None and number < len(stages.stages):
        return number
    names = [stage.name for stage in stages.stages if stage.name]
    meant = nearest(str(target), names)
    hint = "did you mean %s?" % meant if meant else "the stages are %s" % ", ".join(stage.label for stage in stages.stages)
    raise InvalidValue("target", target, "is no stage of the Dockerfile", hint)


def source_stage(stages, instruction, name):
    """The index of the stage that ``--from=name`` means, or None where it is an image or a named context."""
    found = stages.find(name)
    if found is not None:
        return found.index
    number = _number(name)
    if number is None:
        return None
    if number >= len(stages.stages):
        raise instruction.error("there is no stage %s" % name, name, "stages count from 0; this file has %d" % len(stages.stages))
    return number


def _number(text):
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _base(stages, stage, scope):
    start = stage.start
    image = scope.expand(start.image, start)
    if not image:
        raise start.error("the name of the base image is empty: %s" % start.image, start.image,
                          "give its ARG a default, or a value with build_args")
    earlier = stages.find(image, stage.index)
    platform = scope.expand(start.platform, start)
    if start.platform and not platform:
        raise start.error("the platform is empty: %s" % start.platform, start.platform)
    return Base(image, platform, earlier.index if earlier else None)


def _sources(stages, instructions):
    """(instruction, index) of every stage that these copy or mount from."""
    for each in instructions:
        names = []
        if isinstance(each, Copy):
            names = [each.from_name]
        elif isinstance(each, Run):
            names = [mount.from_name for mount in each.mounts]
        for name in names:
            index = source_stage(stages, each, name) if name else None
            if index is not None:
                yield each, index


class _Walk:
    """Depth first without recursion: a file may have any number of stages."""

    def __init__(self, stages, bases, on_build):
        self.stages = stages
        self.bases = bases
        self.on_build = on_build
        self.needs, self.order, self.triggers = {}, [], {}

    def visit(self, first):
        open_stages = set()
        pending = [first]
        while pending:
            index = pending[-1]
            if index in open_stages:
                open_stages.remove(index)
                self.order.append(index)
                pending.pop()
            elif index in self.needs:
                pending.pop()
            else:
                open_stages.add(index)
                pending += self.open(index, open_stages)

    def open(self, index, open_stages):
        """The stages that one needs itself."""
        triggers = self.triggers_of(self.bases[index])
        if triggers:
            self.triggers[index] = triggers
        found = list(_sources(self.stages, triggers + self.stages.stages[index].instructions))
        if self.bases[index].stage is not None:
            found.append((self.stages.stages[index].start, self.bases[index].stage))
        for instruction, each in found:
            if each in open_stages:
                raise instruction.error("stage %s needs itself" % self.stages.stages[each].label,
                                        hint="copy from a stage that does not copy from it")
        self.needs[index] = tuple(sorted({each for unused, each in found}))
        return [each for unused, each in found]

    def triggers_of(self, base):
        if base.stage is not None:
            left = [each for each in self.stages.stages[base.stage].instructions if isinstance(each, OnBuild)]
            return tuple(trigger(each.trigger, each.node.file, each.node.start_line) for each in left)
        if self.on_build is None or base.image == SCRATCH:
            return ()
        return tuple(trigger(text, "ONBUILD of %s" % base.image, number) for number, text in enumerate(self.on_build(base) or (), 1))
