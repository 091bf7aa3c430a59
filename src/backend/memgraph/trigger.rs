//! Triggers: SHOW TRIGGERS has their statements as they were written, where the server's own dump folds their lines into one.

use super::schema::{Doubt, Found, required, text};
use crate::error::Result;
use crate::model::{Map, SchemaObject, Trigger};
use crate::wire::Row;

/// From this version on a trigger says with whose rights it runs.
const SECURITY: (u32, u32) = (3, 8);

/// The trigger of a row of SHOW TRIGGERS.
pub(super) fn found(row: &Row, version: (u32, u32)) -> Result<Found> {
    let mut selector = Map::new();
    // A trigger without an event in its statement reacts to any.
    match required(row, "event type")? {
        "ANY" => {}
        event => _ = selector.insert("event".to_owned(), event.into()),
    }
    selector.insert("phase".to_owned(), required(row, "phase")?.into());
    let security = text(row, "privilege context").map(str::to_ascii_uppercase);
    if let Some(security) = &security {
        selector.insert("security".to_owned(), security.as_str().into());
    }
    let object = SchemaObject::Trigger(Trigger {
        name: required(row, "trigger name")?.to_owned(),
        statement: required(row, "statement")?.trim().to_owned(),
        system: "memgraph".to_owned(),
        selector,
        params: Map::new(),
        paused: false,
    });
    Ok(Found { object, doubt: (security.is_none() && version >= SECURITY).then_some(Doubt::Security) })
}
