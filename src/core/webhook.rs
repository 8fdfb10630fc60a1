//! What is told to people, and how a webhook takes it.

use anyhow::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::{Code, Fault};
use super::http::{HttpRequest, Manner};
use super::plain;
use super::secret::Secret;

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeEvent {
    /// Something on the host failed, or a deploy did.
    Failure,
    /// What had failed is well again.
    Recovery,
    /// Another release serves.
    Deploy,
    /// An earlier release serves again.
    Rollback,
}

impl NoticeEvent {
    /// All that can be chosen.
    pub fn all() -> Vec<Self> {
        vec![Self::Failure, Self::Recovery, Self::Deploy, Self::Rollback]
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Recovery => "recovery",
            Self::Deploy => "deploy",
            Self::Rollback => "rollback",
        }
    }
}

/// What a webhook reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HookFormat {
    /// An object with fields, for a program of your own.
    #[default]
    Json,
    /// A text, as Slack, Mattermost and others take it.
    Slack,
    /// A message for a topic of ntfy, which the URL names.
    Ntfy,
}

/// Where to post, and what is wanted there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    pub url: Secret,
    pub format: HookFormat,
    pub events: Vec<NoticeEvent>,
}

/// One thing that is told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeItem {
    pub event: NoticeEvent,
    pub name: String,
    pub text: String,
}

/// What is told at once. Without an item it is a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub stack: String,
    pub host: String,
    pub at: String,
    pub subject: String,
    pub body: String,
    pub items: Vec<NoticeItem>,
}

impl Hook {
    /// Where it is, for people: whoever knows the whole URL may post there.
    pub fn place(&self) -> String {
        let url = reqwest::Url::parse(self.url.reveal()).ok();
        let host = url.and_then(|url| url.host_str().map(str::to_owned));
        host.unwrap_or_else(|| "an URL that cannot be read".to_owned())
    }

    /// Posts it.
    ///
    /// # Errors
    /// E0470 when it was not taken, without the URL.
    pub async fn post(&self, notice: &Notice) -> Result<()> {
        let refused = |why: String| {
            Fault::new(
                Code::E0470,
                format!("the webhook at {} {why}", self.place()),
            )
            .hint("check `notify` in citrino.yml, and the service that it posts to")
        };
        let Some((url, body)) = self.request(notice) else {
            return Err(refused("has no usable URL".to_owned()).into());
        };
        let request = HttpRequest {
            method: "POST".to_owned(),
            body: Some(body.to_string()),
            ..HttpRequest::get(url)
        };
        match answered(&request).await {
            Ok(()) => Ok(()),
            Err(why) => Err(refused(why).into()),
        }
    }

    /// Where it goes, and what.
    fn request(&self, notice: &Notice) -> Option<(String, Value)> {
        let url = self.url.reveal().to_owned();
        match self.format {
            HookFormat::Json => Some((url, notice.as_json())),
            HookFormat::Slack => Some((url, json!({ "text": notice.as_text() }))),
            HookFormat::Ntfy => {
                // ntfy takes JSON where no topic is named, and the topic in it.
                let mut at = reqwest::Url::parse(&url).ok()?;
                let topic = at.path_segments()?.next_back()?.to_owned();
                let folder = at.path().strip_suffix(&topic)?.to_owned();
                at.set_path(&folder);
                let priority = if notice.is_bad() { 4 } else { 3 };
                let body = json!({ "topic": topic, "title": notice.subject, "message": notice.body, "priority": priority });
                (!topic.is_empty()).then(|| (at.to_string(), body))
            }
        }
    }
}

impl Notice {
    /// What a mail has as its subject.
    pub fn subject_of(domain: &str, items: &[NoticeItem]) -> String {
        let named = |event: NoticeEvent, word: &str| {
            let mut names = items.iter().filter(|item| item.event == event);
            let first = names.next()?;
            let more = match names.count() {
                0 => String::new(),
                more => format!(" (+{more})"),
            };
            Some(format!("{word}{}{more}", first.name))
        };
        let parts = [
            named(NoticeEvent::Failure, "down: "),
            named(NoticeEvent::Recovery, "up again: "),
            named(NoticeEvent::Deploy, ""),
            named(NoticeEvent::Rollback, ""),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        let what = if parts.is_empty() {
            "a test of alerts".to_owned()
        } else {
            parts.join("; ")
        };
        format!("[{domain}] {what}")
    }

    /// What follows it: what failed comes first.
    pub fn body_of(host: &str, items: &[NoticeItem]) -> String {
        let mut parts = Vec::new();
        for (event, head) in [
            (NoticeEvent::Failure, "Down"),
            (NoticeEvent::Recovery, "Up again"),
            (NoticeEvent::Deploy, "Deployed"),
            (NoticeEvent::Rollback, "Rolled back"),
        ] {
            let mut of_it = items.iter().filter(|item| item.event == event).peekable();
            if of_it.peek().is_some() {
                parts.push(format!("{head}:"));
            }
            parts.extend(of_it.map(|item| {
                let lines = item.text.trim_end().replace('\n', "\n    ");
                format!("  {}\n    {lines}", item.name)
            }));
        }
        if items.is_empty() {
            let test = "This is a test by `citrino-ops alerts test`. Nothing failed.";
            parts.push(test.to_owned());
        }
        parts.push(format!(
            "From host {host}. `citrino-ops health` shows all checks.\n"
        ));
        parts.join("\n\n")
    }

    pub fn is_bad(&self) -> bool {
        self.items
            .iter()
            .any(|item| item.event == NoticeEvent::Failure)
    }

    fn as_json(&self) -> Value {
        let mut events: Vec<&str> = Vec::new();
        for item in &self.items {
            if !events.contains(&item.event.word()) {
                events.push(item.event.word());
            }
        }
        json!({
            "stack": self.stack, "host": self.host, "at": self.at, "events": events, "is_test": self.items.is_empty(),
            "subject": self.subject, "text": self.body, "items": self.items,
        })
    }

    /// As Slack reads it, to which three characters mean more.
    fn as_text(&self) -> String {
        let escaped = |text: &str| {
            let text = text.replace('&', "&amp;");
            text.replace('<', "&lt;").replace('>', "&gt;")
        };
        format!("*{}*\n{}", escaped(&self.subject), escaped(&self.body))
    }
}

/// Requests an URL that is a secret, once.
///
/// # Errors
/// Why that did not succeed, without the URL.
pub async fn answered(request: &HttpRequest) -> Result<(), String> {
    let asker = request
        .asker(Manner::Probe)
        .map_err(|_| "has no usable URL".to_owned())?;
    match asker.ask().await {
        Ok(answer) if answer.status.is_success() => Ok(()),
        Ok(answer) => Err(format!("answered with status {}", answer.status.as_u16())),
        Err(error) if error.is_timeout() => Err("did not answer in time".to_owned()),
        Err(error) => {
            let why = anyhow::Error::from(error.without_url());
            Err(format!(
                "cannot be reached: {}",
                plain::line(&format!("{why:#}"))
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> Notice {
        Notice {
            stack: "prod".to_owned(),
            host: "prod".to_owned(),
            at: "2026-11-30T03:00:00Z".to_owned(),
            subject: "[example.com] down: nginx service".to_owned(),
            body: "a < b & c".to_owned(),
            items: vec![NoticeItem {
                event: NoticeEvent::Failure,
                name: "nginx service".to_owned(),
                text: String::new(),
            }],
        }
    }

    fn hook(url: &str, format: HookFormat) -> Hook {
        Hook {
            url: Secret::new(url),
            format,
            events: NoticeEvent::all(),
        }
    }

    #[test]
    fn each_service_gets_its_own_form() {
        let asked = |url, format| hook(url, format).request(&notice());
        let (url, body) = asked(
            "https://ntfy.example.com/on/alarms?auth=x",
            HookFormat::Ntfy,
        )
        .unwrap();
        assert_eq!(url, "https://ntfy.example.com/on/?auth=x");
        assert_eq!(
            (&body["topic"], &body["priority"]),
            (&json!("alarms"), &json!(4))
        );
        assert_eq!(asked("https://ntfy.example.com/", HookFormat::Ntfy), None);
        let (_, body) = asked("https://hooks.example.com/T/B/x", HookFormat::Slack).unwrap();
        assert_eq!(
            body["text"],
            "*[example.com] down: nginx service*\na &lt; b &amp; c"
        );
        let (_, body) = asked("https://example.com/x", HookFormat::Json).unwrap();
        assert_eq!(body["events"], json!(["failure"]));
        assert_eq!(body["is_test"], false);
    }

    #[tokio::test]
    async fn no_error_tells_the_url() {
        // A port that nobody has, a name that nobody has, and no URL at all.
        for url in [
            "http://127.0.0.1:9/secret-token",
            "http://host.invalid/secret-token",
            "secret-token",
        ] {
            let error = hook(url, HookFormat::Json)
                .post(&notice())
                .await
                .unwrap_err();
            let told = format!("{error:#} {error:?}");
            assert!(!told.contains("secret-token"), "{told}");
        }
    }
}
