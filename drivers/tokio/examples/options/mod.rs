//! The options that all of these examples have: for the usage, and for compression.

use sansws_tokio::Config;
#[cfg(feature = "deflate")]
use sansws_tokio::sansws::deflate::DeflateConfig;
use std::env;
use std::error::Error;
use std::process::ExitCode;

/// Runs the program, and prints its error. If the user asks for help, prints the usage instead.
pub async fn run(usage: &str, program: impl Future<Output = Result<(), Box<dyn Error>>>) -> ExitCode {
    if env::args().skip(1).any(|argument| argument == "--help" || argument == "-h") {
        println!("{usage}");
        return ExitCode::SUCCESS;
    }
    match program.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The configuration with what `option` asks for. `Err` says what is wrong with the option.
///
/// - `--deflate`: with compression.
/// - `--deflate-keeps-client-context`: with compression, for a server that ignores a client's hint that it
///   can do without context takeover.
/// - `--deflate=PARAMETER,PARAMETER`: with compression and these parameters: `server_max_window_bits=N`,
///   `client_max_window_bits=N`, `server_no_context_takeover`, `client_no_context_takeover`, `ignore_hints`
///   for a server, `no_fallback` for a client.
#[cfg(feature = "deflate")]
pub fn with_option(config: Config, option: &str) -> Result<Config, String> {
    let deflate = match option {
        "--deflate" => Some(DeflateConfig::new()),
        "--deflate-keeps-client-context" => Some(DeflateConfig::new().follow_hints(false)),
        _ => option
            .strip_prefix("--deflate=")
            .and_then(|parameters| parameters.split(',').try_fold(DeflateConfig::new(), with_parameter)),
    };
    deflate.map(|deflate| config.deflate(deflate)).ok_or_else(|| format!("unknown option {option}"))
}

/// The configuration with one more parameter. `None` if there is no such parameter.
#[cfg(feature = "deflate")]
fn with_parameter(deflate: DeflateConfig, parameter: &str) -> Option<DeflateConfig> {
    let (name, bits) = parameter.split_once('=').unwrap_or((parameter, ""));
    Some(match name {
        "server_max_window_bits" => deflate.server_max_window_bits(bits.parse().ok()?),
        "client_max_window_bits" => deflate.client_max_window_bits(bits.parse().ok()?),
        "server_no_context_takeover" => deflate.server_no_context_takeover(true),
        "client_no_context_takeover" => deflate.client_no_context_takeover(true),
        "ignore_hints" => deflate.follow_hints(false),
        "no_fallback" => deflate.offer_fallback(false),
        _ => return None,
    })
}

#[cfg(not(feature = "deflate"))]
pub fn with_option(_config: Config, option: &str) -> Result<Config, String> {
    Err(if option.starts_with("--deflate") {
        format!("{option}: compression needs a build with --features deflate")
    } else {
        format!("unknown option {option}")
    })
}
