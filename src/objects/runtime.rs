//! Where asynchronous work is done: one thread that drives it, made when it is first needed. Whoever asks waits for the answer, so that this may
//! be used anywhere, in an asynchronous program too.

use crate::error::{Error, Result};
use std::future::Future;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use tokio::runtime::{Builder, Handle};

/// Work under way.
pub(super) struct Pending<T>(Receiver<T>);

impl<T> Pending<T> {
    /// Waits for its end.
    pub(super) fn wait(self) -> Result<T> {
        self.0.recv().map_err(|_| Error::failed("the work on object storage came to no end"))
    }
}

fn handle() -> Option<&'static Handle> {
    static HANDLE: OnceLock<Option<Handle>> = OnceLock::new();
    let made = HANDLE.get_or_init(|| {
        let runtime = Builder::new_current_thread().enable_time().build().ok()?;
        let handle = runtime.handle().clone();
        let driver = std::thread::Builder::new().name("object-storage".to_owned());
        driver.spawn(move || runtime.block_on(std::future::pending::<()>())).ok()?;
        Some(handle)
    });
    made.as_ref()
}

/// Begins work.
pub(super) fn begin<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<Pending<T>> {
    let handle = handle().ok_or_else(|| Error::failed("no thread can be started for object storage"))?;
    let (send, receive) = channel();
    handle.spawn(async move {
        // Nobody waits any more: the answer is not wanted.
        let _ = send.send(work.await);
    });
    Ok(Pending(receive))
}

/// Does work.
pub(super) fn run<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T> {
    begin(work)?.wait()
}
