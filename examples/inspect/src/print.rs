//! Writes records, as text for people or as JSON.

use crate::content::{Content, Payload, printable};
use crate::filter::Filter;
use crate::record::{Frame, Header, Record, Side, What};
use anstyle::{AnsiColor, Style};
use sansws::CloseCode;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Headers that carry credentials.
const SECRET: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "set-cookie"];
const HIDDEN: &str = "(hidden; --secrets shows it)";
/// The column in which the details of a record begin.
const INDENT: &str = "                    ";

const DIM: Style = Style::new().dimmed();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Writes records.
pub struct Printer {
    out: Box<dyn Write + Send>,
    /// What to show.
    pub filter: Filter,
    /// Whether to write JSON.
    pub json: bool,
    /// Whether to show headers that carry credentials.
    pub secrets: bool,
}

impl Printer {
    /// Writes to `out`, which removes the colours if it is no terminal (see the crate `anstream`).
    #[must_use]
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out, filter: Filter::default(), json: false, secrets: false }
    }

    /// Writes those records that the filter shows.
    ///
    /// # Errors
    /// The output has failed.
    pub fn print(&mut self, records: impl IntoIterator<Item = Record>) -> io::Result<()> {
        for mut record in records {
            if self.filter.shows(&record) {
                if !self.secrets {
                    hide_secrets(&mut record);
                }
                let line = if self.json { serde_json::to_string(&record)? + "\n" } else { text(&record) };
                self.out.write_all(line.as_bytes())?;
            }
        }
        self.out.flush()
    }
}

fn hide_secrets(record: &mut Record) {
    if let What::Request { headers, .. } | What::Response { headers, .. } = &mut record.what {
        for header in headers {
            if SECRET.iter().any(|name| header.name.eq_ignore_ascii_case(name)) {
                HIDDEN.clone_into(&mut header.value);
            }
        }
    }
}

/// One record as lines of text, with colours.
#[must_use]
pub fn text(record: &Record) -> String {
    let colour = match record.from {
        Some(Side::Client) => AnsiColor::Cyan.on_default(),
        Some(Side::Server) => AnsiColor::Green.on_default(),
        None => Style::new(),
    };
    let time = record.time.map(time_of_day).unwrap_or_default();
    let from = record.from.map_or("both", Side::name);
    let what = what(&record.what);
    format!("{DIM}{time}#{:<3}{DIM:#}{colour}{from:<6}{colour:#} {what}\n", record.connection)
}

fn what(what: &What) -> String {
    match what {
        What::Start { client, server } => format!("start {client} -> {server}"),
        What::Request { method, target, headers } => {
            format!("{} {}{}", printable(method), printable(target), lines(headers))
        }
        What::Response { status, reason, headers } => {
            format!("{status} {}{}", printable(reason), lines(headers))
        }
        What::Frame(shown) => frame(shown),
        What::Error(fault) => {
            let mut text = format!("{BAD}error{BAD:#} {}", fault.text);
            if let Some(code) = fault.close_code {
                let _ = write!(text, "; close code {}", CloseCode::from(code));
            }
            if let Some(rule) = fault.requirement {
                let _ = write!(text, "\n{INDENT}{BAD}{}{BAD:#} {}: {}", rule.id, rule.section, rule.rule);
            }
            text
        }
        What::End { reset: false } => "end".to_owned(),
        What::End { reset: true } => "reset".to_owned(),
    }
}

fn lines(headers: &[Header]) -> String {
    headers.iter().fold(String::new(), |mut text, Header { name, value }| {
        let _ = write!(text, "\n{INDENT}{DIM}{}:{DIM:#} {}", printable(name), printable(value));
        text
    })
}

fn frame(frame: &Frame) -> String {
    let rsv = [(4, " RSV1"), (2, " RSV2"), (1, " RSV3")]
        .map(|(bit, name)| if frame.rsv & bit == 0 { "" } else { name });
    let mut text = format!("{:<12} {}{}", frame.opcode, if frame.fin { "FIN" } else { "   " }, rsv.concat());
    let _ = write!(text, " {} bytes", frame.length);
    if let Some(missing) = frame.missing {
        let _ = write!(text, ", {missing} missing");
    }
    if let Some(mask) = &frame.mask {
        let _ = write!(text, "{DIM}, mask {mask}{DIM:#}");
    }
    if let Some(payload) = frame.payload.as_ref().filter(|_| frame.length > 0) {
        let _ = write!(text, "  {}", shown(payload));
    }
    if let Some(close) = &frame.close {
        let _ = write!(text, "  {} \"{}\"", CloseCode::from(close.code), printable(&close.reason));
    }
    if let Some(message) = &frame.message {
        let _ = write!(text, "\n{INDENT}= {} of {} bytes", message.kind, message.length);
        if let Some(compressed) = message.compressed {
            let _ = write!(text, " from {compressed} compressed");
        }
        if message.frames > 1 {
            let _ = write!(text, " in {} frames", message.frames);
        }
        let _ = write!(text, "  {}", shown(&message.payload));
    }
    text
}

fn shown(payload: &Payload) -> String {
    let more = if payload.truncated { "..." } else { "" };
    match &payload.content {
        Content::Text(text) => format!("\"{}\"{more}", printable(text)),
        Content::Hex(hex) => format!("{hex}{more}"),
    }
}

/// The time of the day (UTC), with microseconds.
fn time_of_day(time: f64) -> String {
    // Rounded before it is divided, so that no minute has 60 seconds.
    let seconds = ((time * 1e6).round() / 1e6).rem_euclid(86400.0);
    let minutes = (seconds / 60.0).floor();
    let hours = (minutes / 60.0).floor();
    format!("{hours:02.0}:{:02.0}:{:09.6} ", minutes - hours * 60.0, seconds - minutes * 60.0)
}
