//! What a batch has in common, and what the server tells of it.

use crate::cypher::{self, Dialect};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Block, Cursor, Kind};

/// The error for relationships that cannot be made.
pub(in crate::backend) fn no_ends(missing: usize, batch: &Block) -> Error {
    let text = format!("{missing} of {} relationships have an end that is not there", batch.len());
    Error::new(ErrorKind::Server, text)
}

/// The kind that all items of a batch have, as `` :`A`:`B` ``.
pub(in crate::backend) fn kind_of(dialect: Dialect, batch: &Block) -> Result<String> {
    let Some(first) = batch.items().first() else { return Ok(String::new()) };
    let kind: &Kind = batch.kind(first);
    if batch.items().iter().any(|item| item.kind != first.kind && batch.kind(item) != kind) {
        return Err(Error::failed("a batch mixes labels or types"));
    }
    let mut text = Vec::new();
    for name in kind.names() {
        text.push(b':');
        cypher::name::put(dialect, name, &mut text)?;
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Puts the ids of a row (numbers in the batch, ids) in their places.
pub(in crate::backend) fn place(row: &[u8], ids: &mut [Option<i64>]) -> Result<()> {
    let mut numbers = Cursor::new(row);
    numbers.list()?;
    let mut made = numbers;
    made.check()?;
    let count = numbers.list()?;
    if made.list()? != count {
        return Err(Error::failed("the server tells more ids than it was sent rows, or fewer"));
    }
    for _ in 0..count {
        let number = numbers.integer()?;
        let slot = usize::try_from(number).ok().and_then(|number| ids.get_mut(number));
        *slot.ok_or_else(|| Error::failed(format!("the server tells an id for row {number}, which was not sent")))? =
            Some(made.integer()?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::model::{Class, Value};

    #[test]
    fn ids_are_placed_by_their_number() {
        let row = |number: i64, id: i64| {
            let list = |value: i64| Value::List(vec![value.into()]);
            Value::List(vec![list(number), list(id)]).to_packstream()
        };
        let mut ids = vec![None; 3];
        for (number, id) in [(2, 70), (0, 90), (1, 80)] {
            place(&row(number, id), &mut ids).unwrap();
        }
        assert_eq!(ids, [Some(90), Some(80), Some(70)]);
        for number in [-1, 3] {
            let error = place(&row(number, 1), &mut ids).unwrap_err().to_string();
            assert_eq!(error, format!("the server tells an id for row {number}, which was not sent"));
        }
    }

    #[test]
    fn a_batch_has_one_kind() {
        let mut batch = Block::new(Class::Nodes);
        for labels in [&["A`", "B"][..], &["A`", "B"], &[]] {
            let kind = batch.add_kind(Kind::labels(labels));
            batch.buffer().push(0xA0);
            batch.push(1, 0, 0, kind, 0);
        }
        assert_eq!(kind_of(Dialect::Neo4j, &batch.slice(0..2)).unwrap(), ":`A```:`B`");
        assert_eq!(kind_of(Dialect::Neo4j, &batch.slice(2..3)).unwrap(), "");
        assert_eq!(kind_of(Dialect::Neo4j, &batch).unwrap_err().to_string(), "a batch mixes labels or types");
    }
}
