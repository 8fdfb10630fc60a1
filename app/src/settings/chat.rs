//! The chat's settings: providers that speak `OpenAI`'s protocol, and limits.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::range::between;

/// The chat. Without a provider that has its key, a template words the answers.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Chat {
    /// Seconds for all providers together.
    pub deadline_s: u64,
    /// Conversations with providers at once; the template serves the others.
    pub max_concurrent: usize,
    /// Tokens of an answer at most.
    pub max_tokens: u32,
    /// Bolivianos for one dollar; converts a budget in bolivianos.
    pub bob_per_usd: f64,
    /// Asked in this order until one answers.
    pub providers: Vec<Provider>,
}

/// A provider of a model.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Its name in answers and in the log.
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
    /// Returns the key, for the one header that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("(hidden)")
    }
}

/// The key of a provider.
#[derive(Debug, Clone)]
pub enum Access {
    /// The key.
    With(Key),
    /// The provider needs no key.
    Open,
    /// The named key is missing; the provider is skipped.
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
    /// Ends the attempts of models before the request times out, so that the facts are still returned.
    pub fn within(&mut self, request_timeout_s: u64) {
        let most = request_timeout_s.saturating_sub(1).max(1);
        self.deadline_s = self.deadline_s.min(most);
    }

    /// Refuses invalid settings by name.
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
            "the provider {name} has no model"
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
        // The message does not repeat the URL: it may contain a key.
        let url = reqwest::Url::parse(&self.base_url)
            .ok()
            .with_context(|| format!("base_url of the provider {name} is not a URL"))?;
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

    /// Reads the key.
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
    // A key must be a valid header value.
    if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        Access::Missing
    } else {
        Access::With(Key(key.to_owned()))
    }
}
