# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine on the host: supervisors and the host command run from a copy of this package, installed once by the hash of its content.

A module's payload is gone when the module ends, so what outlives it must not import from there. ``engine/<hash>/agentless_engine`` is the
package, byte-compiled; ``engine/<hash>/agentless`` a script that finds it. ``engine/current`` points to the newest one installed. The
modules' glue lies beside it, for modules that start from byte code (module/warm.py); ``manifest`` tells CRC-32 and size of every file.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import secrets
import sys
import zlib

from ..state import make_directory, write_bytes

PACKAGE = "agentless_engine"
SCRIPT = "agentless"
GLUE = "module"
MANIFEST = "manifest"
_FOLDERS = {"engine": PACKAGE, "module": GLUE}
_SCRIPT_TEXT = '''import sys
sys.path.insert(0, %r)
if sys.argv[1:2] == ["supervisor"]:
    from agentless_engine.supervisor.main import main
else:
    from agentless_engine.cli.main import main
main(sys.argv)
'''


def sources():
    """dict of path below ``engine/<hash>`` -> bytes of every Python file: the engine, and the modules' glue that came with it.

    They come from a folder, or from the zip that Ansible ships.
    """
    package = importlib.import_module(__name__.rsplit(".", 2)[0])
    top = os.path.dirname(os.path.abspath(package.__file__))
    archive = getattr(package.__spec__.loader, "archive", None)
    if archive is not None:
        return _from_archive(archive, os.path.dirname(top))
    found = {}
    for folder, name in _FOLDERS.items():
        found.update(_from_folder(os.path.join(os.path.dirname(top), folder), name))
    return found


def _from_folder(top, name):
    found = {}
    for directory, folders, files in os.walk(top):
        folders[:] = sorted(each for each in folders if each != "__pycache__")
        for file in sorted(files):
            if file.endswith(".py"):
                path = os.path.join(directory, file)
                with open(path, "rb") as stream:
                    found[os.path.join(name, os.path.relpath(path, top))] = stream.read()
    return found


def _from_archive(archive, directory):
    import zipfile

    found = {}
    prefix = os.path.relpath(directory, archive) + "/"
    with zipfile.ZipFile(archive) as packed:
        for path in sorted(packed.namelist()):
            folder, unused_sep, rest = path[len(prefix):].partition("/")
            if path.startswith(prefix) and path.endswith(".py") and folder in _FOLDERS:
                found[os.path.join(_FOLDERS[folder], rest)] = packed.read(path)
    return found


def content_hash(files):
    """Hash of names and contents, 16 hexadecimal digits, with the interpreter's version: byte code is made for one."""
    digest = hashlib.sha256(repr(sys.version_info[:3]).encode())
    for name in sorted(files):
        digest.update(b"%s\0%d\0" % (name.encode(), len(files[name])))
        digest.update(files[name])
    return digest.hexdigest()[:16]


def running_from():
    """Directory of the installed engine that this very process runs from, or None."""
    package = __name__.split(".", 1)[0]
    if package != PACKAGE:
        return None
    return os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def install(roots):
    """Install this engine unless it is there. Returns its directory, ``<state>/engine/<hash>``.

    A kill leaves only a temporary directory.
    """
    here = running_from()
    if here is not None:
        return here
    files = sources()
    target = os.path.join(roots.engine, content_hash(files))
    if not os.path.exists(os.path.join(target, SCRIPT)):
        _write(roots, files, target)
    return target


def is_current(roots):
    """Whether ``engine/current`` is this engine."""
    return os.path.realpath(os.path.join(roots.engine, "current")) == os.path.join(os.path.realpath(roots.engine), content_hash(sources()))


def make_current(roots):
    """Install, and point ``engine/current`` to it. Returns the directory."""
    target = install(roots)
    link = os.path.join(roots.engine, "current")
    try:
        if os.readlink(link) == os.path.basename(target):
            return target
    except FileNotFoundError:
        pass
    temporary = "%s.%s" % (link, secrets.token_hex(4))
    os.symlink(os.path.basename(target), temporary)
    os.rename(temporary, link)
    return target


def _write(roots, files, target):
    make_directory(roots.engine, 0o755)
    temporary = os.path.join(roots.engine, ".%s.%s.tmp" % (os.path.basename(target), secrets.token_hex(4)))
    for name, data in files.items():
        path = os.path.join(temporary, name)
        make_directory(os.path.dirname(path), 0o755)
        with open(path, "wb") as stream:
            stream.write(data)
        _compile(path)
    manifest = "".join("%d %d %s\n" % (zlib.crc32(data), len(data), name) for name, data in files.items())
    write_bytes(os.path.join(temporary, MANIFEST), manifest.encode(), 0o644)
    write_bytes(os.path.join(temporary, SCRIPT), (_SCRIPT_TEXT % target).encode(), 0o644)
    try:
        os.rename(temporary, target)
    except OSError:
        import shutil

        shutil.rmtree(temporary, ignore_errors=True)
        if not os.path.exists(os.path.join(target, SCRIPT)):
            raise


def _compile(path):
    import py_compile

    # unchecked: the directory's name is the hash of its content, so no source there ever changes
    py_compile.compile(path, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)


def command(engine, *words, lean=False):
    """argv that runs the installed engine's command line; ``lean`` leaves site-packages out, for a small supervisor."""
    python = sys.executable or "/usr/bin/python3"
    return [python, "-I"] + (["-S"] if lean else []) + [os.path.join(engine, SCRIPT)] + list(words)
