# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that an installed engine needs, named so that Ansible carries it to the host with the modules that may install it.

Ansible ships what a module imports, wherever the import stands. Nothing here is ever executed. Written by scripts/payload.py;
tests/unit/module/test_payload.py keeps it whole.
"""

from __future__ import annotations


def engine():
    from ..engine import errors, plan, state, third_party

    return errors, plan, state, third_party


def engine_build():
    from ..engine.build import (
        agent,
        cache_mounts,
        chain,
        changes,
        checksum,
        chmod,
        content,
        context,
        copy,
        copying,
        dockerfile,
        expand,
        fetch,
        git,
        history,
        ignorefile,
        instructions,
        isolate,
        lines,
        lint,
        model,
        mount,
        network,
        origin,
        owner,
        parser,
        position,
        records,
        result,
        run,
        run_mounts,
        running,
        scope,
        select,
        settings,
        shell,
        solve,
        squash,
        stage,
        stages,
        substitution,
        unpack,
        view,
        wildcard,
        words,
        workspace,
        writer,
    )

    return (
        agent,
        cache_mounts,
        chain,
        changes,
        checksum,
        chmod,
        content,
        context,
        copy,
        copying,
        dockerfile,
        expand,
        fetch,
        git,
        history,
        ignorefile,
        instructions,
        isolate,
        lines,
        lint,
        model,
        mount,
        network,
        origin,
        owner,
        parser,
        position,
        records,
        result,
        run,
        run_mounts,
        running,
        scope,
        select,
        settings,
        shell,
        solve,
        squash,
        stage,
        stages,
        substitution,
        unpack,
        view,
        wildcard,
        words,
        workspace,
        writer,
    )


def engine_cgroup():
    from ..engine.cgroup import files, manager, setup, stats

    return files, manager, setup, stats


def engine_cgroup_v1():
    from ..engine.cgroup.v1 import blkio, cpu, cpuacct, cpuset, devices, freezer, group, hugetlb, memory, pids

    return blkio, cpu, cpuacct, cpuset, devices, freezer, group, hugetlb, memory, pids


def engine_cgroup_v2():
    from ..engine.cgroup.v2 import cpu, cpuset, devices, freezer, group, hugetlb, io, memory, pids

    return cpu, cpuset, devices, freezer, group, hugetlb, io, memory, pids


def engine_cli():
    from ..engine.cli import build, main

    return build, main


def engine_image():
    from ..engine.image import (
        archive,
        auth,
        cas,
        changes,
        create,
        credential_helper,
        credentials,
        export,
        garbage,
        identify,
        inspect,
        layering,
        layout,
        lease,
        listing,
        logins,
        mirrors,
        proxy,
        pull,
        push,
        registry,
        resolve,
        store,
        sweep,
        tls,
        transport,
        upload,
        verify,
    )

    return (
        archive,
        auth,
        cas,
        changes,
        create,
        credential_helper,
        credentials,
        export,
        garbage,
        identify,
        inspect,
        layering,
        layout,
        lease,
        listing,
        logins,
        mirrors,
        proxy,
        pull,
        push,
        registry,
        resolve,
        store,
        sweep,
        tls,
        transport,
        upload,
        verify,
    )


def engine_layer():
    from ..engine.layer import (
        acl,
        apply,
        bounds,
        branches,
        compress,
        diff,
        finish,
        holes,
        sparse,
        store,
        stream,
        tar,
        tree,
        whiteout,
        write,
        xattrs,
    )

    return acl, apply, bounds, branches, compress, diff, finish, holes, sparse, store, stream, tar, tree, whiteout, write, xattrs


def engine_linux():
    from ..engine.linux import bpf, calls, consts, features, netns, zstd

    return bpf, calls, consts, features, netns, zstd


def engine_net():
    from ..engine.net import attach, bridge, driver, inspect, ipam, leases, names, netlink, network, ports, store, sysctl, veth

    return attach, bridge, driver, inspect, ipam, leases, names, netlink, network, ports, store, sysctl, veth


def engine_net_firewall():
    from ..engine.net.firewall import conntrack, foreign, generation, nftables, ruleset

    return conntrack, foreign, generation, nftables, ruleset


def engine_reconcile():
    from ..engine.reconcile import (
        cgroup,
        container,
        container_actions,
        container_commit,
        container_exec,
        container_export,
        engine,
        host,
        image,
        image_build,
        image_create,
        image_export,
        login,
        network,
        prune,
        prune_actions,
        prune_filters,
        prune_inventory,
        volume,
    )

    return (
        cgroup,
        container,
        container_actions,
        container_commit,
        container_exec,
        container_export,
        engine,
        host,
        image,
        image_build,
        image_create,
        image_export,
        login,
        network,
        prune,
        prune_actions,
        prune_filters,
        prune_inventory,
        volume,
    )


def engine_rootfs():
    from ..engine.rootfs import devices, mounts, overlay, path

    return devices, mounts, overlay, path


def engine_runtime():
    from ..engine.runtime import (
        bundle,
        commit,
        container,
        copyup,
        create,
        delete,
        exec,  # noqa: A004
        execute,
        identity,
        init,
        inspect,
        installed,
        kill,
        launch,
        logs,
        prepare,
        restore,
        sandbox,
        start,
        sync,
    )

    return (
        bundle,
        commit,
        container,
        copyup,
        create,
        delete,
        exec,
        execute,
        identity,
        init,
        inspect,
        installed,
        kill,
        launch,
        logs,
        prepare,
        restore,
        sandbox,
        start,
        sync,
    )


def engine_security():
    from ..engine.security import capabilities, paths, rlimits, seccomp, seccomp_default, seccomp_profile

    return capabilities, paths, rlimits, seccomp, seccomp_default, seccomp_profile


def engine_spec():
    from ..engine.spec import container, devices, document, image, network, reference, resources, rlimit, runtime, volume

    return container, devices, document, image, network, reference, resources, rlimit, runtime, volume


def engine_supervisor():
    from ..engine.supervisor import log, main, probe, teardown, watch

    return log, main, probe, teardown, watch


def engine_volume():
    from ..engine.volume import store

    return (store,)


def glue():
    from . import (
        argspec,
        cgroup,
        container,
        container_arguments,
        container_commit,
        container_comparisons,
        container_conditions,
        container_diff,
        container_exec,
        container_export,
        container_health,
        container_info,
        container_isolation,
        container_limits,
        container_networks,
        container_process,
        engine,
        host_info,
        image,
        image_build,
        image_build_arguments,
        image_export,
        image_import,
        image_info,
        image_layer,
        image_load,
        image_options,
        image_pull,
        image_push,
        image_remove,
        image_search,
        image_tag,
        login,
        network,
        network_info,
        prune,
        run,
        start,
        volume,
        volume_info,
        warm,
    )

    return (
        argspec,
        cgroup,
        container,
        container_arguments,
        container_commit,
        container_comparisons,
        container_conditions,
        container_diff,
        container_exec,
        container_export,
        container_health,
        container_info,
        container_isolation,
        container_limits,
        container_networks,
        container_process,
        engine,
        host_info,
        image,
        image_build,
        image_build_arguments,
        image_export,
        image_import,
        image_info,
        image_layer,
        image_load,
        image_options,
        image_pull,
        image_push,
        image_remove,
        image_search,
        image_tag,
        login,
        network,
        network_info,
        prune,
        run,
        start,
        volume,
        volume_info,
        warm,
    )
