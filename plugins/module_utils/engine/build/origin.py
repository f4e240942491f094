# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stage begins with: an image of the store, pulled if need be, or nothing."""

from __future__ import annotations

import copy
import os
import threading

from ..errors import NotFound, Unsupported
from ..image import create, pull
from ..image.store import ImageStore
from ..spec.image import parse_platform, platform_of
from ..spec.reference import Reference
from .chain import Tip
from .stages import SCRATCH

PREFIX = "docker-image://"


class Start:
    """Configuration document (dict) and Tip of a base; ``tip`` None: the image is not here and a dry run brings none.

    :param key: what cache keys begin with: the content of the base, not its name.
    """

    def __init__(self, config, tip, key):
        self.config = config
        self.tip = tip
        self.key = key


class Bases:
    """Base images of one build; every reference is looked up once."""

    def __init__(self, roots, settings, finisher, dry):
        self._roots = roots
        self._settings = settings
        self._finisher = finisher
        self._dry = dry
        self._store = ImageStore(roots)
        self.pulls = []
        self._known = {}
        self._guard = threading.Lock()

    def platform(self, text=None):
        """The Platform that a base must be of."""
        text = text or self._settings.platform
        return parse_platform(text) if text else platform_of(os.uname().machine)

    def start(self, name, platform=None):
        """The Start of an image reference, an image ID or ``scratch``.

        :raises NotFound, Denied, Unreachable: it can't be had.
        """
        with self._guard:
            key = (name, platform)
            if key not in self._known:
                self._known[key] = self._start(name, platform)
            found = self._known[key]
            return Start(copy.deepcopy(found.config), found.tip, found.key)

    def _start(self, name, platform):
        if name == SCRATCH:
            config = create.new_config(self.platform(platform))
            # as BuildKit begins an empty image
            config["config"] = {**(config.get("config") or {}), "WorkingDir": "/"}
            return Start(config, Tip(), "scratch")
        name = name.removeprefix(PREFIX)
        image = self._image(name, platform or self._settings.platform)
        if image is None:
            return Start(create.new_config(self.platform(platform)), None, "unknown")
        if image.config.os not in ("", "linux"):
            raise Unsupported("image %s is for %s" % (name, image.config.os), "give a base for linux")
        tip = self._finisher.of_image(image) if not self._dry else self._finisher.of_unpacked(image)
        if tip is None:
            return Start(self._store.config_document(image.manifest), None, "unknown")
        return Start(self._store.config_document(image.manifest), tip, "base:" + (tip.chain_id() or image.id))

    def _image(self, name, platform):
        image = self._store.find(name)
        if image is not None and (name.startswith("sha256:") or image.id.partition(":")[2].startswith(name)):
            return image
        fits = image is not None and pull.suits(image, platform)
        if fits and not self._settings.pull:
            return image
        reference = Reference.parse(name, "FROM")
        if self._dry:
            present, coming = pull.preview(self._roots, reference, self._settings.registry, platform)
            if present == coming:
                return image
            self.pulls.append(reference.familiar)
            return None
        try:
            result = pull.pull(self._roots, reference, self._settings.registry, platform)
        except NotFound:
            if image is not None and fits:
                # made on this host and never pushed
                return image
            raise
        if result.changed:
            self.pulls.append(reference.familiar)
        return result.image
