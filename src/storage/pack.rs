//! How content is made small for its way: gzip for a host that has nothing of ours yet, zstd
//! between two of us, and as a patch where both sides hold something that it is like.

use std::io::{Read, Write};

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use zstd::stream::{read::Decoder, write::Encoder};

/// Chosen by measurement (docs/decisions/0009-transfer.md): beyond 9 whole content takes seconds
/// more for a hundredth less; a patch becomes a third smaller by 12, and takes seconds from 13.
const WHOLE: i32 = 9;
const PATCH: i32 = 12;

/// Windows in powers of two: the smallest of zstd, and the largest that its decoder takes without
/// being told, which holds the memory on a host below 128 MB.
const WINDOWS: std::ops::RangeInclusive<u32> = 10..=27;

/// gzip, because every host can unpack it before anything of ours is there.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// Packs content, with what the other side has already as its base. An empty base is none.
pub fn pack(bytes: &[u8], base: &[u8]) -> Result<Vec<u8>> {
    within(bytes, base, window(bytes.len().max(base.len())))
}

/// The inverse, over the same base. What unpacks to another length than `length` is refused before
/// it takes more memory than that.
///
/// # Errors
/// When the packed bytes are torn, or were made over another base. Not every change of a base can be
/// seen here: who unpacks compares the hash.
pub fn unpack(packed: &[u8], base: &[u8], length: usize) -> Result<Vec<u8>> {
    let mut decoder = Decoder::with_ref_prefix(packed, base)?;
    decoder.window_log_max(*WINDOWS.end())?;
    let mut bytes = Vec::with_capacity(length);
    decoder
        .take(length as u64 + 1)
        .read_to_end(&mut bytes)
        .context("the received data is incomplete")?;
    anyhow::ensure!(
        bytes.len() == length,
        "the received data does not have the announced length"
    );
    Ok(bytes)
}

fn within(bytes: &[u8], base: &[u8], window: u32) -> Result<Vec<u8>> {
    let level = if base.is_empty() { WHOLE } else { PATCH };
    let mut encoder = Encoder::with_ref_prefix(Vec::new(), level, base)?;
    encoder.set_pledged_src_size(Some(bytes.len() as u64))?;
    encoder.window_log(window)?;
    encoder.long_distance_matching(true)?;
    encoder.include_checksum(true)?;
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// A window that reaches from the end of content back to the begin of a base of that length.
fn window(length: usize) -> u32 {
    let log = (length.max(1)).ilog2() + 2;
    log.clamp(*WINDOWS.start(), *WINDOWS.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Bytes that do not pack by themselves, the same each time.
    fn noise(length: usize, seed: u64) -> Vec<u8> {
        let mut state = seed | 1;
        std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .take(length)
        .collect()
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_out(
            base in proptest::collection::vec(any::<u8>(), 0..5000),
            cut in any::<proptest::sample::Index>(),
            fresh in proptest::collection::vec(any::<u8>(), 0..500),
        ) {
            // Like the base, with a piece in it that is not.
            let at = cut.index(base.len() + 1);
            let bytes = [&base[..at], &fresh, &base[at..]].concat();
            for base in [&base[..], &[]] {
                let packed = pack(&bytes, base).unwrap();
                prop_assert_eq!(&unpack(&packed, base, bytes.len()).unwrap(), &bytes);
            }
        }

        #[test]
        fn a_torn_patch_is_no_content(cut in 0_usize..1000) {
            let base = noise(4000, 7);
            let bytes = [&base[..2000], b"something else", &base[2000..]].concat();
            let packed = pack(&bytes, &base).unwrap();
            let torn = &packed[..cut % packed.len()];
            prop_assert!(unpack(torn, &base, bytes.len()).is_err());
        }
    }

    #[test]
    fn a_small_change_makes_a_small_patch() {
        let base = noise(3_000_000, 1);
        let mut bytes = base.clone();
        bytes[1_234_567..1_234_577].copy_from_slice(b"0123456789");
        let whole = pack(&bytes, &[]).unwrap();
        let patch = pack(&bytes, &base).unwrap();
        assert!(whole.len() > 2_900_000, "{}", whole.len());
        assert!(patch.len() < 3000, "{}", patch.len());
        assert_eq!(unpack(&patch, &base, bytes.len()).unwrap(), bytes);
    }

    #[test]
    fn another_base_or_length_is_refused() {
        let base = noise(100_000, 1);
        let bytes = [&base[..], b"more"].concat();
        let patch = pack(&bytes, &base).unwrap();
        for wrong in [noise(100_000, 2), noise(50_000, 1), Vec::new()] {
            assert!(unpack(&patch, &wrong, bytes.len()).is_err());
        }
        assert!(unpack(&patch, &base, bytes.len() - 1).is_err());
        assert!(unpack(&patch, &base, bytes.len() + 1).is_err());
    }

    #[test]
    fn a_base_beyond_the_window_costs_size_and_no_content() {
        let base = noise(1 << 20, 1);
        let packed = within(&base, &base, 10).unwrap();
        assert!(packed.len() > base.len() / 2, "{}", packed.len());
        assert_eq!(unpack(&packed, &base, base.len()).unwrap(), base);
    }

    #[test]
    fn a_window_reaches_over_base_and_content_and_has_its_limit() {
        assert_eq!(window(0), 10);
        assert_eq!(window(20_000_000), 26);
        assert_eq!(window(1 << 30), 27);
    }
}
