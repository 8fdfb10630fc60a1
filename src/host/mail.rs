//! Mail of a host: written here, and handed to the queue of nullmailer, which keeps it until the relay has taken it.

use std::time::{Duration, SystemTime};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::core::error::{Code, Fault};
use crate::core::plain;
use crate::core::webhook::Notice;
use crate::host::own;
use crate::host::system::{Cmd, System};
use crate::host::unit_log;

/// How long the queue may take.
const WITHIN: Duration = Duration::from_secs(30);
/// How long a line of a mail may be (RFC 5322).
const LONGEST: usize = 900;
/// A word of a header may have 75 letters (RFC 2047): so many bytes of text give fewer.
const ENCODED: usize = 42;

/// A mail to the operators.
pub struct Mail<'n> {
    pub from: &'n str,
    pub to: &'n [String],
    pub notice: &'n Notice,
    /// Stands in its Message-ID, to be found by.
    pub id: Option<&'n str>,
}

impl Mail<'_> {
    /// With headers. What came from elsewhere begins no header and hides nothing.
    fn text(&self) -> String {
        let mut text = String::new();
        let mut head = |name: &str, value: &str| {
            text.extend([name, ": ", &plain::line(value), "\n"]);
        };
        head("From", &format!("citrino-ops <{}>", self.from));
        head("To", &self.to.join(", "));
        head("Subject", &subject(&self.notice.subject));
        if let Some(id) = self.id {
            head("Message-ID", &format!("<{id}@citrino-ops>"));
        }
        head("Auto-Submitted", "auto-generated");
        head("MIME-Version", "1.0");
        head("Content-Type", "text/plain; charset=utf-8");
        head("Content-Transfer-Encoding", "8bit");
        text.push('\n');
        for line in plain::lines(&self.notice.body).lines() {
            text.push_str(&plain::at_most(line, LONGEST / 4));
            text.push('\n');
        }
        text
    }

    /// Into the queue.
    ///
    /// # Errors
    /// E0470 when the queue does not take it.
    pub async fn hand_over(&self, system: &System) -> Result<()> {
        let mut argv = vec![own::SENDMAIL, "-i", "-f", self.from, "--"];
        argv.extend(self.to.iter().map(String::as_str));
        // As the owner of the queue: root's own files there could not be read by who sends them.
        let cmd = Cmd::new(argv).user(own::MAIL_USER);
        let cmd = cmd.stdin(self.text()).within(WITHIN);
        let refused = |why: String| {
            Fault::new(Code::E0470, format!("the mail was not accepted: {why}"))
                .hint("`citrino-ops converge` installs what sends mail")
        };
        match system.run(&cmd).await {
            Ok(output) if output.ok() => Ok(()),
            Ok(output) => Err(refused(output.stderr.trim().to_owned()).into()),
            Err(error) => Err(refused(format!("{error:#}")).into()),
        }
    }
}

/// In letters of ASCII, whatever it is about.
fn subject(text: &str) -> String {
    let text = plain::at_most(text, LONGEST / 4);
    if text.is_ascii() {
        return text.into_owned();
    }
    let mut words: Vec<String> = vec![String::new()];
    for letter in text.chars() {
        if words
            .last()
            .is_some_and(|word| word.len() + letter.len_utf8() > ENCODED)
        {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(letter);
        }
    }
    let words = words
        .iter()
        .map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
    words.collect::<Vec<_>>().join(" ")
}

/// What is in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailQueue {
    pub waiting: usize,
    /// How long the oldest has waited.
    pub oldest: Duration,
    /// What the relay will never take.
    pub failed: usize,
}

/// Looks at the queue; none where there is none.
///
/// # Errors
/// When it cannot be read.
pub fn queue(system: &System) -> Result<Option<MailQueue>> {
    let system = &of_mail(system);
    let place = format!("{}/queue", own::MAIL_SPOOL);
    if system.stat(&place)?.is_none() {
        return Ok(None);
    }
    let mut queue = MailQueue {
        failed: system.names(format!("{}/failed", own::MAIL_SPOOL))?.len(),
        ..MailQueue::default()
    };
    for name in system.names(&place)? {
        // It may have been sent meanwhile.
        if let Some(found) = system.stat(format!("{place}/{name}"))? {
            let age = SystemTime::now().duration_since(found.modified);
            queue.waiting += 1;
            queue.oldest = queue.oldest.max(age.unwrap_or_default());
        }
    }
    Ok(Some(queue))
}

/// Where a mail is that has this in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    Waiting,
    Failed,
    /// The relay has it.
    Gone,
}

/// How many mails are looked through.
const MOST: usize = 1000;

/// Looks for a mail by the id that it was given.
///
/// # Errors
/// When the queue cannot be read.
pub fn find(system: &System, id: &str) -> Result<Whereabouts> {
    let system = &of_mail(system);
    let needle = format!("<{id}@citrino-ops>");
    for (folder, there) in [
        ("queue", Whereabouts::Waiting),
        ("failed", Whereabouts::Failed),
    ] {
        let place = format!("{}/{folder}", own::MAIL_SPOOL);
        for name in system.names(&place)?.iter().take(MOST) {
            let text = system.read_text(format!("{place}/{name}"))?;
            if text.is_some_and(|text| text.contains(&needle)) {
                return Ok(there);
            }
        }
    }
    Ok(Whereabouts::Gone)
}

fn of_mail(system: &System) -> System {
    system.of(system.ids(own::MAIL_USER).ok())
}

/// Why the relay did not take the last mail, as far as the log says it since then.
///
/// # Errors
/// When the log cannot be asked.
pub async fn refusal(system: &System, since: i64) -> Result<Option<String>> {
    let said = unit_log::last_lines(system, own::MAIL_UNIT, 40, Some(since)).await?;
    let said = said.lines().rev();
    let mut failed = said.filter(|line| is_refusal(line)).map(str::trim);
    Ok(failed.next().map(|line| plain::line(line).into_owned()))
}

/// As nullmailer and its protocol say it.
fn is_refusal(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["failed", "error", "untrusted", "refused", "certificate"]
        .iter()
        .any(|sign| line.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_came_from_elsewhere_begins_a_header() {
        let notice = Notice {
            stack: String::new(),
            host: String::new(),
            at: String::new(),
            subject: "down: x\nBcc: eva@example.com\r\n\r\nbody".to_owned(),
            body: "one\u{1b}[2J\n.\ntwo".to_owned(),
            items: Vec::new(),
        };
        let mail = Mail {
            from: "citrino@example.com",
            to: &["ana@example.com".to_owned()],
            notice: &notice,
            id: Some("abc"),
        };
        let text = mail.text();
        let (head, body) = text.split_once("\n\n").unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
        assert_eq!(head.lines().count(), 8);
        assert_eq!(body, "one\u{FFFD}[2J\n.\ntwo\n");
    }

    #[test]
    fn a_subject_is_of_ascii_and_its_words_are_short() {
        assert_eq!(subject("down: nginx"), "down: nginx");
        let encoded = subject(&"ñandú 日本 ".repeat(9));
        assert!(encoded.is_ascii());
        let mut text = String::new();
        for word in encoded.split(' ') {
            assert!(word.len() <= 75, "{word}");
            let word = word
                .strip_prefix("=?utf-8?B?")
                .unwrap()
                .strip_suffix("?=")
                .unwrap();
            text.push_str(&String::from_utf8(STANDARD.decode(word).unwrap()).unwrap());
        }
        assert_eq!(text, "ñandú 日本 ".repeat(9));
    }
}
