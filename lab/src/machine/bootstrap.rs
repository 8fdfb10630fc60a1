//! What a machine is given once, when it is made.

use serde::{Deserialize, Serialize};

/// The name, keys, user data and size of a new machine.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Bootstrap {
    pub id: u64,
    pub name: String,
    pub public_keys: Vec<String>,
    pub user_data: String,
    pub root_password: Option<String>,
    pub memory_bytes: u64,
    /// The last byte of its public address.
    pub host: Option<u8>,
    /// The API's id of the image that its disk is copied from; `None` for a new disk.
    pub snapshot: Option<u64>,
}
