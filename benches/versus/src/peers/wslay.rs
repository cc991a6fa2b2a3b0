//! wslay (C), with the feature `wslay` and the system's libwslay (Debian: libwslay-dev). This is its event
//! API, which checks text and reads 4 KiB at a time. Its allocations are not counted, because it calls
//! `malloc`. It has no handshake.

use crate::session::{Library, MAX_MESSAGE, Result, Role, Session, Sink};
use crate::transport::{Link, Stream};
use crate::wire::Payload;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use std::ffi::{c_int, c_void};
use std::slice::{from_raw_parts, from_raw_parts_mut};

pub const LIBRARY: Library = Library { name: "wslay", open, accept: None, connect: None, idle: None };

type Context = *mut c_void;
type Receive = unsafe extern "C" fn(Context, *mut u8, usize, c_int, *mut c_void) -> isize;
type Send = unsafe extern "C" fn(Context, *const u8, usize, c_int, *mut c_void) -> isize;
type Mask = unsafe extern "C" fn(Context, *mut u8, usize, *mut c_void) -> c_int;
type Message = unsafe extern "C" fn(Context, *const Received, *mut c_void);

/// `struct wslay_event_callbacks`
#[repr(C)]
struct Callbacks {
    receive: Receive,
    send: Send,
    mask: Option<Mask>,
    frame_start: Option<Message>,
    frame_chunk: Option<Message>,
    frame_end: Option<Message>,
    message: Message,
}

/// `struct wslay_event_on_msg_recv_arg`
#[repr(C)]
struct Received {
    rsv: u8,
    opcode: u8,
    bytes: *const u8,
    len: usize,
    status: u16,
}

/// `struct wslay_event_msg`
#[repr(C)]
struct Outgoing {
    opcode: u8,
    bytes: *const u8,
    len: usize,
}

const WOULD_BLOCK: c_int = -401;
const MORE: c_int = 1;
/// How many bytes are read before something is written.
const READ: usize = 16 * 1024;

#[link(name = "wslay")]
unsafe extern "C" {
    fn wslay_event_context_server_init(
        context: *mut Context, callbacks: *const Callbacks, data: *mut c_void,
    ) -> c_int;
    fn wslay_event_context_client_init(
        context: *mut Context, callbacks: *const Callbacks, data: *mut c_void,
    ) -> c_int;
    fn wslay_event_context_free(context: Context);
    fn wslay_event_config_set_max_recv_msg_length(context: Context, len: u64);
    fn wslay_event_set_error(context: Context, error: c_int);
    fn wslay_event_recv(context: Context) -> c_int;
    fn wslay_event_send(context: Context) -> c_int;
    fn wslay_event_queue_msg(context: Context, message: *const Outgoing) -> c_int;
    fn wslay_event_get_read_enabled(context: Context) -> c_int;
}

/// The data of the callbacks.
struct State {
    link: Link<Stream>,
    outgoing: Vec<u8>,
    left: usize,
    sink: Sink,
    echoes: bool,
    rng: ChaCha8Rng,
}

struct Open {
    context: Context,
    // A pointer and not a box, because the library keeps another pointer to it.
    state: *mut State,
    messages: &'static [Payload],
}

unsafe extern "C" fn receive(
    context: Context, to: *mut u8, len: usize, _: c_int, data: *mut c_void,
) -> isize {
    // SAFETY: `data` is the state, which lives as long as the context; nothing else refers to it during a
    // call.
    let state = unsafe { &mut *data.cast::<State>() };
    if state.left == 0 {
        // SAFETY: the context is the one that called.
        unsafe { wslay_event_set_error(context, WOULD_BLOCK) };
        return -1;
    }
    // SAFETY: the library lends this many bytes.
    let len = state.link.get(unsafe { from_raw_parts_mut(to, len.min(state.left)) });
    state.left -= len;
    len as isize
}

unsafe extern "C" fn send(_: Context, from: *const u8, len: usize, flags: c_int, data: *mut c_void) -> isize {
    // SAFETY: as above.
    let (state, from) = unsafe { (&mut *data.cast::<State>(), from_raw_parts(from, len)) };
    // Pieces are collected while the library says that more follow, like `MSG_MORE`.
    if state.outgoing.len() + len > READ {
        state.link.put_all(&state.outgoing);
        state.outgoing.clear();
    }
    if len >= READ && flags & MORE == 0 {
        state.link.put_all(from);
    } else {
        state.outgoing.extend_from_slice(from);
    }
    len as isize
}

unsafe extern "C" fn mask(_: Context, to: *mut u8, len: usize, data: *mut c_void) -> c_int {
    // SAFETY: as above.
    let (state, to) = unsafe { (&mut *data.cast::<State>(), from_raw_parts_mut(to, len)) };
    to.copy_from_slice(&state.rng.next_u32().to_ne_bytes()[..len]);
    0
}

unsafe extern "C" fn message(context: Context, received: *const Received, data: *mut c_void) {
    // SAFETY: as above.
    let (state, received) = unsafe { (&mut *data.cast::<State>(), &*received) };
    if received.opcode > 2 {
        return;
    }
    // SAFETY: the message is valid during the call.
    state.sink.message(received.opcode == 1, unsafe { from_raw_parts(received.bytes, received.len) });
    if state.echoes {
        let outgoing = Outgoing { opcode: received.opcode, bytes: received.bytes, len: received.len };
        // SAFETY: the library copies the message.
        unsafe { wslay_event_queue_msg(context, &outgoing) };
    }
}

fn open(role: Role, link: Link<Stream>) -> Box<dyn Session> {
    let outgoing = Vec::with_capacity(2 * READ);
    let rng = ChaCha8Rng::seed_from_u64(7);
    let state = Box::new(State { link, outgoing, left: 0, sink: Sink::new(), echoes: false, rng });
    let state = Box::into_raw(state);
    let callbacks = Callbacks {
        receive,
        send,
        mask: Some(mask),
        frame_start: None,
        frame_chunk: None,
        frame_end: None,
        message,
    };
    let mut context = std::ptr::null_mut();
    let init = match role {
        Role::Server => wslay_event_context_server_init,
        Role::Client => wslay_event_context_client_init,
    };
    // SAFETY: the callbacks are copied; the state outlives the context.
    unsafe {
        assert_eq!(init(&mut context, &callbacks, state.cast()), 0);
        wslay_event_config_set_max_recv_msg_length(context, MAX_MESSAGE as u64);
    }
    Box::new(Open { context, state, messages: &[] })
}

impl Drop for Open {
    fn drop(&mut self) {
        // SAFETY: both were made by `open`, and nothing uses them any more.
        unsafe {
            wslay_event_context_free(self.context);
            drop(Box::from_raw(self.state));
        }
    }
}

impl Open {
    fn run(&mut self, echoes: bool, count: usize, sink: &mut Sink) -> Result {
        let end = sink.count + count;
        // SAFETY: between calls of the library nothing else refers to the state.
        unsafe {
            (*self.state).echoes = echoes;
            (*self.state).sink = std::mem::take(sink);
        }
        // A batch is everything in the stream; the bytes behind it are the next batch.
        let mut left = unsafe { (*self.state).link.0.wire_len() };
        let mut result = Ok(());
        // SAFETY: as above.
        while result.is_ok() && unsafe { (*self.state).sink.count } < end {
            // SAFETY: the context is alive.
            let (received, is_reading) = unsafe {
                (*self.state).left = left.min(READ);
                left -= left.min(READ);
                (wslay_event_recv(self.context), wslay_event_get_read_enabled(self.context) != 0)
            };
            if received != 0 || !is_reading {
                result = Err(format!("refused: {received}"));
            } else if echoes {
                result = self.flush();
            }
        }
        // SAFETY: as above.
        *sink = unsafe { std::mem::take(&mut (*self.state).sink) };
        result
    }

    fn flush(&mut self) -> Result {
        // SAFETY: the context is alive, and the state is used by nothing else afterwards.
        let (sent, state) = unsafe { (wslay_event_send(self.context), &mut *self.state) };
        state.link.put_all(&state.outgoing);
        state.outgoing.clear();
        if sent == 0 { Ok(()) } else { Err(format!("send: {sent}")) }
    }
}

impl Session for Open {
    fn receive(&mut self, count: usize, sink: &mut Sink) -> Result {
        self.run(false, count, sink)
    }

    fn prepare(&mut self, messages: &'static [Payload]) {
        self.messages = messages;
    }

    fn send(&mut self) -> Result {
        let mut queued = 0;
        for payload in self.messages {
            let opcode = if payload.is_text { 1 } else { 2 };
            let message = Outgoing { opcode, bytes: payload.bytes.as_ptr(), len: payload.bytes.len() };
            // SAFETY: the library copies the message.
            if unsafe { wslay_event_queue_msg(self.context, &message) } != 0 {
                return Err("queue".to_owned());
            }
            queued += payload.bytes.len();
            if queued >= READ {
                self.flush()?;
                queued = 0;
            }
        }
        self.flush()
    }

    fn echo(&mut self, count: usize, sink: &mut Sink) -> Result {
        self.run(true, count, sink)
    }
}
