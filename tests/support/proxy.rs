//! A TCP proxy that cuts: real servers, real clients, and a line that goes dead at a chosen byte.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To the server.
    Up,
    /// To the client.
    Down,
}

/// Where a proxy listens, and how much it carried.
pub struct Proxy {
    /// `bolt://127.0.0.1:PORT`.
    pub url: String,
    /// Bytes carried the counted way.
    pub carried: Arc<AtomicU64>,
}

/// A proxy that changes what versions a client offers.
pub struct Narrowed {
    /// `bolt://127.0.0.1:PORT`.
    pub url: String,
    answer: Arc<Mutex<[u8; 4]>>,
}

impl Narrowed {
    /// The four bytes that the server answered the last handshake with.
    pub fn answer(&self) -> [u8; 4] {
        *self.answer.lock().unwrap()
    }
}

/// Starts a proxy that gives the server this offer instead of the client's.
pub fn narrowed(server: &str, offer: [u8; 20]) -> Narrowed {
    let server = server.trim_start_matches("bolt://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("bolt://{}", listener.local_addr().unwrap());
    let answer = Arc::new(Mutex::new([0; 4]));
    let heard = Arc::clone(&answer);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, mut upstream) = (client.unwrap(), TcpStream::connect(&server).unwrap());
            let (mut offered, mut answered) = ([0; 20], [0; 4]);
            if client.read_exact(&mut offered).is_err() {
                continue;
            }
            upstream.write_all(&offer).unwrap();
            upstream.read_exact(&mut answered).unwrap();
            client.write_all(&answered).unwrap();
            *heard.lock().unwrap() = answered;
            for (from, to) in [(&client, &upstream), (&upstream, &client)] {
                let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                std::thread::spawn(move || carry(from, to, None, u64::MAX));
            }
        }
    });
    Narrowed { url, answer }
}

/// Starts a proxy in front of `bolt://host:port`. After `limit` bytes the given way, over all connections, every connection is cut.
pub fn start(server: &str, way: Way, limit: u64) -> Proxy {
    let server = server.trim_start_matches("bolt://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("bolt://{}", listener.local_addr().unwrap());
    let carried = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&carried);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let upstream = TcpStream::connect(&server).unwrap();
            for (from, to, counted) in [(&client, &upstream, way == Way::Up), (&upstream, &client, way == Way::Down)] {
                let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                let counter = counted.then(|| Arc::clone(&counter));
                std::thread::spawn(move || carry(from, to, counter.as_deref(), limit));
            }
        }
    });
    Proxy { url, carried }
}

fn carry(mut from: TcpStream, mut to: TcpStream, counter: Option<&AtomicU64>, limit: u64) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let size = from.read(&mut buffer).unwrap_or(0);
        let over =
            counter.is_some_and(|counter| counter.fetch_add(size as u64, Ordering::SeqCst) + size as u64 > limit);
        if size == 0 || over || to.write_all(&buffer[..size]).is_err() {
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
            return;
        }
    }
}
