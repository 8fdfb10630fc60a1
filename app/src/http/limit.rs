//! A token bucket for each client.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::http::error::ApiError;
use crate::settings::RateLimit;

/// Clients remembered before the full buckets among them are forgotten.
const REMEMBERED: usize = 10_000;

/// Who is at the other end of the connection; none over a unix socket.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub Option<IpAddr>);

/// The buckets; none when requests are not limited.
pub type Buckets = Option<Arc<DefaultKeyedRateLimiter<IpAddr>>>;

/// Empty buckets of the settings' size.
pub fn buckets(settings: &RateLimit) -> Buckets {
    let rate = NonZeroU32::new(settings.per_second)?;
    let burst = NonZeroU32::new(settings.burst).unwrap_or(rate);
    let quota = Quota::per_second(rate).allow_burst(burst);
    Some(Arc::new(RateLimiter::keyed(quota)))
}

/// Takes a token of the client, or answers 429. Requests from the host itself are not limited.
pub async fn limit(State(buckets): State<Buckets>, request: Request, next: Next) -> Response {
    if let (Some(buckets), Some(client)) = (buckets, stranger(&request)) {
        if buckets.len() > REMEMBERED {
            buckets.retain_recent();
        }
        if let Err(full) = buckets.check_key(&network(client)) {
            let wait = full.wait_time_from(DefaultClock::default().now());
            return ApiError::too_many(wait.as_secs() + 1).into_response();
        }
    }
    next.run(request).await
}

/// The client, unless it is the host itself.
pub fn stranger(request: &Request) -> Option<IpAddr> {
    client(request).filter(|client| !client.is_loopback())
}

/// Whether the request certainly comes from the host itself. A forwarded client that is not an address is not the host.
pub fn is_host(request: &Request) -> bool {
    let headers = request.headers();
    let is_named = headers.contains_key("x-forwarded-for");
    stranger(request).is_none() && (!is_named || forwarded(headers).is_some())
}

/// The peer, or the client of a proxy on this host.
fn client(request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<Peer>().and_then(|peer| peer.0);
    match peer {
        Some(address) if !address.is_loopback() => Some(address),
        _ => forwarded(request.headers()).or(peer),
    }
}

/// The last address: the nearest proxy has seen it. The client could have made up the addresses before it.
fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let header = headers.get_all("x-forwarded-for").iter().next_back()?;
    header
        .to_str()
        .ok()?
        .rsplit(',')
        .next()?
        .trim()
        .parse()
        .ok()
}

/// Whoever has one IPv6 address has all 2⁶⁴ of its network.
fn network(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}
