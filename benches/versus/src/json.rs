//! JSON as applications send it: the same keys again and again, with values that differ.

use crate::wire::Lcg;
use std::fmt::Write;

const WORDS: [&str; 48] = [
    "the", "of", "and", "to", "in", "is", "that", "it", "was", "for", "on", "are", "with", "as", "at", "be",
    "this", "have", "from", "or", "had", "by", "but", "not", "what", "all", "were", "when", "we", "there",
    "can", "an", "your", "which", "their", "meeting", "report", "customer", "delivery", "tomorrow",
    "account", "server", "please", "update", "branch", "invoice", "thanks", "schedule",
];
const NAMES: [&str; 12] =
    ["Amelia", "Noah", "Sofia", "Liam", "Mina", "Oskar", "Yusuf", "Ingrid", "Mateo", "Chloé", "Ravi", "Zoë"];
const SYMBOLS: [&str; 8] = ["BTCUSD", "ETHUSD", "EURUSD", "XAUUSD", "GBPJPY", "AAPL", "MSFT", "SPX500"];
const CITIES: [&str; 6] = ["Berlin", "São Paulo", "Osaka", "Lagos", "Toronto", "Kraków"];

fn pick<'a>(from: &[&'a str], lcg: &mut Lcg) -> &'a str {
    // The first ones are drawn more often, as the frequent words of a language are.
    let (one, other) = (number(from.len() as u64, lcg), number(from.len() as u64, lcg));
    from[one.min(other) as usize]
}

fn number(below: u64, lcg: &mut Lcg) -> u64 {
    lcg.draw() % below
}

fn words(count: u64, lcg: &mut Lcg) -> String {
    (0..count).map(|_| pick(&WORDS, lcg)).collect::<Vec<_>>().join(" ")
}

/// A record of one of five kinds, of about 60 to 350 bytes.
fn record(lcg: &mut Lcg) -> String {
    let mut out = String::new();
    let id = number(1_000_000, lcg);
    let written = match number(5, lcg) {
        0 => write!(
            out,
            r#"{{"id":{id},"type":"trade","symbol":"{}","price":{}.{:02},"quantity":{}.{:03},"side":"{}"}}"#,
            pick(&SYMBOLS, lcg),
            number(60_000, lcg),
            number(100, lcg),
            number(20, lcg),
            number(1000, lcg),
            pick(&["buy", "sell"], lcg),
        ),
        1 => {
            let count = 3 + number(20, lcg);
            write!(
                out,
                r#"{{"id":{id},"type":"message","room":{},"from":{{"name":"{}","online":{}}},"text":"{}"}}"#,
                number(40, lcg),
                pick(&NAMES, lcg),
                number(2, lcg) == 0,
                words(count, lcg),
            )
        }
        2 => write!(
            out,
            r#"{{"id":{id},"type":"sensor","at":{},"values":[{}.{},{}.{},{}.{}],"battery":{},"fault":null}}"#,
            1_700_000_000_000 + number(1 << 31, lcg),
            number(50, lcg),
            number(1000, lcg),
            number(100, lcg),
            number(100, lcg),
            number(1100, lcg),
            number(10, lcg),
            number(101, lcg),
        ),
        3 => write!(
            out,
            r#"{{"id":{id},"type":"session","token":"{:08x}{:08x}{:08x}","user":"{}","city":"{}","roles":["user"{}]}}"#,
            lcg.draw(),
            lcg.draw(),
            lcg.draw(),
            pick(&NAMES, lcg),
            pick(&CITIES, lcg),
            if number(4, lcg) == 0 { r#","admin""# } else { "" },
        ),
        _ => write!(
            out,
            r#"{{"id":{id},"type":"order","status":"{}","total":{}.{:02},"currency":"EUR","items":[{{"sku":"{:05}-{:02}","count":{}}}],"url":"https://shop.example.com/orders/{id}"}}"#,
            pick(&["open", "paid", "shipped", "returned"], lcg),
            number(900, lcg),
            number(100, lcg),
            number(100_000, lcg),
            number(100, lcg),
            1 + number(9, lcg),
        ),
    };
    written.expect("a string takes all");
    out
}

/// A JSON text of exactly `len` bytes, at least 50. No two texts are alike.
pub fn json(len: usize, lcg: &mut Lcg) -> String {
    let number_of_it = number(100_000, lcg);
    if len < 200 {
        let head = format!(
            r#"{{"n":{number_of_it},"op":"{}","v":{},"s":""#,
            pick(&SYMBOLS, lcg),
            number(10_000, lcg)
        );
        return filled(head, len, r#""}"#, lcg);
    }
    let mut out = format!(r#"{{"seq":{number_of_it},"type":"batch","records":["#);
    loop {
        let next = record(lcg);
        // The rest is filled with words.
        if out.len() + next.len() + 40 > len {
            break;
        }
        out += &next;
        out.push(',');
    }
    if out.ends_with(',') {
        out.pop();
    }
    out += r#"],"note":""#;
    filled(out, len, r#""}"#, lcg)
}

/// Fills the text with words up to the length.
fn filled(mut out: String, len: usize, end: &str, lcg: &mut Lcg) -> String {
    while out.len() + end.len() < len {
        out += pick(&WORDS, lcg);
        out.push(' ');
    }
    // The words are ASCII.
    out.truncate(len - end.len());
    out + end
}
