//! How long things may take. Each action has its own deadline, whoever began it.

use std::time::Duration;

/// From the end of its actions until a server is at rest.
pub const REST: Duration = Duration::from_mins(10);
/// Until a snapshot is usable whose action has ended.
pub const SNAPSHOT: Duration = Duration::from_hours(1);
/// How long a resource may be locked while no action is shown for it.
pub const LOCK: Duration = Duration::from_mins(10);
/// How long a server that was switched off is tried to be started.
pub const WAY_BACK: Duration = Duration::from_mins(10);
/// How long a used-up rate limit is waited for. A refused request was surely not carried out.
pub const RATE_LIMIT: Duration = Duration::from_mins(10);

/// How long an action with this command may take.
pub fn of(command: &str) -> Duration {
    match command {
        "create_image" => SNAPSHOT,
        "change_server_type" => Duration::from_mins(20),
        "create_server" | "rebuild_server" | "create_volume" => Duration::from_mins(10),
        "start_server" | "stop_server" | "shutdown_server" | "reboot_server" | "reset_server" => {
            Duration::from_mins(3)
        }
        "set_firewall_rules" | "apply_firewall" => Duration::from_mins(2),
        _ => Duration::from_mins(5),
    }
}
