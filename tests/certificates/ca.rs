//! An issuer: a real ACME server, and what stands before it to spoil its answers.

use std::ops::{Deref, DerefMut};
use std::process::{Child, Command};

use crate::pebble::{PORT, Pebble, quiet, until_answered};

const FRONT: u16 = 14443;
const CONTROL: u16 = 14444;
const HERE: &str = "127.0.0.1";

pub struct Ca {
    pebble: Pebble,
    front: Child,
    client: reqwest::Client,
}

impl Ca {
    /// Every name leads to the site.
    pub async fn started() -> Self {
        let pebble = Pebble::start(HERE, 53, HERE).await;
        let path = |name: &str| pebble.folder.path().join(name).to_str().unwrap().to_owned();
        let front = quiet(
            Command::new("python3")
                .arg(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/tests/certificates/front.py"
                ))
                .args([FRONT, PORT].map(|port| port.to_string()))
                .args([path("cert.pem"), path("key.pem"), CONTROL.to_string()]),
        );
        let client = reqwest::Client::new();
        until_answered(&client, &format!("http://{HERE}:{CONTROL}/none/0")).await;
        Self {
            pebble,
            front,
            client,
        }
    }

    /// Where it is asked by way of what spoils its answers.
    pub fn directory() -> String {
        format!("https://{HERE}:{FRONT}/dir")
    }

    /// The `at`-th call from now on is spoiled; every one, when that is 0. Gives how many calls came since this was said last.
    pub async fn spoil(&self, fault: &str, at: usize) -> usize {
        let url = format!("http://{HERE}:{CONTROL}/{fault}/{at}");
        let said = self.client.get(url).send().await.unwrap();
        said.text().await.unwrap().parse().unwrap()
    }
}

impl Deref for Ca {
    type Target = Pebble;

    fn deref(&self) -> &Pebble {
        &self.pebble
    }
}

impl DerefMut for Ca {
    fn deref_mut(&mut self) -> &mut Pebble {
        &mut self.pebble
    }
}

impl Drop for Ca {
    fn drop(&mut self) {
        let _ = self.front.kill();
        let _ = self.front.wait();
    }
}
