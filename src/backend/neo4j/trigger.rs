//! APOC's triggers: statements that live in the database `system` and run in another.

use super::source::text;
use crate::backend::bolt::{Link, parameters};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{SchemaObject, Trigger, Value};
use crate::wire::{Connection, Mode, Query};
use std::time::{Duration, Instant};

const SYSTEM: Option<&str> = Some("system");

/// How long a database may take to notice that a trigger was stopped: twice what APOC sets by itself.
const REFRESH: Duration = Duration::from_secs(120);

/// The triggers, sorted by name; `None` where the server has no such thing.
pub(super) fn read(connection: &mut Connection, link: &Link) -> Result<Option<Vec<SchemaObject>>> {
    let parameters = parameters([("db", link.database().into())]);
    let show = link.statement("CALL apoc.trigger.show($db) YIELD name, query, selector, params, installed, paused");
    let rows = match connection.table(&Query::alone(&show, Mode::Read, SYSTEM).with(&parameters)) {
        Ok(rows) => rows,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) if error.server_code() == Some("Neo.ClientError.Security.Forbidden") => {
            return Err(Error::refused("the triggers of APOC cannot be read: the user may not look into `system`")
                .hint("take a user who may call apoc.trigger.show")
                .caused_by(error));
        }
        Err(error) => return Err(error),
    };
    let mut triggers: Vec<Trigger> = Vec::new();
    for row in &rows {
        // A dropped trigger is listed as not installed until the server's next refresh.
        if matches!(row.get("installed"), Some(Value::Boolean(false))) {
            continue;
        }
        let (Some(name), Some(statement)) = (text(row, "name"), text(row, "query")) else { continue };
        let map = |column: &str| row.get(column).and_then(Value::as_map).cloned().unwrap_or_default();
        triggers.push(Trigger {
            name: name.to_owned(),
            statement: statement.to_owned(),
            system: "apoc".to_owned(),
            selector: map("selector"),
            params: map("params"),
            paused: matches!(row.get("paused"), Some(Value::Boolean(true))),
        });
    }
    triggers.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Some(triggers.into_iter().map(SchemaObject::Trigger).collect()))
}

/// APOC is not installed, or its triggers are not enabled.
fn is_absent(error: &Error) -> bool {
    match error.server_code() {
        Some("Neo.ClientError.Procedure.ProcedureNotFound") => true,
        Some("Neo.ClientError.Procedure.ProcedureCallFailed") => error.message().contains("apoc.trigger.enabled"),
        _ => false,
    }
}

/// Installs a trigger; a paused one is installed and stopped.
pub(super) fn install(connection: &mut Connection, link: &Link, trigger: &Trigger) -> Result<()> {
    if trigger.system != "apoc" {
        return Err(Error::new(
            ErrorKind::Refused,
            format!("Neo4j cannot hold the {} trigger {:?}", trigger.system, trigger.name),
        ));
    }
    let parameters = parameters([
        ("db", link.database().into()),
        ("name", trigger.name.as_str().into()),
        ("statement", trigger.statement.as_str().into()),
        ("selector", Value::Map(trigger.selector.clone())),
        ("params", Value::Map(trigger.params.clone())),
    ]);
    let install = "CALL apoc.trigger.install($db, $name, $statement, $selector, {params: $params})";
    call(connection, link, install, &parameters)?;
    match trigger.paused {
        true => call(connection, link, "CALL apoc.trigger.stop($db, $name)", &parameters),
        false => Ok(()),
    }
}

/// Removes a trigger.
pub(super) fn remove(connection: &mut Connection, link: &Link, name: &str) -> Result<()> {
    let parameters = parameters([("db", link.database().into()), ("name", name.into())]);
    call(connection, link, "CALL apoc.trigger.drop($db, $name)", &parameters)
}

/// Stops a trigger, or starts it again. One that is not there is left alone: APOC does so itself.
pub(super) fn set(connection: &mut Connection, link: &Link, name: &str, active: bool) -> Result<()> {
    let parameters = parameters([("db", link.database().into()), ("name", name.into())]);
    let verb = if active { "start" } else { "stop" };
    call(connection, link, &format!("CALL apoc.trigger.{verb}($db, $name)"), &parameters)?;
    if active { Ok(()) } else { await_stopped(connection, link, name) }
}

/// The database looks for changes of its triggers from time to time only; until then a stopped one fires.
fn await_stopped(connection: &mut Connection, link: &Link, name: &str) -> Result<()> {
    let parameters = parameters([("name", name.into())]);
    let text =
        link.statement("CALL apoc.trigger.list() YIELD name, paused WHERE name = $name AND NOT paused RETURN name");
    let since = Instant::now();
    while since.elapsed() < REFRESH {
        let query = Query::alone(&text, Mode::Read, Some(link.database())).with(&parameters);
        if connection.table(&query)?.is_empty() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(Error::new(ErrorKind::Server, format!("the trigger {name:?} was stopped, and still fires after two minutes")))
}

fn call(connection: &mut Connection, link: &Link, text: &str, parameters: &[u8]) -> Result<()> {
    let text = link.statement(text);
    connection.query(&Query::alone(&text, Mode::Write, SYSTEM).with(parameters), |_| Ok(())).map(|_| ())
}
