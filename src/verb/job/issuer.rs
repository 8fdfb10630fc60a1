//! The certificate that the server of an ACME issuer is trusted by.

use std::path::Path;

use anyhow::Result;

use crate::config::stack::Stack;
use crate::config::text;
use crate::core::error::{Code, Fault};
use crate::facts::certificate::leaf;

/// That of citrino.yml, as PEM.
///
/// # Errors
/// E0102 when its file cannot be read, or has something else in it.
pub fn ca(stack: &Stack) -> Result<Option<String>> {
    let Some(path) = &stack.tls.ca else {
        return Ok(None);
    };
    let text = read(&stack.resolve(path)).map_err(|error| stack.located("tls.ca", error))?;
    Ok(Some(text))
}

fn read(file: &Path) -> Result<String> {
    let refused = |why: String| {
        let message = format!("tls.ca: {} {why}", file.display());
        Fault::new(Code::E0102, message).hint("name a file with the CA's certificate, as PEM")
    };
    let text = text::read(file).map_err(|error| refused(error.why().to_owned()))?;
    if leaf::ders(text.as_bytes()).is_none() {
        return Err(refused("has something else in it than certificates".to_owned()).into());
    }
    Ok(text)
}
