//! Shows what passes between a WebSocket client and a server: as a proxy between them, or from a capture or a
//! raw dump.

use anstream::{AutoStream, ColorChoice};
use clap::{Args, Parser, Subcommand, ValueEnum};
use inspector::capture::Capture;
use inspector::filter::Filter;
use inspector::frames::opcode_text;
use inspector::print::Printer;
use inspector::record::Side;
use inspector::{dump, proxy};
use sansws::Agreed;
use sansws::deflate::DeflateParams;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;

/// Shows WebSocket connections frame by frame, and which rule of the RFCs a side breaks.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    source: Source,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Subcommand)]
enum Source {
    /// Stands between clients and a server.
    Proxy {
        /// The address to listen on, such as 127.0.0.1:9000. Port 0 means any free port.
        listen: String,
        /// The address of the server, such as 127.0.0.1:9001.
        upstream: String,
    },
    /// Reads a capture: pcap or pcapng.
    Pcap {
        /// The file. `-` is stdin.
        file: PathBuf,
        /// Only connections to this port.
        #[arg(long)]
        port: Option<u16>,
    },
    /// Reads the raw bytes of one connection, with or without its opening handshake.
    Dump {
        /// The bytes that the client sent.
        client: PathBuf,
        /// The bytes that the server sent.
        server: PathBuf,
        /// Without an opening handshake: messages are compressed (permessage-deflate with its defaults).
        #[arg(long)]
        deflate: bool,
    },
}

#[derive(Args)]
struct Shown {
    /// One JSON object for each line.
    #[arg(long, global = true)]
    json: bool,
    /// Colours.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
    /// Shows the values of headers that carry credentials: Authorization, Cookie and the like.
    #[arg(long, global = true)]
    secrets: bool,
    /// The most bytes of a payload to show.
    #[arg(long, global = true, value_name = "BYTES", default_value_t = 1024)]
    payload: usize,
    /// Only what this side sends.
    #[arg(long, global = true, value_enum)]
    from: Option<Party>,
    /// Only this connection.
    #[arg(long, global = true, value_name = "NUMBER")]
    connection: Option<u64>,
    /// Only frames with these opcodes, and errors: continuation, text, binary, close, ping, pong. Opcodes
    /// without a name are numbers, such as 0x3.
    #[arg(long, global = true, value_name = "NAMES", value_delimiter = ',', value_parser = opcode)]
    opcode: Vec<String>,
    /// Only frames whose decoded payload contains this text in its first --payload bytes, and errors.
    #[arg(long, global = true, value_name = "TEXT")]
    contains: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Colour {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, ValueEnum)]
enum Party {
    Client,
    Server,
}

fn main() -> ExitCode {
    let Arguments { source, shown } = Arguments::parse();
    match run(source, shown) {
        // The reader of the output has closed it, as `head` does after its last line.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
        Ok(()) => ExitCode::SUCCESS,
    }
}

fn run(source: Source, shown: Shown) -> io::Result<()> {
    let limit = shown.payload;
    let mut printer = printer(shown);
    match source {
        Source::Proxy { listen, upstream } => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let failed = |error| io::Error::other(format!("cannot listen on {listen}: {error}"));
                let listener = TcpListener::bind(&listen).await.map_err(failed)?;
                eprintln!("listening on {}", listener.local_addr()?);
                proxy::run(listener, upstream, limit, Arc::new(Mutex::new(printer))).await
            })
        }
        Source::Pcap { file, port } => {
            let mut capture = Capture::new(limit, port);
            let result = if file == Path::new("-") {
                capture.read(io::stdin(), |records| printer.print(records))
            } else {
                capture.read(open(&file)?, |records| printer.print(records))
            };
            if capture.ignored() > 0 {
                eprintln!("{} TCP connections do not begin with a GET request", capture.ignored());
            }
            if capture.unreadable() > 0 {
                eprintln!("{} packets have a link layer that inspect cannot read", capture.unreadable());
            }
            result
        }
        Source::Dump { client, server, deflate } => {
            let agreed = if deflate { Agreed::deflate(DeflateParams::new()) } else { Agreed::NONE };
            printer.print(dump::read(&read(&client)?, &read(&server)?, agreed, limit))
        }
    }
}

fn printer(shown: Shown) -> Printer {
    let choice = match shown.color {
        Colour::Auto => AutoStream::choice(&io::stdout()),
        Colour::Always => ColorChoice::Always,
        Colour::Never => ColorChoice::Never,
    };
    // JSON has no colours, and `AutoStream` would remove control characters from its strings.
    let out: Box<dyn io::Write + Send> =
        if shown.json { Box::new(io::stdout()) } else { Box::new(AutoStream::new(io::stdout(), choice)) };
    let mut printer = Printer::new(out);
    printer.json = shown.json;
    printer.secrets = shown.secrets;
    printer.filter = Filter {
        from: shown.from.map(|from| match from {
            Party::Client => Side::Client,
            Party::Server => Side::Server,
        }),
        connection: shown.connection,
        opcodes: shown.opcode,
        contains: shown.contains,
    };
    printer
}

fn opcode(text: &str) -> Result<String, String> {
    let is_known = (0..16).any(|opcode| opcode_text(opcode) == text);
    if is_known { Ok(text.to_owned()) } else { Err("there is no such opcode".to_owned()) }
}

fn open(path: &Path) -> io::Result<File> {
    File::open(path).map_err(|error| named(path, &error))
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::read(path).map_err(|error| named(path, &error))
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
