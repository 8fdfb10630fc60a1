//! One way to ask an HTTP service: for probes, for the watch over an outage, and for a look from outside.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::tls::TlsInfo;
use reqwest::{Client, ClientBuilder, Method, Response, StatusCode, Url, redirect};
use serde::{Deserialize, Serialize};

/// Who waits longer has no answer, whatever it would say.
pub const WITHIN: Duration = Duration::from_secs(5);
/// What is read of an answer.
const MOST: usize = 2 << 20;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpRequest {
    pub method: String,
    pub url: String,
    /// Sent as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Where the URL's host is, when that is not for the name service to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Asked over this socket; the URL then gives the host's name and the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unix_socket: Option<String>,
}

/// How it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Once, and exactly what is asked: no redirect is followed, and a certificate must be right.
    Probe,
    /// Over and over, by who wants to know whether there is an answer and not who gives it.
    Watch {
        /// Over a connection that is kept, or each time over a new one as a newcomer's.
        keeps: bool,
    },
    /// As a browser, which follows redirects. Nothing secret is sent or believed, so that a
    /// certificate that is not there yet costs nothing.
    Visitor,
}

/// Has all that it takes to ask.
pub struct Asker {
    client: Client,
    method: Method,
    url: Url,
    body: Option<String>,
}

/// An answer: one that breaks off is none, and of a very long one only the begin is.
pub struct HttpAnswer {
    pub status: StatusCode,
    pub body: Vec<u8>,
    /// What a visitor was shown by TLS, whoever signed it.
    pub certificate: Option<Vec<u8>>,
}

/// Why a request cannot be made at all.
#[derive(Debug)]
pub enum Unaskable {
    Url(String, String),
    Method(String),
    Client(reqwest::Error),
}

impl HttpRequest {
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            method: Method::GET.to_string(),
            url: url.into(),
            body: None,
            address: None,
            unix_socket: None,
        }
    }

    /// # Errors
    /// What is no request.
    pub fn asker(&self, manner: Manner) -> Result<Asker, Unaskable> {
        let url = Url::parse(&self.url)
            .map_err(|error| Unaskable::Url(self.url.clone(), error.to_string()))?;
        let no_method = |_| Unaskable::Method(self.method.clone());
        let mut client = manner.client();
        if let Some(path) = &self.unix_socket {
            client = client.unix_socket(path.as_str());
        }
        if let (Some(address), Some(host)) = (self.address, url.host_str()) {
            // The port is the URL's.
            client = client.resolve(host, (address, 0).into());
        }
        Ok(Asker {
            client: client.build().map_err(Unaskable::Client)?,
            method: self.method.parse().map_err(no_method)?,
            url,
            body: self.body.clone(),
        })
    }
}

impl fmt::Display for HttpRequest {
    /// `GET http://app/ready`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}

impl Manner {
    fn client(self) -> ClientBuilder {
        let client = Client::builder().timeout(WITHIN).no_proxy();
        match self {
            Self::Probe => client.redirect(redirect::Policy::none()),
            Self::Watch { keeps } => client
                .redirect(redirect::Policy::none())
                .danger_accept_invalid_certs(true)
                .pool_max_idle_per_host(usize::from(keeps)),
            Self::Visitor => client.danger_accept_invalid_certs(true).tls_info(true),
        }
    }
}

impl Asker {
    /// # Errors
    /// When no whole answer came in time.
    pub async fn ask(&self) -> reqwest::Result<HttpAnswer> {
        let mut request = self.client.request(self.method.clone(), self.url.clone());
        if let Some(body) = &self.body {
            request = request
                .header("content-type", "application/json")
                .body(body.clone());
        }
        let answer = request.send().await?;
        let shown = answer.extensions().get::<TlsInfo>();
        let shown = shown.and_then(TlsInfo::peer_certificate);
        Ok(HttpAnswer {
            certificate: shown.map(<[u8]>::to_vec),
            status: answer.status(),
            body: begin_of(answer, MOST).await?,
        })
    }
}

/// At most so many bytes of the body; whoever answers chooses how long it is.
///
/// # Errors
/// When it breaks off before that.
pub async fn begin_of(mut answer: Response, most: usize) -> reqwest::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        let room = most - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if body.len() == most {
            break;
        }
    }
    Ok(body)
}

/// Why nothing answered, in a few words: reqwest's own text says only "error sending request", and the last cause says why.
pub fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

impl fmt::Display for Unaskable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url, why) => write!(f, "`{url}` is not a URL: {why}"),
            Self::Method(method) => write!(f, "`{method}` is not an HTTP method"),
            Self::Client(_) => write!(f, "could not set up an HTTP client"),
        }
    }
}

impl std::error::Error for Unaskable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Client(error) => Some(error),
            Self::Url(..) | Self::Method(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Asks a server that sends who asks `/` on to `/there`, and gives the status that came.
    async fn status(manner: Manner) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let request = HttpRequest {
            address: Some("127.0.0.1".parse().unwrap()),
            ..HttpRequest::get(format!("http://www.example.com:{port}/"))
        };
        let serve = async {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut sent = vec![0; 4096];
                let length = stream.read(&mut sent).await.unwrap();
                let head = if sent[..length].starts_with(b"GET /there") {
                    "200 OK\r\n"
                } else {
                    "302 Found\r\nlocation: /there\r\n"
                };
                let reply =
                    format!("HTTP/1.1 {head}content-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(reply.as_bytes()).await.unwrap();
            }
        };
        let asker = request.asker(manner).unwrap();
        tokio::select! {
            answer = asker.ask() => answer.unwrap().status.as_u16(),
            () = serve => unreachable!(),
        }
    }

    #[tokio::test]
    async fn only_a_visitor_follows_a_redirect_and_all_ask_where_they_are_told() {
        assert_eq!(status(Manner::Visitor).await, 200);
        assert_eq!(status(Manner::Probe).await, 302);
        assert_eq!(status(Manner::Watch { keeps: true }).await, 302);
    }

    #[tokio::test]
    async fn of_an_answer_without_an_end_only_the_begin_is_read() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let request = HttpRequest::get(format!("http://127.0.0.1:{port}/"));
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            // Until nobody listens any more.
            while stream.write_all(&[b'a'; 8192]).await.is_ok() {}
        };
        let asker = request.asker(Manner::Probe).unwrap();
        let (answer, ()) = tokio::join!(async { asker.ask().await.unwrap().body.len() }, serve);
        assert_eq!(answer, MOST);
    }

    #[test]
    fn what_is_no_request_is_told() {
        let told = |request: &HttpRequest| match request.asker(Manner::Probe) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        assert!(told(&HttpRequest::get("nowhere")).starts_with("`nowhere` is not a URL"));
        let request = HttpRequest {
            method: "G T".to_owned(),
            ..HttpRequest::get("http://x/")
        };
        assert_eq!(told(&request), "`G T` is not an HTTP method");
    }
}
