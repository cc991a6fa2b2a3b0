//! The options for compression, which all of these examples have.

use sansws_tokio::Config;
#[cfg(feature = "deflate")]
use sansws_tokio::sansws::deflate::DeflateConfig;

/// The configuration with what `option` asks for. `Err` says what is wrong with the option.
///
/// - `--deflate`: with compression.
/// - `--deflate-keeps-client-context`: with compression, for a server that ignores a client's hint that it
///   can do without context takeover.
/// - `--deflate=WISH,WISH`: with compression and these wishes: `server_max_window_bits=N`,
///   `client_max_window_bits=N`, `server_no_context_takeover`, `client_no_context_takeover`, `ignore_hints` for
///   a server, `no_fallback` for a client.
#[cfg(feature = "deflate")]
pub fn with_option(config: Config, option: &str) -> Result<Config, String> {
    let deflate = match option {
        "--deflate" => Some(DeflateConfig::new()),
        "--deflate-keeps-client-context" => Some(DeflateConfig::new().follow_hints(false)),
        _ => option
            .strip_prefix("--deflate=")
            .and_then(|wishes| wishes.split(',').try_fold(DeflateConfig::new(), with_wish)),
    };
    deflate.map(|deflate| config.deflate(deflate)).ok_or_else(|| format!("unknown option {option}"))
}

/// The configuration with one wish more. `None` if there is no such wish.
#[cfg(feature = "deflate")]
fn with_wish(deflate: DeflateConfig, wish: &str) -> Option<DeflateConfig> {
    let (name, bits) = wish.split_once('=').unwrap_or((wish, ""));
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
    Err(format!("{option}: compression needs a build with --features deflate"))
}
