//! Requests of the crate `object_store` go through the HTTP client that this program has anyway, each on a thread of its own while it lasts.
//!
//! An answer is read to its end before it is handed on: what is asked for is a range of a few MiB at most, and an answer that breaks off is then
//! asked for again like one that never came.

use crate::error::Result;
use crate::wire::Tls;
use crate::wire::http::tls_config;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse};
use object_store::client::{HttpResponseBody, HttpService};
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;
use ureq::http::request::Parts;
use ureq::http::{Method, Request};

/// How long a store may be silent while it is sent to or read from.
const SILENCE: Duration = Duration::from_secs(60);

/// Answers larger than this are not read: no list is as long, and no range as large.
const LARGEST: u64 = 256 << 20;

/// Where machines of clouds find their credentials: there at once, or this machine is none of theirs.
const METADATA: [&str; 2] = ["169.254.169.254", "metadata.google.internal"];

/// Makes clients of our HTTP client.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    agent: ureq::Agent,
    near: ureq::Agent,
}

impl Transport {
    /// `authorities` is a file of certificates that are believed instead of the system's.
    pub(super) fn new(authorities: Option<PathBuf>) -> Result<Self> {
        let config = || {
            ureq::Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .timeout_per_read(Some(SILENCE))
                .timeout_per_write(Some(SILENCE))
                .max_idle_age(Duration::from_secs(15))
                .user_agent(concat!("graphferry/", env!("CARGO_PKG_VERSION")))
                .accept_encoding("identity")
        };
        let tls = tls_config(&Tls::Verified(authorities))?;
        let far = config().timeout_connect(Some(Duration::from_secs(15))).tls_config(tls);
        let near = config().proxy(None).timeout_connect(Some(Duration::from_secs(2)));
        Ok(Self { agent: far.build().new_agent(), near: near.build().new_agent() })
    }
}

impl HttpConnector for Transport {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl HttpService for Transport {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = std::result::Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let is_near = request.uri().host().is_some_and(|host| METADATA.contains(&host));
        let agent = if is_near { self.near.clone() } else { self.agent.clone() };
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let asked = tokio::task::spawn_blocking(move || ask(&agent, parts, &body)).await;
            let asked = asked.map_err(|cause| HttpError::new(HttpErrorKind::Unknown, cause))?;
            asked.map_err(|cause| HttpError::new(if is_near { HttpErrorKind::Unknown } else { kind(&cause) }, cause))
        })
    }
}

fn ask(agent: &ureq::Agent, parts: Parts, body: &Bytes) -> std::result::Result<HttpResponse, ureq::Error> {
    let has_body = matches!(parts.method, Method::PUT | Method::POST | Method::PATCH) || !body.is_empty();
    let response = if has_body {
        agent.run(Request::from_parts(parts, &body[..]))?
    } else {
        agent.run(Request::from_parts(parts, ()))?
    };
    let (parts, body) = response.into_parts();
    let body = body.into_with_config().limit(LARGEST).read_to_vec()?;
    Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(body)))
}

/// What a failure means for asking again.
fn kind(cause: &ureq::Error) -> HttpErrorKind {
    match cause {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => HttpErrorKind::Connect,
        ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => HttpErrorKind::Connect,
        ureq::Error::Timeout(_) => HttpErrorKind::Timeout,
        ureq::Error::Io(cause) => match cause.kind() {
            std::io::ErrorKind::ConnectionRefused => HttpErrorKind::Connect,
            // A certificate that is not believed will not be believed the next time.
            std::io::ErrorKind::InvalidData | std::io::ErrorKind::InvalidInput => HttpErrorKind::Unknown,
            _ => HttpErrorKind::Interrupted,
        },
        // A connection that is closed in the middle of an answer.
        ureq::Error::Protocol(_) => HttpErrorKind::Interrupted,
        _ => HttpErrorKind::Unknown,
    }
}
