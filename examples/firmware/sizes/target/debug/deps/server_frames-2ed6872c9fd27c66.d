/tmp/sw-small/examples/firmware/sizes/target/debug/deps/server_frames-2ed6872c9fd27c66.d: src/bin/server_frames.rs Cargo.toml

/tmp/sw-small/examples/firmware/sizes/target/debug/deps/libserver_frames-2ed6872c9fd27c66.rmeta: src/bin/server_frames.rs Cargo.toml

src/bin/server_frames.rs:
Cargo.toml:

# env-dep:CLIPPY_ARGS=-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__
# env-dep:CLIPPY_CONF_DIR
