//! What Memgraph writes in its dumps and cannot read itself, or would read as something else: found by the lexer, told to the user.

/// A defect of Memgraph's own dumps that is repaired while reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oddity {
    /// `1e+17`.
    PlusExponent,
    /// `nan`, `-inf`.
    NotFinite,
    /// `-9223372036854775808`.
    SmallestInteger,
    /// `-0`, the float.
    MinusZero,
    /// An enum, its value or a trigger whose name needs backticks.
    BareName,
    /// `IS TYPED LOCAL TIME`, `BOOL`.
    TypeSpelling,
    /// `ON ANY`.
    AnyEvent,
    /// `1` for 1.0 where a constraint tells that it is a float.
    WholeFloat,
}

const SORTS: usize = 8;

/// How often each was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Oddities {
    counts: [u32; SORTS],
    any: bool,
}

impl Oddities {
    /// Counts one.
    pub(super) fn note(&mut self, oddity: Oddity) {
        self.any = true;
        if let Some(count) = self.counts.get_mut(oddity as usize) {
            *count = count.saturating_add(1);
        }
    }
}

/// What was repaired in a dump, and where first.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    found: [(u64, u64); SORTS],
}

impl Repairs {
    /// Adds what was met in the statement that begins on a line.
    #[inline]
    pub(super) fn add(&mut self, met: &Oddities, line: u64) {
        if met.any {
            for ((count, first), met) in self.found.iter_mut().zip(met.counts).filter(|(_, met)| *met > 0) {
                *first = if *count == 0 { line } else { *first };
                *count += u64::from(met);
            }
        }
    }

    /// A sentence for each sort.
    pub(super) fn warnings(&self) -> Vec<String> {
        const WORDS: [(&str, &str, &str); SORTS] = [
            ("float", "written like 1e+17", "Memgraph does not read what it wrote"),
            ("float", "written as nan or inf", "Memgraph does not read what it wrote"),
            ("integer", "written as -9223372036854775808", "Memgraph does not read what it wrote"),
            ("float", "written as -0", "Memgraph would read the integer 0"),
            ("name", "without the backticks that it needs", "Memgraph does not read what it wrote"),
            ("constraint", "with a type spelled with spaces or as BOOL", "Memgraph does not read what it wrote"),
            ("trigger", "written as ON ANY", "Memgraph does not read what it wrote"),
            ("float", "written without a point", "a constraint IS TYPED FLOAT tells what it was"),
        ];
        let found = self.found.iter().zip(WORDS).filter(|((count, _), _)| *count > 0);
        found
            .map(|((count, line), (noun, how, why))| {
                let plural = if *count == 1 { "" } else { "s" };
                format!("repaired {count} {noun}{plural} {how}, the first in line {line}: {why}")
            })
            .collect()
    }
}
