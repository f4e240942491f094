# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text of a Dockerfile -> nodes, one an instruction: directives, comments, continued lines, flags and here-documents."""

from __future__ import annotations

import re
from typing import Tuple

from ..spec.document import Document, document
from .position import DockerfileError, locate
from .shell import Lexer, WordError, is_space
from .words import flags_of, json_strings

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*", re.ASCII)
_HEREDOC = re.compile(r"([0-9]*)<<(-?)([^<]*)", re.DOTALL)
_BLANKS = re.compile(r"[\t\v\f\r ]+")
_DIRECTIVES = ("syntax", "escape", "check")
_WITH_HEREDOCS = ("ADD", "COPY", "RUN")


@document
class Heredoc(Document):
    """A here-document.

    :param expand: no part of the delimiter was quoted, so that variables count.
    :param strip_tabs: written ``<<-``.
    :param content: as it stands in the file, every line with its end.
    """

    name: str
    expand: bool = True
    strip_tabs: bool = False
    descriptor: int = 0
    content: str = ""

    @property
    def text(self):
        """The content without the tabs that ``<<-`` strips."""
        return re.sub(r"(?m)^\t+", "", self.content) if self.strip_tabs else self.content


@document
class Node(Document):
    """One instruction as it was written.

    :param keyword: in capitals, e.g. ``RUN``; not necessarily one that exists.
    :param flags: ``--name=value`` in front of the arguments, without quotes.
    :param arguments: the text behind the flags, continued lines joined.
    :param text: the joined line.
    :param original: the lines of the file, here-documents included.
    :param comments: the lines of the comment right above.
    """

    NESTED = {"heredocs": Heredoc}

    file: str
    start_line: int
    end_line: int
    keyword: str
    arguments: str = ""
    flags: Tuple[str, ...] = ()
    text: str = ""
    original: str = ""
    escape: str = "\\"
    heredocs: Tuple[Heredoc, ...] = ()
    comments: Tuple[str, ...] = ()

    def error(self, reason, token=None, hint=None):
        """The DockerfileError of this instruction; the caret stands below ``token`` or the keyword."""
        return _error(reason, self.file, self.start_line, self.original.split("\n"), token, hint)


@document
class Syntax(Document):
    """A whole Dockerfile.

    :param directives: (name, value) of the parser directives.
    :param blank_continuations: numbers of blank lines inside continued ones, which are deprecated.
    """

    NESTED = {"nodes": Node}

    file: str
    escape: str
    nodes: Tuple[Node, ...]
    directives: Tuple[Tuple[str, str], ...] = ()
    blank_continuations: Tuple[int, ...] = ()


def parse(source, file="Dockerfile"):
    """The Syntax of a Dockerfile.

    :param source: its text, or its bytes in UTF-8.
    :raises DockerfileError: and nothing else.
    """
    lines = _decoded(source, file).split("\n")
    ends = ["\n"] * (len(lines) - 1) + [""]
    if lines and not lines[-1]:
        del lines[-1]
    directives = _directives(lines, file)
    reader = _Reader(file, lines, ends, dict(directives).get("escape", "\\"))
    reader.index = len(directives)
    nodes = tuple(reader.nodes())
    if not nodes:
        raise DockerfileError("the file has no instructions", file, max(len(lines), 1), hint="begin with FROM")
    return Syntax(file, reader.escape, nodes, directives, tuple(reader.blanks))


def parse_line(text, file="ONBUILD", escape="\\", comments=(), line=1):
    """The Node of a single instruction, such as a trigger of ONBUILD that an image carries, with its here-documents."""
    lines = text.split("\n")
    reader = _Reader(file, lines, ["\n"] * len(lines), escape)
    nodes = list(reader.nodes())
    if len(nodes) != 1:
        raise _error("is not exactly one instruction", file, line, lines, None, None)
    return nodes[0].replace(start_line=line, end_line=line + len(lines) - 1, comments=tuple(comments))


def heredoc_of(word):
    """The Heredoc (without content) that a word such as ``<<-"EOF"`` asks for, or None."""
    match = _HEREDOC.fullmatch(word)
    if match is None or not match.group(3):
        return None
    try:
        bare = Lexer(keep_unset=True).words(match.group(3), {})
        kept = Lexer(keep_unset=True, keep_quotes=True, keep_escapes=True).words(match.group(3), {})
    except WordError:
        return None
    if len(bare) != 1:
        return None
    return Heredoc(bare[0], bare == kept, match.group(2) == "-", int(match.group(1)[-9:] or 0))


def _decoded(source, file):
    if isinstance(source, bytes):
        try:
            source = source.decode("utf-8")
        except UnicodeDecodeError as error:
            number = source.count(b"\n", 0, error.start) + 1
            raise DockerfileError("the file is not UTF-8: byte 0x%02x" % source[error.start], file, number) from None
    return source.removeprefix("\ufeff")


def _directives(lines, file):
    found = {}
    for number, line in enumerate(lines, 1):
        line = line.rstrip("\r")
        match = _DIRECTIVE.fullmatch(_left(line))
        name = match.group(1).lower() if match else None
        if name not in _DIRECTIVES:
            break
        if name in found:
            raise _error("only one %s directive can be used" % name, file, number, [line], None, None)
        value = match.group(2)
        if name == "escape" and value not in ("\\", "`"):
            raise _error("escape character %r is neither \\ nor `" % value, file, number, [line], value, None)
        found[name] = value
    return tuple(found.items())


def _left(line):
    start = 0
    while start < len(line) and is_space(line[start]):
        start += 1
    return line[start:]


def _error(reason, file, first, lines, token, hint):
    number, column, width = locate(lines, token)
    text = lines[number].rstrip("\r") if lines else ""
    return DockerfileError(reason, file, first + number, column, width, text, hint)


class _Reader:
    def __init__(self, file, lines, ends, escape):
        self.file = file
        self.lines = lines
        self.ends = ends
        self.escape = escape
        self.index = 0
        self.blanks = []
        # an escaped escape character at the end continues nothing
        mark = re.escape(escape)
        self._continued = re.compile(r"(?:^|(?<=[^%s]))%s[ \t]*\Z" % (mark, mark))

    def nodes(self):
        comments = []
        while self.index < len(self.lines):
            first = self.index
            line = _left(self.lines[first].rstrip("\r"))
            self.index += 1
            if line.startswith("#"):
                comment = line[1:].strip()
                comments = comments + [comment] if comment else []
            elif line:
                node = self.node(first, self.logical(line), tuple(comments))
                comments = []
                yield node

    def logical(self, line):
        """The line with all that continue it."""
        parts = []
        line, more = self.cut(line)
        parts.append(line)
        while more and self.index < len(self.lines):
            line = self.lines[self.index].rstrip("\r")
            self.index += 1
            rest = _left(line)
            if not rest:
                self.blanks.append(self.index)
            elif not rest.startswith("#"):
                line, more = self.cut(line)
                parts.append(line)
        return "".join(parts)

    def cut(self, line):
        match = self._continued.search(line)
        return (line[:match.start()], True) if match else (line, False)

    def node(self, first, line, comments):
        words = _BLANKS.split(line.strip(), maxsplit=1)
        if not words[0]:
            raise self.failure("the line continues, but nothing follows", first, None)
        flags, rest = flags_of(words[1], self.escape) if len(words) > 1 else ((), "")
        keyword = words[0].upper()
        heredocs = self.heredocs(first, line) if self.takes_heredocs(keyword, rest) else ()
        lines = [each.rstrip("\r") for each in self.lines[first:self.index]]
        return Node(self.file, first + 1, self.index, keyword, rest, flags, line, "\n".join(lines), self.escape, heredocs, comments)

    def takes_heredocs(self, keyword, rest):
        while keyword == "ONBUILD":
            words = _BLANKS.split(rest, maxsplit=1)
            keyword = words[0].upper()
            rest = flags_of(words[1], self.escape)[1] if len(words) > 1 else ""
        return keyword in _WITH_HEREDOCS and "<<" in rest and not json_strings(rest)

    def heredocs(self, first, line):
        try:
            words = Lexer(keep_unset=True, keep_quotes=True, keep_escapes=True).words(line, {})
        except WordError:
            return ()
        return tuple(self.heredoc(first, word, found) for word, found in ((word, heredoc_of(word)) for word in words) if found)

    def heredoc(self, first, word, found):
        content = []
        while self.index < len(self.lines):
            line, end = self.lines[self.index], self.ends[self.index]
            self.index += 1
            bare = line.rstrip("\r")
            if (bare.lstrip("\t") if found.strip_tabs else bare) == found.name:
                return found.replace(content="".join(content))
            content.append(line + end)
        raise self.failure("the here-document is not closed", first, word, "end it with a line that says %s and nothing else" % found.name)

    def failure(self, reason, first, token, hint=None):
        return _error(reason, self.file, first + 1, self.lines[first:self.index], token, hint)
