//! Where sshd reads a keyword: the files in its order, with what they include.

use anyhow::Result;

use super::super::config_text::{matching, short, text};
use crate::host::system::System;

const ROOT: &str = "/etc/ssh/sshd_config";
/// Relative paths of `Include` begin here.
const FOLDER: &str = "/etc/ssh";
/// How deep files may include each other: sshd's own limit.
const DEPTH: usize = 16;

/// All that is said, in order.
pub struct SshdSources {
    ours: String,
    options: Vec<String>,
    lines: Vec<SshdLine>,
}

struct SshdLine {
    file: String,
    number: usize,
    keyword: String,
    text: String,
    /// The condition that it stands below.
    condition: Option<String>,
}

impl SshdSources {
    /// As sshd reads them that was started with these options; `ours` is read where it would be.
    pub fn read(system: &System, ours: &str, options: &[String]) -> Result<Self> {
        let root = options.iter().position(|option| option == "-f");
        let root = root.and_then(|at| options.get(at + 1));
        let mut sources = Self {
            ours: ours.to_owned(),
            options: options.to_vec(),
            lines: Vec::new(),
        };
        let root = root.map_or(ROOT, String::as_str).to_owned();
        sources.file(system, &root, None, DEPTH)?;
        Ok(sources)
    }

    fn file(
        &mut self,
        system: &System,
        file: &str,
        condition: Option<&str>,
        depth: usize,
    ) -> Result<()> {
        let mut condition = condition.map(str::to_owned);
        for (index, line) in text(system, file)?.lines().enumerate() {
            let Some((keyword, value)) = setting(line) else {
                continue;
            };
            let keyword = keyword.to_lowercase();
            match keyword.as_str() {
                "match" => condition = Some(line.trim().to_owned()),
                "include" if depth > 0 => {
                    for pattern in value.split_whitespace() {
                        self.include(
                            system,
                            pattern.trim_matches('"'),
                            condition.as_deref(),
                            depth - 1,
                        )?;
                    }
                }
                _ => self.lines.push(SshdLine {
                    file: file.to_owned(),
                    number: index + 1,
                    keyword,
                    text: line.trim().to_owned(),
                    condition: condition.clone(),
                }),
            }
        }
        if file == self.ours {
            self.mark_ours();
        }
        Ok(())
    }

    fn include(
        &mut self,
        system: &System,
        pattern: &str,
        condition: Option<&str>,
        depth: usize,
    ) -> Result<()> {
        let pattern = if pattern.starts_with('/') {
            pattern.to_owned()
        } else {
            format!("{FOLDER}/{pattern}")
        };
        for file in matching(system, &pattern, &self.ours)? {
            self.file(system, &file, condition, depth)?;
        }
        Ok(())
    }

    /// A line that stands for our file, whatever is in it now.
    fn mark_ours(&mut self) {
        self.lines.push(SshdLine {
            file: self.ours.clone(),
            number: 0,
            keyword: String::new(),
            text: String::new(),
            condition: None,
        });
    }

    /// Who keeps our file's word on a keyword from counting, as a sentence; none when nobody does.
    pub fn in_the_way(&self, keyword: &str) -> Option<String> {
        if let Some(option) = self.options.iter().find(|option| sets(option, keyword)) {
            return Some(format!(
                "sshd is started with `-o {}`, which goes before every file (`SSHD_OPTS` in /etc/default/ssh, or a drop-in of its unit)",
                option.trim_start_matches("-o")
            ));
        }
        let ours = self.lines.iter().position(|line| line.file == self.ours);
        let says = |line: &&SshdLine| line.keyword == keyword && line.file != self.ours;
        let before = &self.lines[..ours.unwrap_or(self.lines.len())];
        let first = before
            .iter()
            .find(|line| line.condition.is_none() && says(line));
        if let Some(line) = first {
            let why = if ours.is_some() {
                " and is read first"
            } else {
                ""
            };
            let unread = self.not_included(ours).unwrap_or_default();
            return Some(format!(
                "{} says `{}`{why}{unread}",
                line.place(),
                short(&line.text)
            ));
        }
        if ours.is_none() {
            return Some(format!("nothing that sshd reads includes {}", self.ours));
        }
        let below = self
            .lines
            .iter()
            .find(|line| line.condition.is_some() && says(line))?;
        let condition = below.condition.as_deref().unwrap_or_default();
        Some(format!(
            "{} says `{}` below `{}`",
            below.place(),
            short(&below.text),
            short(condition)
        ))
    }

    fn not_included(&self, ours: Option<usize>) -> Option<String> {
        ours.is_none()
            .then(|| format!(", and nothing that sshd reads includes {}", self.ours))
    }
}

impl SshdLine {
    fn place(&self) -> String {
        format!("{} line {}", self.file, self.number)
    }
}

/// Whether an argument of sshd sets the keyword.
fn sets(option: &str, keyword: &str) -> bool {
    let option = option.strip_prefix("-o").unwrap_or(option);
    setting(option).is_some_and(|(name, _)| name.eq_ignore_ascii_case(keyword))
}

/// A line as `sshd_config(5)` has it: a keyword and its arguments, with blanks or one `=` between.
pub fn setting(line: &str) -> Option<(String, &str)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line
        .find(|c: char| c.is_whitespace() || c == '=')
        .unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let value = rest.strip_prefix('=').unwrap_or(rest).trim();
    Some((keyword.trim_matches('"').to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "/etc/ssh/sshd_config.d/10-citrino.conf";

    fn system(files: &[(&str, &str)]) -> (tempfile::TempDir, System) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path.trim_start_matches('/'));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let system = System::at(root.path());
        (root, system)
    }

    /// Who is in the way of `PasswordAuthentication`, with these files beside ours.
    fn told(files: &[(&str, &str)], options: &[&str]) -> Option<String> {
        let (_root, system) = system(files);
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let sources = SshdSources::read(&system, OURS, &options).unwrap();
        sources.in_the_way("passwordauthentication")
    }

    const MAIN: (&str, &str) = (
        ROOT,
        "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication yes\n",
    );
    const OWN: (&str, &str) = (OURS, "PasswordAuthentication no\n");

    #[test]
    fn nobody_is_in_the_way_of_what_is_read_first() {
        let later = (
            "/etc/ssh/sshd_config.d/50-cloud.conf",
            "PasswordAuthentication yes\n",
        );
        assert_eq!(told(&[MAIN, OWN, later], &[]), None);
        // Ours is still to be written.
        assert_eq!(told(&[MAIN, later], &[]), None);
    }

    #[test]
    fn names_file_and_line_of_what_is_read_before() {
        let first = (
            "/etc/ssh/sshd_config.d/00-hosting.conf",
            "# theirs\npasswordauthentication = yes\n",
        );
        assert_eq!(
            told(&[MAIN, OWN, first], &[]).unwrap(),
            "/etc/ssh/sshd_config.d/00-hosting.conf line 2 says `passwordauthentication = yes` and is read first"
        );
        let above = (
            ROOT,
            "PasswordAuthentication yes\nInclude sshd_config.d/*.conf\n",
        );
        assert_eq!(
            told(&[above, OWN], &[]).unwrap(),
            "/etc/ssh/sshd_config line 1 says `PasswordAuthentication yes` and is read first"
        );
    }

    #[test]
    fn tells_that_ours_is_not_read_at_all() {
        let without = (
            ROOT,
            "#Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication yes\n",
        );
        assert_eq!(
            told(&[without, OWN], &[]).unwrap(),
            format!(
                "/etc/ssh/sshd_config line 2 says `PasswordAuthentication yes`, and nothing that sshd reads includes {OURS}"
            )
        );
        assert_eq!(
            told(&[(ROOT, "UsePAM yes\n"), OWN], &[]).unwrap(),
            format!("nothing that sshd reads includes {OURS}")
        );
        // It is read for some logins only.
        let below = (
            ROOT,
            "Match User a\nInclude /etc/ssh/sshd_config.d/*.conf\n",
        );
        assert_eq!(told(&[below, OWN], &[]), None);
    }

    #[test]
    fn tells_of_conditions_and_of_the_command_line() {
        let matches = (
            "/etc/ssh/sshd_config.d/90-x.conf",
            "Match User root\n  PasswordAuthentication yes\n",
        );
        assert_eq!(
            told(&[MAIN, OWN, matches], &[]).unwrap(),
            "/etc/ssh/sshd_config.d/90-x.conf line 2 says `PasswordAuthentication yes` below `Match User root`"
        );
        assert!(
            told(&[MAIN, OWN], &["-oPasswordAuthentication=yes"])
                .unwrap()
                .contains("SSHD_OPTS")
        );
        let other = ("/etc/ssh/other", "PasswordAuthentication yes\n");
        assert!(
            told(&[MAIN, OWN, other], &["-f", "/etc/ssh/other"])
                .unwrap()
                .starts_with("/etc/ssh/other line 1")
        );
    }
}
