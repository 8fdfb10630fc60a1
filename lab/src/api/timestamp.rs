//! Times as the API writes them.

use time::OffsetDateTime;
use time::macros::format_description;

/// The time now.
pub fn now() -> String {
    written(OffsetDateTime::now_utc())
}

/// Any time.
pub fn written(time: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]+00:00");
    // The format is fixed and works for every time.
    time.format(format).unwrap_or_default()
}
