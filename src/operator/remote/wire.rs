//! What a host says, as far as this machine listens. The host chooses every byte of it, so each way in has a length and a time:
//! a line, all lines of a conversation, the output of a program, and silence.

use std::io;
use std::time::Duration;

use anyhow::Result;
use openssh::Session;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt,
};
use tokio::time::timeout;

use crate::core::error::{Code, Fault};
use crate::protocol::longest_line;

/// How long a host may gather what it says of itself.
pub const GREETING_WITHIN: Duration = Duration::from_mins(2);
/// How long a host may say nothing at all: while it works, the agent says every few seconds that it lives.
pub const SILENCE: Duration = Duration::from_mins(3);
/// How long a program that has said all it had to say may go on.
const GONE_WITHIN: Duration = Duration::from_secs(10);
/// The longest that a program without a conversation runs: it may hash a large file.
const PROGRAM_WITHIN: Duration = Duration::from_hours(1);
/// What all lines of a conversation may have together.
const CONVERSATION: usize = 64 << 20;
/// What a program may say on stdout.
const OUTPUT: usize = 1 << 20;
/// What is kept of stderr, and how much of it is read past before a program is given up.
const COMPLAINT: usize = 16 << 10;
const NOISE: usize = 4 << 20;
/// The longest line of a log.
const LOG_LINE: usize = 64 << 10;
/// What is sent at a time.
const PIECE: usize = 64 << 10;

/// Why no line came.
#[derive(Debug, PartialEq, Eq)]
pub enum Unheard {
    /// The connection ended, or broke.
    Lost,
    Silent(Duration),
    /// A line, or all of them, went on and on.
    TooLong(&'static str),
}

impl Unheard {
    /// As a sentence, where it is not that the connection was lost.
    pub fn fault(&self) -> Option<Fault> {
        let why = match self {
            Self::Lost => return None,
            Self::Silent(long) => {
                format!("the host said nothing for {} minutes", long.as_secs() / 60)
            }
            Self::TooLong(what) => format!("the host sent {what}, so the connection was closed"),
        };
        Some(Fault::new(Code::E0518, why))
    }
}

/// The lines of an agent. Whoever stops waiting for one loses nothing of it.
pub struct HostLines<R> {
    from: R,
    line: Vec<u8>,
    left: usize,
}

impl<R: AsyncBufRead + Unpin> HostLines<R> {
    pub fn new(from: R) -> Self {
        Self {
            from,
            line: Vec::new(),
            left: CONVERSATION,
        }
    }

    /// The next line, without its end; none when there is no more.
    ///
    /// # Errors
    /// When it is too long, or nothing comes for so long.
    pub async fn next(&mut self, within: Duration) -> Result<Option<Vec<u8>>, Unheard> {
        loop {
            let came = timeout(within, self.piece()).await;
            match came.map_err(|_| Unheard::Silent(within))?? {
                LinePart::More => {}
                LinePart::End => return Ok(Some(std::mem::take(&mut self.line))),
                // What a host leaves of a line says nothing.
                LinePart::Gone => return Ok(None),
            }
        }
    }

    /// Takes in what has come of the line.
    async fn piece(&mut self) -> Result<LinePart, Unheard> {
        let came = self.from.fill_buf().await.map_err(|_| Unheard::Lost)?;
        if came.is_empty() {
            return Ok(LinePart::Gone);
        }
        let end = came.iter().position(|byte| *byte == b'\n');
        let length = end.unwrap_or(came.len());
        self.line.extend_from_slice(&came[..length]);
        let used = length + usize::from(end.is_some());
        self.from.consume(used);
        self.left = self.left.saturating_sub(used);
        if self.left == 0 {
            return Err(Unheard::TooLong("more than 64 MB in one conversation"));
        }
        if self.line.len() > longest_line(&self.line) {
            return Err(Unheard::TooLong("a line without an end"));
        }
        Ok(end.map_or(LinePart::More, |_| LinePart::End))
    }
}

enum LinePart {
    More,
    End,
    Gone,
}

/// What a program on a host said.
pub struct Said {
    pub is_ok: bool,
    pub stdout: String,
    /// Its begin.
    pub stderr: String,
}

/// Hears a program out.
///
/// # Errors
/// E0505 when it says too much or does not end; what ssh says when the connection is lost.
pub async fn heard(mut child: openssh::Child<&Session>) -> Result<Said> {
    let (stdout, stderr) = (child.stdout().take(), child.stderr().take());
    let all = async {
        let (stdout, stderr) = tokio::join!(output(stdout), complaint(stderr));
        let ended = timeout(GONE_WITHIN, child.wait());
        let status = ended.await.map_err(|_| endless())??;
        anyhow::Ok(Said {
            is_ok: status.success(),
            stdout: stdout?,
            stderr: stderr?,
        })
    };
    timeout(PROGRAM_WITHIN, all).await.map_err(|_| endless())?
}

fn endless() -> Fault {
    Fault::new(Code::E0518, "a program on the host did not end")
}

async fn output(from: Option<impl AsyncRead + Unpin>) -> Result<String> {
    let Some(from) = from else {
        return Ok(String::new());
    };
    let mut said = Vec::new();
    from.take(OUTPUT as u64 + 1).read_to_end(&mut said).await?;
    if said.len() > OUTPUT {
        return Err(Fault::new(Code::E0518, "a program on the host said more than 1 MB").into());
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// The begin of what a program complains about. More is read, and forgotten: a full pipe would stop the program.
///
/// # Errors
/// E0505 when it never stops.
pub async fn complaint(from: Option<impl AsyncRead + Unpin>) -> Result<String> {
    let Some(mut from) = from else {
        return Ok(String::new());
    };
    let (mut said, mut piece, mut read) = (Vec::new(), vec![0; 4096], 0);
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return Ok(String::from_utf8_lossy(&said).into_owned());
        }
        read += length;
        let room = COMPLAINT.saturating_sub(said.len()).min(length);
        said.extend_from_slice(&piece[..room]);
        if read > NOISE {
            return Err(Fault::new(
                Code::E0518,
                "a program on the host did not stop complaining",
            )
            .into());
        }
    }
}

/// Waits a moment for a program that has said its last word.
pub async fn gone(
    child: openssh::Child<&Session>,
) -> Option<Result<std::process::ExitStatus, openssh::Error>> {
    timeout(GONE_WITHIN, child.wait()).await.ok()
}

/// How long a log is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogEnd {
    /// It has one of its own.
    Own,
    /// Until somebody stops the command.
    Never,
}

/// Tells each line of a log as it comes, a longer one in pieces.
///
/// # Errors
/// When the connection breaks; of a log with an end also when that does not come.
pub async fn tell_lines(
    from: impl AsyncBufRead + Unpin,
    end: LogEnd,
    tell: &mut impl FnMut(&str),
) -> Result<()> {
    let most = match end {
        LogEnd::Own => CONVERSATION as u64,
        LogEnd::Never => u64::MAX,
    };
    let mut from = from.take(most);
    let mut line = Vec::new();
    loop {
        let came = match end {
            LogEnd::Own => timeout(SILENCE, from.fill_buf())
                .await
                .map_err(|_| endless())??,
            LogEnd::Never => from.fill_buf().await?,
        };
        if came.is_empty() {
            break;
        }
        let room = LOG_LINE - line.len();
        let at = came.iter().take(room).position(|byte| *byte == b'\n');
        let length = at.unwrap_or(came.len().min(room));
        line.extend_from_slice(&came[..length]);
        from.consume(length + usize::from(at.is_some()));
        if at.is_some() || line.len() == LOG_LINE {
            tell(String::from_utf8_lossy(&line).trim_end_matches('\r'));
            line.clear();
        }
    }
    if !line.is_empty() {
        tell(&String::from_utf8_lossy(&line));
    }
    Ok(())
}

/// Says all of it to a host that listens.
///
/// # Errors
/// When the host takes nothing in for too long, or the connection is gone.
pub async fn say_all(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    for piece in bytes.chunks(PIECE) {
        timeout(SILENCE, to.write_all(piece)).await??;
    }
    timeout(SILENCE, to.flush()).await?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::BufReader;

    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    fn run<T>(what: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        runtime.block_on(what)
    }

    async fn all(said: &[u8]) -> Result<Vec<Vec<u8>>, Unheard> {
        let mut lines = HostLines::new(BufReader::new(said));
        let mut heard = Vec::new();
        while let Some(line) = lines.next(SILENCE).await? {
            heard.push(line);
        }
        Ok(heard)
    }

    #[test]
    fn a_line_without_an_end_is_given_up() {
        let endless = || BufReader::new(tokio::io::repeat(b'a'));
        let heard = run(HostLines::new(endless()).next(SILENCE));
        assert_eq!(heard, Err(Unheard::TooLong("a line without an end")));
        let packed = BufReader::new(&br#"{"audit":{"bytes":{"packed":""#[..]).chain(endless());
        let mut lines = HostLines::new(BufReader::new(packed));
        let heard = run(lines.next(SILENCE));
        assert_eq!(heard, Err(Unheard::TooLong("a line without an end")));
        assert!(lines.line.len() < longest_line(&lines.line) + (16 << 10));
    }

    #[test]
    fn a_conversation_without_an_end_is_given_up() {
        let lines = BufReader::new(tokio::io::repeat(b'\n'));
        let mut lines = HostLines::new(lines);
        assert_eq!(lines.left, CONVERSATION);
        lines.left = 1000;
        let ended = run(async {
            loop {
                if let Err(why) = lines.next(SILENCE).await {
                    break why;
                }
            }
        });
        assert_eq!(
            ended,
            Unheard::TooLong("more than 64 MB in one conversation")
        );
    }

    #[test]
    fn silence_has_an_end_also_in_the_middle_of_a_line() {
        let (mut host, operator) = tokio::io::duplex(64);
        let heard = run(async {
            host.write_all(b"{\"hello\":").await.unwrap();
            HostLines::new(BufReader::new(operator)).next(SOON).await
        });
        assert_eq!(heard, Err(Unheard::Silent(SOON)));
        let told = Unheard::Silent(GREETING_WITHIN).fault().unwrap().message;
        assert_eq!(told, "the host said nothing for 2 minutes");
    }

    #[test]
    fn who_stops_waiting_loses_nothing() {
        let (mut host, operator) = tokio::io::duplex(64);
        let heard = run(async {
            let mut lines = HostLines::new(BufReader::new(operator));
            host.write_all(b"ab").await.unwrap();
            let stopped = timeout(SOON, lines.next(SILENCE)).await;
            assert!(stopped.is_err());
            host.write_all(b"c\n").await.unwrap();
            lines.next(SILENCE).await
        });
        assert_eq!(heard, Ok(Some(b"abc".to_vec())));
    }

    #[test]
    fn a_program_that_says_too_much_is_given_up() {
        let endless = || Some(tokio::io::repeat(b'a'));
        assert!(run(output(endless())).is_err());
        assert!(run(complaint(endless())).is_err());
        let some = Some(&b"no such file"[..]);
        assert_eq!(run(complaint(some)).unwrap(), "no such file");
    }

    #[test]
    fn a_log_comes_line_by_line_and_a_long_line_in_pieces() {
        let long = vec![b'a'; LOG_LINE + 1];
        let log = [b"one\r\n\ntwo\n", &long[..]].concat();
        let mut told = Vec::new();
        run(tell_lines(
            BufReader::new(&log[..]),
            LogEnd::Own,
            &mut |line| told.push(line.to_owned()),
        ))
        .unwrap();
        let lengths: Vec<usize> = told.iter().map(String::len).collect();
        assert_eq!(lengths, [3, 0, 3, LOG_LINE, 1]);
    }

    proptest! {
        #[test]
        fn lines_are_what_stands_between_their_ends(said in proptest::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..300)) {
            let heard = run(all(&said)).unwrap();
            let mut expected: Vec<Vec<u8>> = said.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
            // What follows the last end is no line.
            expected.pop();
            prop_assert_eq!(heard, expected);
        }
    }
}
