//! What went wrong with a bucket, as a sentence. What the storage answered is not told whole: it may hold the key.

use std::error::Error;

use object_store::Error as Failure;

use super::Bucket;
use crate::core::error::{Code, Fault};
use crate::core::secret::DOTS;

/// The object is not there; a bucket that is not there is another matter.
pub fn absent(error: &Failure) -> bool {
    matches!(error, Failure::NotFound { .. }) && code(error).as_deref() != Some("NoSuchBucket")
}

/// The message: `doing` completes "could not …".
pub fn told(bucket: &Bucket, doing: &str, error: &Failure) -> Fault {
    let place = match &bucket.endpoint {
        Some(endpoint) => format!("{} at {endpoint}", bucket.url()),
        None => bucket.url(),
    };
    let code = code(error);
    let Some((why, next)) = refusal(bucket, code.as_deref(), error) else {
        let message = format!("{place}: could not {doing}: {}", cause(bucket, error));
        return Fault::new(Code::E0430, message)
            .hint("the host is unchanged; run the command again when the storage answers");
    };
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    Fault::new(
        Code::E0431,
        format!("{place}: could not {doing}: {why}{code}"),
    )
    .hint(next)
}

/// Why it says no, and what helps; none when it is no such answer.
fn refusal(bucket: &Bucket, code: Option<&str>, error: &Failure) -> Option<(String, &'static str)> {
    let keys = "set `backup.s3.key_id` and `backup.s3.secret` to a key of that storage, then run `citrino-ops converge`";
    let (why, next) = match (code, error) {
        (Some("InvalidAccessKeyId" | "InvalidClientTokenId"), _) => {
            ("the storage does not know the key", keys)
        }
        (Some("SignatureDoesNotMatch" | "AuthFailure"), _) => {
            ("the secret does not fit the key", keys)
        }
        (Some("NoSuchBucket"), _) => (
            "the bucket does not exist",
            "create the bucket, or correct `backup.s3.bucket` and `backup.s3.endpoint`",
        ),
        (Some("RequestTimeTooSkewed"), _) => (
            "the clock of this machine is wrong",
            "set the clock; on a host systemd-timesyncd does that",
        ),
        (
            Some(
                "AuthorizationHeaderMalformed"
                | "PermanentRedirect"
                | "IllegalLocationConstraintException",
            ),
            _,
        ) => (
            "the bucket is in another region",
            "correct `backup.s3.region`",
        ),
        (Some("AccessDenied"), _)
        | (_, Failure::PermissionDenied { .. } | Failure::Unauthenticated { .. }) => (
            "the key has no permission for that",
            "give the key the permission that the message names; if it must not delete, set `backup.s3.append_only: true`",
        ),
        (Some("ServiceUnavailable" | "SlowDown" | "InternalError") | None, _) => return None,
        (Some(_), _) => return Some((cause(bucket, error), "act on the message of the storage")),
    };
    Some((why.to_owned(), next))
}

/// S3's own word for what is wrong.
fn code(error: &Failure) -> Option<String> {
    element(&error.to_string(), "Code")
}

/// The innermost reason, or S3's sentence, without the key.
fn cause(bucket: &Bucket, error: &Failure) -> String {
    let said = element(&error.to_string(), "Message").unwrap_or_else(|| {
        let mut inner: &dyn Error = error;
        while let Some(source) = inner.source() {
            inner = source;
        }
        inner.to_string()
    });
    [&bucket.secret, &bucket.key_id]
        .iter()
        .filter(|secret| !secret.reveal().is_empty())
        .fold(said, |said, secret| said.replace(secret.reveal(), DOTS))
}

/// The text of the first element of that name.
fn element(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (inside, _) = rest.split_once(&format!("</{name}>"))?;
    Some(inside.to_owned())
}
