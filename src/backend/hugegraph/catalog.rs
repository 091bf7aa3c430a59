//! What a graph says of itself beside its data: the schema, and the time zone that its dates are local to.

use super::client::Client;
use crate::error::{Error, Result};
use crate::hugegraph::schema::{KINDS, variable};
use crate::hugegraph::{Definitions, Zone};
use crate::model::SchemaObject;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};

/// The lists of the schema, in the order of [`KINDS`].
const LISTS: [&str; 4] = ["propertykeys", "vertexlabels", "edgelabels", "indexlabels"];

/// The whole schema, each list by id. The server's own elements, whose names begin with `~`, are left out.
pub(super) fn definitions(client: &Client) -> Result<Definitions> {
    read(|path| client.get(path), client)
}

/// The same to be carried away: a number in it that would become another one is an error.
pub(super) fn carried(client: &Client) -> Result<Definitions> {
    read(|path| client.exact(path), client)
}

fn read(get: impl Fn(&str) -> Result<HashMap<String, Vec<Json>>>, client: &Client) -> Result<Definitions> {
    let mut all = Definitions::default();
    for (kind, list) in LISTS.into_iter().enumerate() {
        let path = client.path(&format!("/schema/{list}"));
        let mut answer = get(&path)?;
        let mut objects = answer.remove(list).ok_or_else(|| client.not_understood(&path))?;
        objects.retain(|object| !object["name"].as_str().unwrap_or_default().starts_with('~'));
        objects.sort_by_key(|object| object["id"].as_i64());
        for object in objects {
            let what = format!("{}: the {} {}", client.peer(), KINDS[kind], object["name"]);
            let added = all.add_json(kind, object);
            added.map_err(|cause| Error::corrupt(format!("{what} is not understood")).caused_by(cause))?;
        }
    }
    Ok(all)
}

/// The variables of the graph, by name.
pub(super) fn variables(client: &Client) -> Result<Vec<SchemaObject>> {
    let all: BTreeMap<String, Json> = client.exact(&client.path("/variables"))?;
    Ok(all.into_iter().map(|(name, value)| variable(&name, value)).collect())
}

/// The zone of the server, by Gremlin: REST does not tell it.
pub(super) fn zone(client: &Client) -> Result<Zone> {
    let answer = client.gremlin("TimeZone.getDefault().getID()")?;
    let name = answer.as_str().ok_or_else(|| client.not_understood("/gremlin"))?;
    Zone::named(name)
}
