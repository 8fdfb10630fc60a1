//! Files beside citrino.yml that go before the embedded ones of the same name: each must be one that something reads.

use anyhow::Result;

use super::files::NamedFiles;
use super::template::Templates;
use super::yaml::nearest;
use crate::core::error::{Code, Fault};

/// Refuses playbooks that no verb and no `site.yml` would read: whoever wrote them thinks that they are in force.
///
/// # Errors
/// E0201 with each of them.
pub fn check_playbooks(own: &[NamedFiles], known: &[String], listed: &[String]) -> Result<()> {
    let is_used = |name: &str| {
        let is_listed = listed.iter().any(|listed| format!("{listed}.yml") == name);
        is_listed || known.iter().any(|known| known == name)
    };
    let names = own.iter().map(|(name, _)| name.as_str());
    let unused = names.filter(|name| !is_used(name));
    refuse("playbooks", unused, known, Code::E0201)
}

/// Refuses templates that are none of the embedded ones and that no playbook or template of the operator names.
///
/// # Errors
/// E0202 with each of them.
pub fn check_templates(own: &[NamedFiles], playbooks: &[NamedFiles]) -> Result<()> {
    let known = Templates::known();
    let is_used = |name: &str| {
        let others = own.iter().filter(|(other, _)| other != name);
        let mut texts = others.chain(playbooks);
        known.iter().any(|known| known == name) || texts.any(|(_, text)| text.contains(name))
    };
    let names = own.iter().map(|(name, _)| name.as_str());
    let unused = names.filter(|name| !is_used(name));
    refuse("templates", unused, &known, Code::E0202)
}

fn refuse<'n>(
    folder: &str,
    unused: impl Iterator<Item = &'n str>,
    known: &[String],
    code: Code,
) -> Result<()> {
    let lines = unused.map(|name| {
        let near = nearest(name, known.iter().map(String::as_str));
        let near = near.map_or(String::new(), |near| {
            format!("; did you mean `{folder}/{near}`?")
        });
        format!("{folder}/{name} is used by nothing{near}")
    });
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return Ok(());
    }
    Err(Fault::new(code, lines.join("\n"))
        .hint("a file there goes before the embedded one of the same name")
        .into())
}
