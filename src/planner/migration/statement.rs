//! SQL as statements, each with its line and its words.

use sqlparser::ast;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

const DIALECT: PostgreSqlDialect = PostgreSqlDialect {};

/// One statement of a file.
#[derive(Debug)]
pub struct Statement {
    /// Where it begins, from 1.
    pub line: u64,
    /// Its tokens without blanks and comments: keywords and plain names in lower case, the rest as written.
    pub words: Vec<String>,
    /// What stands in dollar quotes in it.
    pub bodies: Vec<String>,
    /// What it means; the reason when it could not be read.
    pub ast: Result<ast::Statement, String>,
}

impl Statement {
    /// Whether it begins with these words.
    pub fn begins(&self, head: &[&str]) -> bool {
        self.words.len() >= head.len()
            && self
                .words
                .iter()
                .zip(head)
                .all(|(word, wished)| word == wished)
    }

    pub fn has(&self, word: &str) -> bool {
        self.words.iter().any(|other| other == word)
    }
}

/// The statements of a file.
///
/// # Errors
/// The line and the reason when not even words can be made out.
pub fn statements(text: &str) -> Result<Vec<Statement>, (u64, String)> {
    let tokens = Tokenizer::new(&DIALECT, text)
        .tokenize_with_location()
        .map_err(|error| (error.location.line, error.message))?;
    Ok(split(tokens)
        .iter()
        .map(|tokens| read(tokens.as_slice()))
        .collect())
}

/// At semicolons, but for those in the body of a function (`BEGIN ATOMIC … END`).
fn split(tokens: Vec<TokenWithSpan>) -> Vec<Vec<TokenWithSpan>> {
    let mut parts = vec![Vec::new()];
    let mut depth = 0_usize;
    for token in tokens {
        match word(&token.token).as_str() {
            "atomic" => depth += 1,
            "case" if depth > 0 => depth += 1,
            "end" => depth = depth.saturating_sub(1),
            _ => {}
        }
        match (&token.token, parts.last_mut()) {
            (Token::SemiColon, _) if depth == 0 => parts.push(Vec::new()),
            (_, Some(part)) => part.push(token),
            (_, None) => {}
        }
    }
    parts.retain(|part| part.iter().any(|token| is_said(&token.token)));
    parts
}

fn read(tokens: &[TokenWithSpan]) -> Statement {
    let said = || tokens.iter().filter(|token| is_said(&token.token));
    let line = said().next().map_or(1, |token| token.span.start.line);
    let words = said().map(|token| word(&token.token)).collect();
    let bodies = said().filter_map(|token| match &token.token {
        Token::DollarQuotedString(body) => Some(body.value.clone()),
        _ => None,
    });
    let bodies = bodies.collect();
    let mut parser = Parser::new(&DIALECT).with_tokens_with_locations(tokens.to_vec());
    let ast = parser.parse_statement().map_err(|error| error.to_string());
    let rest = parser.peek_token().token;
    let ast = match ast {
        Ok(_) if rest != Token::EOF => Err(format!("everything from `{rest}` on")),
        other => other,
    };
    Statement {
        line,
        words,
        bodies,
        ast,
    }
}

fn is_said(token: &Token) -> bool {
    !matches!(token, Token::Whitespace(_) | Token::EOF)
}

fn word(token: &Token) -> String {
    match token {
        Token::Word(word) if word.quote_style.is_none() => word.value.to_lowercase(),
        other => other.to_string(),
    }
}

/// The unquoted words in a text that `PostgreSQL` takes as a program, such as the body of a DO; comments and texts in it aside.
pub fn words_within(text: &str) -> Result<Vec<String>, String> {
    let tokens = Tokenizer::new(&DIALECT, text)
        .tokenize()
        .map_err(|error| error.message)?;
    Ok(tokens
        .iter()
        .filter(|token| matches!(token, Token::Word(_)))
        .map(word)
        .collect())
}

/// The lines of comment that a file begins with.
pub fn head(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .take_while(|line| line.starts_with("--"))
}
