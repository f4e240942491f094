# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What instructions make of an image's ``config`` object: its Env, Cmd, Labels and so on, by Docker's rules and under the image's keys."""

from __future__ import annotations

import posixpath

from .model import Cmd, Entrypoint, Env, Expose, Healthcheck, Label, OnBuild, Shell, Simple, Volume

SHELL = ("/bin/sh", "-c")
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
TIMES = (("Interval", "interval"), ("Timeout", "timeout"), ("StartPeriod", "start_period"), ("StartInterval", "start_interval"),
         ("Retries", "retries"))


def configure(config, instruction, cmd_set=False):
    """A new ``config`` (dict) after one expanded instruction; instructions that say nothing about it leave it as it is.

    :param cmd_set: whether a CMD stands before this instruction in the same stage; only then does ENTRYPOINT leave CMD alone.
    """
    handler = _HANDLERS.get(type(instruction))
    after = dict(config)
    if handler is not None:
        handler(after, instruction, cmd_set)
    return after


def configured(config, instructions):
    """``config`` after all of a stage's (expanded) instructions."""
    cmd_set = False
    for each in instructions:
        config = configure(config, each, cmd_set)
        cmd_set = cmd_set or isinstance(each, Cmd)
    return config


def inherited(config):
    """(config, triggers): what a stage begins with on a base of this ``config``, and the base's ONBUILD texts, which are used up by it.

    An image without a PATH gets the usual one, as BuildKit does it.
    """
    after = {key: value for key, value in config.items() if key != "OnBuild"}
    if "PATH" not in env_of(config):
        after["Env"] = list(config.get("Env") or ()) + [PATH]
    return after, tuple(config.get("OnBuild") or ())


def shell_of(config):
    """The words in front of the shell form of RUN, CMD and ENTRYPOINT."""
    words = config.get("Shell") or SHELL
    # Docker reads a single string as a list of one
    return (words,) if isinstance(words, str) else tuple(words)


def workdir_of(config, path=""):
    """The absolute working directory of an image, or the one that WORKDIR ``path`` makes of it."""
    joined = posixpath.normpath(posixpath.join("/", config.get("WorkingDir") or "/", path))
    return "/" + joined.lstrip("/")


def merge_env(old, pairs):
    """A list of ``NAME=VALUE``: what is there keeps its place and gets its new value."""
    new = dict(pairs)
    merged = []
    for item in old or ():
        name = item.partition("=")[0]
        if name in new:
            item = "%s=%s" % (name, new.pop(name))
        merged.append(item)
    return merged + ["%s=%s" % pair for pair in new.items()]


def env_of(config):
    """dict: the Env of an image."""
    found = {}
    for item in config.get("Env") or ():
        name, unused, value = item.partition("=")
        found[name] = value
    return found


def _env(after, instruction, unused):
    after["Env"] = merge_env(after.get("Env"), instruction.pairs)


def _label(after, instruction, unused):
    after["Labels"] = {**(after.get("Labels") or {}), **dict(instruction.pairs)}


def _cmd(after, instruction, unused):
    after["Cmd"] = list(instruction.command.argv(shell_of(after)))


def _entrypoint(after, instruction, cmd_set):
    after["Entrypoint"] = list(instruction.command.argv(shell_of(after)))
    if not cmd_set:
        # the base's CMD was meant for the base's entry point
        after.pop("Cmd", None)


def _expose(after, instruction, unused):
    after["ExposedPorts"] = {**(after.get("ExposedPorts") or {}), **{port: {} for port in instruction.ports}}


def _volume(after, instruction, unused):
    after["Volumes"] = {**(after.get("Volumes") or {}), **{path: {} for path in instruction.paths}}


def _simple(after, instruction, unused):
    if instruction.keyword == "USER":
        after["User"] = instruction.value
    elif instruction.keyword == "STOPSIGNAL":
        after["StopSignal"] = instruction.value
    elif instruction.keyword == "WORKDIR":
        after["WorkingDir"] = workdir_of(after, instruction.value)


def _healthcheck(after, instruction, unused):
    found = {"Test": list(instruction.test)}
    found.update({key: getattr(instruction, name) for key, name in TIMES if getattr(instruction, name) is not None})
    after["Healthcheck"] = found


def _shell(after, instruction, unused):
    after["Shell"] = list(instruction.words)


def _on_build(after, instruction, unused):
    after["OnBuild"] = list(after.get("OnBuild") or ()) + [instruction.trigger]


_HANDLERS = {
    Env: _env, Label: _label, Cmd: _cmd, Entrypoint: _entrypoint, Expose: _expose, Volume: _volume, Simple: _simple,
    Healthcheck: _healthcheck, Shell: _shell, OnBuild: _on_build,
}
CONFIGURING = tuple(_HANDLERS)
"""The types of instruction that change nothing but the configuration; of these only WORKDIR may also make a directory."""
