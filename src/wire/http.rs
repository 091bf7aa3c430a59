//! HTTP, for the databases that speak it: requests over kept connections, through a crate; what an answer means is the backend's business.
//!
//! A server that says that it is busy (503), or that is not there, is asked again with growing pauses until [`PATIENCE`] is over. A request whose answer was lost is
//! sent again only if the caller says that it may be: the server could have done it.

use super::connection::{Endpoint, Tls};
use crate::error::{Error, ErrorKind, Result, Retry};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// How long a server that is busy or away is waited for: it may be restarted meanwhile.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// How long the server may be silent in an answer.
const SILENCE: Duration = Duration::from_secs(300);

/// Answers larger than this are not read: no page that is asked for is meant to be as large.
pub const LARGEST: u64 = 1 << 30;

/// The [code](Error::server_code) of an error that says that an answer was larger than it may be.
pub const TOO_LARGE: &str = "HTTP.TooLarge";

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status: 200.
    pub status: u16,
    /// The body, unpacked.
    pub body: Vec<u8>,
}

/// A server that is spoken to over HTTP. Clones share its connections; each may be used by a thread of its own.
#[derive(Clone, Debug)]
pub struct Http {
    agent: ureq::Agent,
    base: Arc<str>,
    authorization: Option<Arc<str>>,
    patience: Duration,
    largest: u64,
}

impl Http {
    /// The same for answers of at most so many bytes, unpacked; of larger ones the rest is not read, and the error has the code [`TOO_LARGE`].
    #[must_use]
    pub fn with_largest(mut self, bytes: u64) -> Self {
        self.largest = bytes;
        self
    }

    /// The same with another patience: how long a server that is busy or away is waited for.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How long a server that is busy or away is waited for.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Prepares requests to a server; nothing is sent yet. `authorization` is the value of that header.
    ///
    /// # Errors
    /// The certificates to believe cannot be read.
    pub fn new(endpoint: &Endpoint, authorization: Option<String>) -> Result<Self> {
        let Endpoint { host, port, tls } = endpoint;
        let scheme = if *tls == Tls::Off { "http" } else { "https" };
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_connect(Some(Duration::from_secs(15)))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE))
            // HugeGraph drops connections that were idle for half a minute.
            .max_idle_age(Duration::from_secs(20))
            .max_idle_connections_per_host(64)
            .user_agent(concat!("graphferry/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls_config(tls)?)
            .build();
        let authorization = authorization.map(Arc::from);
        let base = format!("{scheme}://{host}:{port}").into();
        Ok(Self { agent: config.new_agent(), base, authorization, patience: PATIENCE, largest: LARGEST })
    }

    /// The server: `http://localhost:8080`.
    #[must_use]
    pub fn peer(&self) -> &str {
        &self.base
    }

    /// Sends a request and reads the answer, whatever its status. `path` begins with a slash. `again` says that it may be sent twice.
    ///
    /// # Errors
    /// [`Unreachable`](ErrorKind::Unreachable) when the server does not answer; with [`Retry::Unknown`] when it may have done what was asked. The answer is too large.
    pub fn send(&self, method: Method, path: &str, body: Option<&[u8]>, again: bool) -> Result<Answer> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            let (late, error) = match self.once(method, path, body) {
                Ok(answer) if answer.status != 503 => return Ok(answer),
                Ok(_) => {
                    let error = Error::new(ErrorKind::Unreachable, format!("{} is too busy to answer", self.base));
                    (false, error.hint("give its REST server more workers (restserver.max_worker_threads), or ask with fewer sessions"))
                }
                Err(ureq::Error::BodyExceedsLimit(limit)) => {
                    let message = format!("an answer of {} is larger than {limit} bytes", self.base);
                    return Err(Error::new(ErrorKind::Server, message).code(TOO_LARGE));
                }
                Err(cause) => {
                    let late = !is_before_sending(&cause);
                    if matches!(cause, ureq::Error::Tls(_) | ureq::Error::Rustls(_) | ureq::Error::Pem(_)) {
                        return Err(
                            Error::unreachable(format!("{} cannot be spoken to with TLS", self.base)).caused_by(cause)
                        );
                    }
                    (late, Error::unreachable(format!("{} does not answer", self.base)).caused_by(cause))
                }
            };
            if late && !again {
                return Err(error.retrying(Retry::Unknown));
            }
            if begun.elapsed() + pause > self.patience {
                return Err(error);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    fn once(&self, method: Method, path: &str, body: Option<&[u8]>) -> std::result::Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder().uri(format!("{}{path}", self.base)).method(match method {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        });
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", &**authorization);
        }
        let response = match body {
            Some(body) => self.agent.run(request.header("content-type", "application/json").body(body)?)?,
            None => self.agent.run(request.body(())?)?,
        };
        let status = response.status().as_u16();
        let body = response.into_body().into_with_config().limit(self.largest).read_to_vec()?;
        Ok(Answer { status, body })
    }
}

/// Whether a request failed before the server can have seen it.
fn is_before_sending(cause: &ureq::Error) -> bool {
    match cause {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed | ureq::Error::BadUri(_) => true,
        ureq::Error::Timeout(at) => matches!(at, ureq::Timeout::Connect | ureq::Timeout::Resolve),
        ureq::Error::Io(cause) => cause.kind() == std::io::ErrorKind::ConnectionRefused,
        _ => false,
    }
}

/// How a server is believed.
pub(crate) fn tls_config(tls: &Tls) -> Result<TlsConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = TlsConfig::builder().unversioned_rustls_crypto_provider(provider);
    let owned = |der: &CertificateDer<'_>| Certificate::from_der(der).to_owned();
    Ok(match tls {
        Tls::Off => builder.build(),
        Tls::AnyCertificate => builder.disable_verification(true).build(),
        Tls::Verified(Some(file)) => {
            let unreadable = || format!("reading the certificates in {}", file.display());
            let certificates =
                CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
            let certificates =
                certificates.map_err(|cause| Error::usage(format!("{} failed", unreadable())).caused_by(cause))?;
            builder.root_certs(RootCerts::from(certificates.iter().map(owned))).build()
        }
        Tls::Verified(None) => {
            let found = rustls_native_certs::load_native_certs().certs;
            builder.root_certs(RootCerts::from(found.iter().map(owned))).build()
        }
    })
}
