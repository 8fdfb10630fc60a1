//! Where statements of SQL end, as psql sees it: quotes, comments and bodies of functions are not looked into.

/// Words of a statement that are kept: what it does is told by its first, and by the last of an `ALTER … OWNER TO`.
const WORDS: usize = 512;

/// What a character stands in.
#[derive(Debug, Default, PartialEq, Eq)]
enum Within {
    #[default]
    Plain,
    /// `'…'`, and whether a backslash takes the meaning from the next character.
    Text { escapes: bool },
    /// `"…"`
    Name,
    /// `$tag$…$tag$`, with its dollars.
    Body(Vec<u8>),
    /// `-- …`
    Line,
    /// `/* … */`, which nest.
    Block(usize),
}

/// What came of a line so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Met {
    /// The statement ends behind this many bytes.
    End(usize),
    /// The line is over, and no statement ended in it.
    Nothing,
    /// A word of psql to itself.
    Backslash,
}

/// Reads one statement after the other.
#[derive(Debug, Default)]
pub struct Lexer {
    within: Within,
    /// Parentheses that are open.
    depth: usize,
    /// `BEGIN` and `CASE` that are open in a routine written as SQL's standard has it.
    open: usize,
    word: Vec<u8>,
    /// The words of the statement in capitals, without what is quoted.
    pub words: Vec<String>,
    /// Rows behind `VALUES`.
    pub tuples: u64,
    /// Whether anything of the statement was met but space and comments.
    pub begun: bool,
    after_values: bool,
}

impl Lexer {
    /// Goes on in a line, from a place in it.
    pub fn read(&mut self, line: &[u8], from: usize) -> Met {
        let mut at = from;
        while at < line.len() {
            let (rest, byte) = (&line[at..], line[at]);
            at += match &mut self.within {
                Within::Plain => {
                    if byte == b'\\' {
                        return Met::Backslash;
                    }
                    let length = self.plain(rest);
                    if byte == b';' && self.depth == 0 && self.open == 0 {
                        return Met::End(at + length);
                    }
                    length
                }
                Within::Text { escapes: true } if byte == b'\\' => 2,
                Within::Text { .. } if byte == b'\'' => self.leave(),
                Within::Name if byte == b'"' => self.leave(),
                Within::Line if byte == b'\n' => self.leave(),
                Within::Body(tag) if rest.starts_with(tag) => {
                    let length = tag.len();
                    self.leave();
                    length
                }
                Within::Block(depth) if rest.starts_with(b"*/") => {
                    *depth -= 1;
                    if *depth == 0 {
                        self.leave();
                    }
                    2
                }
                Within::Block(depth) if rest.starts_with(b"/*") => {
                    *depth += 1;
                    2
                }
                _ => 1,
            };
        }
        Met::Nothing
    }

    /// Whether it stands between two statements.
    pub fn is_between(&self) -> bool {
        !self.begun && self.within == Within::Plain
    }

    /// Begins the next statement.
    pub fn next(&mut self) {
        *self = Self::default();
    }

    fn leave(&mut self) -> usize {
        self.within = Within::Plain;
        1
    }

    /// One character outside of everything, or what opens something: how many bytes that were.
    fn plain(&mut self, rest: &[u8]) -> usize {
        let byte = rest[0];
        if is_of_word(byte) || (byte == b'$' && !self.word.is_empty()) {
            self.begun = true;
            self.word.push(byte);
            return 1;
        }
        let word = std::mem::take(&mut self.word);
        if !word.is_empty() {
            self.take(&word);
        }
        let opened = match byte {
            b'-' if rest.starts_with(b"--") => Some((Within::Line, 2)),
            b'/' if rest.starts_with(b"/*") => Some((Within::Block(1), 2)),
            _ => None,
        };
        if let Some((within, length)) = opened {
            self.within = within;
            return length;
        }
        self.begun |= !byte.is_ascii_whitespace();
        match byte {
            b'\'' => {
                let escapes = word.eq_ignore_ascii_case(b"e");
                self.within = Within::Text { escapes };
            }
            b'"' => self.within = Within::Name,
            b'$' => {
                if let Some(tag) = tag(rest) {
                    self.within = Within::Body(tag.to_vec());
                    return tag.len();
                }
            }
            b'(' => {
                self.tuples += u64::from(self.depth == 0 && self.after_values);
                self.depth += 1;
            }
            b')' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        1
    }

    fn take(&mut self, word: &[u8]) {
        let word = String::from_utf8_lossy(word).to_uppercase();
        match word.as_str() {
            "VALUES" if self.depth == 0 => self.after_values = true,
            "BEGIN" if self.is_routine() => self.open += 1,
            "CASE" if self.open > 0 => self.open += 1,
            "END" => self.open = self.open.saturating_sub(1),
            _ => {}
        }
        if self.words.len() < WORDS {
            self.words.push(word);
        }
    }

    fn is_routine(&self) -> bool {
        let words: Vec<&str> = self.words.iter().take(4).map(String::as_str).collect();
        matches!(
            words.as_slice(),
            ["CREATE", "OR", "REPLACE", "FUNCTION" | "PROCEDURE"]
                | ["CREATE", "FUNCTION" | "PROCEDURE", ..]
        )
    }
}

fn is_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// `$tag$` at the beginning, when one is.
fn tag(rest: &[u8]) -> Option<&[u8]> {
    let end = 1 + rest[1..].iter().position(|byte| !is_of_word(*byte))?;
    let is_tag = rest[end] == b'$' && !rest[1].is_ascii_digit();
    is_tag.then(|| &rest[..=end])
}
