//! `/proc/sys`: each setting of the file. What only the machine of a container may set is the machine's.

use anyhow::Result;

use super::{Deviation, InForce};
use crate::host::system::System;
use crate::task::kernel_settings::KernelSettings;

pub fn deviations(asked: &InForce, system: &System) -> Result<Vec<Deviation>> {
    let settings = KernelSettings {
        path: asked.path.clone(),
        content: asked.content.clone(),
    };
    let found = settings.deviations(system)?;
    let ours = found.iter().filter(|it| it.is_ours);
    Ok(ours.map(|it| Deviation::unread(it.to_string())).collect())
}
