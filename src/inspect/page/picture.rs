//! The pictures: what is joined how, and how many nodes have how many relationships. Inline SVG, coloured by the page's style.

use super::layout::{Body, place};
use super::markup::{short, text};
use crate::inspect::{Histogram, Inspection, words};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// So many label sets are drawn, those of most nodes.
pub(super) const SETS: usize = 20;

/// So many arrows are drawn, those of most relationships.
pub(super) const ARROWS: usize = 48;

/// So many types stand at one arrow.
const LINES: usize = 3;

struct Arrow {
    from: usize,
    to: usize,
    total: u64,
    types: Vec<(String, u64)>,
}

/// Arrows between the label sets that are drawn.
fn arrows(of: &Inspection) -> Vec<Arrow> {
    let mut joined: BTreeMap<(usize, usize), Arrow> = BTreeMap::new();
    for way in of.ways.iter().filter(|way| way.from < SETS && way.to < SETS) {
        let empty = Arrow { from: way.from, to: way.to, total: 0, types: Vec::new() };
        let arrow = joined.entry((way.from, way.to)).or_insert(empty);
        arrow.total += way.count;
        arrow.types.push((way.kind.clone(), way.count));
    }
    let mut arrows: Vec<_> = joined.into_values().collect();
    arrows.sort_by_key(|arrow| (std::cmp::Reverse(arrow.total), arrow.from, arrow.to));
    arrows.truncate(ARROWS);
    arrows
}

/// A small count: `1.2k`.
fn brief(number: u64) -> String {
    let units = [(1_000_000_000, "G"), (1_000_000, "M"), (1000, "k")];
    match units.iter().find(|(unit, _)| number >= *unit) {
        Some((unit, name)) => {
            let value = number as f64 / *unit as f64;
            if value < 9.95 && number % unit >= unit / 20 {
                format!("{value:.1}{name}")
            } else {
                format!("{value:.0}{name}")
            }
        }
        None => number.to_string(),
    }
}

fn lines(arrow: &Arrow) -> Vec<String> {
    let mut lines: Vec<String> = arrow
        .types
        .iter()
        .take(LINES)
        .map(|(name, count)| format!("{} {}", short(&words::group(name, false), 16), brief(*count)))
        .collect();
    if arrow.types.len() > LINES {
        lines.push(format!("+ {} more", arrow.types.len() - LINES));
    }
    lines
}

/// Pixels that a text takes, about.
fn width(text: &str) -> f64 {
    // Wide scripts and pictographs take about two places.
    text.chars().map(|char| if char > '\u{2e80}' { 13.0 } else { 7.2 }).sum()
}

fn radius(count: u64, most: u64) -> f64 {
    20.0 + 14.0 * ((count as f64 + 1.0).ln() / (most as f64 + 1.0).ln().max(1.0))
}

/// The labels and what joins them; nothing for a graph without nodes.
pub(super) fn schema(of: &Inspection, colour: &dyn Fn(&[String]) -> usize) -> String {
    let sets: Vec<_> = of.label_sets.iter().take(SETS).collect();
    let Some(most) = sets.first().map(|set| set.count) else { return String::new() };
    let arrows = arrows(of);
    let captions: Vec<String> = sets.iter().map(|set| short(&words::labels(&set.labels), 20)).collect();
    let mut bodies = Vec::new();
    for (set, caption) in sets.iter().zip(&captions) {
        let radius = radius(set.count, most);
        bodies.push(Body { width: radius.max(width(caption) / 2.0) + 10.0, height: radius + 20.0, ..Body::default() });
    }
    let mut joints = Vec::new();
    for arrow in &arrows {
        let lines = lines(arrow);
        let widest = lines.iter().map(|line| width(line)).fold(0.0, f64::max);
        let at = bodies.len();
        bodies.push(Body { width: widest / 2.0 + 6.0, height: lines.len() as f64 * 8.0 + 6.0, ..Body::default() });
        joints.push((arrow.from, at));
        if arrow.from != arrow.to {
            joints.push((at, arrow.to));
        }
    }
    place(&mut bodies, &joints);
    let edge = |side: &dyn Fn(&Body) -> f64| bodies.iter().map(side).fold(f64::MIN, f64::max) + 8.0;
    let (left, top) = (-edge(&|body| body.width - body.x), -edge(&|body| body.height - body.y));
    let (wide, high) = (edge(&|body| body.x + body.width) - left, edge(&|body| body.y + body.height) - top);
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg class=\"graph\" role=\"img\" aria-label=\"Labels and the types that join them\" viewBox=\"{left:.0} {top:.0} {wide:.0} {high:.0}\" \
         style=\"min-width:{:.0}px;max-width:{:.0}px\">",
        (wide * 0.72).min(1400.0),
        wide * 1.35
    );
    let strongest = arrows.first().map_or(1, |arrow| arrow.total);
    let mut names = String::new();
    for (arrow, label) in arrows.iter().zip(bodies.iter().skip(sets.len())) {
        let (Some(from), Some(to)) = (bodies.get(arrow.from), bodies.get(arrow.to)) else { continue };
        let thick = 1.2 + 2.6 * (arrow.total as f64 + 1.0).ln() / (strongest as f64 + 1.0).ln().max(1.0);
        let rim = |at: usize| sets.get(at).map_or(20.0, |set| radius(set.count, most));
        let _ = write!(out, "{}", path(from, rim(arrow.from), to, rim(arrow.to), label, arrow.from == arrow.to, thick));
        let title: Vec<String> = arrow
            .types
            .iter()
            .take(40)
            .map(|(name, count)| format!("{} {}", words::group(name, false), words::count(*count)))
            .collect();
        let lines = lines(arrow);
        let _ = write!(names, "<g class=\"type\"><title>{}</title>", text(&title.join("\n")));
        for (at, line) in lines.iter().enumerate() {
            let y = label.y + (at as f64 - (lines.len() as f64 - 1.0) / 2.0) * 16.0 + 4.0;
            let _ = write!(names, "<text x=\"{:.1}\" y=\"{y:.1}\">{}</text>", label.x, text(line));
        }
        names.push_str("</g>");
    }
    for ((set, caption), body) in sets.iter().zip(&captions).zip(&bodies) {
        let (radius, title) =
            (radius(set.count, most), format!("{} {}", words::labels(&set.labels), words::count(set.count)));
        let _ = write!(
            out,
            "<g class=\"node k{}\"><title>{}</title><circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\"/>\
             <text class=\"number\" x=\"{:.1}\" y=\"{:.1}\">{}</text><text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            colour(&set.labels),
            text(&title),
            body.x,
            body.y - 8.0,
            body.x,
            body.y - 3.5,
            brief(set.count),
            body.x,
            body.y + radius + 8.0,
            text(caption)
        );
    }
    out.push_str(&names);
    out.push_str("</svg>");
    out
}

/// An arrow through its label, from rim to rim, with its head.
fn path(from: &Body, from_rim: f64, to: &Body, to_rim: f64, label: &Body, is_loop: bool, thick: f64) -> String {
    // Circles sit a little above the middle of their boxes, since their names are below.
    let (a, b, middle) = ((from.x, from.y - 8.0), (to.x, to.y - 8.0), (label.x, label.y));
    let (from_control, to_control) = match is_loop {
        // Two arms that leave and come back on both sides of the way to the label.
        true => {
            let (x, y) = (middle.0 - a.0, middle.1 - a.1);
            let side = (-y * 0.55, x * 0.55);
            ((a.0 + x + side.0, a.1 + y + side.1), (a.0 + x - side.0, a.1 + y - side.1))
        }
        false => {
            // A curve that goes through the label half-way has its control point twice as far out.
            let control = (2.0 * middle.0 - (a.0 + b.0) / 2.0, 2.0 * middle.1 - (a.1 + b.1) / 2.0);
            (control, control)
        }
    };
    let on_rim = |centre: (f64, f64), towards: (f64, f64), distance: f64| {
        let (x, y) = (towards.0 - centre.0, towards.1 - centre.1);
        let length = f64::hypot(x, y).max(1e-6);
        (centre.0 + x / length * distance, centre.1 + y / length * distance, x / length, y / length)
    };
    let (x, y, _, _) = on_rim(a, from_control, from_rim);
    let (tip_x, tip_y, dx, dy) = on_rim(b, to_control, to_rim + 2.0);
    let head = 6.0 + thick;
    let (back_x, back_y) = (tip_x + dx * head, tip_y + dy * head);
    let (wing_x, wing_y) = (-dy * head * 0.5, dx * head * 0.5);
    let ((c1_x, c1_y), (c2_x, c2_y)) = (from_control, to_control);
    let curve = match is_loop {
        true => format!("C{c1_x:.1} {c1_y:.1} {c2_x:.1} {c2_y:.1}"),
        false => format!("Q{c1_x:.1} {c1_y:.1}"),
    };
    format!(
        "<path class=\"line\" stroke-width=\"{thick:.1}\" d=\"M{x:.1} {y:.1} {curve} {back_x:.1} {back_y:.1}\"/>\
         <path class=\"head\" d=\"M{tip_x:.1} {tip_y:.1} L{:.1} {:.1} L{:.1} {:.1} Z\"/>",
        back_x + wing_x,
        back_y + wing_y,
        back_x - wing_x,
        back_y - wing_y
    )
}

/// A histogram of degrees with a logarithmic scale both ways.
pub(super) fn histogram(of: &Histogram, title: &str) -> String {
    const HIGH: f64 = 170.0;
    const LEFT: f64 = 46.0;
    let count = of.buckets.len().max(1);
    let step = (430.0 / count as f64).clamp(18.0, 54.0);
    let wide = LEFT + step * count as f64 + 8.0;
    let most = of.buckets.iter().copied().max().unwrap_or(0).max(1);
    let decades = (most as f64).log10().ceil().max(1.0);
    // One node is a bar that can be seen: the scale begins at a half.
    let height = |nodes: u64| match nodes {
        0 => 0.0,
        nodes => ((nodes as f64).log10() + 0.3) / (decades + 0.3) * HIGH,
    };
    let mut out = format!(
        "<svg class=\"histogram\" role=\"img\" aria-label=\"{}\" viewBox=\"0 0 {wide:.0} {:.0}\" style=\"max-width:{:.0}px\">",
        text(title),
        HIGH + 48.0,
        wide * 1.3
    );
    for decade in 0..=decades as u32 {
        let nodes = 10_u64.saturating_pow(decade);
        let y = 12.0 + HIGH - height(nodes);
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text class=\"scale\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            wide - 4.0,
            LEFT - 6.0,
            y + 4.0,
            brief(nodes)
        );
    }
    for (at, nodes) in of.buckets.iter().enumerate() {
        let (x, high) = (LEFT + step * at as f64, height(*nodes));
        let (low, next) = (Histogram::low(at), Histogram::low(at + 1));
        let range = if next - low > 1 {
            format!("{} to {}", words::count(low), words::count(next - 1))
        } else {
            words::count(low)
        };
        let _ = write!(
            out,
            "<g><title>{range}: {} nodes</title><rect class=\"bar\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{high:.1}\" rx=\"2\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            words::count(*nodes),
            x + step * 0.1,
            12.0 + HIGH - high,
            step * 0.8,
            x + step * 0.5,
            HIGH + 28.0,
            words::bucket(at)
        );
    }
    let _ = write!(
        out,
        "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\">relationships at a node, from</text></svg>",
        LEFT + (wide - LEFT) / 2.0,
        HIGH + 44.0
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_has_a_bar_for_every_bucket() {
        let picture = histogram(&Histogram { buckets: vec![5, 0, 1, 100_000], max: 7 }, "<out>");
        assert_eq!(picture.matches("class=\"bar\"").count(), 4);
        assert!(picture.contains("<title>4 to 7: 100,000 nodes</title>") && picture.contains("&lt;out&gt;"));
        assert!(picture.contains("height=\"0.0\""), "nothing is no bar");
        assert!(histogram(&Histogram::default(), "").contains("</svg>"));
    }
}
