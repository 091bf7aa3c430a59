//! The id of an edge as text: `S1:a>3>3>>S1:b`.
//!
//! Its parts are the vertex at the start, the number of its label twice (the second is that of a sub label, which we know none of), the values of the sort
//! keys, and the vertex at the end, with `>` between them. A `>` within a part has a backtick before it; a backtick has none.
//!
//! Neither the server nor the official tool needs it: it follows from the rest.

use crate::hugegraph::Id;
use crate::hugegraph::schema::EdgeLabel;

/// Appends the id as a JSON member, behind the last one of an edge; nothing where the label has no number.
pub(super) fn put(label: &EdgeLabel, sort_values: &str, ends: [&Id<'_>; 2], out: &mut Vec<u8>) {
    let Some(number) = label.id else { return };
    let number = number.to_string();
    let [start, end] = ends.map(ToString::to_string);
    let parts = [&*start, &*number, &*number, sort_values, &*end].map(|part| part.replace('>', "`>"));
    if out.last() == Some(&b'}') {
        out.pop();
        out.extend_from_slice(b",\"id\":");
        crate::model::json::write_string(&parts.join(">"), out);
        out.push(b'}');
    }
}
