//! Words as a shell reads them.

/// As one word of a POSIX shell.
pub fn word(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@%,=~".contains(letter);
    if !word.is_empty() && !word.starts_with('~') && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// An argument list as one line of a POSIX shell.
pub fn line<S: AsRef<str>>(words: &[S]) -> String {
    let words: Vec<String> = words.iter().map(|one| word(one.as_ref())).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(word("../shop/citrino.yml"), "../shop/citrino.yml");
        assert_eq!(word("my shop.yml"), "'my shop.yml'");
        assert_eq!(word("ana's.yml"), r"'ana'\''s.yml'");
        assert_eq!(word("~root"), "'~root'");
        assert_eq!(line(&["ls", ""]), "ls ''");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        /// Asked of a shell itself.
        #[test]
        fn a_shell_reads_the_very_words(words in proptest::collection::vec("[^\0]*", 1..4)) {
            let typed = format!("printf '%s\\0' {}", line(&words));
            let output = std::process::Command::new("sh").args(["-c", &typed]).output().unwrap();
            let read = String::from_utf8(output.stdout).unwrap();
            let read: Vec<&str> = read.trim_end_matches('\0').split('\0').collect();
            let whole = words.join("\0");
            prop_assert_eq!(read.join("\0"), whole.trim_end_matches('\0'));
        }
    }
}
