//! What a person sees while it works: a line with rate and time left, or JSON events, or nothing.

use super::text::printable;
use crate::error::{Error, Result};
use crate::model::Class;
use crate::observe::{Conflict, Event, Observer};
use anstyle::{AnsiColor, Style};
use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use serde_json::json;
use std::fs::File;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// JSON events about items come at most this often.
const EVERY: Duration = Duration::from_millis(500);

// Colours, which anstream leaves out where nobody would see them, or with NO_COLOR.
const BAD: Style = AnsiColor::Red.on_default().bold();
const ODD: Style = AnsiColor::Yellow.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const PLAIN: Style = Style::new();

/// How much of a dump was read.
#[derive(Default)]
struct Read {
    taken: AtomicU64,
    /// 0 where it is not known.
    size: AtomicU64,
}

/// Tells on stderr what happens.
pub(super) struct Progress {
    bar: ProgressBar,
    json: bool,
    quiet: bool,
    nodes: AtomicU64,
    relationships: AtomicU64,
    read: Arc<Read>,
    told: Mutex<Instant>,
    incomplete: AtomicBool,
    log: Option<Mutex<File>>,
}

impl Progress {
    /// Tells as it is asked to, and to the end of a log file too, which comes into being.
    pub(super) fn new(quiet: bool, json: bool, log: Option<&Path>) -> Result<Self> {
        let open = |path: &Path| {
            let file = File::options().append(true).create(true).open(path);
            file.map(Mutex::new).map_err(|cause| Error::io(format!("opening {}", path.display()), cause))
        };
        Ok(Self { log: log.map(open).transpose()?, ..Self::with(quiet, json) })
    }

    /// Tells errors where the log itself is one.
    pub(super) fn plain(json: bool) -> Self {
        Self::with(false, json)
    }

    fn with(quiet: bool, json: bool) -> Self {
        let shown = !quiet && !json && std::io::stderr().is_terminal();
        let target = if shown { ProgressDrawTarget::stderr_with_hz(5) } else { ProgressDrawTarget::hidden() };
        Self {
            bar: ProgressBar::with_draw_target(None, target),
            json,
            quiet,
            nodes: AtomicU64::new(0),
            relationships: AtomicU64::new(0),
            read: Arc::default(),
            told: Mutex::new(Instant::now()),
            incomplete: AtomicBool::new(false),
            log: None,
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
        let event = json!({ "event": "report", "report": event });
        self.log(&event);
        if self.json {
            self.line(&event);
        } else if !self.quiet {
            eprintln!("{}", printable(text));
        }
    }

    /// Tells a step of a restore, as a line that stays.
    pub(super) fn say(&self, text: &str) {
        if !self.quiet && !self.json {
            let style = if text.starts_with("[+]") { GOOD } else { PLAIN };
            self.bar.suspend(|| anstream::eprintln!("{style}{}{style:#}", printable(text)));
        }
    }

    /// Tells an error. It is told even when nothing else is.
    pub(super) fn error(&self, error: &Error, code: u8) {
        self.clear();
        let position = error.position();
        let event = json!({
            "event": "error", "exit": code, "message": error.report(), "code": error.server_code(),
            "file": position.map(|position| &position.file), "line": position.map(|position| position.line),
        });
        self.log(&event);
        if self.json {
            self.line(&event);
        } else {
            anstream::eprintln!("{BAD}graphferry:{BAD:#} {}", printable(&error.report()));
        }
    }

    fn line(&self, event: &serde_json::Value) {
        eprintln!("{event}");
    }

    /// Adds an event to the log, in one write, so that lines of two runs do not mix. A log that cannot be written any more does not stop the work.
    fn log(&self, event: &serde_json::Value) {
        if let Some(log) = &self.log
            && let Ok(mut file) = log.lock()
        {
            let mut event = event.clone();
            let now = jiff::Timestamp::now();
            event["time"] = json!(now.round(jiff::Unit::Millisecond).unwrap_or(now).to_string());
            let _ = file.write_all(format!("{event}\n").as_bytes());
        }
    }

    /// Conflicts are what a merge is refused for, so they are told even when nothing else is.
    fn conflict(&self, conflict: &Conflict) {
        let id = |class| conflict.item.filter(|item| item.0 == class).map(|item| item.1);
        let event = json!({
            "event": conflict.kind, "node": id(Class::Nodes), "relationship": id(Class::Relationships),
            "line": conflict.line, "message": conflict.message,
        });
        self.log(&event);
        if self.json {
            self.line(&event);
        } else {
            let line = conflict.line.map(|line| format!("line {line}: ")).unwrap_or_default();
            self.bar.suspend(|| {
                anstream::eprintln!("{ODD}{}:{ODD:#} {line}{}", conflict.kind, printable(&conflict.message));
            });
        }
    }

    fn warning(&self, text: &str) {
        let event = json!({ "event": "warning", "message": text });
        self.log(&event);
        if self.json {
            self.line(&event);
        } else if !self.quiet {
            self.bar.suspend(|| anstream::eprintln!("{ODD}warning:{ODD:#} {}", printable(text)));
        }
    }

    fn step(&self, what: &str, total: Option<u64>) {
        self.nodes.store(0, Ordering::Relaxed);
        self.relationships.store(0, Ordering::Relaxed);
        self.read.taken.store(0, Ordering::Relaxed);
        self.read.size.store(0, Ordering::Relaxed);
        match total {
            Some(total) => {
                self.bar.set_length(total);
                let template = "{msg} {bar:30} {percent}% {human_pos}/{human_len}, {rate}/s, {eta} left{bytes_read}";
                self.bar.set_style(self.style(template));
            }
            None => {
                self.bar.set_style(self.style("{msg} {spinner} {human_pos}, {rate}/s, {elapsed}{bytes_read}{rest}"))
            }
        }
        // At last, or the line of the step before it is drawn once more.
        self.bar.set_message(what.to_owned());
        self.bar.reset();
        let event = json!({ "event": "step", "what": what, "total": total });
        self.log(&event);
        if self.json {
            self.line(&event);
        }
    }

    /// A line with our own words in it.
    fn style(&self, template: &str) -> ProgressStyle {
        let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = write!(out, "{}", HumanCount(state.per_sec() as u64));
        };
        let read = Arc::clone(&self.read);
        let bytes = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = out.write_str(&bytes_read(&read, state.elapsed()));
        };
        let read = Arc::clone(&self.read);
        let rest = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
            let _ = out.write_str(&rest(&read, state.elapsed()));
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        style.with_key("rate", rate).with_key("bytes_read", bytes).with_key("rest", rest)
    }

    fn items(&self, class: Class, count: u64) {
        let counter = match class {
            Class::Nodes => &self.nodes,
            Class::Relationships => &self.relationships,
        };
        counter.fetch_add(count, Ordering::Relaxed);
        self.bar.inc(count);
        if (self.json || self.log.is_some())
            && let Ok(mut told) = self.told.try_lock()
            && told.elapsed() >= EVERY
        {
            *told = Instant::now();
            let (nodes, relationships) =
                (self.nodes.load(Ordering::Relaxed), self.relationships.load(Ordering::Relaxed));
            let some = |count: &AtomicU64| Some(count.load(Ordering::Relaxed)).filter(|count| *count > 0);
            let (bytes, size) = (some(&self.read.taken), some(&self.read.size));
            let event = json!({
                "event": "progress", "nodes": nodes, "relationships": relationships, "bytes": bytes, "size": size,
            });
            self.log(&event);
            if self.json {
                self.line(&event);
            }
        }
    }
}

impl Observer for Progress {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::Step { what, total } => self.step(what, *total),
            Event::Items { class, count } => self.items(*class, *count),
            Event::Bytes { taken, size } => {
                self.read.taken.store(*taken, Ordering::Relaxed);
                self.read.size.store(size.unwrap_or(0), Ordering::Relaxed);
            }
            Event::Conflict(conflict) => self.conflict(conflict),
            Event::Warning(text) => self.warning(text),
            Event::Missing(text) => {
                self.incomplete.store(true, Ordering::Relaxed);
                self.event(&Event::Warning(&format!("not read: {text}")));
            }
        }
    }
}

/// `, 12 MiB of 80 MiB, 4 MiB/s`; nothing while nothing is known.
fn bytes_read(read: &Read, elapsed: Duration) -> String {
    let (taken, size) = (read.taken.load(Ordering::Relaxed), read.size.load(Ordering::Relaxed));
    let rate = HumanBytes((taken as f64 / elapsed.as_secs_f64().max(0.001)) as u64);
    match (taken, size) {
        (0, _) => String::new(),
        (taken, 0) => format!(", {}, {rate}/s", HumanBytes(taken)),
        (taken, size) => format!(", {} of {}, {rate}/s", HumanBytes(taken), HumanBytes(size)),
    }
}

/// `, 12 seconds left`, by the bytes that are still to be read.
fn rest(read: &Read, elapsed: Duration) -> String {
    let (taken, size) = (read.taken.load(Ordering::Relaxed), read.size.load(Ordering::Relaxed));
    if taken == 0 || size <= taken {
        return String::new();
    }
    let left = elapsed.as_secs_f64() * (size - taken) as f64 / taken as f64;
    Duration::try_from_secs_f64(left).map_or_else(|_| String::new(), |left| format!(", {} left", HumanDuration(left)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_a_rate_and_an_end() {
        let read = Read::default();
        let second = Duration::from_secs(1);
        assert_eq!(bytes_read(&read, second) + &rest(&read, second), "");
        read.taken.store(2 << 20, Ordering::Relaxed);
        assert_eq!(bytes_read(&read, second), ", 2.00 MiB, 2.00 MiB/s");
        read.size.store(8 << 20, Ordering::Relaxed);
        assert_eq!(bytes_read(&read, second * 2), ", 2.00 MiB of 8.00 MiB, 1.00 MiB/s");
        assert_eq!(rest(&read, second * 2), ", 6 seconds left");
        read.taken.store(8 << 20, Ordering::Relaxed);
        assert_eq!(rest(&read, second), "");
    }
}
