//! The API's words that decide something, each read once into an enum. A word that this version does not know is kept as it came:
//! Hetzner adds new ones without a new version of the API.

use std::fmt;

use serde::Deserialize;

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
        #[serde(from = "String")]
        pub enum $name {
            $($variant,)+
            Other(String),
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$variant,)+
                    _ => Self::Other(word),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                })
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Other(String::new())
            }
        }
    };
}

words! {
    /// What a server does. Every word but these two is on the way to one of them.
    ServerStatus {
        Running = "running",
        Off = "off",
    }
}

words! {
    /// The kind of what has an address.
    AssigneeType {
        Server = "server",
        LoadBalancer = "load_balancer",
    }
}

words! {
    /// How far an action is. Any other word is waited for as if it ran.
    ActionStatus {
        Running = "running",
        Success = "success",
        Error = "error",
    }
}

words! {
    /// Whether an image can be used. Any other word is waited for.
    ImageStatus {
        Available = "available",
        Unavailable = "unavailable",
    }
}

words! {
    /// Why a request was refused: the API's error codes that decide what is done next or what is advised.
    ApiCode {
        BadGateway = "bad_gateway",
        Conflict = "conflict",
        DeprecatedApiEndpoint = "deprecated_api_endpoint",
        FirewallAlreadyApplied = "firewall_already_applied",
        Forbidden = "forbidden",
        Locked = "locked",
        Maintenance = "maintenance",
        MustBeUnassigned = "must_be_unassigned",
        NoCode = "no_code",
        NotFound = "not_found",
        PlacementError = "placement_error",
        Protected = "protected",
        RateLimitExceeded = "rate_limit_exceeded",
        ResourceInUse = "resource_in_use",
        ResourceLimitExceeded = "resource_limit_exceeded",
        ResourceLocked = "resource_locked",
        ResourceUnavailable = "resource_unavailable",
        ServerAlreadyAttached = "server_already_attached",
        ServerError = "server_error",
        ServiceError = "service_error",
        Timeout = "timeout",
        TokenReadonly = "token_readonly",
        Unauthorized = "unauthorized",
        Unavailable = "unavailable",
        UniquenessError = "uniqueness_error",
        VolumeNotAttached = "volume_not_attached",
    }
}

impl ApiCode {
    /// For an answer without the API's envelope, such as a gateway's page.
    pub fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            429 => Self::RateLimitExceeded,
            502 => Self::BadGateway,
            503 => Self::Unavailable,
            504 => Self::Timeout,
            500.. => Self::ServerError,
            _ => Self::NoCode,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_word_is_kept() {
        let known: ServerStatus = serde_json::from_str("\"off\"").unwrap();
        assert_eq!(known, ServerStatus::Off);
        let other: ServerStatus = serde_json::from_str("\"hibernating\"").unwrap();
        assert_eq!(other.to_string(), "hibernating");
    }
}
