# The scripts here source this file. It sets the environment for cargo, and `toolchain`.
#
# The programs in drivers/embassy/boards need a newer compiler than the library does, because embassy-net and
# esp-hal do. So the scripts take the Rust that rust-toolchain.toml pins, and rustup installs the targets for
# it. The lock files pin everything else.
boards=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../../drivers/embassy/boards")
toolchain=$(sed -n 's/^channel *= *"\(.*\)"/\1/p' "$boards/../../../rust-toolchain.toml")
export CARGO_TARGET_DIR=${XDG_CACHE_HOME:-$HOME/.cache}/sansws/boards-target
export CARGO_INCREMENTAL=0 RUSTFLAGS='-D warnings' RUSTUP_TOOLCHAIN=$toolchain

# add_targets TARGET...: installs what the compiler needs for them.
add_targets() { rustup target add --toolchain "$toolchain" "$@"; }

# build_board NAME TARGET: builds the program in boards/NAME. Sets `program` to its path.
build_board() {
  cargo build --locked --release --target "$2" --manifest-path "$boards/$1/Cargo.toml" || return 1
  program=$CARGO_TARGET_DIR/$2/release/sansws-$1
}
