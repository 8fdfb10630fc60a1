//! What the operator wrote: citrino.yml, playbooks, templates, where secrets come from, and options about the data.

mod files;
pub mod options;
mod overrides;
pub mod paths;
pub mod playbook;
pub mod profile;
pub mod reference;
pub mod sealed;
pub mod source;
pub mod stack;
pub mod template;
pub mod text;
mod variable;
pub mod yaml;
