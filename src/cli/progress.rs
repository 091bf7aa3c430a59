//! What a person sees while it works: a line with rate and time left, or JSON events, or nothing.

use super::text::printable;
use crate::error::Error;
use crate::model::Class;
use crate::observe::{Conflict, Event, Observer};
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::json;
use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// JSON events about items come at most this often.
const EVERY: Duration = Duration::from_millis(500);

/// Tells on stderr what happens.
pub(super) struct Progress {
    bar: ProgressBar,
    json: bool,
    quiet: bool,
    nodes: AtomicU64,
    relationships: AtomicU64,
    told: Mutex<Instant>,
    incomplete: AtomicBool,
}

impl Progress {
    pub(super) fn new(quiet: bool, json: bool) -> Self {
        let shown = !quiet && !json && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
        Self {
            bar: ProgressBar::with_draw_target(None, target),
            json,
            quiet,
            nodes: AtomicU64::new(0),
            relationships: AtomicU64::new(0),
            told: Mutex::new(Instant::now()),
            incomplete: AtomicBool::new(false),
        }
    }

    /// Whether something of a source could not be read.
    pub(super) fn is_incomplete(&self) -> bool {
        self.incomplete.load(Ordering::Relaxed)
    }

    /// Whether results are asked for as JSON.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Takes the line off the terminal.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Tells the end of a verb: a line for people, or an event.
    pub(super) fn report(&self, text: &str, event: serde_json::Value) {
        self.clear();
        if self.json {
            self.line(&json!({ "event": "report", "report": event }));
        } else if !self.quiet {
            eprintln!("{}", printable(text));
        }
    }

    /// Tells an error. It is told even when nothing else is.
    pub(super) fn error(&self, error: &Error, code: u8) {
        self.clear();
        if self.json {
            let position = error.position();
            self.line(&json!({
                "event": "error", "exit": code, "message": error.report(), "code": error.server_code(),
                "file": position.map(|position| &position.file), "line": position.map(|position| position.line),
            }));
        } else {
            eprintln!("graphferry: {}", printable(&error.report()));
        }
    }

    fn line(&self, event: &serde_json::Value) {
        eprintln!("{event}");
    }

    /// Conflicts are what a merge is refused for, so they are told even when nothing else is.
    fn conflict(&self, conflict: &Conflict) {
        if self.json {
            let id = |class| conflict.item.filter(|item| item.0 == class).map(|item| item.1);
            self.line(&json!({
                "event": conflict.kind, "node": id(Class::Nodes), "relationship": id(Class::Relationships),
                "line": conflict.line, "message": conflict.message,
            }));
        } else {
            let line = conflict.line.map(|line| format!("line {line}: ")).unwrap_or_default();
            self.bar.suspend(|| eprintln!("{}: {line}{}", conflict.kind, printable(&conflict.message)));
        }
    }

    fn step(&self, what: &str, total: Option<u64>) {
        self.bar.reset();
        self.nodes.store(0, Ordering::Relaxed);
        self.relationships.store(0, Ordering::Relaxed);
        match total {
            Some(total) => {
                self.bar.set_length(total);
                self.bar.set_style(style("{msg} {bar:30} {percent}% {human_pos}/{human_len}, {rate}/s, {eta} left"));
            }
            None => self.bar.set_style(style("{msg} {spinner} {human_pos}, {rate}/s, {elapsed}")),
        }
        self.bar.set_message(what.to_owned());
        if self.json {
            self.line(&json!({ "event": "step", "what": what, "total": total }));
        }
    }

    fn items(&self, class: Class, count: u64) {
        let counter = match class {
            Class::Nodes => &self.nodes,
            Class::Relationships => &self.relationships,
        };
        counter.fetch_add(count, Ordering::Relaxed);
        self.bar.inc(count);
        if self.json
            && let Ok(mut told) = self.told.try_lock()
            && told.elapsed() >= EVERY
        {
            *told = Instant::now();
            let (nodes, relationships) =
                (self.nodes.load(Ordering::Relaxed), self.relationships.load(Ordering::Relaxed));
            self.line(&json!({ "event": "progress", "nodes": nodes, "relationships": relationships }));
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Step { what, total } => self.step(what, *total),
            Event::Items { class, count } => self.items(*class, *count),
            Event::Conflict(conflict) => self.conflict(conflict),
            Event::Warning(text) if self.json => self.line(&json!({ "event": "warning", "message": text })),
            Event::Warning(text) if !self.quiet => self.bar.suspend(|| eprintln!("warning: {}", printable(text))),
            Event::Warning(_) => {}
            Event::Missing(text) => {
                self.incomplete.store(true, Ordering::Relaxed);
                self.event(&Event::Warning(&format!("not read: {text}")));
            }
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{}", HumanCount(state.per_sec() as u64));
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("rate", rate)
}
