//! Schema statements. Placeholder: branch `cypherl` has the real one.

use super::{Dialect, name};
use crate::error::{Error, Result};
use crate::model::{ConstraintKind, Entity, SchemaObject};

/// The statements that create an object.
///
/// # Errors
/// There is no such statement.
pub fn create(dialect: Dialect, object: &SchemaObject) -> Result<Vec<String>> {
    let quoted = |text: &str| {
        let mut out = Vec::new();
        name(dialect, text, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    };
    let list = |names: &[String]| names.iter().map(|n| format!("x.{}", quoted(n))).collect::<Vec<_>>().join(", ");
    let pattern = |on: Entity, labels: &str| match on {
        Entity::Node => format!("(x:{labels})"),
        Entity::Relationship => format!("()-[x:{labels}]-()"),
    };
    match object {
        SchemaObject::Index(index) => Ok(vec![format!(
            "CREATE {} INDEX {} FOR {} ON ({})",
            index.kind.keyword(),
            index.name.as_deref().map(quoted).unwrap_or_default(),
            pattern(index.on, &index.labels.iter().map(|l| quoted(l)).collect::<Vec<_>>().join("|")),
            list(&index.properties),
        )]),
        SchemaObject::Constraint(constraint) if constraint.kind == ConstraintKind::Unique => Ok(vec![format!(
            "CREATE CONSTRAINT {} FOR {} REQUIRE ({}) IS UNIQUE",
            constraint.name.as_deref().map(quoted).unwrap_or_default(),
            pattern(constraint.on, &quoted(&constraint.label)),
            list(&constraint.properties),
        )]),
        _ => Err(Error::refused(object.describe())),
    }
}
