//! The connection: the only place that owns a socket or TLS.
//!
//! Connecting has a time limit, reading has none of its own: a long statement is no failure. Servers that promise a sign of life
//! (`connection.recv_timeout_seconds`) are held to twice that promise, so that a dead peer is noticed.

use super::client::{Auth, Client};
use crate::error::{Error, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned};
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a server may take to accept a connection and to answer the handshake.
const CONNECT: Duration = Duration::from_secs(15);

/// Whether the connection is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tls {
    /// It is not.
    #[default]
    Off,
    /// It is, and the server's certificate is checked against the system's roots, or against those in this file (PEM).
    Verified(Option<PathBuf>),
    /// It is, and any certificate will do: safe from listeners, not from impostors.
    AnyCertificate,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whether the connection is encrypted.
    pub tls: Tls,
}

/// A client over a socket.
pub type Connection = Client<Stream>;

impl Connection {
    /// Connects and logs in.
    ///
    /// # Errors
    /// Nobody listens there, the other side is no Bolt server, TLS does not fit, or access is denied.
    pub fn connect(endpoint: &Endpoint, auth: Auth<'_>) -> Result<Self> {
        let Endpoint { host, port, tls } = endpoint;
        let peer = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let socket = dial(host, *port, &peer)?;
        let stream = match tls {
            Tls::Off => Stream::Plain(socket),
            Tls::Verified(file) => encrypt(socket, host, &peer, verified(file.as_deref())?)?,
            Tls::AnyCertificate => encrypt(socket, host, &peer, unverified()?)?,
        };
        let client = Self::open(stream, peer, auth)?;
        let promise = client.server_hint("connection.recv_timeout_seconds").and_then(|hint| u64::try_from(hint).ok());
        let silence = promise.filter(|seconds| *seconds > 0).map(|seconds| Duration::from_secs(2 * seconds));
        let set = client.stream().socket().set_read_timeout(silence);
        set.map_err(|cause| Error::io("setting the read timeout", cause))?;
        Ok(client)
    }
}

fn dial(host: &str, port: u16, peer: &str) -> Result<TcpStream> {
    let addresses = (host, port)
        .to_socket_addrs()
        .map_err(|cause| Error::unreachable(format!("the address of {peer} cannot be found")).caused_by(cause))?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(socket) => {
                let set = socket.set_nodelay(true).and_then(|()| socket.set_read_timeout(Some(CONNECT)));
                set.map_err(|cause| Error::io("setting up the socket", cause))?;
                return Ok(socket);
            }
            Err(cause) => last = Some(cause),
        }
    }
    let error = Error::unreachable(format!("cannot connect to {peer}"));
    Err(match last {
        Some(cause) => error.caused_by(cause),
        None => error,
    })
}

/// A socket, encrypted or not.
#[derive(Debug)]
pub enum Stream {
    /// Not encrypted.
    Plain(TcpStream),
    /// Encrypted.
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(stream) => &stream.sock,
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(buffer),
            Self::Tls(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

fn encrypt(mut socket: TcpStream, host: &str, peer: &str, config: ClientConfig) -> Result<Stream> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|cause| Error::usage(format!("{host:?} is not a name that TLS can check")).caused_by(cause))?;
    let mut tls = ClientConnection::new(Arc::new(config), name)
        .map_err(|cause| Error::failed("setting up TLS failed").caused_by(cause))?;
    while tls.is_handshaking() {
        tls.complete_io(&mut socket).map_err(|cause| mismatch(peer, cause))?;
    }
    Ok(Stream::Tls(Box::new(StreamOwned::new(tls, socket))))
}

fn mismatch(peer: &str, cause: std::io::Error) -> Error {
    let inner = cause.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let (what, hint) = match inner {
        Some(rustls::Error::InvalidCertificate(_)) => (
            format!("the certificate of {peer} is not trusted"),
            "name the file of its certificate authority, or write +ssc instead of +s to accept any certificate",
        ),
        Some(rustls::Error::InvalidMessage(_)) => {
            (format!("{peer} does not answer with TLS"), "leave +s or +ssc out of the URL if the server has no TLS")
        }
        _ => (format!("TLS with {peer} fails"), "leave +s or +ssc out of the URL if the server has no TLS"),
    };
    Error::unreachable(what).hint(hint).caused_by(cause)
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|cause| Error::failed("setting up TLS failed").caused_by(cause))
}

fn verified(file: Option<&Path>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = file {
        let broken = |what: &str| Error::usage(format!("{} {what}", path.display()));
        let certificates = CertificateDer::pem_file_iter(path)
            .map_err(|cause| broken("cannot be read as a file of certificates").caused_by(cause))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|cause| broken("is not a file of certificates").caused_by(cause))?;
            roots.add(certificate).map_err(|cause| broken("has an unusable certificate").caused_by(cause))?;
        }
        if roots.is_empty() {
            return Err(broken("has no certificate"));
        }
    } else {
        // A broken root among the system's is no reason to stop; without any, no server will be trusted and the error says so.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    Ok(builder()?.with_root_certificates(roots).with_no_client_auth())
}

fn unverified() -> Result<ClientConfig> {
    let any = Arc::new(AnyCertificate(provider()));
    Ok(builder()?.dangerous().with_custom_certificate_verifier(any).with_no_client_auth())
}

/// Accepts every certificate; the signatures of the handshake are checked nevertheless.
#[derive(Debug)]
struct AnyCertificate(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
