//! The graph as a picture.

use std::fmt::Write;

use super::layout::{Link, Place, links, places};
use super::{Graph, Kind, Node};
use crate::plain;

const WIDTH: usize = 190;
const HEIGHT: usize = 46;
const COLUMN: usize = 360;
const ROW: usize = 86;
const MARGIN: usize = 24;
/// A name as long as fits into its box.
const NAME: usize = 25;

pub(super) fn picture(graph: &Graph) -> String {
    let links = links(graph);
    let places = places(graph, &links);
    let columns = places
        .values()
        .map(|(column, _)| *column)
        .max()
        .unwrap_or(0);
    let rows = places.values().map(|(_, row)| *row).max().unwrap_or(0);
    let width = MARGIN * 2 + columns * COLUMN + WIDTH;
    let height = MARGIN * 2 + rows * ROW + HEIGHT + 24;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <defs><marker id=\"end\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\" fill=\"#555\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    // Above all lines stands what is said of them.
    let mut labels = String::new();
    for ((from, to), link) in &links {
        if let (Some(from_place), Some(to_place)) = (places.get(from), places.get(to)) {
            let name = (*from, *to);
            let (line, label) = line(graph, name, *link, *from_place, *to_place);
            svg.push_str(&line);
            labels.push_str(&label);
        }
    }
    svg.push_str(&labels);
    for node in &graph.nodes {
        if let Some(place) = places.get(node.name.as_str()) {
            svg.push_str(&shape(node, *place));
        }
    }
    let counted = match graph.seconds {
        Some(seconds) => format!("counted over {seconds:.0} s"),
        None => "counted since the Envoys began".to_owned(),
    };
    // Into memory, which does not fail.
    let _ = writeln!(
        svg,
        "<text x=\"{MARGIN}\" y=\"{}\" fill=\"#777\" font-size=\"11\">{counted}; solid: mTLS, dashed: plaintext, red: errors</text>\n</svg>",
        height - 12
    );
    svg
}

fn corner((column, row): Place) -> (usize, usize) {
    (MARGIN + column * COLUMN, MARGIN + row * ROW)
}

/// A call: an arrow, and how often it was made.
fn line(
    graph: &Graph,
    (from, to): (&str, &str),
    link: Link,
    begin: Place,
    end: Place,
) -> (String, String) {
    let color = if link.errors > 0 { "#c22" } else { "#555" };
    let dashes = match link.is_encrypted {
        true => "",
        false if link.is_plain => " stroke-dasharray=\"6 4\"",
        false => "",
    };
    let (left, top) = corner(begin);
    let (right, bottom) = corner(end);
    let (x1, y1) = (left + WIDTH, top + HEIGHT / 2);
    let (x2, y2) = (right, bottom + HEIGHT / 2);
    let (path, at) = match end.0 > begin.0 {
        true => {
            let middle = (x1 + x2) / 2;
            let path = format!("M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}");
            // On the curve, and nearer to its end: those of one caller have come apart there.
            (path, ((x1 * 34 + x2 * 66) / 100, (y1 * 22 + y2 * 78) / 100))
        }
        // Back to the left, or to itself: below, around both.
        false => {
            let low = y1.max(y2) + ROW / 2 + 6;
            let (out, into) = (x1 + 40, x2.saturating_sub(20));
            let path = format!("M{x1} {y1}C{out} {low} {into} {low} {x2} {y2}");
            (path, ((x1 + x2) / 2, low - 12))
        }
    };
    let numbers = match graph.rate(link.requests) {
        Some(rate) => format!("{rate:.1}/s"),
        None => link.requests.to_string(),
    };
    let numbers = match link.errors {
        0 => numbers,
        errors => format!("{numbers}, {errors} failed"),
    };
    let title = escaped(&format!(
        "{from} → {to}: {} requests, {} failed",
        link.requests, link.errors
    ));
    let line = format!(
        "<path d=\"{path}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"{dashes} marker-end=\"url(#end)\"><title>{title}</title></path>\n"
    );
    let label = format!(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{color}\" stroke=\"#fff\" stroke-width=\"4\" paint-order=\"stroke\">{numbers}</text>\n",
        at.0,
        at.1 + 4,
    );
    (line, label)
}

fn shape(node: &Node, place: Place) -> String {
    let (x, y) = corner(place);
    let (fill, border, round) = match node.kind {
        Kind::Gateway => ("#e6efff", "#36c", 22),
        Kind::Workload => ("#eef8ee", "#383", 6),
        Kind::Host => ("#f4f4f4", "#888", 0),
    };
    let below = match (&node.identity, node.kind) {
        (Some(identity), _) => identity
            .rsplit_once("/ns/")
            .map_or(identity.as_str(), |(_, account)| account),
        (None, Kind::Workload) => "no sidecar",
        (None, kind) => kind.word(),
    };
    let title = node.identity.as_deref().unwrap_or(&node.name);
    let middle = x + WIDTH / 2;
    format!(
        "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"{round}\" fill=\"{fill}\" stroke=\"{border}\"/>\
         <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-weight=\"bold\">{}</text>\
         <text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-size=\"10\" fill=\"#555\">{}</text></g>\n",
        escaped(title),
        y + 20,
        escaped(&plain(&node.name, NAME)),
        y + 36,
        escaped(&plain(below, 34)),
    )
}

/// Text as XML has it, without what XML has not.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for each in text.chars() {
        match each {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            each if each.is_control() => escaped.push(' '),
            each => escaped.push(each),
        }
    }
    escaped
}
