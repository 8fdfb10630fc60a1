//! `apt.conf(5)`: `A::B "c";`, the same as `A { B "c"; };`, lists as `A { "b"; "c"; };`, and `#clear A;`.

/// A value with the whole name of its setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AptSetting {
    pub name: String,
    pub value: String,
    /// It takes the setting away.
    clears: bool,
}

impl AptSetting {
    /// Whether both are about one setting; names know no case, and an item of a list is called as its list.
    pub fn is_about(&self, other: &Self) -> bool {
        !self.clears && plain(&self.name) == plain(&other.name)
    }

    /// Whether it takes away what the other is about.
    pub fn clears(&self, other: &Self) -> bool {
        let (own, other) = (plain(&self.name), plain(&other.name));
        let is_within = other
            .strip_prefix(&own)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"));
        self.clears && is_within
    }

    pub fn told(&self) -> String {
        if self.clears {
            return format!("`#clear {}`", self.name);
        }
        format!("\"{}\"", self.value)
    }
}

fn plain(name: &str) -> String {
    name.trim_end_matches(':').to_lowercase()
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Open,
    Close,
    End,
    Clear,
}

/// What a text sets, in order.
pub fn statements(text: &str) -> Vec<AptSetting> {
    let mut found = Vec::new();
    let mut scopes: Vec<String> = Vec::new();
    let mut name = String::new();
    let mut value = None;
    let mut clears = false;
    for token in tokens(text) {
        match token {
            Token::Word(word) => name = word,
            Token::Text(text) => value = Some(text),
            Token::Clear => clears = true,
            Token::Open => scopes.push(std::mem::take(&mut name)),
            Token::Close => {
                scopes.pop();
            }
            Token::End => {
                let named = std::mem::take(&mut name);
                let said = value.take();
                if said.is_some() || clears {
                    found.push(AptSetting {
                        name: whole(&scopes, &named),
                        value: said.unwrap_or_default(),
                        clears,
                    });
                }
                clears = false;
            }
        }
    }
    found
}

fn whole(scopes: &[String], name: &str) -> String {
    let parts = scopes.iter().map(String::as_str).chain([name]);
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    parts.join("::")
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '{' => (Some(Token::Open), &rest[1..]),
            '}' => (Some(Token::Close), &rest[1..]),
            ';' => (Some(Token::End), &rest[1..]),
            '"' => {
                let (inner, after) = rest[1..].split_once('"').unwrap_or((&rest[1..], ""));
                (Some(Token::Text(inner.to_owned())), after)
            }
            _ => word_or_comment(rest),
        };
        tokens.extend(token);
        rest = after.trim_start();
    }
    tokens
}

fn word_or_comment(rest: &str) -> (Option<Token>, &str) {
    let line_end = rest.find('\n').unwrap_or(rest.len());
    if let Some(inner) = rest.strip_prefix("/*") {
        return (None, inner.split_once("*/").map_or("", |(_, after)| after));
    }
    if let Some(after) = rest.strip_prefix("#clear") {
        return (Some(Token::Clear), after);
    }
    if rest.starts_with("//") || rest.starts_with('#') {
        return (None, &rest[line_end..]);
    }
    let end = rest
        .find(|c: char| c.is_whitespace() || matches!(c, '{' | '}' | ';' | '"'))
        .unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    (Some(Token::Word(word.to_owned())), after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<(String, String)> {
        let statements = statements(text).into_iter();
        statements.map(|it| (it.name.clone(), it.told())).collect()
    }

    #[test]
    fn reads_all_forms() {
        let text = "// no\n# A \"0\";\nA::B \"1\"; /* C \"2\"; */ A { C \"3\"; D { \"x\"; \"y\"; }; };\nL:: \"z\";\n#clear A::B;\nE \"http://x\";\n";
        let wished = [
            ("A::B", "\"1\""),
            ("A::C", "\"3\""),
            ("A::D", "\"x\""),
            ("A::D", "\"y\""),
            ("L::", "\"z\""),
            ("A::B", "`#clear A::B`"),
            ("E", "\"http://x\""),
        ];
        let wished = wished.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(said(text), wished);
    }

    #[test]
    fn names_know_no_case_and_lists_are_called_as_their_items() {
        let one = |text: &str| statements(text).remove(0);
        assert!(one("apt::periodic::X \"0\";").is_about(&one("APT { Periodic { x \"1\"; }; };")));
        assert!(one("A::L:: \"0\";").is_about(&one("A::L { \"1\"; };")));
        assert!(one("#clear APT;").clears(&one("APT::X \"1\";")));
        assert!(!one("#clear AP;").clears(&one("APT::X \"1\";")));
    }
}
