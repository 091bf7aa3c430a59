//! Places for boxes that are joined: springs pull, boxes push each other away, and in the end none lies on another.
//!
//! Source of the forces: Fruchterman and Reingold, "Graph drawing by force-directed placement" (1991). The same input gives the same picture.

/// A box around a centre.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Body {
    pub(super) x: f64,
    pub(super) y: f64,
    /// Half of its width, with the room that it wants around.
    pub(super) width: f64,
    /// Half of its height, likewise.
    pub(super) height: f64,
}

const ROUNDS: usize = 400;
const SEPARATIONS: usize = 600;

/// Moves bodies to their places. `joints` are pairs of bodies that belong together.
pub(super) fn place(bodies: &mut [Body], joints: &[(usize, usize)]) {
    let count = bodies.len().max(1) as f64;
    let reach = bodies.iter().map(|body| body.width.max(body.height)).sum::<f64>() / count;
    let ideal = reach * 1.35 + 4.0;
    for (at, body) in bodies.iter_mut().enumerate() {
        // The golden angle: no two begin at the same place, and neighbours in the list begin apart.
        let (angle, distance) = (at as f64 * 2.399_963_229_728_653, ideal * (at as f64 + 0.5).sqrt());
        (body.x, body.y) = (distance * angle.cos(), distance * angle.sin());
    }
    for round in 0..ROUNDS {
        let heat = ideal * 1.5 * (1.0 - round as f64 / ROUNDS as f64) + 0.5;
        let mut moves = vec![(0.0, 0.0); bodies.len()];
        let mut shift = |at: usize, x: f64, y: f64| {
            if let Some(total) = moves.get_mut(at) {
                *total = (total.0 + x, total.1 + y);
            }
        };
        for (at, body) in bodies.iter().enumerate() {
            for (other_at, other) in bodies.iter().enumerate().skip(at + 1) {
                let (x, y, distance) = apart(body, other);
                let push = ideal * ideal / distance / distance;
                shift(at, x * push, y * push);
                shift(other_at, -x * push, -y * push);
            }
            // A light pull to the middle keeps parts together that nothing joins; wide pictures are easier to look at than high ones.
            shift(at, -body.x * 0.7, -body.y * 1.1);
        }
        for (from, to) in joints {
            if let (Some(a), Some(b)) = (bodies.get(*from), bodies.get(*to)) {
                let (x, y, distance) = apart(a, b);
                let pull = distance / ideal;
                shift(*from, -x * pull, -y * pull);
                shift(*to, x * pull, y * pull);
            }
        }
        for (body, (x, y)) in bodies.iter_mut().zip(moves) {
            let length = f64::hypot(x, y).max(1e-9);
            let step = length.min(heat) / length;
            body.x += x * step;
            body.y += y * step;
        }
    }
    separate(bodies);
}

/// From b to a, and how far that is.
fn apart(a: &Body, b: &Body) -> (f64, f64, f64) {
    let (x, y) = (a.x - b.x, a.y - b.y);
    (x, y, f64::hypot(x, y).max(1.0))
}

/// Moves bodies until none lies on another, each pair along its shorter way.
fn separate(bodies: &mut [Body]) {
    for _ in 0..SEPARATIONS {
        let mut moved = false;
        for at in 0..bodies.len() {
            for other in at + 1..bodies.len() {
                let (Some(a), Some(b)) = (bodies.get(at).copied(), bodies.get(other).copied()) else { continue };
                let (x, y) = (a.width + b.width - (a.x - b.x).abs(), a.height + b.height - (a.y - b.y).abs());
                if x <= 0.0 || y <= 0.0 {
                    continue;
                }
                moved = true;
                let side = |a: f64, b: f64| if a < b { -0.5 } else { 0.5 };
                let (dx, dy) = if x < y { (x * side(a.x, b.x), 0.0) } else { (0.0, y * side(a.y, b.y)) };
                for (at, sign) in [(at, 1.0), (other, -1.0)] {
                    if let Some(body) = bodies.get_mut(at) {
                        body.x += dx * sign;
                        body.y += dy * sign;
                    }
                }
            }
        }
        if !moved {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn no_box_lies_on_another() {
        for count in [0, 1, 2, 7, 40, 80] {
            let mut bodies = vec![Body { width: 40.0, height: 20.0, ..Body::default() }; count];
            let joints: Vec<_> = (1..count).map(|at| (at / 3, at)).collect();
            place(&mut bodies, &joints);
            for (at, a) in bodies.iter().enumerate() {
                assert!(a.x.is_finite() && a.y.is_finite());
                for b in bodies.iter().skip(at + 1) {
                    let lies_on = (a.x - b.x).abs() < 79.9 && (a.y - b.y).abs() < 39.9;
                    assert!(!lies_on, "{count}: {a:?} {b:?}");
                }
            }
            let mut again = vec![Body { width: 40.0, height: 20.0, ..Body::default() }; count];
            place(&mut again, &joints);
            assert_eq!(again, bodies);
        }
    }
}
