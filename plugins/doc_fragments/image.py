# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that modules which make images share (module_utils/module/image_options.py)."""

from __future__ import annotations


class ModuleDocFragment:
    """The defaults that containers of the image take."""

    DOCUMENTATION = r"""
options:
  cmd:
    description:
      - What a container of the image runs, as a list, or as a string that is split into words as a shell would.
      - Where O(entrypoint) is given and this is not, a command of the base is dropped, as in a Dockerfile.
    type: raw
    aliases:
      - command
  entrypoint:
    description: Entry point, as a list, or as a string that is split into words as a shell would.
    type: raw
  env:
    description:
      - Environment variables. They are added to those of the base.
      - Quote values that YAML would take for something else than a string.
    type: dict
  exposed_ports:
    description: Ports that the image declares, as V(80), V(53/udp) or V(8000-8010/tcp). They are added to those of the base.
    type: list
    elements: str
    aliases:
      - exposed
      - expose
  labels:
    description: Labels. They are added to those of the base.
    type: dict
  workdir:
    description: Working directory of the command, an absolute path.
    type: str
    aliases:
      - working_dir
  user:
    description: User, and after a colon group, by name or number, that the command runs as.
    type: str
  volumes:
    description: Absolute paths that get a volume of their own in each container. They are added to those of the base.
    type: list
    elements: str
  healthcheck:
    description: How to find out whether a container of the image is healthy.
    type: dict
    suboptions:
      test:
        description:
          - Command, as a list or as a line for the container's shell.
          - V(NONE) switches the health check of the base off.
        type: raw
      interval:
        description: Time from one check to the next, as V(30s) or V(1m30s).
        type: str
      timeout:
        description: Time after which a check has failed.
        type: str
      start_period:
        description: Time after the start in which a failed check does not count.
        type: str
      start_interval:
        description: Time from one check to the next during O(healthcheck.start_period).
        type: str
      retries:
        description: Failed checks in a row after which the container is unhealthy.
        type: int
  stop_signal:
    description: Signal that asks the command to stop, as V(SIGTERM).
    type: str
  changes:
    description:
      - The same in the words of a Dockerfile, one instruction a line, as V(CMD ["nginx"]).
      - Taken are C(CMD), C(ENTRYPOINT), C(ENV), C(EXPOSE), C(HEALTHCHECK), C(LABEL), C(ONBUILD), C(SHELL), C(STOPSIGNAL), C(USER),
        C(VOLUME) and C(WORKDIR).
      - They are read as in a Dockerfile, and variables such as C($PATH) have the values that the base gives them.
      - The options above win.
    type: list
    elements: str
  platform:
    description: What the image is for, as V(linux/arm64). The default is that of this host. A base keeps its own.
    type: str
"""
