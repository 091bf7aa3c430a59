//! What the library tells while it works. It is told, never asked: progress bars, JSON events and logs are observers.

use crate::error::{Error, ErrorKind, Result};
use crate::model::Class;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Something that keeps a merge from being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// `conflict` for a node that is there already, `ambiguous` for one that would be several, `breach` for a constraint that would be broken.
    pub kind: &'static str,
    /// The item's id in the dump; `None` where it is about the target alone.
    pub item: Option<(Class, i64)>,
    /// Its line in the dump, where lines mean something.
    pub line: Option<u64>,
    /// What is wrong, in words.
    pub message: String,
}

/// Something that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A new step began, such as `reading nodes`; with how many items it is about, if that is known.
    Step {
        /// What is done now.
        what: &'a str,
        /// How many items it is about, if known.
        total: Option<u64>,
    },
    /// So many more items of a class went through.
    Items {
        /// Nodes or relationships.
        class: Class,
        /// How many.
        count: u64,
    },
    /// Something that keeps a merge from being done; all of them are told before it is refused.
    Conflict(&'a Conflict),
    /// Something that the user should know and that does not stop the work.
    Warning(&'a str),
    /// Something of the source that could not be read, in words: what is made of it is not the whole graph.
    Missing(&'a str),
}

/// Who wants to know. Called from several threads.
pub trait Observer: Sync {
    /// Takes note. It must return soon: the work waits.
    fn event(&self, event: &Event<'_>);
}

/// Nobody wants to know.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: &Event<'_>) {}
}

/// A request to stop that one thread makes and all notice between two blocks.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks everybody to stop.
    pub fn request(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Goes on unless somebody asked to stop.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] once somebody asked.
    pub fn check(&self) -> Result<()> {
        if self.is_requested() { Err(Error::new(ErrorKind::Interrupted, "interrupted")) } else { Ok(()) }
    }
}

/// How a verb is watched while it works: who is told, and who may stop it.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// The request to stop.
    pub stop: &'a Stop,
    /// Who is told.
    pub observer: &'a dyn Observer,
}

impl Watch<'_> {
    /// Tells the observer.
    pub fn tell(&self, event: &Event<'_>) {
        self.observer.event(event);
    }
}
