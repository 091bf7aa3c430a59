//! An inspection as one HTML page that stands alone: no script, no font, no request, whatever the names of the graph are.
//!
//! Its policy forbids everything but its own style. Colours follow the reader's choice of light or dark.

mod layout;
mod markup;
mod picture;

use super::{Group, Inspection, words};
use markup::{isolated, name, text};
use std::fmt::Write as _;

const STYLE: &str = include_str!("page/style.css");

/// So many bars stand in a chart, and so many properties, schema objects or losses in a list.
const BARS: usize = 24;
const GROUPS: usize = 100;
const PROPERTIES: usize = 200;
const LINES: usize = 200;

/// Colours that labels take in turn.
const COLOURS: usize = 8;

/// The page.
#[must_use]
pub fn page(of: &Inspection) -> String {
    let mut out = String::with_capacity(64 << 10);
    let title = text(&of.name);
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title} – GraphFerry</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
    );
    head(of, &mut out);
    out.push_str("<main>\n");
    tiles(of, &mut out);
    graph(of, &mut out);
    bars(of, &mut out);
    degrees(of, &mut out);
    groups("Labels and their properties", &of.labels, true, &mut out);
    groups("Types and their properties", &of.types, false, &mut out);
    schema(of, &mut out);
    losses(of, &mut out);
    notes(of, &mut out);
    let tool = if of.header.tool.is_empty() {
        String::new()
    } else {
        format!("; the dump was written by {}", isolated(&of.header.tool))
    };
    let _ = write!(
        out,
        "</main>\n<footer>Made by graphferry {}{tool}. This page needs no network and runs no script.</footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    );
    out
}

fn head(of: &Inspection, out: &mut String) {
    let mut facts = vec![isolated(&words::origin(of))];
    if !of.header.created.is_empty() {
        facts.push(format!("taken {}", isolated(&of.header.created)));
        facts.push(format!("consistency {}", of.header.consistency.name()));
    }
    if of.is_proved {
        facts.push("whole: its trailer agrees".to_owned());
    }
    let _ = write!(out, "<header>\n<h1>{}</h1>\n<p class=\"soft\">{}</p>\n", isolated(&of.name), facts.join(" · "));
    for filter in &of.header.filters {
        let _ = write!(out, "<p class=\"soft small\">Not the whole graph: {}</p>", isolated(filter));
    }
    for warning in of.warnings.iter().take(LINES) {
        let _ = write!(out, "<p class=\"bad\">{}</p>", text(warning));
    }
    out.push_str("</header>\n");
}

fn tiles(of: &Inspection, out: &mut String) {
    let tally = &of.tally;
    let mut tiles = vec![
        (words::count(tally.nodes), "nodes".to_owned()),
        (words::count(tally.relationships), "relationships".to_owned()),
        (words::count(tally.labels.len() as u64), "labels".to_owned()),
        (words::count(tally.types.len() as u64), "types".to_owned()),
        (words::count(of.schema.objects.len() as u64), "indexes, constraints and the like".to_owned()),
        (words::size(of.sizes.nodes + of.sizes.relationships), "of properties, as a server sends them".to_owned()),
    ];
    if let Some(stored) = of.sizes.stored {
        tiles.push((words::size(stored), "on disk".to_owned()));
    }
    tiles.push((words::size(of.sizes.largest_node.max(of.sizes.largest_relationship)), "the largest item".to_owned()));
    out.push_str("<div class=\"tiles\">");
    for (number, what) in tiles {
        let _ = write!(out, "<div class=\"tile\"><b>{number}</b><span>{what}</span></div>");
    }
    out.push_str("</div>\n");
}

/// A colour for a label set: that of its first label in the list of labels.
fn colour(of: &Inspection, labels: &[String]) -> usize {
    let first = |group: &Group| if group.name.is_empty() { labels.is_empty() } else { labels.contains(&group.name) };
    of.labels.iter().position(first).unwrap_or(0) % COLOURS
}

fn graph(of: &Inspection, out: &mut String) {
    if of.label_sets.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>What is joined how</h2>\n<div class=\"scroll\">");
    out.push_str(&picture::schema(of, &|labels| colour(of, labels)));
    out.push_str("</div>\n");
    if of.label_sets.len() > picture::SETS {
        let _ = write!(
            out,
            "<p class=\"soft small\">Drawn are the {} label sets with most nodes, of {}.</p>",
            picture::SETS,
            words::count(of.label_sets.len() as u64)
        );
    }
    let set = |at: usize| of.label_sets.get(at).map(|set| words::labels(&set.labels)).unwrap_or_default();
    if !of.ways.is_empty() {
        out.push_str("<details><summary>As a table</summary><div class=\"scroll\"><table><thead><tr><th>from</th><th>type</th><th>to</th><th class=\"n\">relationships</th></tr></thead><tbody>");
        for way in of.ways.iter().take(LINES) {
            let _ = write!(
                out,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"n\">{}</td></tr>",
                isolated(&set(way.from)),
                name(&way.kind),
                isolated(&set(way.to)),
                words::count(way.count)
            );
        }
        out.push_str("</tbody></table></div>");
        more(of.ways.len(), LINES, out);
        out.push_str("</details>");
    }
    out.push_str("</section>\n");
}

fn bars(of: &Inspection, out: &mut String) {
    out.push_str("<section class=\"pair\">\n");
    for (title, groups, total, is_label) in [
        ("Nodes by label", &of.labels, of.tally.nodes, true),
        ("Relationships by type", &of.types, of.tally.relationships, false),
    ] {
        let _ = write!(out, "<div><h2>{title}</h2><dl class=\"bars\">");
        let most = groups.first().map_or(1, |group| group.count).max(1);
        for (at, group) in groups.iter().take(BARS).enumerate() {
            let class = if is_label { format!("k{}", at % COLOURS) } else { "kt".to_owned() };
            let _ = write!(
                out,
                "<dt>{}</dt><dd class=\"{class}\"><div class=\"track\"><i style=\"width:{:.2}%\"></i></div></dd><dd class=\"n\" title=\"{}\">{}</dd>",
                isolated(&words::group(&group.name, is_label)),
                group.count as f64 / most as f64 * 100.0,
                words::percent(group.count as f64 / total.max(1) as f64),
                words::count(group.count)
            );
        }
        out.push_str("</dl>");
        if groups.is_empty() {
            out.push_str("<p class=\"soft\">None.</p>");
        }
        more(groups.len(), BARS, out);
        out.push_str("</div>\n");
    }
    out.push_str("</section>\n");
}

fn degrees(of: &Inspection, out: &mut String) {
    let degrees = &of.degrees;
    if of.tally.nodes == 0 {
        return;
    }
    out.push_str("<section>\n<h2>How many relationships nodes have</h2>\n<div class=\"pair\">");
    for (title, histogram) in [("Outgoing", &degrees.out), ("Incoming", &degrees.incoming)] {
        let _ = write!(
            out,
            "<div><h3>{title} <span class=\"soft small\">at most {}; nodes on a logarithmic scale</span></h3>{}</div>",
            words::count(histogram.max),
            picture::histogram(histogram, title)
        );
    }
    let _ = write!(
        out,
        "</div>\n<p class=\"soft\">{} nodes have none; {} relationships lead from a node to itself.</p>",
        words::count(degrees.isolated),
        words::count(degrees.loops)
    );
    if !degrees.busiest.is_empty() {
        out.push_str("<details><summary>The nodes with most</summary><div class=\"scroll\"><table><thead><tr><th>id</th><th>labels</th><th class=\"n\">out</th><th class=\"n\">in</th></tr></thead><tbody>");
        for busy in &degrees.busiest {
            let _ = write!(
                out,
                "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                busy.id,
                isolated(&words::labels(&busy.labels)),
                words::count(busy.out),
                words::count(busy.incoming)
            );
        }
        out.push_str("</tbody></table></div></details>");
    }
    out.push_str("</section>\n");
}

fn groups(title: &str, groups: &[Group], is_label: bool, out: &mut String) {
    if groups.is_empty() {
        return;
    }
    let _ = write!(out, "<section>\n<h2>{title}</h2>\n");
    for (at, group) in groups.iter().take(GROUPS).enumerate() {
        let open = if at < 3 { " open" } else { "" };
        let _ = write!(
            out,
            "<details{open}><summary><h3>{}</h3><span class=\"soft small\">{} · {} · {} properties</span></summary>",
            isolated(&words::group(&group.name, is_label)),
            words::count(group.count),
            words::size(group.bytes),
            group.properties.len()
        );
        if group.properties.is_empty() {
            out.push_str("<p class=\"soft\">No properties.</p></details>\n");
            continue;
        }
        out.push_str("<table class=\"stack\"><thead><tr><th>property</th><th>filled</th><th>different</th><th>types and ranges</th></tr></thead><tbody>");
        for property in group.properties.iter().take(PROPERTIES) {
            let part = words::percent(property.fill);
            let types = property.types.iter().map(|of| {
                let count = if property.types.len() > 1 {
                    format!(" <span class=\"soft\">× {}</span>", words::count(of.count))
                } else {
                    String::new()
                };
                format!("<div>{}{count}</div>", text(&words::type_of(of)))
            });
            let _ = write!(
                out,
                "<tr><td>{}</td><td class=\"fill\">{}<div class=\"track\"><i style=\"width:{:.2}%\"></i></div></td><td class=\"wide\">{}</td><td class=\"wide\">{}</td></tr>",
                name(&property.name),
                text(&part),
                property.fill * 100.0,
                words::distinct(property),
                types.collect::<String>()
            );
        }
        out.push_str("</tbody></table>");
        more(group.properties.len(), PROPERTIES, out);
        out.push_str("</details>\n");
    }
    more(groups.len(), GROUPS, out);
    out.push_str("</section>\n");
}

fn schema(of: &Inspection, out: &mut String) {
    if of.schema.objects.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>Indexes, constraints and triggers</h2>\n<ul>");
    for object in of.schema.objects.iter().take(LINES) {
        let _ = write!(out, "<li>{}</li>", isolated(&object.describe()));
    }
    out.push_str("</ul>");
    more(of.schema.objects.len(), LINES, out);
    out.push_str("</section>\n");
}

fn losses(of: &Inspection, out: &mut String) {
    if of.losses.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>What would be lost on the way to</h2>\n");
    for target in &of.losses {
        let total = target.losses.len();
        if total == 0 {
            let _ = write!(out, "<p><b>{}</b>: <span class=\"good\">nothing</span></p>", text(&target.target));
            continue;
        }
        let _ = write!(
            out,
            "<details><summary><b>{}</b> <span class=\"bad\">{total} kinds of things</span></summary><table><thead><tr><th class=\"n\">how many</th><th>what</th><th>--allow-loss</th></tr></thead><tbody>",
            text(&target.target)
        );
        for loss in target.losses.iter().take(LINES) {
            let _ = write!(
                out,
                "<tr><td class=\"n\">{}</td><td>{}</td><td>{}</td></tr>",
                words::count(loss.count),
                isolated(&loss.what),
                loss.kind
            );
        }
        out.push_str("</tbody></table>");
        more(total, LINES, out);
        out.push_str("</details>\n");
    }
    out.push_str("</section>\n");
}

fn notes(of: &Inspection, out: &mut String) {
    for note in words::notes(of) {
        let _ = writeln!(out, "<p class=\"soft small\">{}</p>", text(&note));
    }
}

/// Says how much a list leaves out.
fn more(all: usize, shown: usize, out: &mut String) {
    if all > shown {
        let _ = write!(
            out,
            "<p class=\"soft small\">And {} more; inspect --json tells all.</p>",
            words::count((all - shown) as u64)
        );
    }
}
