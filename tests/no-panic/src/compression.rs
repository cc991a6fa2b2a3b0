//! What permessage-deflate adds (feature `deflate`), which needs the standard library.

use crate::{Counter, client, config, drive, server, with_request};
use core::hint::black_box;
use sansws::deflate::{
    Compressor, DecompressError, Decompressor, DeflateConfig, DeflateParams, OutOfMemory, Pool, ReceiveCodec,
    SendCodec, TryBox,
};
use sansws::{Agreed, Compress, Config, Connection, DataKind, Error, Message, PreparedMessage, Server};

pub fn all(bytes: &mut [u8]) {
    let config = compressing();
    server(bytes, Connection::server(config));
    with_request(|request| {
        if let Ok(connection) = Connection::client(request, config, Counter(black_box(1))) {
            client(bytes, connection);
        }
    });
    connections(bytes);
    negotiation(bytes);
    codecs(bytes);
}

fn params() -> DeflateParams {
    let bits = black_box(9);
    DeflateParams::new()
        .with_server_max_window_bits(bits)
        .with_client_max_window_bits(bits)
        .with_server_no_context_takeover(black_box(true))
        .with_client_no_context_takeover(black_box(true))
}

fn compressing() -> Config {
    let (bits, choice) = (black_box(10), black_box(true));
    let deflate = DeflateConfig::new()
        .level(black_box(6))
        .threshold(black_box(100))
        .follow_hints(choice)
        .offer_fallback(choice)
        .offer_client_max_window_bits(choice)
        .server_max_window_bits(bits)
        .client_max_window_bits(bits)
        .server_no_context_takeover(choice)
        .client_no_context_takeover(choice);
    config().deflate(deflate)
}

#[inline(never)]
fn connections(bytes: &mut [u8]) {
    let mut connection = Connection::after_handshake(Server, compressing(), Agreed::deflate(params()));
    black_box(connection.set_deflate_pool(&Pool::new(black_box(3)))).ok();
    black_box(connection.set_deflate_pool(&Pool::per_thread(black_box(3)))).ok();
    _ = black_box(connection.deflate());
    drive(&mut connection, bytes, |_, tx| {
        let how = black_box(Compress::Always);
        black_box(tx.message_with(Message::Text(black_box("text")), how)).ok();
        black_box(tx.begin_with(black_box(DataKind::Binary), how)).ok();
        if let Ok(message) = PreparedMessage::text(black_box("text")) {
            black_box(tx.prepared_with(&message, how)).ok();
        }
    });
}

#[inline(never)]
fn negotiation(bytes: &[u8]) {
    let config = black_box(DeflateConfig::default());
    black_box((config.compression_level(), config.compresses_from(black_box(true))));
    if let Some((params, answer)) = config.accept([bytes]) {
        black_box((params.server_max_window_bits(), params.client_max_window_bits()));
        black_box((params.server_no_context_takeover(), params.client_no_context_takeover()));
        black_box((answer.as_str(), Agreed::deflate(params).deflate_params().is_some()));
    }
    black_box(config.offer().as_str());
    black_box(config.check_answer([bytes])).ok();
    _ = black_box(DeflateParams::default());
}

#[inline(never)]
fn codecs(bytes: &mut [u8]) {
    let mut out = [0; 300];
    let out = black_box(&mut out[..]);
    let bits = black_box(15);
    if let Ok(mut compressor) = Compressor::new(black_box(6), bits) {
        _ = black_box(compressor.compress(bytes, out));
        _ = black_box(compressor.flush(bytes, out));
        _ = black_box(compressor.finish(bytes, out));
        black_box((Compressor::bound(bytes.len()), Compressor::prefers_plain(bits, 5, 6, black_box(true))));
        compressor.reset();
    }
    if let Ok(mut decompressor) = Decompressor::new(bits) {
        if let Err(error) = decompressor.decompress(bytes, out) {
            _ = black_box(Error::from(DecompressError::from(black_box(OutOfMemory))));
            _ = black_box(Error::from(error));
        }
        black_box(decompressor.finish()).ok();
        decompressor.reset();
    }
    for pool in [Pool::new(black_box(3)), Pool::per_thread(black_box(3))] {
        if let Ok(compressor) = pool.take_compressor(black_box(6), bits) {
            pool.give_compressor(compressor);
        }
        if let Ok(decompressor) = pool.take_decompressor() {
            pool.give_decompressor(decompressor);
        }
        let mut send = SendCodec::new(black_box(true), params(), &DeflateConfig::new(), None);
        send.set_pool(pool.clone());
        black_box((send.window_bits(), send.level(), send.compresses(bytes.len()), send.prefers_plain(5, 6)));
        if let Ok(compressor) = send.compressor() {
            _ = black_box(compressor.finish(bytes, out));
        }
        send.end_message();
        send.forget();
        let mut receive = ReceiveCodec::new(black_box(true), params(), None);
        receive.set_pool(pool);
        if let Ok(decompressor) = receive.decompressor() {
            black_box(decompressor.decompress(bytes, out)).ok();
        }
        receive.end_message();
    }
    if let Ok(mut boxed) = TryBox::new(black_box(1)) {
        *boxed = black_box(2);
        black_box(*boxed);
    }
}
