//! Values that cannot be wrong. Each is parsed once, from a file or from the wire, and refuses what it is not with a
//! sentence that can stand after the name of a key: "must be a number from 1 to 65535".

mod text;

mod clock;
mod money;
mod name;
mod net;
mod number;
mod place;
mod program;
mod steering;
mod stored;
mod version;

pub use clock::{DayAndTime, TimeOfDay};
pub use money::Money;
pub use name::{DatabaseName, HostName, RoleName, StackName, Variable, Word};
pub use net::{Address, Cidr, Domain, Email, HostKey, Login, PrivateNetwork};
pub use number::{Port, WholeNumber, two_readings};
pub use place::HttpUrl;
pub use program::{Argument, Flag, HostPath, InnerPath, Route, SystemName, TextLine};
pub use steering::steers_programs;
pub use stored::{
    BackupName, EntryName, FileName, KeyId, ReleaseId, RunId, Sha256, SlotName, checked,
    checked_each, checked_if_any, checked_names,
};

pub use version::ToolVersion;

#[cfg(test)]
mod tests;
