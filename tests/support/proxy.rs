//! A TCP proxy that cuts: real servers, real clients, and a line that goes dead at a chosen byte.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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

/// Where a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The message never reaches the server.
    Before,
    /// The server has answered the message, and nothing of that reaches the client.
    After,
}

/// A proxy that cuts at certain messages.
pub struct Cutter {
    /// `bolt://127.0.0.1:PORT`.
    pub url: String,
    cuts: Arc<Mutex<Vec<Cut>>>,
}

impl Cutter {
    /// The cuts that were made.
    pub fn cuts(&self) -> Vec<Cut> {
        self.cuts.lock().unwrap().clone()
    }
}

/// Which messages are counted.
#[derive(Clone, Copy)]
pub enum At {
    /// The COMMIT of transactions in which a message has these words.
    Commit(&'static str),
    /// Messages that have these words.
    Message(&'static str),
}

/// Starts a proxy that cuts connections; `choose` says at which messages, by their number from 0.
pub fn cutter(server: &str, at: At, choose: impl Fn(u64) -> Option<Cut> + Send + Sync + 'static) -> Cutter {
    let choose = Arc::new(choose);
    let server = server.trim_start_matches("bolt://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("bolt://{}", listener.local_addr().unwrap());
    let cuts = Arc::new(Mutex::new(Vec::new()));
    let (made, number) = (Arc::clone(&cuts), Arc::new(AtomicU64::new(0)));
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            let upstream = TcpStream::connect(&server).unwrap();
            let deaf = Arc::new(AtomicBool::new(false));
            let (from, to, is_deaf) = (upstream.try_clone().unwrap(), client.try_clone().unwrap(), Arc::clone(&deaf));
            std::thread::spawn(move || carry_until(from, to, &is_deaf));
            let (made, number, choose) = (Arc::clone(&made), Arc::clone(&number), Arc::clone(&choose));
            std::thread::spawn(move || {
                let mut messages = Messages { from: client, to: upstream, at, deaf };
                let carried = messages.carry(&mut || {
                    let cut = choose(number.fetch_add(1, Ordering::SeqCst));
                    made.lock().unwrap().extend(cut);
                    cut
                });
                if carried.is_err() {
                    let _ = messages.from.shutdown(Shutdown::Both);
                    let _ = messages.to.shutdown(Shutdown::Both);
                }
            });
        }
    });
    Cutter { url, cuts }
}

/// Carries bytes until nothing may come through any more: then the next ones end both sides.
fn carry_until(mut from: TcpStream, mut to: TcpStream, deaf: &AtomicBool) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let size = from.read(&mut buffer).unwrap_or(0);
        if size == 0 || deaf.load(Ordering::SeqCst) || to.write_all(&buffer[..size]).is_err() {
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
            return;
        }
    }
}

/// A client's messages on their way to the server.
struct Messages {
    from: TcpStream,
    to: TcpStream,
    at: At,
    deaf: Arc<AtomicBool>,
}

impl Messages {
    fn carry(&mut self, counted: &mut dyn FnMut() -> Option<Cut>) -> std::io::Result<()> {
        const COMMIT: [u8; 2] = [0xB0, 0x12];
        let mut hello = [0; 20];
        self.from.read_exact(&mut hello)?;
        // Bolt 5.0 to 5.8, by the old handshake: after it there are nothing but messages.
        let magic_and_offer = [0x60, 0x60, 0xB0, 0x17, 0, 8, 8, 5];
        self.to.write_all(&[&magic_and_offer[..], &[0; 12]].concat())?;
        let mut has_words = false;
        loop {
            let (bytes, body) = self.message()?;
            let has = |words: &str| body.windows(words.len()).any(|window| window == words.as_bytes());
            let counts = match self.at {
                At::Message(words) => has(words),
                At::Commit(words) => {
                    has_words |= has(words);
                    body == COMMIT && std::mem::take(&mut has_words)
                }
            };
            let cut = if counts { counted() } else { None };
            match cut {
                Some(Cut::Before) => return Err(std::io::ErrorKind::ConnectionAborted.into()),
                Some(Cut::After) => self.deaf.store(true, Ordering::SeqCst),
                None => {}
            }
            self.to.write_all(&bytes)?;
        }
    }

    /// A message as it came, and put together from its chunks.
    fn message(&mut self) -> std::io::Result<(Vec<u8>, Vec<u8>)> {
        let (mut bytes, mut body) = (Vec::new(), Vec::new());
        loop {
            let mut size = [0; 2];
            self.from.read_exact(&mut size)?;
            bytes.extend(size);
            let begin = body.len();
            body.resize(begin + usize::from(u16::from_be_bytes(size)), 0);
            self.from.read_exact(&mut body[begin..])?;
            bytes.extend(&body[begin..]);
            if size == [0, 0] {
                return Ok((bytes, body));
            }
        }
    }
}
