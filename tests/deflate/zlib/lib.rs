//! C zlib, which the compressor and the decompressor are compared with.
#![expect(unsafe_code, reason = "zlib has a C interface")]
#![allow(clippy::missing_panics_doc, reason = "tests and benchmarks fail in this way")]

use libz_sys::{
    Z_BLOCK, Z_BUF_ERROR, Z_DATA_ERROR, Z_DEFLATED, Z_OK, Z_STREAM_END, Z_SYNC_FLUSH, deflate, deflateEnd,
    deflateInit2_, deflateReset, inflate, inflateEnd, inflateInit2_, inflateReset, inflateSetDictionary,
    z_stream, zlibVersion,
};
use std::ffi::c_void;
use std::mem::size_of;
use std::ptr::null_mut;

/// A decompressor of raw DEFLATE data whose window is exactly as large as it is told.
pub struct Inflate(Box<z_stream>);

/// What one byte of input has brought.
#[derive(Default, Debug)]
pub struct Progress {
    /// The bytes that came out.
    pub out: Vec<u8>,
    /// Whether the byte is no DEFLATE data. The output before it is in `out`.
    pub is_corrupt: bool,
    /// Whether a final block has ended with this byte.
    pub has_ended: bool,
    /// Whether the decompressor is at the end of a block.
    pub is_between_blocks: bool,
}

/// A compressor to raw DEFLATE data.
pub struct Deflate(Box<z_stream>);

unsafe extern "C" {
    fn calloc(count: usize, size: usize) -> *mut c_void;
    fn free(pointer: *mut c_void);
}

extern "C" fn allocate(_: *mut c_void, count: u32, size: u32) -> *mut c_void {
    // SAFETY: any arguments are valid for `calloc`.
    unsafe { calloc(count as usize, size as usize) }
}

extern "C" fn release(_: *mut c_void, pointer: *mut c_void) {
    // SAFETY: zlib passes a pointer that `allocate` returned.
    unsafe { free(pointer) }
}

fn stream() -> z_stream {
    z_stream {
        next_in: null_mut(),
        avail_in: 0,
        total_in: 0,
        next_out: null_mut(),
        avail_out: 0,
        total_out: 0,
        msg: null_mut(),
        state: null_mut(),
        zalloc: allocate,
        zfree: release,
        opaque: null_mut(),
        data_type: 0,
        adler: 0,
        reserved: 0,
    }
}

fn size() -> i32 {
    i32::try_from(size_of::<z_stream>()).unwrap()
}

impl Inflate {
    /// Creates a decompressor with a window of 2^`window_bits` bytes.
    #[must_use]
    pub fn new(window_bits: u8) -> Self {
        let mut stream = Box::new(stream());
        // SAFETY: the stream is valid, and its box keeps it at the same address.
        let result =
            unsafe { inflateInit2_(&raw mut *stream, -i32::from(window_bits), zlibVersion(), size()) };
        assert_eq!(result, Z_OK);
        Self(stream)
    }

    /// Decompresses a message. The output has room for one byte at a time, so that zlib can look only into
    /// its window for earlier bytes, and not into the output.
    ///
    /// # Errors
    /// The result code of zlib.
    pub fn message(&mut self, payload: &[u8]) -> Result<Vec<u8>, i32> {
        let mut out = Vec::new();
        let mut input = [payload, &[0, 0, 0xff, 0xff]].concat();
        self.0.next_in = input.as_mut_ptr();
        self.0.avail_in = u32::try_from(input.len()).unwrap();
        loop {
            let mut byte = 0u8;
            self.0.next_out = &raw mut byte;
            self.0.avail_out = 1;
            // SAFETY: input and output are valid for the lengths given.
            let result = unsafe { inflate(&raw mut *self.0, Z_SYNC_FLUSH) };
            if self.0.avail_out == 0 {
                out.push(byte);
            }
            match result {
                Z_OK if self.0.avail_out == 0 || self.0.avail_in > 0 => {}
                Z_OK | Z_BUF_ERROR => break,
                other => return Err(other),
            }
        }
        if self.0.avail_in == 0 { Ok(out) } else { Err(Z_DATA_ERROR) }
    }

    /// As [`message`](Self::message), into a buffer of the caller, which gives zlib all of the room at once.
    /// Returns how many bytes the decompressor wrote.
    pub fn message_into(&mut self, payload: &[u8], out: &mut [u8]) -> usize {
        let room = out.len();
        self.0.next_out = out.as_mut_ptr();
        self.0.avail_out = u32::try_from(room).unwrap();
        for input in [payload, &[0, 0, 0xff, 0xff]] {
            self.0.next_in = input.as_ptr().cast_mut();
            self.0.avail_in = u32::try_from(input.len()).unwrap();
            // SAFETY: input and output are valid for the lengths given.
            unsafe { inflate(&raw mut *self.0, Z_SYNC_FLUSH) };
        }
        room - self.0.avail_out as usize
    }

    /// Decompresses one byte of input, as far as it goes. With `stops_at_blocks`, zlib looks at no byte
    /// behind a block before it has reported the end of the block.
    pub fn byte(&mut self, byte: u8, stops_at_blocks: bool) -> Progress {
        let mut input = byte;
        self.0.next_in = &raw mut input;
        self.0.avail_in = 1;
        let mut progress = Progress::default();
        let flush = if stops_at_blocks { Z_BLOCK } else { Z_SYNC_FLUSH };
        loop {
            let before = self.0.avail_in;
            let mut byte = 0u8;
            self.0.next_out = &raw mut byte;
            self.0.avail_out = 1;
            // SAFETY: input and output are valid for the lengths given.
            let result = unsafe { inflate(&raw mut *self.0, flush) };
            let has_output = self.0.avail_out == 0;
            if has_output {
                progress.out.push(byte);
            }
            // zlib sets bit 7 right behind a block, until it is called again, and bit 6 in the final block.
            progress.is_between_blocks = stops_at_blocks && self.0.data_type & (128 | 64) == 128;
            if progress.is_between_blocks && self.0.avail_in == 0 {
                return progress;
            }
            match result {
                Z_STREAM_END => {
                    progress.has_ended = true;
                    progress.is_between_blocks = true;
                    return progress;
                }
                Z_OK | Z_BUF_ERROR if has_output || self.0.avail_in < before => {}
                Z_OK | Z_BUF_ERROR => {
                    progress.is_corrupt = self.0.avail_in > 0;
                    return progress;
                }
                _ => {
                    progress.is_corrupt = true;
                    return progress;
                }
            }
        }
    }

    /// The next bytes may refer to these earlier ones.
    pub fn set_window(&mut self, bytes: &[u8]) {
        let len = u32::try_from(bytes.len()).unwrap();
        // SAFETY: the stream is valid, and the bytes are valid for the length given.
        assert_eq!(unsafe { inflateSetDictionary(&raw mut *self.0, bytes.as_ptr(), len) }, Z_OK);
    }

    /// Empties the window.
    pub fn reset(&mut self) {
        // SAFETY: the stream is valid.
        assert_eq!(unsafe { inflateReset(&raw mut *self.0) }, Z_OK);
    }
}

impl Deflate {
    /// Creates a compressor. The arguments are those of zlib's `deflateInit2`.
    #[must_use]
    pub fn new(level: i32, window_bits: u8, mem_level: i32, strategy: i32) -> Self {
        let mut stream = Box::new(stream());
        let bits = -i32::from(window_bits);
        // SAFETY: the stream is valid, and its box keeps it at the same address.
        let result = unsafe {
            deflateInit2_(
                &raw mut *stream,
                level,
                Z_DEFLATED,
                bits,
                mem_level,
                strategy,
                zlibVersion(),
                size(),
            )
        };
        assert_eq!(result, Z_OK);
        Self(stream)
    }

    /// Compresses all of the input and flushes in this way at its end.
    pub fn run(&mut self, input: &[u8], flush: i32) -> Vec<u8> {
        let mut out = vec![0; input.len() * 2 + 1000];
        let len = self.run_into(input, flush, &mut out);
        out.truncate(len);
        out
    }

    /// As [`run`](Self::run), into a buffer of the caller. Returns how many bytes the compressor wrote.
    pub fn run_into(&mut self, input: &[u8], flush: i32, out: &mut [u8]) -> usize {
        let room = out.len();
        self.0.next_in = input.as_ptr().cast_mut();
        self.0.avail_in = u32::try_from(input.len()).unwrap();
        self.0.next_out = out.as_mut_ptr();
        self.0.avail_out = u32::try_from(room).unwrap();
        // SAFETY: input and output are valid for the lengths given.
        unsafe { deflate(&raw mut *self.0, flush) };
        assert!(self.0.avail_in == 0 && self.0.avail_out > 0);
        room - self.0.avail_out as usize
    }

    /// Compresses a message as RFC 7692 section 7.2.1 requires.
    pub fn message(&mut self, message: &[u8]) -> Vec<u8> {
        let mut payload = self.run(message, Z_SYNC_FLUSH);
        if payload.is_empty() {
            return vec![0];
        }
        assert!(payload.ends_with(&[0, 0, 0xff, 0xff]));
        payload.truncate(payload.len() - 4);
        payload
    }

    /// Empties the window.
    pub fn reset(&mut self) {
        // SAFETY: the stream is valid.
        assert_eq!(unsafe { deflateReset(&raw mut *self.0) }, Z_OK);
    }
}

impl Drop for Inflate {
    fn drop(&mut self) {
        // SAFETY: the stream is valid and is not used again.
        unsafe { inflateEnd(&raw mut *self.0) };
    }
}

impl Drop for Deflate {
    fn drop(&mut self) {
        // SAFETY: the stream is valid and is not used again.
        unsafe { deflateEnd(&raw mut *self.0) };
    }
}
