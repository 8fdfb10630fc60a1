//! Files of text as operators' editors write them: with a byte order mark, with lines that end as Windows ends them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What nobody has written by hand is refused before it is parsed.
const MOST_KB: u64 = 256;

/// Why a file gives no text.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It cannot be opened or read.
    Absent(String),
    /// What is in it is no text, or too much.
    Unfit(String),
}

impl Unreadable {
    /// As it stands after the name of the file.
    pub fn why(&self) -> &str {
        match self {
            Self::Absent(why) | Self::Unfit(why) => why,
        }
    }
}

/// The text of a file, without a byte order mark and with lines that end in a line feed alone.
///
/// # Errors
/// When it cannot be read, is larger than 256 KB, or is not UTF-8.
pub fn read(path: &Path) -> Result<String, Unreadable> {
    let absent = |error: std::io::Error| Unreadable::Absent(format!("could not be read: {error}"));
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(absent)?
        .take(MOST_KB * 1024 + 1)
        .read_to_end(&mut bytes)
        .map_err(absent)?;
    if bytes.len() as u64 > MOST_KB * 1024 {
        let why = format!("is larger than {MOST_KB} KB");
        return Err(Unreadable::Unfit(why));
    }
    text(&bytes).map_err(|why| Unreadable::Unfit(why.to_owned()))
}

fn text(bytes: &[u8]) -> Result<String, &'static str> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err("is written in UTF-16; save it as UTF-8");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8 text")?;
    Ok(plain(text))
}

/// The same of a text that is there already.
pub fn plain(text: &str) -> String {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    text.replace("\r\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_carriage_returns_are_taken_off() {
        assert_eq!(text("\u{FEFF}a\r\nb\r\n".as_bytes()).unwrap(), "a\nb\n");
        assert_eq!(text(b"a\rb").unwrap(), "a\rb");
        assert!(text(&[0xFF, 0xFE, b'a', 0]).unwrap_err().contains("UTF-16"));
        assert!(text(&[b'a', 0xC3]).unwrap_err().contains("UTF-8"));
    }

    #[test]
    fn what_is_too_large_is_not_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![b'a'; 256 * 1024]).unwrap();
        assert!(read(file.path()).is_ok());
        std::fs::write(file.path(), vec![b'a'; 256 * 1024 + 1]).unwrap();
        assert_eq!(
            read(file.path()).unwrap_err().why(),
            "is larger than 256 KB"
        );
        assert!(matches!(
            read(Path::new("/nonexistent")),
            Err(Unreadable::Absent(_))
        ));
    }
}
