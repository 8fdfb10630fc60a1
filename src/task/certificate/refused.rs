//! What goes wrong with an issuer, as a sentence with a code.

use std::fmt;

use instant_acme as acme;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::core::error::{Code, Fault};

#[derive(Debug)]
pub enum CaTrouble {
    /// It says no.
    Refused(Box<CaProblem>),
    /// It said no, and would say so again until then.
    TooSoon(OffsetDateTime),
    /// It does not answer, or not to its end.
    Away(String),
    /// Its own certificate is not one that the host trusts.
    Untrusted(String),
    /// It answers what no such server answers.
    Unfit(String),
}

/// A problem document (RFC 8555, 6.7).
#[derive(Debug)]
pub struct CaProblem {
    kind: ProblemKind,
    /// What it said, as far as anybody reads it.
    said: String,
    /// The name that it is about, where it is about one.
    name: Option<String>,
    until: Option<OffsetDateTime>,
}

/// What the types of problems lead to; RFC 8555 has the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    BadNonce,
    /// It does not know the account any more, or not as a valid one.
    UnknownAccount,
    RateLimited,
    /// It came, and did not find what was to be found.
    NotProven,
    /// It may not, or does not, issue for the name.
    NotForThisName,
    /// It has a fault of its own.
    Internal,
    Other,
}

/// How much of what it says is kept.
const MOST: usize = 600;
const OF_ACME: &str = "urn:ietf:params:acme:error:";

impl ProblemKind {
    fn of(word: Option<&str>) -> Self {
        match word.and_then(|word| word.strip_prefix(OF_ACME)) {
            Some("badNonce") => Self::BadNonce,
            Some("accountDoesNotExist") => Self::UnknownAccount,
            Some("rateLimited") => Self::RateLimited,
            Some("unauthorized" | "connection" | "dns" | "incorrectResponse" | "tls") => {
                Self::NotProven
            }
            Some("caa" | "rejectedIdentifier" | "unsupportedIdentifier") => Self::NotForThisName,
            Some("serverInternal") => Self::Internal,
            _ => Self::Other,
        }
    }
}

impl CaProblem {
    fn of(problem: &acme::Problem) -> Self {
        let about = problem
            .subproblems
            .iter()
            .find_map(|sub| sub.identifier.as_ref());
        let mut said: Vec<String> = problem.detail.iter().cloned().collect();
        let details = problem
            .subproblems
            .iter()
            .filter_map(|sub| sub.detail.clone());
        said.extend(details.filter(|detail| problem.detail.as_ref() != Some(detail)));
        // What is about one name says there what it is.
        let inner = problem
            .subproblems
            .iter()
            .map(|sub| ProblemKind::of(sub.r#type.as_deref()));
        let own = ProblemKind::of(problem.r#type.as_deref());
        let kind = inner
            .filter(|_| own == ProblemKind::Other)
            .find(|kind| *kind != own);
        Self {
            kind: kind.unwrap_or(own),
            said: said.join("; ").chars().take(MOST).collect(),
            name: about.map(|name| name.authorized(false).to_string()),
            until: None,
        }
    }
}

impl CaTrouble {
    /// It says that it is asked too much, and no more.
    pub fn limited() -> Self {
        Self::Refused(Box::new(CaProblem {
            kind: ProblemKind::RateLimited,
            said: "too many requests".to_owned(),
            name: None,
            until: None,
        }))
    }

    /// The same about one name.
    pub fn about(self, name: &str) -> Self {
        self.with(|problem| {
            problem.name.get_or_insert_with(|| name.to_owned());
        })
    }

    /// The same with the time that came along.
    pub fn not_before(self, until: Option<OffsetDateTime>) -> Self {
        self.with(|problem| {
            problem.until = until.filter(|_| problem.kind == ProblemKind::RateLimited);
        })
    }

    fn with(self, change: impl FnOnce(&mut CaProblem)) -> Self {
        match self {
            Self::Refused(mut problem) => {
                change(&mut problem);
                Self::Refused(problem)
            }
            other => other,
        }
    }

    pub fn kind(&self) -> Option<ProblemKind> {
        match self {
            Self::Refused(problem) => Some(problem.kind),
            _ => None,
        }
    }

    pub fn until(&self) -> Option<OffsetDateTime> {
        match self {
            Self::Refused(problem) => problem.until,
            Self::TooSoon(until) => Some(*until),
            _ => None,
        }
    }

    /// The code, and what to do.
    fn page(&self) -> (Code, &'static str) {
        let Self::Refused(problem) = self else {
            return match self {
                Self::TooSoon(_) => (Code::E0462, LIMITED),
                Self::Untrusted(_) => (Code::E0465, UNTRUSTED),
                Self::Unfit(_) => (Code::E0466, OTHER),
                Self::Away(_) | Self::Refused(_) => (Code::E0461, AWAY),
            };
        };
        match problem.kind {
            ProblemKind::RateLimited => (Code::E0462, LIMITED),
            ProblemKind::NotProven => (Code::E0463, NOT_PROVEN),
            ProblemKind::NotForThisName => (Code::E0464, NOT_FOR_IT),
            ProblemKind::Internal | ProblemKind::BadNonce => (Code::E0461, AWAY),
            ProblemKind::UnknownAccount | ProblemKind::Other => (Code::E0466, OTHER),
        }
    }
}

const AWAY: &str = "the current certificate stays in use; the host tries again automatically, `citrino-ops tls renew` tries now";
const LIMITED: &str = "the current certificate stays in use; wait: the host asks again automatically when the issuer allows it";
const NOT_PROVEN: &str = "the current certificate stays in use; compare the address in the message with `citrino-ops status`, make port 80 reachable from everywhere, then run `citrino-ops tls renew`";
const NOT_FOR_IT: &str = "the current certificate stays in use; a CAA record in the DNS must allow the issuer; then run `citrino-ops tls renew`";
const UNTRUSTED: &str = "no order was sent; correct `tls.url`, or name the CA of the server in `tls.ca`, then run `citrino-ops converge`";
const OTHER: &str = "the current certificate stays in use; act on the issuer's message, then run `citrino-ops tls renew`";

/// What is no trouble with an issuer stays what it is.
pub fn told(error: anyhow::Error) -> anyhow::Error {
    let Some(trouble) = error.downcast_ref::<CaTrouble>() else {
        return error;
    };
    let (code, next) = trouble.page();
    Fault::new(code, trouble.to_string()).hint(next).into()
}

impl From<acme::Error> for CaTrouble {
    fn from(error: acme::Error) -> Self {
        match error {
            acme::Error::Api(problem) => Self::Refused(Box::new(CaProblem::of(&problem))),
            acme::Error::Timeout(_) => {
                Self::Away("it was not done with the order in time".to_owned())
            }
            acme::Error::Other(error) => match error.downcast::<Self>() {
                Ok(own) => *own,
                Err(other) => Self::Unfit(other.to_string()),
            },
            other => Self::Unfit(other.to_string()),
        }
    }
}

impl fmt::Display for CaTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(problem) => {
                f.write_str("the issuer refused")?;
                if let Some(name) = &problem.name {
                    write!(f, " {name}")?;
                }
                match problem.said.as_str() {
                    "" => f.write_str(" and gave no reason")?,
                    said => write!(f, ": {said}")?,
                }
                problem.until.map_or(Ok(()), |until| {
                    write!(f, " (not before {})", rfc3339(until))
                })
            }
            Self::TooSoon(until) => write!(
                f,
                "the issuer accepts no order from this host before {}",
                rfc3339(*until)
            ),
            Self::Away(why) => write!(f, "the issuer does not respond: {why}"),
            Self::Untrusted(why) => write!(f, "the issuer's own certificate is not trusted: {why}"),
            Self::Unfit(why) => write!(
                f,
                "the issuer sent an invalid response: {}",
                why.chars().take(MOST).collect::<String>()
            ),
        }
    }
}

impl std::error::Error for CaTrouble {}

fn rfc3339(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}
