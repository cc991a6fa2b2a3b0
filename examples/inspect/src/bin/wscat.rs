//! A WebSocket client for the terminal and for scripts.

use clap::Parser;
use inspector::content::printable;
use inspector::wscat::journal;
use inspector::wscat::session::{Input, Options, Outcome, run};
use sansws::deflate::DeflateConfig;
use sansws::{ClientRequest, Config};
use sansws_tokio::rustls::pki_types::CertificateDer;
use sansws_tokio::rustls::pki_types::pem::PemObject;
use sansws_tokio::rustls::{ClientConfig, RootCertStore};
use sansws_tokio::{Connector, Error, ServerResponse};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// The largest message in either direction, in bytes.
const MAX_MESSAGE: usize = 64 << 20;

/// Connects to a WebSocket server, sends the lines of stdin, and prints the messages of the server.
///
/// A line that begins with / is a command; /help shows all of them. At the end of stdin, and at Ctrl-C, the
/// connection is closed. A second Ctrl-C does not wait for the server.
///
/// Exit status: 0 if the connection was closed cleanly, 1 if it failed or was refused, 2 if a command was not
/// valid, 3 if the server closed it with another code than 1000.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The URL, such as `wss://echo.example/`.
    url: String,
    /// A header of the request, such as "Authorization: Bearer 123".
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// A subprotocol to offer. The first one is the most wanted.
    #[arg(short, long, value_name = "NAME")]
    subprotocol: Vec<String>,
    /// The origin of a browser's page, such as `https://chat.example`.
    #[arg(short, long)]
    origin: Option<String>,
    /// Offers compression (permessage-deflate).
    #[arg(long)]
    deflate: bool,
    /// Trusts the certificates in this PEM file, instead of those of the system.
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Connects through this HTTP proxy, such as `http://proxy.example:3128`.
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// Follows at most this number of redirects, to the same host only.
    #[arg(short = 'L', long, value_name = "COUNT", default_value_t = 0)]
    redirects: usize,
    /// Sends this line instead of stdin. Can be repeated.
    #[arg(short = 'x', long, value_name = "LINE", conflicts_with = "replay", allow_hyphen_values = true)]
    execute: Vec<String>,
    /// Waits so long after the last line, before the connection is closed.
    #[arg(short, long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    wait: Duration,
    /// Writes each event to this file, one JSON object for each line.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Sends what the client sent in a recorded session, at the same times, instead of stdin.
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Replays without the pauses of the recorded session.
    #[arg(long, requires = "replay")]
    at_once: bool,
    /// Shows the headers of the server's response, also if it refuses the WebSocket.
    #[arg(short, long)]
    verbose: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let verbose = arguments.verbose;
    match start(arguments).await {
        Ok(Outcome::Closed) => ExitCode::SUCCESS,
        Ok(Outcome::InvalidCommands) => ExitCode::from(2),
        Ok(Outcome::ClosedByServer) => ExitCode::from(3),
        Err(Error::Refused(response)) => {
            show_refusal(&response, verbose);
            ExitCode::FAILURE
        }
        // The error names the file, or what failed on the network.
        Err(Error::Io(error)) => {
            eprintln!("error: {}", printable(&error.to_string()));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {}", printable(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

/// Shows the response of a server that did not open a WebSocket.
fn show_refusal(response: &ServerResponse, verbose: bool) {
    let hint = match (verbose, response.status()) {
        (true, _) => "",
        (false, 300..400) => " (-v shows its headers, and -L 1 follows a redirect to the same host)",
        (false, _) => " (-v shows its headers)",
    };
    eprintln!("error: the server answered with status {} instead of 101{hint}", response.status());
    for (name, value) in response.headers().filter(|_| verbose) {
        eprintln!("* {}", printable(&format!("{name}: {}", String::from_utf8_lossy(value))));
    }
    let body = String::from_utf8_lossy(response.body());
    if !body.trim_end().is_empty() {
        eprintln!("{}", printable(body.trim_end()));
    }
}

async fn start(arguments: Arguments) -> Result<Outcome, Error> {
    let mut config = Config::new().max_message(MAX_MESSAGE).max_outgoing(2 * MAX_MESSAGE);
    if arguments.deflate {
        config = config.deflate(DeflateConfig::new());
    }
    let mut connector = Connector::new().config(config).max_redirects(arguments.redirects);
    if let Some(proxy) = &arguments.proxy {
        connector = connector.proxy(proxy);
    }
    if let Some(path) = &arguments.ca {
        connector = connector.tls(Arc::new(trusting(path)?));
    }
    let input = match &arguments.replay {
        Some(path) => {
            let mut commands = journal::commands(path)?;
            if arguments.at_once {
                for (time, _) in &mut commands {
                    *time = Duration::ZERO;
                }
            }
            Input::Replay(commands)
        }
        None if arguments.execute.is_empty() => Input::Stdin,
        None => Input::Lines(arguments.execute),
    };
    let subprotocols: Vec<&str> = arguments.subprotocol.iter().map(String::as_str).collect();
    let headers: Vec<(&str, &str)> =
        arguments.header.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut request = ClientRequest::new(&arguments.url)?.subprotocols(&subprotocols).headers(&headers);
    if let Some(origin) = &arguments.origin {
        request = request.origin(origin);
    }
    let options =
        Options { connector, wait: arguments.wait, verbose: arguments.verbose, record: arguments.record };
    run(&options, &request, input).await
}

/// A TLS configuration that trusts the certificates in this file.
fn trusting(path: &Path) -> std::io::Result<ClientConfig> {
    let failed =
        |error: &dyn std::fmt::Display| std::io::Error::other(format!("{}: {error}", path.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| failed(&error))? {
        let certificate = certificate.map_err(|error| failed(&error))?;
        roots.add(certificate).map_err(|error| failed(&error))?;
    }
    if roots.is_empty() {
        return Err(failed(&"the file has no certificate in the format PEM"));
    }
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}

fn header(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once(':').ok_or("a header has the form NAME: VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text} is not a number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
