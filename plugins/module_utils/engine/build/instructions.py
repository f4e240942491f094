# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes of the parser -> typed instructions of model.py, with every check that needs no variable's value."""

from __future__ import annotations

import re
from fractions import Fraction

from . import model
from .mount import parse_mount
from .parser import heredoc_of, parse_line
from .position import nearest
from .words import NotStrings, json_list, pairs_of, raw_words

_STAGE = re.compile(r"[a-z][a-z0-9_.-]*")
_TIME = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)", re.ASCII)
_UNITS = {"ns": 1, "us": 10**3, "\u00b5s": 10**3, "\u03bcs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
SHORTEST = 10**6
"""Nanoseconds: no time of a health check is shorter."""
NETWORKS = ("default", "none", "host")
SECURITIES = ("sandbox", "insecure")


def instruction(node):
    """The typed instruction of a Node.

    :raises DockerfileError: with its place.
    """
    entry = _KNOWN.get(node.keyword)
    if entry is None:
        meant = nearest(node.keyword, _KNOWN)
        raise node.error("unknown instruction %s" % node.keyword, hint="did you mean %s?" % meant if meant else None)
    build, flags = entry
    return build(node, _flags(node, flags))


def instructions(syntax):
    """A tuple: the instructions of a Syntax."""
    return tuple(instruction(node) for node in syntax.nodes)


def trigger(text, file="ONBUILD", line=1, escape="\\"):
    """The instruction of an ONBUILD trigger that a base image carries."""
    node = parse_line(text, file, escape, line=line)
    _check_trigger(node, node.keyword)
    return instruction(node)


def _flags(node, kinds):
    """dict of flags; kinds: name -> str, bool or list."""
    found = {}
    for flag in node.flags:
        name, equals, value = flag[2:].partition("=")
        kind = kinds.get(name)
        if kind is None:
            meant = nearest(name, kinds)
            raise node.error("unknown flag --%s of %s" % (name, node.keyword), "--" + name, "did you mean --%s?" % meant if meant else None)
        if kind is list:
            found.setdefault(name, [])
        elif name in found:
            raise node.error("flag --%s is given twice" % name, "--" + name)
        if kind is bool:
            if equals and value.lower() not in ("true", "false"):
                raise node.error("flag --%s is true or false, not %r" % (name, value), "--" + name)
            found[name] = value.lower() != "false"
        elif not equals:
            raise node.error("flag --%s needs a value" % name, "--" + name, "write --%s=VALUE" % name)
        elif kind is list:
            found[name].append(value)
        else:
            found[name] = value
    return found


def _needed(node):
    if not node.arguments:
        raise node.error("%s needs at least one argument" % node.keyword)
    return node.arguments


def _json(node, text):
    try:
        return json_list(text)
    except NotStrings as error:
        raise node.error(str(error), text, "quote every word with double quotes") from None


def _from(node, flags):
    words = node.arguments.split()
    if len(words) not in (1, 3) or (len(words) == 3 and words[1].upper() != "AS"):
        raise node.error("FROM needs one argument, or three with AS", node.arguments, "write FROM IMAGE or FROM IMAGE AS NAME")
    name = words[2].lower() if len(words) == 3 else ""
    if name and not _STAGE.fullmatch(name):
        raise node.error("invalid name %r of a stage" % words[2], words[2], "begin with a letter, go on with letters, digits, _ . and -")
    return model.From(node, words[0], name, flags.get("platform", ""))


def _arg(node, unused):
    found = []
    for word in raw_words(_needed(node), node.escape):
        name, equals, value = word.partition("=")
        if not name:
            raise node.error("ARG has an empty name", word)
        found.append((name, value if equals else None))
    return model.Arg(node, tuple(found))


def _pairs(kind):
    def build(node, unused):
        try:
            return kind(node, pairs_of(_needed(node), node.escape))
        except ValueError as error:
            reason, word = error.args
            raise node.error(reason, word, "write %s NAME=VALUE" % node.keyword) from None
    return build


def _command(node, text):
    words = _json(node, text)
    return model.Command((text,), True) if words is None else model.Command(words, False)


def _run(node, flags):
    mounts = []
    for text in flags.get("mount", ()):
        try:
            mounts.append(parse_mount(text))
        except ValueError as error:
            raise node.error(*error.args) from None
    for name, known in (("network", NETWORKS), ("security", SECURITIES)):
        if name in flags and flags[name] not in known:
            raise node.error("unknown --%s=%s" % (name, flags[name]), "--" + name, "use one of %s" % ", ".join(known))
    command = _command(node, _needed(node))
    if not command.words:
        raise node.error("RUN has nothing to run", node.arguments)
    return model.Run(node, command, tuple(mounts), tuple(flags.get("mount", ())), flags.get("network", "default"),
                     flags.get("security", "sandbox"))


def _copy(node, flags):
    words = _json(node, node.arguments)
    words = tuple(node.arguments.split()) if words is None else words
    if len(words) < 2:
        raise node.error("%s needs at least one source and a destination" % node.keyword)
    contents = {each.name: each for each in node.heredocs}
    if node.heredocs and heredoc_of(words[-1]):
        raise node.error("a here-document cannot be a destination", words[-1])
    sources, documents = [], []
    for word in words[:-1]:
        found = heredoc_of(word) if node.heredocs else None
        if found and found.name in contents:
            documents.append(contents[found.name])
        else:
            sources.append(word)
    if "$" in flags.get("from", ""):
        raise node.error("--from cannot hold a variable", "--from", "define a stage with FROM, which can, and name that")
    if flags.get("from") and documents:
        raise node.error("a here-document does not go with --from", "--from")
    return model.Copy(
        node, tuple(sources), words[-1], tuple(documents), flags.get("from", ""), flags.get("chown", ""), flags.get("chmod", ""),
        flags.get("link", False), flags.get("parents", False), tuple(flags.get("exclude", ())), flags.get("checksum", ""),
        flags.get("keep-git-dir"), flags.get("unpack"))


def _exec(kind):
    def build(node, unused):
        return kind(node, _command(node, _needed(node)))
    return build


def _expose(node, unused):
    return model.Expose(node, tuple(sorted(_needed(node).split())))


def _volume(node, unused):
    words = _json(node, _needed(node))
    paths = tuple(each.strip() for each in (node.arguments.split() if words is None else words))
    if not all(paths) or not paths:
        raise node.error("VOLUME holds an empty path", node.arguments)
    return model.Volume(node, paths)


def _simple(node, unused):
    return model.Simple(node, _needed(node))


def _time(node, name, text):
    position, total = 0, Fraction(0)
    while position < len(text):
        match = _TIME.match(text, position)
        if match is None or len(match.group(1)) > 20:
            break
        total += Fraction(match.group(1).strip(".") if match.group(1).endswith(".") else "0" + match.group(1)) * _UNITS[match.group(2)]
        position = match.end()
    if text != "0" and (not text or position < len(text)):
        raise node.error("--%s: %r is not a duration" % (name, text), "--" + name, "write it as 30s, 1m30s or 500ms")
    total = int(total)
    if 0 < total < SHORTEST:
        raise node.error("--%s: %s is shorter than 1ms" % (name, text), "--" + name)
    return total or None


def _healthcheck(node, flags):
    kind, unused, rest = re.match(r"(\S*)(\s*)(.*)", _needed(node), re.DOTALL).groups()
    kind = kind.upper()
    if kind == "NONE":
        if rest or flags:
            raise node.error("HEALTHCHECK NONE takes no arguments", rest)
        return model.Healthcheck(node, ("NONE",))
    if kind != "CMD":
        raise node.error("unknown type %r of a health check" % kind, node.arguments.split()[0], "write HEALTHCHECK CMD or HEALTHCHECK NONE")
    words = _json(node, rest)
    test = ("CMD-SHELL", rest) if words is None else ("CMD",) + words
    if not rest or (not words and words is not None):
        raise node.error("HEALTHCHECK CMD has no command", node.arguments)
    times = [_time(node, name, flags[name]) if name in flags else None for name in _TIMES if name != "retries"]
    retries = flags.get("retries")
    if retries is not None and not (retries.isascii() and retries.isdigit() and len(retries) < 10):
        raise node.error("--retries: %r is not a number of failed checks" % retries, "--retries")
    return model.Healthcheck(node, test, *times, int(retries) or None if retries else None)


def _shell(node, unused):
    words = _json(node, node.arguments)
    if not words:
        raise node.error("SHELL needs a JSON list of words", node.arguments or None, 'write SHELL ["/bin/sh", "-c"]')
    return model.Shell(node, words)


def _check_trigger(node, keyword):
    if keyword == "ONBUILD":
        raise node.error("ONBUILD cannot trigger ONBUILD")
    if keyword in ("FROM", "MAINTAINER"):
        raise node.error("%s cannot be a trigger of ONBUILD" % keyword, keyword)


def _on_build(node, unused):
    text = _needed(node)
    _check_trigger(node, text.split()[0].upper())
    whole = text + "".join("\n" + each.content + each.name for each in node.heredocs)
    # read now what would fail only in the build of somebody else
    inner = parse_line(whole, node.file, node.escape, line=node.start_line)
    instruction(inner.replace(original=node.original))
    return model.OnBuild(node, whole)


_TEXT = {"chown": str, "chmod": str, "link": bool, "exclude": list}
_TIMES = {"interval": str, "timeout": str, "start-period": str, "start-interval": str, "retries": str}
_KNOWN = {
    "FROM": (_from, {"platform": str}), "ARG": (_arg, {}), "ENV": (_pairs(model.Env), {}), "LABEL": (_pairs(model.Label), {}),
    "RUN": (_run, {"mount": list, "network": str, "security": str}),
    "COPY": (_copy, {**_TEXT, "from": str, "parents": bool}),
    "ADD": (_copy, {**_TEXT, "checksum": str, "keep-git-dir": bool, "unpack": bool}),
    "CMD": (_exec(model.Cmd), {}), "ENTRYPOINT": (_exec(model.Entrypoint), {}), "EXPOSE": (_expose, {}), "VOLUME": (_volume, {}),
    "MAINTAINER": (_simple, {}), "USER": (_simple, {}), "WORKDIR": (_simple, {}), "STOPSIGNAL": (_simple, {}),
    "HEALTHCHECK": (_healthcheck, _TIMES), "SHELL": (_shell, {}), "ONBUILD": (_on_build, {}),
}
KEYWORDS = tuple(_KNOWN)
