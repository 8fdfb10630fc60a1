//! What nginx listens on. A reload that fails leaves it as it was, and says so in its log only.

use std::collections::BTreeSet;

use anyhow::Result;

use super::{Deviation, InForce};
use crate::host::system::System;
use crate::task::listener::{Listener, Protocol, listeners};

pub async fn deviations(asked: &InForce, system: &System) -> Result<Vec<Deviation>> {
    let Some(found) = listeners(system, Protocol::Tcp).await? else {
        return Ok(vec![Deviation::unread("ss is not installed")]);
    };
    let wished = wished(&asked.content);
    Ok(wished
        .iter()
        .filter_map(|at| deviation(at, &found))
        .collect())
}

fn deviation((address, port): &(String, u16), found: &[Listener]) -> Option<Deviation> {
    let at_port = || found.iter().filter(|it| it.port == *port);
    let covers = |it: &&Listener| it.address == *address || it.address == "*";
    let here: Vec<&Listener> = at_port().filter(covers).collect();
    if here.iter().any(|it| it.is_of("nginx")) {
        return None;
    }
    let what = format!("nginx does not listen on {address} port {port}");
    let other = here
        .first()
        .copied()
        .or_else(|| at_port().find(|it| !it.is_of("nginx")));
    Some(match other {
        Some(other) => Deviation::in_the_way(format!("{what}: {} listens there", other.program)),
        None => Deviation::unread(what),
    })
}

/// The addresses and ports of `listen` in a text, as ss writes them.
fn wished(text: &str) -> BTreeSet<(String, u16)> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let statements = lines.flat_map(|line| line.split([';', '{', '}']));
    let listens = statements.filter_map(|statement| {
        let mut words = statement.split_whitespace();
        words.next().filter(|word| *word == "listen")?;
        words.next()
    });
    listens.filter_map(socket).collect()
}

/// nginx's manual, `listen`: an address with or without a port, or a port; sockets in the file system have none.
fn socket(text: &str) -> Option<(String, u16)> {
    const ANY: &str = "0.0.0.0";
    const HTTP: u16 = 80;
    if text.starts_with("unix:") {
        return None;
    }
    if let Ok(port) = text.parse() {
        return Some((ANY.to_owned(), port));
    }
    let (address, port) = match text.rsplit_once(':') {
        Some((address, port)) if !port.ends_with(']') => (address, port.parse().ok()?),
        _ => (text, HTTP),
    };
    let address = if address == "*" { ANY } else { address };
    Some((address.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "http { # listen 1;\n server { listen 80 default_server; listen [::]:80; }\n server {\n listen *:443 ssl http2;\n listen 127.0.0.1:5001;\n listen unix:/run/x; listen [::1]; } }";

    #[test]
    fn reads_where_a_text_listens() {
        let wished = wished(TEXT);
        let all: Vec<(&str, u16)> = wished
            .iter()
            .map(|(address, port)| (address.as_str(), *port))
            .collect();
        assert_eq!(
            all,
            [
                ("0.0.0.0", 80),
                ("0.0.0.0", 443),
                ("127.0.0.1", 5001),
                ("[::1]", 80),
                ("[::]", 80)
            ]
        );
    }

    #[test]
    fn names_who_listens_in_its_place() {
        let of = |address: &str, port, program: &str| Listener {
            address: address.into(),
            port,
            program: program.into(),
        };
        let found = [of("0.0.0.0", 80, "nginx"), of("*", 443, "apache2")];
        let at = |address: &str, port| deviation(&(address.to_owned(), port), &found);
        assert_eq!(at("0.0.0.0", 80), None);
        assert_eq!(
            at("0.0.0.0", 443).unwrap().what,
            "nginx does not listen on 0.0.0.0 port 443: apache2 listens there"
        );
        assert!(at("127.0.0.1", 5001).unwrap().by_us);
    }
}
