//! A completion, whole or in pieces.

use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::chat::{Conversation, Worded};

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
    pub fn whole(&self, conversation: &Conversation, worded: &Worded) -> Value {
        let mut citrino = json!(conversation.known());
        if let (Value::Object(known), Value::Object(origin)) = (&mut citrino, json!(worded.origin))
        {
            known.extend(origin);
        }
        let message = json!({"role": "assistant", "content": worded.text, "refusal": null});
        let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": reason(worded)});
        let mut body = self.head("chat.completion", &[choice]);
        body["usage"] = usage(worded);
        body["citrino"] = citrino;
        body
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

    /// The event that only counts.
    pub fn usage_event(&self, worded: &Worded) -> Value {
        let mut event = self.head("chat.completion.chunk", &[]);
        event["usage"] = usage(worded);
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

fn usage(worded: &Worded) -> Value {
    json!({
        "prompt_tokens": worded.prompt_tokens,
        "completion_tokens": worded.completion_tokens,
        "total_tokens": worded.prompt_tokens + worded.completion_tokens,
    })
}
