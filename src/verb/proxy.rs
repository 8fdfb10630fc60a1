//! `proxy`: a port of this machine leads to what the stack runs.

use anyhow::Result;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::job::Job;
use super::session;
use crate::cli::{PortPair, ProxyTarget};
use crate::config::stack::Stack;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::{Code, Fault, exit};
use crate::core::value::{Login, Port};
use crate::facts::Facts;
use crate::operator::remote::Tunnel;
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>, ports: &PortPair) -> Result<u8> {
    let remote = on_host::connect(job).await?;
    let agent = on_host::agent(job, &remote).await?;
    let way = way(&job.stack, agent.facts(), ports.remote)?;
    let pair = format!("{}:{}", ports.local, ports.remote);
    session::noted(job, agent, &["proxy".to_owned(), pair]).await?;
    remote.tunnel(ports.local, &way).await?;
    // Whoever ends this ends the forwarding too.
    let mut ended = signal(SignalKind::terminate())?;
    let mut closed = signal(SignalKind::hangup())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    job.report.rest();
    tell(job, ports);
    let outcome = tokio::select! {
        lost = remote.lost() => lost,
        _ = ended.recv() => Ok(()),
        _ = closed.recv() => Ok(()),
        _ = interrupted.recv() => Ok(()),
    };
    remote.hang_up().await;
    outcome.map(|()| exit::OK)
}

fn tell(job: &mut Job<'_>, ports: &PortPair) {
    let (local, remote) = (ports.local, ports.remote);
    let address = format!("127.0.0.1:{local}");
    let use_it = used(&job.stack, ports);
    let data = json!({"listens": address, "leads_to": remote.to_string(), "use": use_it});
    let line = format!(
        "{address} forwards to {remote} of {} ({use_it}); Ctrl-C ends it",
        job.host.name
    );
    job.report.datum(Datum::new(DatumKind::Proxy, data), &line);
}

/// What is done with it.
fn used(stack: &Stack, ports: &PortPair) -> String {
    let (port, database) = (ports.local, &stack.database);
    let site = || format!("http://127.0.0.1:{port}");
    match ports.remote {
        ProxyTarget::Database => format!(
            "psql -h 127.0.0.1 -p {port} -U {} {}",
            database.user, database.name
        ),
        ProxyTarget::Metrics => format!("{}/metrics", site()),
        ProxyTarget::App | ProxyTarget::Nginx => site(),
        ProxyTarget::Port(_) => address(port),
    }
}

fn address(port: Port) -> String {
    format!("127.0.0.1:{port}")
}

/// Where on the host it leads.
///
/// # Errors
/// E0806 when the database lets nobody in over a port, or the login may not open the app's socket.
fn way(stack: &Stack, facts: &Facts, target: ProxyTarget) -> Result<Tunnel, Fault> {
    match target {
        ProxyTarget::Port(port) => Ok(Tunnel::Port(port)),
        // It answers to every name, so that whoever comes this way need not type the site's.
        ProxyTarget::Nginx => Ok(Tunnel::Port(stack.app.port)),
        ProxyTarget::Database => database(stack, facts),
        ProxyTarget::App | ProxyTarget::Metrics => socket(stack),
    }
}

fn database(stack: &Stack, facts: &Facts) -> Result<Tunnel, Fault> {
    let has_password = stack.secrets.keys().any(|name| &**name == "DB_PASSWORD");
    match Port::new(facts.cluster_port).filter(|_| has_password) {
        Some(port) => Ok(Tunnel::Port(port)),
        None => Err(Fault::new(
            Code::E0806,
            "the database accepts no connections over a port: the stack has no `secrets.DB_PASSWORD`",
        )
        .hint("`citrino-ops psql` comes in without a password, or give the stack one")),
    }
}

/// The link to the slot that serves, so that a deploy meanwhile is followed.
fn socket(stack: &Stack) -> Result<Tunnel, Fault> {
    let login = stack.login();
    if login != Login::root() {
        let message = format!(
            "{login} may not open the socket of the app, which is for nginx and root alone"
        );
        return Err(
            Fault::new(Code::E0806, message).hint("use `nginx`: it passes on what the app answers")
        );
    }
    Ok(Tunnel::Socket(format!("{}/app.sock", stack.profile.live())))
}
