//! Invariant: C zlib decompresses the messages of our compressor, and our decompressor decompresses those of
//! C zlib. If both accept arbitrary bytes, their results are equal. This holds for windows of all sizes, with
//! and without context takeover, and also for two connections that share a pool of one codec of each kind.

use arbitrary::{Arbitrary, Unstructured};
use sansws::deflate::{
    Compressor, Decompressor, DeflateConfig, DeflateParams, Pool, ReceiveCodec, SendCodec,
};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    messages: Vec<&'a [u8]>,
    /// A payload of arbitrary bytes.
    payload: &'a [u8],
    level: u8,
    window_bits: u8,
    piece: u8,
    room: u8,
    no_takeover: bool,
}

fn compress(compressor: &mut Compressor, message: &[u8], piece: usize, room: usize) -> Vec<u8> {
    let mut payload = Vec::new();
    let mut pieces = message.chunks(piece).peekable();
    loop {
        let mut rest = pieces.next().unwrap_or_default();
        let is_last = pieces.peek().is_none();
        loop {
            let mut out = vec![0; room];
            let step =
                if is_last { compressor.finish(rest, &mut out) } else { compressor.compress(rest, &mut out) };
            rest = &rest[step.consumed..];
            payload.extend_from_slice(&out[..step.produced]);
            if step.done {
                break;
            }
        }
        if is_last {
            return payload;
        }
    }
}

/// Returns `None` for a payload that is not valid, or too long.
fn decompress(decompressor: &mut Decompressor, payload: &[u8], room: usize) -> Option<Vec<u8>> {
    let mut message = Vec::new();
    let mut rest = payload;
    loop {
        let mut out = vec![0; room];
        let step = decompressor.decompress(rest, &mut out).ok()?;
        rest = &rest[step.consumed..];
        message.extend_from_slice(&out[..step.produced]);
        if step.done {
            decompressor.finish().ok()?;
            return Some(message);
        }
        if message.len() > 1 << 20 {
            return None;
        }
    }
}

/// One end of a connection that shares its codecs with another one. C zlib is the other end.
struct Pooled {
    send: SendCodec,
    receive: ReceiveCodec,
    reader: zlib::Inflate,
    writer: zlib::Deflate,
    no_takeover: bool,
}

impl Pooled {
    fn new(pool: &Pool, level: u8, bits: u8, no_takeover: bool) -> Self {
        let params = DeflateParams::new()
            .with_server_max_window_bits(bits)
            .with_server_no_context_takeover(no_takeover)
            .with_client_max_window_bits(bits.max(9))
            .with_client_no_context_takeover(no_takeover);
        Self {
            send: SendCodec::new(true, params, &DeflateConfig::new().level(level), Some(pool.clone())),
            receive: ReceiveCodec::new(true, params, Some(pool.clone())),
            reader: zlib::Inflate::new(bits),
            writer: zlib::Deflate::new(level.into(), bits.max(9), 8, 0),
            no_takeover,
        }
    }

    fn exchange(&mut self, message: &[u8], piece: usize, room: usize) {
        let payload = compress(self.send.compressor().unwrap(), message, piece, room);
        self.send.end_message();
        assert_eq!(self.reader.message(&payload).as_deref(), Ok(message));
        let payload = self.writer.message(message);
        let decompressor = self.receive.decompressor().unwrap();
        assert_eq!(decompress(decompressor, &payload, room).as_deref(), Some(message));
        self.receive.end_message();
        if self.no_takeover {
            self.reader.reset();
            self.writer.reset();
        }
    }
}

pub fn run(bytes: &[u8]) {
    if let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(bytes)) {
        check(input);
    }
}

fn check(input: Input<'_>) {
    let (level, bits) = (1 + input.level % 9, 8 + input.window_bits % 8);
    let (piece, room) = (usize::from(input.piece) + 1, usize::from(input.room) + Compressor::MIN_ROOM);
    let mut ours = Compressor::new(level, bits).unwrap();
    // The compressor of C zlib has no window of 256 bytes for raw data.
    let mut theirs = zlib::Deflate::new(level.into(), bits.max(9), 8, 0);
    let (mut reader, mut our_reader) = (zlib::Inflate::new(bits), Decompressor::new(bits.max(9)).unwrap());
    let pool = Pool::new(1);
    let mut pooled = [(); 2].map(|()| Pooled::new(&pool, level, bits, input.no_takeover));
    for message in &input.messages {
        for end in &mut pooled {
            end.exchange(message, piece, room);
        }
        let payload = compress(&mut ours, message, piece, room);
        assert_eq!(reader.message(&payload).as_deref(), Ok(*message));
        assert_eq!(decompress(&mut our_reader, &theirs.message(message), room).as_deref(), Some(*message));
        if input.no_takeover {
            ours.reset();
            theirs.reset();
            reader.reset();
            our_reader.reset();
        }
    }
    // C zlib may refuse a message that we accept: a final block ends its stream, but not ours.
    let mut stranger = zlib::Inflate::new(15);
    let expected = stranger.message(input.payload);
    if let Ok(expected) = expected
        && expected.len() <= 1 << 20
        && let Some(message) = decompress(&mut Decompressor::new(15).unwrap(), input.payload, 4096)
    {
        assert_eq!(message, expected);
    }
}
