//! A provider of a model on the loopback: it answers as the test says and remembers what it was asked.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

/// How it answers one request.
#[derive(Clone, Copy)]
pub enum Behaviour {
    /// With a text made of the facts that it was given.
    Tell(fn(&Value) -> String),
    /// With a status, and perhaps a further header.
    Refuse(u16, &'static str),
    /// With half of a completion, and then it is gone.
    Cut,
    /// With something that is no completion.
    Nonsense,
    /// Not at all, until the client gives up, which it soon does.
    Hang,
    /// Not before [`Provider::let_go`], and then with nothing.
    Hold,
}

/// A request that came in.
#[derive(Clone)]
pub struct Asked {
    pub head: String,
    pub body: Value,
}

/// The provider. Its thread lives as long as the tests.
pub struct Provider {
    port: u16,
    /// Seconds that the client is to wait.
    timeout_s: u64,
    held: Arc<Mutex<Vec<TcpStream>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Provider {
    /// Answers with each behaviour once, and with the last for ever.
    pub fn start(script: Vec<Behaviour>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let hangs = script.iter().any(|one| matches!(one, Behaviour::Hang));
        let script = Arc::new(Mutex::new(VecDeque::from(script)));
        let held = Arc::new(Mutex::new(Vec::new()));
        let holder = Arc::clone(&held);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
                let holder = Arc::clone(&holder);
                thread::spawn(move || serve(stream, &seen, &script, &holder));
            }
        });
        Provider {
            port,
            timeout_s: if hangs { 1 } else { 90 },
            held,
            asked,
        }
    }

    /// Its place in the settings, with a key from a file.
    pub fn setting(&self, name: &str, key_file: &str) -> String {
        self.patient_setting(name, key_file, self.timeout_s)
    }

    /// The same, with as much time as the test says.
    pub fn patient_setting(&self, name: &str, key_file: &str, timeout_s: u64) -> String {
        format!(
            "    - {{name: {name}, base_url: \"http://127.0.0.1:{}/v1\", model: prueba, key_file: {key_file}, timeout_s: {timeout_s}}}\n",
            self.port
        )
    }

    /// Ends the requests that are held.
    pub fn let_go(&self) {
        self.held.lock().unwrap().clear();
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// The facts that a request carries.
pub fn facts(body: &Value) -> Value {
    let system = body["messages"][0]["content"].as_str().unwrap();
    let (_, facts) = system.split_once("DATOS:\n").unwrap();
    serde_json::from_str(facts).unwrap()
}

fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Asked>>,
    script: &Mutex<VecDeque<Behaviour>>,
    held: &Mutex<Vec<TcpStream>>,
) {
    let Some(asked) = read(&stream) else { return };
    let behaviour = {
        let mut script = script.lock().unwrap();
        if script.len() > 1 {
            script.pop_front().unwrap()
        } else {
            script.front().copied().unwrap_or(Behaviour::Hang)
        }
    };
    seen.lock().unwrap().push(asked.clone());
    let answer = match behaviour {
        Behaviour::Tell(tell) => completion(&tell(&facts(&asked.body))),
        Behaviour::Refuse(status, header) => {
            response(status, header, "{\"error\": {\"message\": \"no\"}}")
        }
        Behaviour::Cut => {
            let whole = completion("Hay una propiedad");
            whole[..whole.len() - 30].to_owned()
        }
        Behaviour::Nonsense => response(200, "", "<html>hola</html>"),
        Behaviour::Hang => {
            // Ends when the client closes the connection.
            let _ = stream.read(&mut [0]);
            return;
        }
        Behaviour::Hold => {
            held.lock().unwrap().push(stream);
            return;
        }
    };
    let _ = stream.write_all(answer.as_bytes());
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| {
        line.to_lowercase()
            .strip_prefix("content-length: ")
            .map(str::to_owned)
    })?;
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).ok()?;
    Some(Asked { head, body })
}

fn completion(text: &str) -> String {
    let body = json!({
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 321, "completion_tokens": 45, "total_tokens": 366},
    });
    response(200, "", &body.to_string())
}

fn response(status: u16, header: &str, body: &str) -> String {
    let header = if header.is_empty() {
        String::new()
    } else {
        format!("{header}\r\n")
    };
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n{header}content-length: {}\r\n\r\n{body}",
        body.len()
    )
}
