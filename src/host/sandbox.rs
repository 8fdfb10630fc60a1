//! What the processes of a host can do, whatever they were made to do: directives as a unit file has them and
//! `systemd-run --property` takes them. Each list stands here once, and templates see it as `sandbox` and `hardening`.

use super::own;
use crate::core::app_profile::AppProfile;

/// systemd.exec(5): what no service needs, neither the app's nor the tool's own nor those of nginx and `PostgreSQL`.
pub const HARDENING: [&str; 15] = [
    "NoNewPrivileges=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectClock=yes",
    "ProtectHostname=yes",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
];

/// What the app needs neither, nor anything that runs its binary.
const OF_THE_APP: [&str; 13] = [
    "TasksMax=256",
    "LimitNOFILE=65536",
    "UMask=0077",
    "CapabilityBoundingSet=",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "ProcSubset=pid",
    "RemoveIPC=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
    "MemoryDenyWriteExecute=yes",
    "SystemCallFilter=~@privileged @resources",
];

/// Where a cloud tells a server of itself, its user data included.
const METADATA: &str = "IPAddressDeny=169.254.169.254";

/// The dead man's switch puts back files wherever they are, and the firewall.
pub const OF_THE_SWITCH: [&str; 3] = [
    "MemoryDenyWriteExecute=yes",
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "CapabilityBoundingSet=CAP_SETUID CAP_SETGID CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_NET_ADMIN CAP_NET_RAW",
];

/// For every process of the app's binary: the unit of a slot gets it from its template, and whatever else runs the binary is a
/// transient unit (`Cmd::in_sandbox`).
pub fn of_app(app: &AppProfile) -> Vec<String> {
    let all = HARDENING.iter().chain(&OF_THE_APP).chain([&METADATA]);
    let closed = closed(app).into_iter();
    all.map(|property| (*property).to_owned())
        .chain(closed.map(|path| format!("InaccessiblePaths=-{path}")))
        .collect()
}

/// What no process of the app has any use for, whoever owns it.
fn closed(app: &AppProfile) -> Vec<String> {
    let own = [
        app.backups(),
        app.incoming(),
        app.repository(),
        own::STATE.to_owned(),
        own::CERTIFICATES.to_owned(),
    ];
    let others = ["/etc/pgbackrest", "/var/lib/postgresql", "/root"];
    let others = others.iter().map(|path| (*path).to_owned());
    own.into_iter().chain(others).collect()
}
