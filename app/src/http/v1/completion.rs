//! A completion, whole or in pieces.

use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::chat::{Conversation, Known, Origin, Worded};

/// What all pieces of a completion share.
pub struct Completion {
    id: String,
    created: i64,
    model: &'static str,
}

impl Completion {
    /// A new one.
    pub fn new(model: &'static str) -> Self {
        Completion {
            id: format!("chatcmpl-{}", Uuid::new_v4().simple()),
            created: OffsetDateTime::now_utc().unix_timestamp(),
            model,
        }
    }

    /// The whole answer.
    pub fn whole<'a>(&'a self, conversation: &'a Conversation, worded: &'a Worded) -> Whole<'a> {
        Whole {
            id: &self.id,
            object: "chat.completion",
            created: self.created,
            model: self.model,
            choices: [Choice {
                index: 0,
                message: Message {
                    role: "assistant",
                    content: &worded.text,
                    refusal: None,
                },
                logprobs: None,
                finish_reason: reason(worded),
            }],
            usage: usage(worded),
            citrino: Citrino {
                known: conversation.known(),
                origin: &worded.origin,
            },
        }
    }

    /// The first event: the role, and what the database knows.
    pub fn first(&self, conversation: &Conversation) -> Value {
        let mut event = self.piece(&json!({"role": "assistant", "content": ""}), None);
        event["citrino"] = json!(conversation.known());
        event
    }

    /// The text word by word, and the event that ends it.
    pub fn pieces(&self, worded: &Worded) -> Vec<Value> {
        let words = worded.text.split_inclusive(char::is_whitespace);
        let mut events: Vec<Value> = words
            .map(|word| self.piece(&json!({"content": word}), None))
            .collect();
        let mut last = self.piece(&json!({}), Some(reason(worded)));
        last["citrino"] = json!(worded.origin);
        events.push(last);
        events
    }

    /// The event with the usage.
    pub fn usage_event(&self, worded: &Worded) -> Value {
        let mut event = self.head("chat.completion.chunk", &[]);
        event["usage"] = json!(usage(worded));
        event
    }

    fn piece(&self, delta: &Value, reason: Option<&str>) -> Value {
        let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason});
        self.head("chat.completion.chunk", &[choice])
    }

    fn head(&self, object: &str, choices: &[Value]) -> Value {
        json!({
            "id": self.id,
            "object": object,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        })
    }
}

fn reason(worded: &Worded) -> &'static str {
    if worded.cut { "length" } else { "stop" }
}

fn usage(worded: &Worded) -> Usage {
    Usage {
        prompt_tokens: worded.prompt_tokens,
        completion_tokens: worded.completion_tokens,
        total_tokens: worded.prompt_tokens + worded.completion_tokens,
    }
}

/// A completion that is not streamed.
#[derive(Serialize, ToSchema)]
#[schema(as = Completion)]
pub struct Whole<'a> {
    id: &'a str,
    object: &'static str,
    /// Unix seconds.
    created: i64,
    model: &'static str,
    #[schema(value_type = Vec<Choice>)]
    choices: [Choice<'a>; 1],
    usage: Usage,
    citrino: Citrino<'a>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = CompletionChoice)]
struct Choice<'a> {
    index: u32,
    message: Message<'a>,
    #[schema(value_type = Option<Object>)]
    logprobs: Option<Value>,
    /// `stop`, or `length` if `max_tokens` cut it.
    finish_reason: &'static str,
}

#[derive(Serialize, ToSchema)]
#[schema(as = CompletionMessage)]
struct Message<'a> {
    role: &'static str,
    /// Markdown; properties are cited as `#id`.
    content: &'a str,
    refusal: Option<&'static str>,
}

/// The provider's count, or an estimate of four characters a token.
#[derive(Serialize, ToSchema)]
#[schema(as = CompletionUsage)]
struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
}

/// The data behind the text, and who worded it.
#[derive(Serialize, ToSchema)]
#[schema(as = CompletionCitrino)]
struct Citrino<'a> {
    #[serde(flatten)]
    known: Known<'a>,
    #[serde(flatten)]
    origin: &'a Origin,
}
