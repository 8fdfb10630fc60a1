//! What the operator wrote: citrino.yml, playbooks, templates, and where secrets come from.

mod files;
mod overrides;
pub mod paths;
pub mod playbook;
pub mod profile;
pub mod reference;
pub mod source;
pub mod stack;
pub mod template;
pub mod text;
pub mod yaml;
