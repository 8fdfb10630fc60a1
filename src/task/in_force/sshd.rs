//! What sshd takes. `sshd -T` says it, of all that is configured and of our file alone: so both are spelt by sshd itself.
//! Of a keyword that stands twice the first one counts (`sshd_config(5)`), those that list things add up.

mod sources;

use std::collections::BTreeMap;

use anyhow::Result;

use super::config_text::short;
use super::{Deviation, InForce};
use crate::core::error::{Code, Fault};
use crate::host::system::{Cmd, System};
use crate::task::program::run_if_there;
use sources::SshdSources;

const SSHD: &str = "/usr/sbin/sshd";
/// The values of each keyword, in lower case.
type Effective = BTreeMap<String, Vec<String>>;

pub async fn deviations(asked: &InForce, system: &System) -> Result<Vec<Deviation>> {
    let options = options_of_running(asked, system).await?;
    let user = asked.user.as_deref().unwrap_or("root");
    let all: Vec<&str> = options.iter().map(String::as_str).collect();
    let is = match effective(system, &question(&all, user)).await? {
        Ok(is) => is,
        Err(why) => return Ok(vec![Deviation::unread(why)]),
    };
    let own = question(&["-f", "/dev/stdin"], user).stdin(asked.content.clone());
    let wished = effective(system, &own).await?;
    let wished = wished.map_err(|why| Fault::new(Code::E0402, why))?;
    let mut sources = None;
    let mut found = Vec::new();
    for keyword in keywords(&asked.content) {
        let name = keyword.to_lowercase();
        let (Some(wished), is) = (wished.get(&name), is.get(&name)) else {
            continue;
        };
        let nothing = Vec::new();
        let is = is.unwrap_or(&nothing);
        if wished.iter().all(|value| is.contains(value)) {
            continue;
        }
        let sources = match &mut sources {
            Some(sources) => sources,
            none => none.insert(SshdSources::read(system, &asked.path, &options)?),
        };
        let sentence = format!(
            "{keyword} is {}, expected {}",
            short(&is.join(" ")),
            short(&wished.join(" "))
        );
        found.push(match sources.in_the_way(&name) {
            Some(who) => Deviation::in_the_way(format!("{sentence}: {who}")),
            None => Deviation::unread(format!(
                "{sentence}: sshd does not take it from {}",
                asked.path
            )),
        });
    }
    Ok(found)
}

/// With `-C`, so that `Match` counts as it would for a login of the user from anywhere.
fn question(options: &[&str], user: &str) -> Cmd {
    let who = format!("user={user},host=anywhere,addr=192.0.2.1,laddr=192.0.2.2,lport=22");
    let words = [&[SSHD, "-T"], options].concat();
    let words = words.into_iter().map(str::to_owned);
    Cmd::new(words.chain(["-C".to_owned(), who]))
}

/// What sshd answers, or why it does not.
async fn effective(system: &System, question: &Cmd) -> Result<Result<Effective, String>> {
    let Some(output) = run_if_there(system, question).await? else {
        return Ok(Err("sshd is not installed".to_owned()));
    };
    if !output.ok() {
        return Ok(Err(format!(
            "sshd does not take its settings: {}",
            output.last_words()
        )));
    }
    let mut values = Effective::new();
    for line in output.stdout.lines() {
        let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
        let values = values.entry(keyword.to_owned()).or_default();
        values.push(value.to_owned());
    }
    Ok(Ok(values))
}

/// The keywords that a text sets for everybody.
fn keywords(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in text.lines() {
        let Some((name, _)) = sources::setting(line) else {
            continue;
        };
        if name.eq_ignore_ascii_case("match") {
            break;
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What of its command line says how it is configured: it goes before every file. sshd writes it into its title as it found it.
async fn options_of_running(asked: &InForce, system: &System) -> Result<Vec<String>> {
    let show = Cmd::new(["systemctl", "show", "-P", "MainPID", asked.unit()]);
    let Some(output) = run_if_there(system, &show).await? else {
        return Ok(Vec::new());
    };
    let pid = output.stdout.trim();
    if pid.is_empty() || pid == "0" {
        return Ok(Vec::new());
    }
    let title = system.read_text(format!("/proc/{pid}/cmdline"))?;
    Ok(options(&title.unwrap_or_default()))
}

/// Of `sshd: /usr/sbin/sshd -D -o A=b [listener] 0 of 10-100 startups`.
fn options(title: &str) -> Vec<String> {
    let title = title.replace('\0', " ");
    let title = title.split(" [listener]").next().unwrap_or_default();
    let mut words = title.split_whitespace();
    let mut options = Vec::new();
    while let Some(word) = words.next() {
        let takes_next = matches!(word, "-o" | "-f");
        if takes_next || word.starts_with("-o") || word.starts_with("-f") {
            options.push(word.to_owned());
        }
        if takes_next {
            options.extend(words.next().map(str::to_owned));
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_options_of_a_running_sshd_from_its_title() {
        let title = "sshd: /usr/sbin/sshd -D -o PasswordAuthentication=yes -oUsePAM=no -f /etc/x [listener] 0 of 10-100 startups";
        assert_eq!(
            options(title),
            [
                "-o",
                "PasswordAuthentication=yes",
                "-oUsePAM=no",
                "-f",
                "/etc/x"
            ]
        );
        assert_eq!(
            options("sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"),
            [""; 0]
        );
    }

    #[test]
    fn asks_for_what_a_text_sets_for_everybody() {
        let text = "# PermitRootLogin yes\nMaxAuthTries 4\n maxsessions=2\nMaxAuthTries 5\nMatch User a\nX11Forwarding yes\n";
        assert_eq!(keywords(text), ["MaxAuthTries", "maxsessions"]);
    }
}
