//! The plot: bars with the time for a message relative to ours, one panel for each of three workloads.

use crate::cell::Workload;
use crate::measure::Cell;
use crate::peers::PEERS;
use std::fmt::Write;

const PANELS: [&str; 3] = ["R1", "E1", "W1"];
const SIZES: [(&str, &str); 5] =
    [("16", "16 B"), ("125", "125 B"), ("1K", "1 KiB"), ("16K", "16 KiB"), ("1M", "1 MiB")];
const WIDTH: f64 = 1020.0;
const LEFT: f64 = 44.0;
const PANEL: f64 = 210.0;
const BARS: f64 = 140.0;
const TOP: f64 = 104.0;
/// The axis is logarithmic, from just below our time to this many times our time.
const LOW: f64 = 0.5;
const HIGH: f64 = 32.0;

/// The colours are readable on white and on black.
const COLOURS: [&str; 16] = [
    "#e4572e", "#4c78a8", "#72b7b2", "#54a24b", "#b8a038", "#b279a2", "#9d755d", "#8a8a8a", "#6b8fd6",
    "#d67195", "#3f9f8f", "#7a6ff0", "#c77f3a", "#5f9e3f", "#a05fc0", "#c05f5f",
];

// Each library has a colour of its own.
const _: () = assert!(PEERS.len() < COLOURS.len());

fn height(ratio: f64) -> f64 {
    (ratio.clamp(LOW, HIGH) / LOW).ln() / (HIGH / LOW).ln() * BARS
}

pub fn svg(results: &[(Workload, Vec<Cell>)]) -> String {
    let total = TOP + PANEL * PANELS.len() as f64;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {total}\" \
        font-family=\"sans-serif\" font-size=\"12\">\n\
        <title>Time for a message, relative to sansws</title>\n\
        <style>text{{fill:#222}}.grid{{stroke:#8884}}.one{{stroke:#e4572e;stroke-dasharray:4 3}}\
        @media (prefers-color-scheme:dark){{text{{fill:#ddd}}}}</style>\n\
        <text x=\"{LEFT}\" y=\"20\" font-size=\"15\" font-weight=\"bold\">Time for a message, \
        relative to sansws (= 1, lower is better; below: the time of sansws)</text>\n"
    );
    legend(&mut out);
    for (number, name) in PANELS.iter().enumerate() {
        if let Some((workload, cells)) = results.iter().find(|(workload, _)| workload.name == *name) {
            panel(&mut out, TOP + PANEL * number as f64, workload, cells);
        }
    }
    out += "</svg>\n";
    out
}

fn names() -> impl Iterator<Item = &'static str> {
    std::iter::once("sansws").chain(PEERS.iter().map(|peer| peer.name))
}

fn legend(out: &mut String) {
    let step = (WIDTH - LEFT) / 7.0;
    for (number, (name, colour)) in names().zip(COLOURS).enumerate() {
        let (x, y) = (LEFT + step * (number % 7) as f64, 34.0 + 20.0 * (number / 7) as f64);
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"11\" height=\"11\" rx=\"2\" fill=\"{colour}\"/>\
            <text x=\"{:.1}\" y=\"{:.1}\">{name}</text>",
            x + 16.0,
            y + 10.0,
        );
    }
}

fn panel(out: &mut String, top: f64, workload: &Workload, cells: &[Cell]) {
    let base = top + 24.0 + BARS;
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"{:.1}\" font-weight=\"bold\">{}: {}</text>",
        top + 12.0,
        workload.name,
        workload.title,
    );
    for ratio in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0] {
        let y = base - height(ratio);
        let class = if ratio == 1.0 { "one" } else { "grid" };
        let _ = writeln!(
            out,
            "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
            <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{ratio}x</text>",
            LEFT - 6.0,
            y + 4.0,
        );
    }
    let group = (WIDTH - LEFT) / SIZES.len() as f64;
    let bar = (group - 24.0) / names().count() as f64;
    for (number, (size, label)) in SIZES.iter().enumerate() {
        let left = LEFT + group * number as f64 + 12.0;
        let Some(cell) = cells.iter().find(|cell| cell.size.name == *size) else { continue };
        let Some(us) = cell.us() else { continue };
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}: {} ns</text>",
            left + group / 2.0 - 12.0,
            base + 16.0,
            crate::report::number(us),
        );
        for (at, (name, colour)) in names().zip(COLOURS).enumerate() {
            let Some(ns) = cell.ns(name) else { continue };
            let height = height(ns / us);
            let _ = writeln!(
                out,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\" fill=\"{colour}\">\
                <title>{name}: {} ns, {:.2}x</title></rect>",
                left + bar * at as f64,
                base - height,
                bar - 1.5,
                crate::report::number(ns),
                ns / us,
            );
        }
    }
}
