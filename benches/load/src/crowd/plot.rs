//! The plot: the latency at each percentile, and the memory of a connection.

use super::generator::Crowd;
use super::report::{number, per_connection};
use super::traffic::Kind;
use super::{Outcome, Seen};
use hdrhistogram::Histogram;
use std::fmt::Write;

const WIDTH: f64 = 1020.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 36.0;
const TOP: f64 = 62.0;
const PANEL: f64 = 300.0;
const LINES: f64 = 230.0;
const BAR: f64 = 18.0;

/// The panels with lines.
const PANELS: [Kind; 3] = [Kind::Small, Kind::Large, Kind::Open];

/// The axis of latency, in microseconds.
const LOWEST: f64 = 10.0;
const HIGHEST: f64 = 100_000.0;
/// The axis of percentiles: each unit is one more nine.
const NINES: [(f64, &str); 6] =
    [(0.0, "0 %"), (1.0, "90 %"), (2.0, "99 %"), (3.0, "99.9 %"), (4.0, "99.99 %"), (5.0, "99.999 %")];

/// The colours are readable on white and on black.
const COLOURS: [&str; 6] = ["#e4572e", "#b8a038", "#54a24b", "#4c78a8", "#b279a2", "#8a8a8a"];

pub fn svg(crowd: Crowd, outcomes: &[Outcome]) -> String {
    let bars = TOP + PANEL * PANELS.len() as f64;
    let height = bars + 50.0 + 2.0 * BAR * outcomes.len() as f64;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
        font-family=\"sans-serif\" font-size=\"12\">\n\
        <title>Latency and memory with {} connections</title>\n\
        <style>text{{fill:#222}}.grid{{stroke:#8884}}polyline{{fill:none;stroke-width:2}}\
        @media (prefers-color-scheme:dark){{text{{fill:#ddd}}}}</style>\n\
        <text x=\"{LEFT}\" y=\"20\" font-size=\"15\" font-weight=\"bold\">Latency at each percentile, with {} \
        connections (lower is better)</text>\n",
        number(crowd.connections as f64),
        number(crowd.connections as f64)
    );
    let step = (WIDTH - LEFT - RIGHT) / COLOURS.len() as f64;
    for (at, (outcome, colour)) in outcomes.iter().zip(COLOURS).enumerate() {
        let x = LEFT + step * at as f64;
        let _ = writeln!(
            out,
            "<rect x=\"{x:.1}\" y=\"34\" width=\"11\" height=\"11\" rx=\"2\" fill=\"{colour}\"/>\
            <text x=\"{:.1}\" y=\"44\">{}</text>",
            x + 16.0,
            outcome.name,
        );
    }
    for (at, kind) in PANELS.into_iter().enumerate() {
        panel(&mut out, TOP + PANEL * at as f64, kind, outcomes);
    }
    memory(&mut out, bars, crowd, outcomes);
    out += "</svg>\n";
    out
}

fn x(nines: f64) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * nines / (NINES.len() - 1) as f64
}

fn y(top: f64, microseconds: f64) -> f64 {
    let share = (microseconds.clamp(LOWEST, HIGHEST) / LOWEST).ln() / (HIGHEST / LOWEST).ln();
    top + 20.0 + LINES * (1.0 - share)
}

fn panel(out: &mut String, top: f64, kind: Kind, outcomes: &[Outcome]) {
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"{:.1}\" font-weight=\"bold\">{}</text>",
        top + 12.0,
        kind.title()
    );
    for (value, label) in [(10.0, "10 µs"), (100.0, "100 µs"), (1e3, "1 ms"), (1e4, "10 ms"), (1e5, "100 ms")]
    {
        line(out, [LEFT, y(top, value)], [WIDTH - RIGHT, y(top, value)]);
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            LEFT - 6.0,
            y(top, value) + 4.0
        );
    }
    for (nines, label) in NINES {
        line(out, [x(nines), y(top, LOWEST)], [x(nines), y(top, HIGHEST)]);
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
            x(nines),
            y(top, LOWEST) + 16.0
        );
    }
    for (outcome, colour) in outcomes.iter().zip(COLOURS) {
        let Some(histogram) = outcome.seen.latencies.get(&kind) else { continue };
        let points: Vec<String> = percentiles(histogram)
            .map(|(nines, microseconds)| format!("{:.1},{:.1}", x(nines), y(top, microseconds)))
            .collect();
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" stroke=\"{colour}\"><title>{}</title></polyline>",
            points.join(" "),
            outcome.name
        );
    }
}

fn line(out: &mut String, from: [f64; 2], to: [f64; 2]) {
    let _ = writeln!(
        out,
        "<line class=\"grid\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
        from[0], to[0], from[1], to[1]
    );
}

/// The nines of percentiles with their latency in microseconds, as far as there are at least ten values
/// beyond.
fn percentiles(histogram: &Histogram<u64>) -> impl Iterator<Item = (f64, f64)> {
    let last = (histogram.len() as f64 / 10.0).log10().min(NINES[NINES.len() - 1].0);
    (0..).map(|step| f64::from(step) / 20.0).take_while(move |nines| *nines <= last).map(|nines| {
        let percentile = 100.0 * (1.0 - 10_f64.powf(-nines));
        (nines, histogram.value_at_percentile(percentile) as f64 / 1e3)
    })
}

fn memory(out: &mut String, top: f64, crowd: Crowd, outcomes: &[Outcome]) {
    let _ = writeln!(
        out,
        "<text x=\"{LEFT}\" y=\"{:.1}\" font-weight=\"bold\">Memory for each connection: before the first message, \
        and after the last</text>",
        top + 12.0
    );
    let grown = |seen: &Seen, bytes: u64| bytes.saturating_sub(seen.memory.empty) as f64;
    let all = outcomes
        .iter()
        .flat_map(|Outcome { seen, .. }| [seen.memory.idle, seen.memory.after].map(|it| grown(seen, it)));
    let most = all.fold(1.0, f64::max);
    for (number, (Outcome { name, seen }, colour)) in outcomes.iter().zip(COLOURS).enumerate() {
        for (half, bytes) in [seen.memory.idle, seen.memory.after].into_iter().enumerate() {
            let y = top + 24.0 + BAR * (2 * number + half) as f64;
            let width = 700.0 * grown(seen, bytes) / most;
            let opacity = if half == 0 { 0.5 } else { 1.0 };
            let _ = writeln!(
                out,
                "<rect x=\"{LEFT}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{:.1}\" fill=\"{colour}\" \
                fill-opacity=\"{opacity}\"><title>{name}</title></rect><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                BAR - 4.0,
                LEFT + width + 6.0,
                y + 11.0,
                per_connection(crowd, seen, bytes)
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::generator::histogram;
    use super::*;

    #[test]
    fn a_line_ends_at_the_last_percentile_that_ten_values_exceed() {
        let mut values = histogram();
        for value in 1..=1_000_u64 {
            values.record(value * 1_000_000).unwrap();
        }
        let points: Vec<_> = percentiles(&values).collect();
        assert_eq!(points.len(), 41);
        let (nines, microseconds) = points[40];
        assert!((nines - 2.0).abs() < 1e-9);
        assert!((microseconds / 990_000.0 - 1.0).abs() < 0.01, "{microseconds}");
    }

    #[test]
    fn a_line_without_values_is_empty() {
        assert_eq!(percentiles(&histogram()).count(), 0);
    }
}
