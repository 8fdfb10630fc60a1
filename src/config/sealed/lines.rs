//! What is in the file: `NAME=value` in each line, with comments.

use anyhow::Result;

use crate::config::text;
use crate::core::error::{Code, Fault};
use crate::core::secret::Secret;
use crate::core::value::Variable;

/// Secrets by name, as a person writes them. The text has a secret in it: it is never shown.
#[derive(Clone, Default)]
pub struct SecretLines {
    lines: Vec<String>,
}

impl SecretLines {
    /// # Errors
    /// E0104 with the number of each line that is wrong, never with what it says.
    pub fn parse(written: &str) -> Result<Self> {
        let text = text::plain(written);
        let mut secrets = Self::default();
        let mut faults = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if let Some(why) = secrets.fault(line) {
                faults.push(format!("{}:{}: {why}", super::FILE, index + 1));
            }
            secrets.lines.push(line.to_owned());
        }
        if faults.is_empty() {
            return Ok(secrets);
        }
        Err(Fault::new(Code::E0104, faults.join("\n"))
            .hint("each line is `NAME=value`, or a comment that begins with `#`")
            .into())
    }

    /// What is wrong with a line that comes next.
    fn fault(&self, line: &str) -> Option<&'static str> {
        if is_comment(line) {
            return None;
        }
        match parts(line) {
            Some((name, _)) if Variable::try_from(name.to_owned()).is_err() => {
                Some("the name is none for an environment variable")
            }
            Some((_, "")) => Some("there is no value"),
            Some((name, _)) if self.get(name).is_some() => {
                Some("the name stands in an earlier line too")
            }
            Some(_) => None,
            None => Some("this is no `NAME=value`"),
        }
    }

    pub fn text(&self) -> String {
        let lines = self.lines.iter().flat_map(|line| [line, "\n"]);
        lines.collect()
    }

    pub fn names(&self) -> Vec<&str> {
        let lines = self.lines.iter().filter(|line| !is_comment(line));
        lines.filter_map(|line| Some(parts(line)?.0)).collect()
    }

    pub fn get(&self, name: &str) -> Option<Secret> {
        let mut lines = self.lines.iter().filter(|line| !is_comment(line));
        let found = lines.find_map(|line| parts(line).filter(|(known, _)| *known == name));
        found.map(|(_, value)| Secret::new(value))
    }

    /// Gives a name this value, in the line that it has or in a new one.
    pub fn set(&mut self, name: &str, value: &Secret) {
        let line = format!("{name}={}", value.reveal());
        let is_it = |line: &&mut String| {
            !is_comment(line) && parts(line).is_some_and(|(known, _)| known == name)
        };
        match self.lines.iter_mut().find(is_it) {
            Some(old) => *old = line,
            None => self.lines.push(line),
        }
    }
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

fn parts(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    Some((name.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_set_in_its_line_and_the_rest_stays() {
        let mut secrets = SecretLines::parse("# of the app\r\n\r\nA=1\r\nB = x=y \r\n").unwrap();
        assert_eq!(secrets.names(), ["A", "B"]);
        assert_eq!(secrets.get("B").unwrap().reveal(), "x=y");
        secrets.set("A", &Secret::new("2"));
        secrets.set("C", &Secret::new("#3"));
        assert_eq!(secrets.text(), "# of the app\n\nA=2\nB = x=y \nC=#3\n");
        assert_eq!(
            SecretLines::parse(&secrets.text()).unwrap().names(),
            ["A", "B", "C"]
        );
        assert!(secrets.get("D").is_none());
    }

    #[test]
    fn each_wrong_line_is_named_and_none_is_shown() {
        let wrong = "A=1\nhunter2\n1B=hunter2\nA=hunter2\nC=\n";
        let refused = SecretLines::parse(wrong).err().unwrap().to_string();
        assert!(!refused.contains("hunter2"), "{refused}");
        for line in 2..=5 {
            assert!(
                refused.contains(&format!("secrets.age:{line}: ")),
                "{refused}"
            );
        }
    }
}
