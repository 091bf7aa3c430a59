//! Making and removing schema elements.

use super::client::{Client, encoded};
use crate::backend::Purpose;
use crate::error::{Error, ErrorKind, Result};
use crate::hugegraph::schema::{Definitions, KINDS, as_variable};
use crate::model::SchemaObject;
use crate::wire::http::Method;
use serde::Deserialize;
use serde_json::Value as Json;
use std::time::Duration;

/// The folders of the schema, in the order of [`KINDS`].
const FOLDERS: [&str; 4] = ["propertykeys", "vertexlabels", "edgelabels", "indexlabels"];

/// Makes an element, and waits for what the server does about it. `is_empty` says that there are no rows that an index would have to be built from.
pub(super) fn create(client: &Client, object: &SchemaObject, purpose: Purpose, is_empty: bool) -> Result<()> {
    if let Some((name, value)) = as_variable(object) {
        let body = serde_json::json!({ "data": value }).to_string();
        return client.send(Method::Put, &variable_path(client, name), body.as_bytes(), true).map(drop);
    }
    let (kind, mut body) = understood(object)?;
    if let Some(map) = body.as_object_mut() {
        if purpose == Purpose::Merge {
            // Another graph's numbers and times.
            map.remove("id");
            if let Some(notes) = map.get_mut("user_data").and_then(Json::as_object_mut) {
                notes.retain(|key, _| !key.starts_with('~'));
            }
        }
        if kind == 3 && is_empty {
            map.insert("rebuild".to_owned(), Json::Bool(false));
        }
    }
    let path = client.path(&format!("/schema/{}", folder(kind)));
    let answer = client.send(Method::Post, &path, body.to_string().as_bytes(), false);
    let answer = match answer {
        // The answer to the first try may have been lost.
        Err(error) if error.kind() == ErrorKind::Unreachable && is_there(client, object)? => return Ok(()),
        answer => answer.map_err(|error| {
            Error::new(error.kind(), format!("the {} cannot be made: {}", object.describe(), error.message()))
                .caused_by(error)
        })?,
    };
    wait(client, &answer)
}

/// Removes an element, and waits until it is gone.
pub(super) fn remove(client: &Client, object: &SchemaObject) -> Result<()> {
    if let Some((name, _)) = as_variable(object) {
        return client.delete(&variable_path(client, name)).map(drop);
    }
    let (kind, body) = understood(object)?;
    let name = body["name"].as_str().unwrap_or_default().to_owned();
    let path = client.path(&format!("/schema/{}/{}", folder(kind), encoded(&name)));
    let answer = client.delete(&path)?;
    wait(client, &answer)
}

fn variable_path(client: &Client, name: &str) -> String {
    client.path(&format!("/variables/{}", encoded(name)))
}

fn folder(kind: usize) -> &'static str {
    FOLDERS.get(kind).copied().unwrap_or_default()
}

/// The number of its kind, and what the server is told of it.
fn understood(object: &SchemaObject) -> Result<(usize, Json)> {
    let mut definitions = Definitions::default();
    let not_ours = || Error::refused(format!("HugeGraph cannot have the {}", object.describe()));
    if !definitions.add(object)? {
        return Err(not_ours());
    }
    (0..KINDS.len()).find_map(|kind| Some((kind, definitions.json(kind).pop()?))).ok_or_else(not_ours)
}

fn is_there(client: &Client, object: &SchemaObject) -> Result<bool> {
    let (kind, wanted) = understood(object)?;
    let there = super::catalog::definitions(client)?;
    Ok(there.json(kind).iter().any(|known| known["name"] == wanted["name"]))
}

#[derive(Deserialize)]
struct Begun {
    #[serde(default)]
    task_id: i64,
}

#[derive(Deserialize)]
struct Task {
    task_status: String,
    #[serde(default)]
    task_result: Json,
}

/// Waits for the task that an answer speaks of, if it does.
fn wait(client: &Client, answer: &[u8]) -> Result<()> {
    let task = serde_json::from_slice::<Begun>(answer).map_or(0, |begun| begun.task_id);
    if task <= 0 {
        return Ok(());
    }
    let mut pause = Duration::from_millis(10);
    loop {
        let now: Task = client.get(&client.path(&format!("/tasks/{task}")))?;
        match now.task_status.as_str() {
            "success" => return Ok(()),
            "failed" | "cancelled" | "cancelling" | "deleting" => {
                let message = format!("the server's task {task} has {}: {}", now.task_status, now.task_result);
                return Err(Error::new(ErrorKind::Server, message));
            }
            _ => std::thread::sleep(pause),
        }
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}
