# Sourced by the `run` scripts here, which then are in the crate's root.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sansws
mkdir -p "$cache"

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# apt_install PACKAGE...: the lists are updated only if the first try fails.
apt_install() {
  local apt=(as_root apt-get -q -o DPkg::Lock::Timeout=300)
  { "${apt[@]}" install -y --no-install-recommends "$@" ||
    { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "$@"; }; } >&2
}

# need COMMAND PACKAGE...: installs the packages if there is no such command.
need() { command -v "$1" > /dev/null || apt_install "${@:2}"; }

# build_examples NAME...: sets `examples` to their directory.
build_examples() {
  # shellcheck disable=SC2046
  cargo build --release $(printf -- '--example %s ' "$@")
  examples=$(realpath "${CARGO_TARGET_DIR:-target}")/release/examples
}

# Sets `client` to the program. It is a package of its own, as only it needs TLS.
build_client() {
  cargo build --release --manifest-path examples/client/Cargo.toml
  client=$(realpath "${CARGO_TARGET_DIR:-examples/client/target}")/release/client
}
