//! A Hetzner API in memory, written after its `OpenAPI` document: enough state to see whether
//! something was made twice, and faults that strike one chosen call.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::world::{Reply, World, error};

/// What strikes a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The call is refused with this status and code, and nothing is done.
    Refuse(u16, &'static str),
    /// A gateway's page instead of an answer, and nothing is done.
    Gateway,
    /// The work is done, and the answer is a gateway's page.
    DoneGateway,
    /// The work is done, and the answer is cut in the middle.
    DoneGarbled,
    /// The work is done, and the answer comes too late.
    DoneLate(Duration),
}

#[derive(Clone)]
pub struct Stub {
    pub world: Arc<Mutex<World>>,
}

impl Stub {
    pub async fn start() -> (MockServer, Self) {
        let mut world = World::default();
        world.catalogue = serde_json::from_str(include_str!("catalogue.json")).unwrap();
        let stub = Self {
            world: Arc::new(Mutex::new(world)),
        };
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(stub.clone())
            .mount(&server)
            .await;
        (server, stub)
    }

    pub fn with<T>(&self, see: impl FnOnce(&mut World) -> T) -> T {
        see(&mut self.world.lock().unwrap())
    }
}

impl Respond for Stub {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.with(|world| world.respond(request))
    }
}

fn template((status, body): Reply) -> ResponseTemplate {
    let answer = ResponseTemplate::new(status).insert_header("x-correlation-id", "c0ffee");
    if status == 204 {
        answer
    } else {
        answer.set_body_json(body)
    }
}

impl World {
    fn respond(&mut self, request: &Request) -> ResponseTemplate {
        let n = self.calls.len();
        self.calls
            .push(format!("{} {}", request.method, request.url.path()));
        let fault = self
            .faults
            .iter()
            .find(|(at, _)| *at == n)
            .map(|(_, fault)| fault.clone());
        match fault {
            None => template(self.work(request)),
            Some(Fault::Refuse(status, code)) => template(error(status, code)),
            Some(Fault::Gateway) => page(),
            Some(Fault::DoneGateway) => {
                self.work(request);
                page()
            }
            Some(Fault::DoneGarbled) => {
                let (status, body) = self.work(request);
                let text = body.to_string();
                ResponseTemplate::new(status).set_body_string(&text[..text.len() / 2])
            }
            Some(Fault::DoneLate(by)) => template(self.work(request)).set_delay(by),
        }
    }
}

fn page() -> ResponseTemplate {
    ResponseTemplate::new(502).set_body_string("<html>Bad Gateway</html>")
}
