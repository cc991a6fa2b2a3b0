//! The side of sansws in the interop matrix. It leads every conversation, in both roles: the peer only
//! echoes, and obeys a few commands, see `cases.rs`.
//!
//! ```text
//! ours client [--deflate] URL CASE...
//! ours server [--deflate]
//! ```
//!
//! The client connects to `URL/CASE` for each case. The server prints `listening on PORT`, and takes the case
//! from the path of each request. Both print one line per connection: the case, `ok`, `skip` or `FAILED`, and
//! a detail, separated by tabs.

mod cases;
mod talk;

use sansws::deflate::DeflateConfig;
use sansws::{ClientRequest, Config, Connection, Role};
use std::error::Error;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, process, thread};
use talk::Talk;

/// The limits allow the largest message of the cases.
const CONFIG: Config = Config::new().max_message(4 << 20).max_outgoing(16 << 20);

fn main() {
    let mut args = env::args().skip(1).peekable();
    let role = args.next();
    let mut config = CONFIG;
    if args.next_if(|arg| arg == "--deflate").is_some() {
        config = config.deflate(DeflateConfig::new());
    }
    let result = match (role.as_deref(), args.next()) {
        (Some("client"), Some(url)) => client(config, &url, args),
        (Some("server"), None) => server(config),
        _ => Err("usage: ours client [--deflate] URL CASE... | ours server [--deflate]".into()),
    };
    if let Err(error) = result {
        eprintln!("error: {error}");
        process::exit(1);
    }
}

fn client(config: Config, url: &str, names: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    for name in names {
        let url = format!("{url}/{name}");
        let mut request = ClientRequest::new(&url)?;
        if name == cases::SUBPROTOCOL_CASE {
            request = request.subprotocols(&["other", cases::SUBPROTOCOL]);
        }
        let stream = TcpStream::connect((request.uri().host(), request.uri().port()))?;
        let mut talk = Talk::new(stream, Connection::client(&request, config, rand::rng())?)?;
        let outcome = talk.open().and_then(|()| cases::run(&name, &mut talk));
        finish(&name, outcome, talk)?;
    }
    Ok(())
}

fn server(config: Config) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut stdout = io::stdout();
    writeln!(stdout, "listening on {}", listener.local_addr()?.port())?;
    stdout.flush()?;
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || {
            if let Err(error) = serve(stream, config) {
                eprintln!("error: {error}");
            }
        });
    }
}

fn serve(stream: TcpStream, config: Config) -> io::Result<()> {
    let mut talk = Talk::new(stream, Connection::server(config))?;
    match talk.accept() {
        Ok(name) => {
            let outcome = cases::run(&name, &mut talk);
            finish(&name, outcome, talk)
        }
        Err(error) => finish("?", Err(error), talk),
    }
}

/// Ends the connection, and reports the outcome.
fn finish<R: Role>(name: &str, outcome: cases::Outcome, talk: Talk<R>) -> io::Result<()> {
    let outcome = match (outcome, talk.end()) {
        (Ok(_), Err(error)) if !name.starts_with("bad/") => Err(error),
        (outcome, _) => outcome,
    };
    let (result, detail) = match outcome {
        Ok(detail) => ("ok", detail),
        Err(error) => match error.strip_prefix(cases::SKIP) {
            Some(reason) => ("skip", reason.to_owned()),
            None => ("FAILED", error),
        },
    };
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{name}\t{result}\t{}", detail.replace(['\t', '\n'], " "))?;
    stdout.flush()
}
