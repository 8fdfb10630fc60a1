//! Who words the answers of the chat: providers that speak `OpenAI`'s protocol, and the limits around them.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::range::between;

/// The chat. Without a provider whose key is there, a template words the answers.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Chat {
    /// Seconds for all providers together.
    pub deadline_s: u64,
    /// Conversations with providers at once; the template serves the others.
    pub max_concurrent: usize,
    /// Tokens of an answer at most.
    pub max_tokens: u32,
    /// Bolivianos for a dollar, at which a budget in bolivianos is read.
    pub bob_per_usd: f64,
    /// Asked in this order until one answers.
    pub providers: Vec<Provider>,
}

/// A provider of a model.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// As answers and the log call it.
    pub name: String,
    /// Up to what comes before `/chat/completions`.
    pub base_url: String,
    /// The model's name there.
    pub model: String,
    /// The variable of the environment that holds the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_env: Option<String>,
    /// The file that holds the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// Seconds for one request.
    #[serde(default = "fifteen")]
    pub timeout_s: u64,
}

fn fifteen() -> u64 {
    15
}

/// A provider's key. Never shown.
#[derive(Clone)]
pub struct Key(String);

impl Key {
    /// For the one header that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(hidden)")
    }
}

/// What became of the key that a provider names.
#[derive(Debug, Clone)]
pub enum Access {
    /// It is here.
    With(Key),
    /// None is named, so none is sent.
    Open,
    /// It is named and not here; the provider is left out.
    Missing,
}

impl Default for Chat {
    fn default() -> Self {
        let provider = |name: &str, base_url: &str, model: &str, key_env: &str| Provider {
            name: name.to_owned(),
            base_url: base_url.to_owned(),
            model: model.to_owned(),
            key_env: Some(key_env.to_owned()),
            key_file: None,
            timeout_s: fifteen(),
        };
        Chat {
            deadline_s: 25,
            max_concurrent: 4,
            max_tokens: 800,
            // The rate at which Bolivia's central bank has sold dollars since 2011.
            bob_per_usd: 6.96,
            providers: vec![
                provider(
                    "zai",
                    "https://api.z.ai/api/coding/paas/v4",
                    "glm-4.6",
                    "ZAI_API_KEY",
                ),
                provider(
                    "openrouter",
                    "https://openrouter.ai/api/v1",
                    "qwen/qwen-2.5-72b-instruct:free",
                    "OPENROUTER_API_KEY",
                ),
            ],
        }
    }
}

impl Chat {
    /// Models are given up before the request is, so that the facts are still told.
    pub fn within(&mut self, request_timeout_s: u64) {
        let most = request_timeout_s.saturating_sub(1).max(1);
        self.deadline_s = self.deadline_s.min(most);
    }

    /// Refuses what cannot work, by name.
    pub fn validate(&self) -> Result<()> {
        between("chat.deadline_s", self.deadline_s, 1, 600)?;
        between("chat.max_concurrent", self.max_concurrent, 1, 1000)?;
        between("chat.max_tokens", self.max_tokens, 16, 32_000)?;
        between("chat.bob_per_usd", self.bob_per_usd, 0.01, 10_000.0)?;
        for (index, provider) in self.providers.iter().enumerate() {
            provider.validate()?;
            let twice = self.providers[..index]
                .iter()
                .any(|other| other.name == provider.name);
            ensure!(
                !twice,
                "chat.providers has two providers named \"{}\"",
                provider.name
            );
        }
        Ok(())
    }
}

impl Provider {
    fn validate(&self) -> Result<()> {
        let name = &self.name;
        ensure!(
            !name.trim().is_empty(),
            "a provider of chat.providers has no name"
        );
        ensure!(
            !self.model.trim().is_empty(),
            "the provider {name} names no model"
        );
        between(
            &format!("timeout_s of the provider {name}"),
            self.timeout_s,
            1,
            600,
        )?;
        ensure!(
            self.key_env.is_none() || self.key_file.is_none(),
            "the provider {name} names both key_env and key_file; one of them is enough"
        );
        // The address is not repeated: somebody may have put a key into it.
        let url = reqwest::Url::parse(&self.base_url)
            .ok()
            .with_context(|| format!("base_url of the provider {name} is no address"))?;
        ensure!(
            url.username().is_empty() && url.password().is_none() && url.query().is_none(),
            "base_url of the provider {name} must hold neither a user nor a password nor a query; keys belong to key_env or key_file"
        );
        let host = url.host_str().unwrap_or("");
        let loopback = host == "localhost" || host == "[::1]" || host.starts_with("127.");
        match url.scheme() {
            "https" => Ok(()),
            "http" if loopback => Ok(()),
            "http" => bail!(
                "base_url of the provider {name} is http, which would show the key; only a loopback address may be"
            ),
            other => bail!("base_url of the provider {name} is {other}, but must be https"),
        }
    }

    /// Looks for the key.
    pub fn access(&self) -> Result<Access> {
        if let Some(variable) = &self.key_env {
            let key = std::env::var(variable).unwrap_or_default();
            return Ok(with(&key));
        }
        let Some(file) = &self.key_file else {
            return Ok(Access::Open);
        };
        let key = std::fs::read_to_string(file).with_context(|| {
            format!(
                "{}, the key of the provider {}, cannot be read",
                file.display(),
                self.name
            )
        })?;
        Ok(with(&key))
    }
}

fn with(key: &str) -> Access {
    let key = key.trim();
    // What no header can carry is no key.
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        Access::Missing
    } else {
        Access::With(Key(key.to_owned()))
    }
}
