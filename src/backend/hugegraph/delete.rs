//! Deleting: several hundred by one Gremlin request, which REST cannot; one by one over REST where Gremlin does not do it.
//!
//! Before the server deletes a vertex it looks for its edges, and to find none it goes through all deleted ones that lie behind in the store, up to one that is there. Once all
//! edges of a graph are deleted, every vertex costs as much as all of them. So edges that are to go are only noted as doomed, and go together with their vertices; those that
//! are left over go in the end.

use super::change::{PATH, edges_of, text};
use super::client::{Client, encoded};
use super::journal::Journal;
use super::quoted;
use crate::error::{ErrorKind, Result};
use crate::hugegraph::Id;
use serde_json::{Value as Json, json};

/// Items of one request.
const AT_ONCE: usize = 250;

/// Edges of a vertex that are looked at in one go.
const EDGES: usize = 1_000;

/// What makes an id of the server of a text such as `L7`, `Sann`, `Uc9a4…`: JSON has no types for them.
const READ_ID: &str = "def read = { s -> def rest = s.substring(1); s[0] == 'L' ? rest.toLong() : s[0] == 'U' ? UUID.fromString(rest) : rest }";

/// A vertex that may be deleted with these edges, or with whatever it has.
type Free<'i> = (&'i Id<'i>, Option<Vec<String>>);

/// Deletes what a run has made.
pub(super) struct Deletion<'a> {
    client: &'a Client,
    journal: &'a Journal,
    run: &'a str,
    by_gremlin: bool,
}

impl<'a> Deletion<'a> {
    /// Of a run.
    pub(super) fn new(client: &'a Client, journal: &'a Journal, run: &'a str, by_gremlin: bool) -> Self {
        Self { client, journal, run, by_gremlin }
    }

    /// Deletes vertices, with `detach` whatever edges they have, else only those all of whose edges are doomed; these go with them. Gives how many were deleted.
    pub(super) fn vertices(&self, ids: &[Id<'_>], detach: bool) -> Result<u64> {
        let mut deleted = 0;
        for ids in ids.chunks(AT_ONCE) {
            if detach {
                let all: Vec<_> = ids.iter().map(|id| (id, None)).collect();
                deleted += self.remove(&all)?;
                continue;
            }
            deleted += self.remove(&self.free(ids)?)?;
        }
        Ok(deleted)
    }

    /// Those vertices all of whose edges are doomed, with the edges.
    fn free<'i>(&self, ids: &'i [Id<'i>]) -> Result<Vec<Free<'i>>> {
        let mut free = Vec::with_capacity(ids.len());
        let mut asked: Vec<(&Id<'_>, Vec<String>)> = ids.iter().map(|id| (id, Vec::new())).collect();
        while !asked.is_empty() {
            let now: Vec<Id<'_>> = asked.iter().map(|(id, _)| (*id).clone()).collect();
            let edges = self.edges_of(&now)?;
            let mut again = Vec::new();
            for ((id, before), edges) in asked.into_iter().zip(edges) {
                let edges = self.thinned(id, edges)?;
                if self.journal.are_doomed(self.run, &edges)? {
                    free.push((id, Some(edges)));
                } else if edges != before {
                    // One of them may have gone with its other end since it was seen, and is doomed no longer.
                    again.push((id, edges));
                }
            }
            asked = again;
        }
        Ok(free)
    }

    /// Deletes the doomed edges that are left.
    pub(super) fn rest(&self) -> Result<()> {
        loop {
            let ids = self.journal.doomed(self.run, AT_ONCE)?;
            if ids.is_empty() {
                return Ok(());
            }
            self.edges(&ids)?;
        }
    }

    /// Deletes doomed edges.
    fn edges(&self, ids: &[Id<'_>]) -> Result<()> {
        // Without any id all would be meant.
        let script =
            "ids.isEmpty() ? 0 : g.E(ids as Object[]).toList().with { all -> all.each { it.remove() }; all.size() }";
        let names: Vec<_> = ids.iter().map(text).collect();
        for (ids, names) in ids.chunks(AT_ONCE).zip(names.chunks(AT_ONCE)) {
            if self.ask(script, json!({ "ids": names }))?.is_none() {
                for id in ids {
                    delete(self.client, "edges", id)?;
                }
            }
            self.journal.are_gone(self.run, names)?;
        }
        Ok(())
    }

    /// The edges of each vertex, at most [`EDGES`] and one.
    fn edges_of(&self, ids: &[Id<'_>]) -> Result<Vec<Vec<String>>> {
        let script = format!(
            "{{ -> {READ_ID}; ids.collect {{ s -> g.V(read(s)).bothE().limit({}).id().toList().collect {{ it.toString() }} }} }}()",
            EDGES + 1
        );
        if let Some(found) = self.ask(&script, json!({ "ids": letters(ids) }))?
            && let Ok(found) = serde_json::from_value::<Vec<Vec<String>>>(found)
            && found.len() == ids.len()
        {
            return Ok(found);
        }
        ids.iter().map(|id| edges_of(self.client, id, EDGES + 1)).collect()
    }

    /// The edges of a vertex once those that are too many and doomed are deleted.
    fn thinned(&self, id: &Id<'_>, mut edges: Vec<String>) -> Result<Vec<String>> {
        while edges.len() > EDGES && self.journal.are_doomed(self.run, &edges)? {
            let ids: Vec<Id<'_>> = edges.drain(..).map(|edge| Id::Text(edge.into())).collect();
            self.edges(&ids)?;
            edges = self.edges_of(std::slice::from_ref(id))?.pop().unwrap_or_default();
        }
        Ok(edges)
    }

    /// Deletes vertices with those edges that were seen; none that has got more since.
    fn remove(&self, free: &[Free<'_>]) -> Result<u64> {
        if free.is_empty() {
            return Ok(0);
        }
        let script = format!(
            "{{ -> {READ_ID}; def all = []; def said = ids.withIndex().collect {{ s, i -> \
                def id = read(s); def found = g.V(id).toList(); \
                def free = counts[i] < 0 || g.V(id).bothE().limit(counts[i] + 1).count().next() <= counts[i]; \
                if (found && free) {{ all << found[0]; 1 }} else {{ 0 }} }}; \
             all.each {{ it.remove() }}; said }}()"
        );
        let ids: Vec<Id<'_>> = free.iter().map(|(id, _)| (*id).clone()).collect();
        let count = |(_, edges): &Free<'_>| edges.as_ref().map_or(-1, |edges| edges.len() as i64);
        let counts: Vec<i64> = free.iter().map(count).collect();
        let said = self.ask(&script, json!({ "ids": letters(&ids), "counts": counts }))?;
        let said: Vec<u64> = match said.map(serde_json::from_value) {
            Some(Ok(said)) => said,
            _ => {
                let delete = |id| delete(self.client, "vertices", id).map(u64::from);
                ids.iter().map(delete).collect::<Result<_>>()?
            }
        };
        let gone = free.iter().zip(&said).filter(|(_, said)| **said > 0);
        let gone: Vec<&String> = gone.flat_map(|((_, edges), _)| edges.iter().flatten()).collect();
        self.journal.are_gone(self.run, &gone)?;
        Ok(said.iter().sum())
    }

    /// Asks Gremlin; `None` where it does not do it.
    fn ask(&self, script: &str, bindings: Json) -> Result<Option<Json>> {
        if !self.by_gremlin {
            return Ok(None);
        }
        match self.client.gremlin_with(script, bindings) {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if error.kind() == ErrorKind::Server => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn letters(ids: &[Id<'_>]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// Deletes a vertex with its edges, or an edge. Says whether it was there.
fn delete(client: &Client, word: &str, id: &Id<'_>) -> Result<bool> {
    let is_vertex = word == "vertices";
    let name = if is_vertex { quoted(id) } else { text(id).into_owned() };
    // Servers take no such characters in a path.
    let is_odd = text(id).chars().any(|c| matches!(c, '/' | '\\' | '"' | '%' | ';') || c.is_control());
    if is_odd || name.len() > PATH / 3 {
        let step = if is_vertex { "V" } else { "E" };
        let script = format!("g.{step}(id).drop().iterate().hasNext()");
        return client.gremlin_with(&script, json!({ "id": text(id) })).map(|_| true);
    }
    match client.delete(&client.path(&format!("/graph/{word}/{}", encoded(&name)))) {
        Ok(_) => Ok(true),
        Err(error) if error.message().contains(": No such ") => Ok(false),
        Err(error) => Err(error),
    }
}
