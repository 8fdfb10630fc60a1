//! A page of the handbook for a terminal: text at its width, what is typed as it is.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use crate::core::wrap;

/// What stands before each line of a block that is typed.
const TYPED: &str = "    ";

/// Markdown as text of at most `width` columns; lines that are typed are never broken. A row of a table becomes its first cell
/// with the others below it, because a table of sentences does not fit.
pub fn plain(markdown: &str, width: usize) -> String {
    let mut page = Layout {
        width,
        ..Layout::default()
    };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        page.take(event);
    }
    page.text.trim_matches('\n').to_owned() + "\n"
}

#[derive(Default)]
struct Layout {
    width: usize,
    text: String,
    /// Of the block that is being read.
    words: String,
    /// Of the lists that are open: the next number of one that counts.
    lists: Vec<Option<u64>>,
    /// What the first line of the next block of a list begins with.
    mark: Option<String>,
    links_to: Option<String>,
    cell: usize,
    is_head: bool,
    is_typed: bool,
}

impl Layout {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Text(piece) => self.words.push_str(&piece),
            Event::Code(piece) => self.words.extend(["`", &*piece, "`"]),
            Event::SoftBreak if !self.is_typed => self.words.push(' '),
            Event::SoftBreak | Event::HardBreak => self.words.push('\n'),
            Event::Start(tag) => self.begin(&tag),
            Event::End(tag) => self.end(tag),
            _ => {}
        }
    }

    fn begin(&mut self, tag: &Tag<'_>) {
        match tag {
            Tag::CodeBlock(CodeBlockKind::Indented | CodeBlockKind::Fenced(_)) => {
                self.is_typed = true;
            }
            Tag::List(first) => {
                self.block();
                self.lists.push(*first);
            }
            Tag::Link { dest_url, .. } => {
                self.links_to = dest_url.strip_suffix(".md").map(str::to_owned);
            }
            Tag::Item => self.mark = Some(self.next_mark()),
            Tag::TableHead => self.is_head = true,
            Tag::TableRow => self.cell = 0,
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) | TagEnd::Paragraph | TagEnd::Item => self.block(),
            TagEnd::List(_) => {
                self.lists.pop();
                self.text.push('\n');
            }
            TagEnd::CodeBlock => self.typed(),
            // Nobody can follow a link here, but everybody can type one.
            TagEnd::Link => {
                if let Some(page) = self.links_to.take() {
                    self.words.extend([" (`citrino-ops docs ", &page, "`)"]);
                }
            }
            // Its cells say what the rows below say by themselves.
            TagEnd::TableHead => {
                self.is_head = false;
                self.words.clear();
            }
            TagEnd::TableCell => self.cell(),
            TagEnd::Table => self.text.push('\n'),
            _ => {}
        }
    }

    fn next_mark(&mut self) -> String {
        match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            _ => "- ".to_owned(),
        }
    }

    fn block(&mut self) {
        if self.words.is_empty() {
            return;
        }
        let words = std::mem::take(&mut self.words);
        let mark = self.mark.take().unwrap_or_default();
        let below = " ".repeat(mark.chars().count());
        self.wrapped(&words, &mark, &below);
        if self.lists.is_empty() {
            self.text.push('\n');
        }
    }

    fn typed(&mut self) {
        self.is_typed = false;
        let words = std::mem::take(&mut self.words);
        for line in words.lines() {
            self.text.push_str(TYPED);
            self.text.push_str(line);
            self.text.push('\n');
        }
        self.text.push('\n');
    }

    fn cell(&mut self) {
        if self.is_head {
            return;
        }
        let words = std::mem::take(&mut self.words);
        let indent = if self.cell == 0 { "" } else { TYPED };
        self.wrapped(&words, indent, indent);
        self.cell += 1;
    }

    fn wrapped(&mut self, words: &str, first: &str, below: &str) {
        let options = wrap::options(self.width, first, below);
        for line in textwrap::wrap(words, options) {
            self.text.push_str(line.trim_end());
            self.text.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_reads_like_one() {
        let page = "# A title\n\n**When.** It fails: [this](that.md).\n\n    citrino-ops health     # a word\n\n- one\n- two\n\n| a | b |\n| --- | --- |\n| `x` | what x is |\n";
        let expected = "A title\n\nWhen. It fails: this\n(`citrino-ops docs that`).\n\n    citrino-ops health     # a word\n\n- one\n- two\n\n`x`\n    what x is\n";
        assert_eq!(plain(page, 26), expected);
    }
}
