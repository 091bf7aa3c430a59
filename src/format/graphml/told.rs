//! What the user should know of a file when it was read.

use super::item::RELATED;

/// What the user should know in the end.
#[derive(Default)]
pub(super) struct Told {
    pub(super) undirected: bool,
    pub(super) nested: bool,
    pub(super) undeclared: std::collections::BTreeSet<String>,
    pub(super) drawings: u64,
    pub(super) untyped: u64,
    pub(super) unkept: u64,
    pub(super) ports: u64,
}

impl Told {
    /// It, in words.
    pub(super) fn warnings(&self) -> Vec<String> {
        let mut warnings = vec!["GraphML has no schema: indexes and constraints are not in it".to_owned()];
        let mut tell = |is_so: bool, text: String| {
            if is_so {
                warnings.push(text);
            }
        };
        tell(self.undirected, "edges without a direction were read as from source to target".to_owned());
        tell(self.nested, "graphs inside of nodes were read as one: which group a node was in is not kept".to_owned());
        let keys: Vec<&str> = self.undeclared.iter().map(String::as_str).collect();
        tell(!keys.is_empty(), format!("not declared, and so read as text: {}", keys.join(", ")));
        tell(
            self.drawings > 0,
            format!("{} drawings of yEd's were left out but for their text, now the property label", self.drawings),
        );
        tell(self.untyped > 0, format!("{} edges have no type in the file, and got {RELATED}", self.untyped));
        tell(
            self.unkept > 0,
            format!("{} nodes have ids that are not kept: they have a property id already", self.unkept),
        );
        tell(self.ports > 0, format!("{} ports were left out", self.ports));
        warnings
    }
}
