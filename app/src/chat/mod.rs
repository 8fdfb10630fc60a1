//! The chat: it parses a question, asks the database, and words the results: by a model if one is available and keeps to the
//! facts, by a template otherwise.

mod amounts;
mod answer;
mod cues;
mod facts;
mod ground;
mod leftovers;
mod lexicon;
mod numeral;
mod parse;
mod places;
mod prompt;
mod provider;
mod question;
mod refusal;
mod rewrite;
mod rings;
mod spelling;
mod template;
mod verbs;
mod vocabulary;
mod wording;
mod words;

use sqlx::PgConnection;

pub use answer::{Known, Origin};
pub use wording::{Options, Worded};

use crate::catalog::query_error::QueryError;
use crate::catalog::ranking_cache::RankingCache;
use crate::catalog::zone::Zone;
use crate::settings;
use facts::Facts;
use provider::Chain;
use question::{Intent, Question};

/// Turns of a conversation that are read.
const TURNS: usize = 20;

/// Who wrote a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Instructions of the program that asks.
    System,
    User,
    Assistant,
}

/// One turn of a conversation.
#[derive(Debug, Clone)]
pub struct Turn {
    pub role: Role,
    pub text: String,
}

/// The chat of a server.
#[derive(Debug)]
pub struct Chat {
    chain: Chain,
    max_tokens: u32,
    /// Bolivianos for a dollar.
    pub bob_per_usd: f64,
}

/// A conversation, with the results for its last question.
pub struct Conversation {
    turns: Vec<Turn>,
    zones: Vec<Zone>,
    facts: Facts,
}

impl Chat {
    /// The chat of the settings.
    pub fn new(settings: &settings::Chat) -> anyhow::Result<Self> {
        Ok(Chat {
            chain: Chain::new(settings)?,
            max_tokens: settings.max_tokens,
            bob_per_usd: settings.bob_per_usd,
        })
    }
}

impl Conversation {
    /// Reads the last question together with the earlier turns, and asks the database.
    pub async fn read(
        ranking_cache: &RankingCache,
        connection: &mut PgConnection,
        mut turns: Vec<Turn>,
        bob_per_usd: f64,
    ) -> Result<Self, QueryError> {
        let zones = ranking_cache.zones().await?;
        let extra = turns.len().saturating_sub(TURNS);
        let mut seen = 0;
        // Instructions are kept, however old.
        turns.retain(|turn| {
            seen += 1;
            turn.role == Role::System || seen > extra
        });
        let question = understood(&turns, &zones, bob_per_usd);
        let facts = facts::find(ranking_cache, connection, question, &zones).await?;
        Ok(Conversation {
            turns,
            zones,
            facts,
        })
    }

    /// The user's last turn.
    pub fn asked(&self) -> &str {
        self.users().last().unwrap_or("")
    }

    /// The answer in the words of the template.
    pub fn template_text(&self) -> String {
        template::tell(&self.facts)
    }

    /// The results.
    pub fn known(&self) -> Known<'_> {
        Known::new(&self.facts, self.asked())
    }

    fn users(&self) -> impl Iterator<Item = &str> {
        self.turns
            .iter()
            .filter(|turn| turn.role == Role::User)
            .map(|turn| turn.text.as_str())
    }
}

/// The last question, completed from the earlier ones. A turn that is not about the catalogue, or about one property only,
/// does not change the search.
fn understood(turns: &[Turn], zones: &[Zone], bob_per_usd: f64) -> Question {
    let mut questions: Vec<Question> = turns
        .iter()
        .filter(|turn| turn.role == Role::User)
        .map(|turn| parse::question(&turn.text, zones, bob_per_usd))
        .collect();
    let mut last = questions.pop().unwrap_or_default();
    if last.intent == Some(Intent::Contacto) && last.propiedad.is_none() {
        // "¿y el teléfono?" after a question about one property.
        let before = questions
            .iter()
            .rfind(|question| question.intent != Some(Intent::Contacto));
        last.propiedad = before.and_then(|question| question.propiedad);
    }
    let earlier = questions
        .into_iter()
        .filter(|question| {
            let aside = matches!(question.intent, Some(Intent::Propiedad | Intent::Contacto));
            !aside && question.intent() != Intent::Ayuda
        })
        .fold(Question::default(), |earlier, question| {
            question.after(&earlier)
        });
    last.after(&earlier)
}
