# Copyright: (c) 2026, the agentless.containers authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that an installed engine needs, named so that Ansible carries it to the host with the modules that may install it.

Ansible ships what a module imports, wherever the import stands. Nothing here is ever executed; tests/unit/module/test_payload.py keeps it whole.
"""

from __future__ import annotations


def everything():
    """Never called."""
    from ..engine import (  # noqa: F401
        errors as errors,
        plan as plan,
        state as state,
        third_party as third_party,
    )
    from ..engine.cgroup import (  # noqa: F401
        files as cgroup_files,
        manager as cgroup_manager,
        setup as cgroup_setup,
        stats as cgroup_stats,
    )
    from ..engine.cgroup.v1 import (  # noqa: F401
        blkio as cgroup_v1_blkio,
        cpu as cgroup_v1_cpu,
        cpuacct as cgroup_v1_cpuacct,
        cpuset as cgroup_v1_cpuset,
        freezer as cgroup_v1_freezer,
        group as cgroup_v1_group,
        hugetlb as cgroup_v1_hugetlb,
        memory as cgroup_v1_memory,
        pids as cgroup_v1_pids,
    )
    from ..engine.cgroup.v2 import (  # noqa: F401
        cpu as cgroup_v2_cpu,
        cpuset as cgroup_v2_cpuset,
        freezer as cgroup_v2_freezer,
        group as cgroup_v2_group,
        hugetlb as cgroup_v2_hugetlb,
        io as cgroup_v2_io,
        memory as cgroup_v2_memory,
        pids as cgroup_v2_pids,
    )
    from ..engine.cli import (  # noqa: F401
        main as cli_main,
    )
    from ..engine.image import (  # noqa: F401
        auth as image_auth,
        cas as image_cas,
        changes as image_changes,
        create as image_create,
        inspect as image_inspect,
        layout as image_layout,
        pull as image_pull,
        push as image_push,
        registry as image_registry,
        store as image_store,
        transport as image_transport,
        verify as image_verify,
    )
    from ..engine.layer import (  # noqa: F401
        apply as layer_apply,
        diff as layer_diff,
        store as layer_store,
        stream as layer_stream,
        tar as layer_tar,
        whiteout as layer_whiteout,
        write as layer_write,
    )
    from ..engine.linux import (  # noqa: F401
        calls as linux_calls,
        consts as linux_consts,
        features as linux_features,
        netns as linux_netns,
    )
    from ..engine.net import (  # noqa: F401
        attach as net_attach,
        bridge as net_bridge,
        driver as net_driver,
        inspect as net_inspect,
        ipam as net_ipam,
        leases as net_leases,
        names as net_names,
        netlink as net_netlink,
        network as net_network,
        ports as net_ports,
        store as net_store,
        sysctl as net_sysctl,
        veth as net_veth,
    )
    from ..engine.net.firewall import (  # noqa: F401
        generation as net_firewall_generation,
        nftables as net_firewall_nftables,
        ruleset as net_firewall_ruleset,
    )
    from ..engine.reconcile import (  # noqa: F401
        cgroup as reconcile_cgroup,
        container as reconcile_container,
        container_actions as reconcile_container_actions,
        container_exec as reconcile_container_exec,
        engine as reconcile_engine,
        host as reconcile_host,
        network as reconcile_network,
        volume as reconcile_volume,
    )
    from ..engine.rootfs import (  # noqa: F401
        devices as rootfs_devices,
        mounts as rootfs_mounts,
        overlay as rootfs_overlay,
        path as rootfs_path,
    )
    from ..engine.runtime import (  # noqa: F401
        bundle as runtime_bundle,
        container as runtime_container,
        copyup as runtime_copyup,
        create as runtime_create,
        delete as runtime_delete,
        exec as runtime_exec,
        identity as runtime_identity,
        init as runtime_init,
        inspect as runtime_inspect,
        installed as runtime_installed,
        kill as runtime_kill,
        launch as runtime_launch,
        logs as runtime_logs,
        prepare as runtime_prepare,
        restore as runtime_restore,
        sandbox as runtime_sandbox,
        start as runtime_start,
        sync as runtime_sync,
    )
    from ..engine.security import (  # noqa: F401
        capabilities as security_capabilities,
        paths as security_paths,
        rlimits as security_rlimits,
        seccomp as security_seccomp,
        seccomp_default as security_seccomp_default,
        seccomp_profile as security_seccomp_profile,
    )
    from ..engine.spec import (  # noqa: F401
        container as spec_container,
        document as spec_document,
        image as spec_image,
        network as spec_network,
        reference as spec_reference,
        resources as spec_resources,
        runtime as spec_runtime,
        volume as spec_volume,
    )
    from ..engine.supervisor import (  # noqa: F401
        log as supervisor_log,
        main as supervisor_main,
        probe as supervisor_probe,
        teardown as supervisor_teardown,
        watch as supervisor_watch,
    )
    from ..engine.volume import (  # noqa: F401
        store as volume_store,
    )
