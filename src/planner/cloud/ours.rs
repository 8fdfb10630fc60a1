//! Whose a resource is: the label of the stack says it.

use anyhow::Result;

use crate::core::error::{Code, Fault};
use crate::hetzner::labels::{self, Labels};
use crate::hetzner::{Hetzner, ResourceKind};

/// The stack's resource of this name; one of that name that is not the stack's is refused.
pub async fn find_ours<K: ResourceKind>(
    api: &Hetzner,
    stack: &str,
    name: &str,
) -> Result<Option<K>> {
    let ours: Vec<K> = api.of_stack(stack).await?;
    if let Some(found) = ours.into_iter().find(|one| one.name() == name) {
        return Ok(Some(found));
    }
    match api.named::<K>(name).await? {
        Some(found) if !is_ours(found.labels(), stack) => Err(foreign(K::WORD, name, stack)),
        found => Ok(found),
    }
}

/// Whether these labels make a resource the stack's.
pub fn is_ours(found: &Labels, stack: &str) -> bool {
    found.get(labels::STACK).is_some_and(|of| of == stack)
}

/// What is missing or other of the labels that must be there.
pub fn label_differences(found: &Labels, wished: Labels) -> Vec<String> {
    let text = |(key, wished): (String, String)| match found.get(&key) {
        Some(value) if *value == wished => None,
        Some(value) => Some(format!("label {key} is {value}, expected {wished}")),
        None => Some(format!("label {key}={wished} is missing")),
    };
    wished.into_iter().filter_map(text).collect()
}

/// The refusal of what has our name and not our label.
pub fn foreign(kind: &str, name: &str, stack: &str) -> anyhow::Error {
    Fault::new(
        Code::E0306,
        format!(
            "another {kind} named {name} exists and does not belong to stack {stack}: it has no label {}",
            labels::selector(stack)
        ),
    )
    .hint("run `citrino-ops adopt` to make it part of the stack, rename it in the Hetzner console, or choose another `stack` name")
    .into()
}
