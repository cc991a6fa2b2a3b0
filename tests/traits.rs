//! The traits of the public types: those that let a connection move between threads, and the common ones.
//!
//! The common traits are `Debug`, `Clone`, `Copy`, `PartialEq`, `Eq`, `Hash` and `Default`. The table gives a
//! reason for each of them that a type lacks.
#![cfg(feature = "alloc")]

use rand::SeedableRng;
use rand::rngs::{SmallRng, StdRng};
use sansws::handshake::*;
use sansws::timers::*;
use sansws::upgrade::*;
use sansws::*;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::{fs, path::Path};

/// Asks the compiler which traits `T` has: an associated constant of a type takes precedence over one of a
/// trait.
struct Probe<T>(PhantomData<T>);

macro_rules! probe {
    ($($name:ident: $bound:path,)*) => {
        #[allow(dead_code, reason = "no type lacks `Debug`")]
        trait Lacks {
            $(const $name: bool = false;)*
        }
        impl<T> Lacks for Probe<T> {}
        $(impl<T: $bound> Probe<T> {
            const $name: bool = true;
        })*
    };
}
probe! {
    DEBUG: Debug, CLONE: Clone, COPY: Copy, PARTIAL_EQ: PartialEq, EQ: Eq, HASH: Hash, DEFAULT: Default,
    SEND: Send, SYNC: Sync, UNWIND: UnwindSafe, REF_UNWIND: RefUnwindSafe, ROLE: Role,
}

/// The traits that a type lacks, each with the reason.
type Reasons = &'static [(&'static str, &'static str)];

const NO_DEFAULT: (&str, &str) = ("Default", "none of its values is a natural default");
const MACHINE: Reasons = &[
    ("Clone", "two machines must not continue the same conversation"),
    ("Copy", "two machines must not continue the same conversation"),
    ("PartialEq", "a machine is not a value"),
    ("Eq", "a machine is not a value"),
    ("Hash", "a machine is not a value"),
    ("Default", "it needs a role or a configuration"),
];
const VALUE: Reasons = &[NO_DEFAULT];
const OWNER: Reasons = &[("Copy", "it owns memory"), NO_DEFAULT];
/// The checked halves of an upgrade over an HTTP stack of the embedder.
const UPGRADE: Reasons = &[("PartialEq", UPGRADES), ("Eq", UPGRADES), ("Hash", UPGRADES), NO_DEFAULT];
const UPGRADES: &str = "it is made for one handshake and used once";
const CHOICES: Reasons = &[("Hash", "a configuration is not used as a key")];

type Traits = (Vec<&'static str>, [bool; 4]);

macro_rules! table {
    ($($type:ty: $reasons:expr,)*) => {
        vec![$({
            let has = [
                ("Debug", <Probe<$type>>::DEBUG), ("Clone", <Probe<$type>>::CLONE),
                ("Copy", <Probe<$type>>::COPY),
                ("PartialEq", <Probe<$type>>::PARTIAL_EQ), ("Eq", <Probe<$type>>::EQ),
                ("Hash", <Probe<$type>>::HASH),
                ("Default", <Probe<$type>>::DEFAULT),
            ];
            let lacks = has.into_iter().filter(|(_, has)| !has).map(|(name, _)| name).collect();
            let auto = [
                <Probe<$type>>::SEND, <Probe<$type>>::SYNC,
                <Probe<$type>>::UNWIND, <Probe<$type>>::REF_UNWIND,
            ];
            let traits: Traits = (lacks, auto);
            let reasons: Reasons = $reasons;
            (stringify!($type), traits, reasons)
        },)*]
    };
}

fn types() -> Vec<(&'static str, Traits, Reasons)> {
    #[allow(unused_mut, reason = "features add types")]
    let mut types = table! {
        Connection<Server>: MACHINE,
        Connection<Client<StdRng>>: MACHINE,
        Connection<FramesOnly<Server>>: MACHINE,
        Sender<Server, Heap>: MACHINE,
        Timers: &[
            ("PartialEq", "a machine is not a value"), ("Eq", "a machine is not a value"),
            ("Hash", "a machine is not a value"), ("Default", "it begins at a point in time"),
        ],
        TimersConfig: CHOICES,
        Config: CHOICES,
        Agreed: &[],
        Delivery: &[("Hash", "a configuration is not used as a key")],
        State: VALUE,
        EventToken: &[("Hash", "it is valid only until the next call"), NO_DEFAULT],
        EventKind: VALUE,
        Event<'static>: VALUE,
        Handshake<'static>: VALUE,
        Request<'static>: VALUE,
        Response<'static>: VALUE,
        Headers<'static>: &[("Copy", "an iterator that is copied by accident starts again unnoticed"), NO_DEFAULT],
        Extension<'static>: VALUE,
        Parameter<'static>: VALUE,
        ParameterValue<'static>: VALUE,
        Accept<'static>: &[],
        Reply<'static>: VALUE,
        ClientRequest<'static>: VALUE,
        Uri<'static>: VALUE,
        ResourceName<'static>: VALUE,
        HostField<'static>: VALUE,
        UriError: VALUE,
        Downgrade: &[],
        PercentEncoded<'static>: VALUE,
        Negotiated<'static>: VALUE,
        Acceptance<'static>: UPGRADE,
        ClientUpgrade<'static>: UPGRADE,
        Message<'static>: VALUE,
        OwnedMessage: OWNER,
        PreparedMessage: &[
            ("Clone", "an `Arc` shares it, and a copy would cost memory"), ("Copy", "it owns memory"), ("PartialEq", "it is encoded to be sent, not to be read"),
            ("Eq", "it is encoded to be sent, not to be read"),
            ("Hash", "it is encoded to be sent, not to be read"),
            NO_DEFAULT,
        ],
        Part<'static>: VALUE,
        Close<'static>: VALUE,
        CloseCode: VALUE,
        DataKind: VALUE,
        FrameHeader: VALUE,
        Error: VALUE,
        SendError: VALUE,
        Violation: VALUE,
        Limit: VALUE,
        HandshakeError: VALUE,
        Misuse: VALUE,
        OutOfMemory: VALUE,
        Action: VALUE,
        Timeout: VALUE,
        Server: &[],
        Client<StdRng>: &[
            ("Clone", "two clients would draw the same keys"),
            ("Copy", "two clients would draw the same keys"),
            ("PartialEq", "its generator is secret"), ("Eq", "its generator is secret"),
            ("Hash", "its generator is secret"), ("Default", "it needs a generator"),
        ],
        FramesOnly<Server>: &[],
        Heap: &[],
    };
    #[cfg(feature = "heapless")]
    types.extend(table! {
        Fixed<1, 1>: &[],
        Borrowed<'static>: &[
            ("Clone", "it borrows buffers to write to"), ("Copy", "it borrows buffers to write to"),
            ("PartialEq", "what its buffers contain does not matter"),
            ("Eq", "what its buffers contain does not matter"),
            ("Hash", "what its buffers contain does not matter"), ("Default", "it needs buffers"),
        ],
        Connection<Server, Fixed<1, 1>>: MACHINE,
        Connection<Client<StdRng>, Borrowed<'static>>: MACHINE,
    });
    #[cfg(feature = "deflate")]
    types.extend(table! {
        Compress: &[],
    });
    types
}

#[test]
fn each_type_has_the_common_traits_or_a_reason() {
    for (name, (lacks, _), reasons) in types() {
        let stated: Vec<&str> = reasons.iter().map(|(lacking, _)| *lacking).collect();
        assert_eq!(lacks, stated, "{name}");
        for (lacking, reason) in reasons {
            assert!(reason.len() > 10, "{name} lacks {lacking} without a reason");
        }
    }
}

/// So a connection can move to another thread, be shared, and survive a caught panic.
#[test]
fn each_type_is_send_sync_and_unwind_safe() {
    for (name, (_, auto), _) in types() {
        // `&mut` is never `UnwindSafe`, and neither is a type that borrows a buffer to write to.
        let is_unwind_safe = !name.contains("Borrowed");
        assert_eq!(auto, [true, true, is_unwind_safe, true], "{name}");
    }
}

/// The thread-local generator of `rand` keeps its connection in one thread. `Client` names one that does not.
#[test]
fn a_connection_is_send_if_its_generator_is() {
    fn needs_send(_: impl Send + 'static) {}
    const { assert!(<Probe<Connection<Client<StdRng>>>>::SEND) };
    const { assert!(!<Probe<Connection<Client<rand::rngs::ThreadRng>>>>::SEND) };
    let rng = StdRng::seed_from_u64(1);
    needs_send(Connection::after_handshake(Client::new(rng), Config::new(), Agreed::NONE));
}

/// The abilities of roles are traits, so that adapters can use them as bounds.
// WS-10.3-01: whoever can predict the masking keys can choose the bytes that a proxy sees. `SmallRng` is
// fast, and its next numbers follow from those before.
#[test]
fn a_client_needs_a_cryptographically_secure_generator() {
    const { assert!(<Probe<Client<StdRng>>>::ROLE && !<Probe<Client<SmallRng>>>::ROLE) }
    const { assert!(<Probe<FramesOnly<Client<StdRng>>>>::ROLE && !<Probe<FramesOnly<Client<SmallRng>>>>::ROLE) }
}

#[test]
fn adapters_can_name_the_abilities_of_a_role() {
    fn accept<R: AcceptsHandshake, S: Storage>(tx: &mut Sender<R, S>) -> Result<(), SendError> {
        tx.accept(&Accept::new())
    }
    fn header<R: Unmasked, S: Storage>(tx: &mut Sender<R, S>) -> Result<FrameHeader, SendError> {
        tx.message_header(Message::Binary(b"payload"))
    }
    let mut server = Connection::after_handshake(Server, Config::new(), Agreed::NONE);
    assert_eq!(accept(server.sender()), Err(Misuse::NoRequest.into()));
    assert_eq!(header(server.sender()).unwrap().as_bytes(), b"\x82\x07");
    let mut server = Connection::after_handshake(FramesOnly::new(Server), Config::new(), Agreed::NONE);
    assert_eq!(header(server.sender()).unwrap().as_bytes(), b"\x82\x07");
}

/// Each type that the crate exports has to be in the table. `handshake` and `deflate` have tables of their
/// own.
#[test]
fn the_table_has_each_public_type() {
    let source = |file: &str| {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file)).unwrap()
    };
    let mut exported = BTreeMap::new();
    for line in source("lib.rs").lines().filter_map(|line| line.strip_prefix("pub use ")) {
        if line.starts_with("handshake::") {
            continue;
        }
        for word in line.split(|char: char| !char.is_alphanumeric() && char != '_') {
            let is_type = word.starts_with(char::is_uppercase) && word.contains(char::is_lowercase);
            exported.insert(word.to_owned(), is_type);
        }
    }
    for line in source("timers.rs").lines() {
        let name = line.strip_prefix("pub struct ").or(line.strip_prefix("pub enum "));
        if let Some(name) = name.and_then(|name| name.split(|char: char| !char.is_alphanumeric()).next()) {
            exported.insert(name.to_owned(), true);
        }
    }
    let traits = ["Role", "AcceptsHandshake", "Unmasked", "Storage"];
    let names: Vec<&str> = types().iter().map(|(name, ..)| *name).collect();
    let is_listed = |exported: &str| {
        names.iter().any(|name| name.split(|char: char| !char.is_alphanumeric()).next() == Some(exported))
    };
    let missing: Vec<_> = exported
        .iter()
        .filter(|(name, is_type)| **is_type && !traits.contains(&name.as_str()) && !is_listed(name))
        .map(|(name, _)| name.as_str())
        .filter(|name| cfg!(feature = "heapless") || !["Borrowed", "Fixed"].contains(name))
        .filter(|name| cfg!(feature = "deflate") || *name != "Compress")
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(exported.len() > 25, "the test does not find the exports: {exported:?}");
}
