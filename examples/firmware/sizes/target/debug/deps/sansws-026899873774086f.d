/tmp/sw-small/examples/firmware/sizes/target/debug/deps/sansws-026899873774086f.d: /tmp/sw-small/src/lib.rs /tmp/sw-small/src/close.rs /tmp/sw-small/src/config.rs /tmp/sw-small/src/connection/mod.rs /tmp/sw-small/src/connection/answer.rs /tmp/sw-small/src/connection/compression/absent.rs /tmp/sw-small/src/connection/constant.rs /tmp/sw-small/src/connection/opening.rs /tmp/sw-small/src/connection/receive.rs /tmp/sw-small/src/connection/receive/found.rs /tmp/sw-small/src/connection/receive/own.rs /tmp/sw-small/src/connection/send.rs /tmp/sw-small/src/connection/send/by_itself.rs /tmp/sw-small/src/connection/state.rs /tmp/sw-small/src/error.rs /tmp/sw-small/src/event.rs /tmp/sw-small/src/frame/mod.rs /tmp/sw-small/src/frame/decoder.rs /tmp/sw-small/src/frame/header.rs /tmp/sw-small/src/frame/mask.rs /tmp/sw-small/src/handshake/mod.rs /tmp/sw-small/src/handshake/accept_key.rs /tmp/sw-small/src/handshake/client.rs /tmp/sw-small/src/handshake/fields.rs /tmp/sw-small/src/handshake/head.rs /tmp/sw-small/src/handshake/line.rs /tmp/sw-small/src/handshake/negotiate.rs /tmp/sw-small/src/handshake/origin.rs /tmp/sw-small/src/handshake/out.rs /tmp/sw-small/src/handshake/refusal.rs /tmp/sw-small/src/handshake/server.rs /tmp/sw-small/src/handshake/sha1.rs /tmp/sw-small/src/handshake/uri.rs /tmp/sw-small/src/handshake/view.rs /tmp/sw-small/src/message/mod.rs /tmp/sw-small/src/message/assembler.rs /tmp/sw-small/src/message/utf8.rs /tmp/sw-small/src/role.rs /tmp/sw-small/src/storage.rs /tmp/sw-small/src/storage/fixed.rs /tmp/sw-small/src/storage/row.rs /tmp/sw-small/src/timers.rs

/tmp/sw-small/examples/firmware/sizes/target/debug/deps/libsansws-026899873774086f.rmeta: /tmp/sw-small/src/lib.rs /tmp/sw-small/src/close.rs /tmp/sw-small/src/config.rs /tmp/sw-small/src/connection/mod.rs /tmp/sw-small/src/connection/answer.rs /tmp/sw-small/src/connection/compression/absent.rs /tmp/sw-small/src/connection/constant.rs /tmp/sw-small/src/connection/opening.rs /tmp/sw-small/src/connection/receive.rs /tmp/sw-small/src/connection/receive/found.rs /tmp/sw-small/src/connection/receive/own.rs /tmp/sw-small/src/connection/send.rs /tmp/sw-small/src/connection/send/by_itself.rs /tmp/sw-small/src/connection/state.rs /tmp/sw-small/src/error.rs /tmp/sw-small/src/event.rs /tmp/sw-small/src/frame/mod.rs /tmp/sw-small/src/frame/decoder.rs /tmp/sw-small/src/frame/header.rs /tmp/sw-small/src/frame/mask.rs /tmp/sw-small/src/handshake/mod.rs /tmp/sw-small/src/handshake/accept_key.rs /tmp/sw-small/src/handshake/client.rs /tmp/sw-small/src/handshake/fields.rs /tmp/sw-small/src/handshake/head.rs /tmp/sw-small/src/handshake/line.rs /tmp/sw-small/src/handshake/negotiate.rs /tmp/sw-small/src/handshake/origin.rs /tmp/sw-small/src/handshake/out.rs /tmp/sw-small/src/handshake/refusal.rs /tmp/sw-small/src/handshake/server.rs /tmp/sw-small/src/handshake/sha1.rs /tmp/sw-small/src/handshake/uri.rs /tmp/sw-small/src/handshake/view.rs /tmp/sw-small/src/message/mod.rs /tmp/sw-small/src/message/assembler.rs /tmp/sw-small/src/message/utf8.rs /tmp/sw-small/src/role.rs /tmp/sw-small/src/storage.rs /tmp/sw-small/src/storage/fixed.rs /tmp/sw-small/src/storage/row.rs /tmp/sw-small/src/timers.rs

/tmp/sw-small/src/lib.rs:
/tmp/sw-small/src/close.rs:
/tmp/sw-small/src/config.rs:
/tmp/sw-small/src/connection/mod.rs:
/tmp/sw-small/src/connection/answer.rs:
/tmp/sw-small/src/connection/compression/absent.rs:
/tmp/sw-small/src/connection/constant.rs:
/tmp/sw-small/src/connection/opening.rs:
/tmp/sw-small/src/connection/receive.rs:
/tmp/sw-small/src/connection/receive/found.rs:
/tmp/sw-small/src/connection/receive/own.rs:
/tmp/sw-small/src/connection/send.rs:
/tmp/sw-small/src/connection/send/by_itself.rs:
/tmp/sw-small/src/connection/state.rs:
/tmp/sw-small/src/error.rs:
/tmp/sw-small/src/event.rs:
/tmp/sw-small/src/frame/mod.rs:
/tmp/sw-small/src/frame/decoder.rs:
/tmp/sw-small/src/frame/header.rs:
/tmp/sw-small/src/frame/mask.rs:
/tmp/sw-small/src/handshake/mod.rs:
/tmp/sw-small/src/handshake/accept_key.rs:
/tmp/sw-small/src/handshake/client.rs:
/tmp/sw-small/src/handshake/fields.rs:
/tmp/sw-small/src/handshake/head.rs:
/tmp/sw-small/src/handshake/line.rs:
/tmp/sw-small/src/handshake/negotiate.rs:
/tmp/sw-small/src/handshake/origin.rs:
/tmp/sw-small/src/handshake/out.rs:
/tmp/sw-small/src/handshake/refusal.rs:
/tmp/sw-small/src/handshake/server.rs:
/tmp/sw-small/src/handshake/sha1.rs:
/tmp/sw-small/src/handshake/uri.rs:
/tmp/sw-small/src/handshake/view.rs:
/tmp/sw-small/src/message/mod.rs:
/tmp/sw-small/src/message/assembler.rs:
/tmp/sw-small/src/message/utf8.rs:
/tmp/sw-small/src/role.rs:
/tmp/sw-small/src/storage.rs:
/tmp/sw-small/src/storage/fixed.rs:
/tmp/sw-small/src/storage/row.rs:
/tmp/sw-small/src/timers.rs:
