//! A file on a disk that the database needs too: what is written there never takes the last of it.

use std::fs::File;
use std::io::{self, Write};

use nix::sys::statvfs::fstatvfs;

/// How much of a disk stays free, in per cent. As much as ext4 keeps for root (mke2fs(8), `-m`): we are root and could take
/// even that, while PostgreSQL, which stops without room for its WAL, is not and could not.
pub const FREE_PERCENT: u64 = 5;

/// Bytes between two looks at the disk.
const STRIDE: u64 = 1 << 20;

/// Refuses with [`io::ErrorKind::StorageFull`] while the disk has less free than it should.
pub struct DiskReserve {
    file: File,
    since_look: u64,
}

impl DiskReserve {
    /// # Errors
    /// When the disk has less free than it should already.
    pub fn new(file: File) -> io::Result<Self> {
        has_room(&file)?;
        Ok(Self {
            file,
            since_look: 0,
        })
    }

    /// Brings all of it to the disk.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }
}

impl Write for DiskReserve {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.since_look >= STRIDE {
            has_room(&self.file)?;
            self.since_look = 0;
        }
        let length = self.file.write(bytes)?;
        self.since_look += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn has_room(file: &File) -> io::Result<()> {
    let disk = fstatvfs(file)?;
    if is_spared(disk.blocks_available(), disk.blocks()) {
        return Ok(());
    }
    let message = format!(
        "less than {FREE_PERCENT} % of its disk is free, which is reserved for the database"
    );
    Err(io::Error::new(io::ErrorKind::StorageFull, message))
}

fn is_spared(free: u64, all: u64) -> bool {
    u128::from(free) * 100 >= u128::from(all) * u128::from(FREE_PERCENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_twentieth_of_a_disk_is_left_alone() {
        assert!(is_spared(50, 1000) && is_spared(u64::MAX, u64::MAX));
        assert!(!is_spared(49, 1000) && !is_spared(0, 1000));
    }
}
