//! Real machines: an overlay of the image, their own network, systemd as PID 1.

mod bootstrap;
pub mod cgroup;
pub mod firewall;
mod handle;
mod lifecycle;
pub mod network;
mod overlay;
pub mod passage;
pub mod private;
mod process;
mod seed;
pub mod settings;
pub mod snapshot;
pub mod supervise;
pub mod volume;

pub use bootstrap::Bootstrap;
pub use handle::Machine;
