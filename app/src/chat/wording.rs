//! Words an answer.

use crate::chat::answer::Origin;
use crate::chat::provider::{Fault, Message, Miss, Prompt, Reply};
use crate::chat::{Chat, Conversation, Role, ground, prompt, template};

/// Earlier turns that a model gets, and characters of each.
const HISTORY: usize = 10;
const LETTERS: usize = 2000;
/// Characters of a token, as a rule of thumb.
const LETTERS_A_TOKEN: usize = 4;

/// Options of the request.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub max_tokens: Option<u32>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    /// The text ends before the first of these.
    pub stop: Vec<String>,
}

/// The text of an answer.
#[derive(Debug)]
pub struct Worded {
    pub text: String,
    /// Whether it was cut at the limit.
    pub cut: bool,
    pub origin: Origin,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
}

impl Chat {
    /// Words the answer. It never fails: without a model it uses the template.
    pub async fn word(&self, conversation: &Conversation, options: &Options) -> Worded {
        let limit = options
            .max_tokens
            .map_or(self.max_tokens, |wanted| wanted.min(self.max_tokens));
        let mut origin = Origin::default();
        if !self.chain.is_empty() {
            let outcome = self.chain.ask(&conversation.prompt(options, limit)).await;
            origin.error_details = outcome.misses;
            if let Some((provider, reply)) = outcome.reply {
                let tokens = reply.tokens;
                if let Some((text, cut)) =
                    conversation.grounded(&provider, reply, options, &mut origin)
                {
                    origin.fallback_activado = !origin.error_details.is_empty();
                    origin.llm_usado = true;
                    origin.provider_usado = Some(provider);
                    return conversation.worded(text, cut, origin, tokens);
                }
            }
            origin.fallback_activado = true;
        }
        let text = stopped(template::tell(&conversation.facts), &options.stop);
        let (text, cut) = shortened(text, limit);
        conversation.worded(text, cut, origin, None)
    }
}

impl Conversation {
    fn worded(
        &self,
        text: String,
        cut: bool,
        origin: Origin,
        tokens: Option<(u64, u64)>,
    ) -> Worded {
        let (prompt_tokens, completion_tokens) = tokens.unwrap_or_else(|| {
            let prompt = self.turns.iter().map(|turn| estimate(&turn.text)).sum();
            (prompt, estimate(&text))
        });
        Worded {
            text,
            cut,
            origin,
            prompt_tokens,
            completion_tokens,
        }
    }

    /// The sentences of the reply that the facts bear, and whether it was cut at the limit.
    fn grounded(
        &self,
        provider: &str,
        reply: Reply,
        options: &Options,
        origin: &mut Origin,
    ) -> Option<(String, bool)> {
        let mut text = reply.text;
        if reply.cut {
            // Half a number is a wrong number.
            text.truncate(text.rfind(char::is_whitespace).unwrap_or(0));
        }
        let text = stopped(text, &options.stop);
        let said = self.users().collect::<Vec<_>>().join("\n");
        match ground::borne(&text, &self.facts, &self.zones, &said) {
            Ok(borne) => {
                for ground::Ungrounded(why) in borne.cut {
                    tracing::warn!(provider, why, "a sentence of a model was cut");
                }
                Some((self.noted(&borne.text), reply.cut))
            }
            Err(ground::Ungrounded(why)) => {
                tracing::warn!(provider, why, "an answer of a model was not told");
                origin.error_details.push(Miss {
                    provider: provider.to_owned(),
                    fault: Fault::NotGrounded,
                });
                None
            }
        }
    }

    /// What was not understood, or read in some way, is told by this program and not by the model.
    fn noted(&self, text: &str) -> String {
        let mut parts = self.facts.notes.clone();
        parts.push(text.to_owned());
        parts.join("\n\n")
    }

    /// The rules and facts first, then the client's instructions, then the turns.
    fn prompt(&self, options: &Options, max_tokens: u32) -> Prompt {
        let mut messages = vec![Message {
            role: "system",
            content: prompt::system(&self.facts),
        }];
        let (system, said): (Vec<_>, Vec<_>) = self
            .turns
            .iter()
            .partition(|turn| turn.role == Role::System);
        let skipped = said.len().saturating_sub(HISTORY + 1);
        for turn in system.into_iter().chain(said.into_iter().skip(skipped)) {
            messages.push(Message {
                role: match turn.role {
                    Role::System => "system",
                    Role::User => "user",
                    Role::Assistant => "assistant",
                },
                content: turn.text.chars().take(LETTERS).collect(),
            });
        }
        Prompt {
            messages,
            max_tokens,
            temperature: options.temperature.or(Some(0.1)),
            top_p: options.top_p,
            stop: options.stop.clone(),
        }
    }
}

/// The text before the first of the stops.
fn stopped(mut text: String, stops: &[String]) -> String {
    let first = stops
        .iter()
        .filter_map(|stop| text.find(stop.as_str()))
        .min();
    text.truncate(first.unwrap_or(text.len()));
    text
}

/// The text within a number of tokens, and whether that cut it.
fn shortened(text: String, tokens: u32) -> (String, bool) {
    let letters = usize::try_from(tokens)
        .unwrap_or(usize::MAX)
        .saturating_mul(LETTERS_A_TOKEN);
    match text.char_indices().nth(letters) {
        Some((end, _)) => (text[..end].to_owned(), true),
        None => (text, false),
    }
}

fn estimate(text: &str) -> u64 {
    u64::try_from(text.chars().count().div_ceil(LETTERS_A_TOKEN)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_where_it_must() {
        let stops = vec!["fin".to_owned(), "ta".to_owned()];
        assert_eq!(stopped("hasta el fin".to_owned(), &stops), "has");
        assert_eq!(stopped("nada".to_owned(), &stops), "nada");
        assert_eq!(
            shortened("ñandú azul".to_owned(), 1),
            ("ñand".to_owned(), true)
        );
        assert_eq!(
            shortened("ñandú".to_owned(), 9),
            ("ñandú".to_owned(), false)
        );
        assert_eq!(estimate("cinco"), 2);
    }
}
