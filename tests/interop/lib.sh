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

# build_examples NAME...: with compression, for those who ask for it. Sets `examples` to their directory.
build_examples() {
  # shellcheck disable=SC2046
  cargo build --release --features deflate $(printf -- '--example %s ' "$@")
  examples=$(realpath "${CARGO_TARGET_DIR:-target}")/release/examples
}

# Sets `client` to the program. It is a package of its own, as only it needs TLS.
build_client() {
  cargo build --release --manifest-path examples/client/Cargo.toml
  client=$(realpath "${CARGO_TARGET_DIR:-examples/client/target}")/release/client
}

# Sets `python` to one that has the package `websockets`.
websockets_venv() {
  need python3 python3
  local venv=$cache/python requirements=tests/interop/python/requirements.txt stamp
  stamp="$(python3 --version) $(cat $requirements)"
  if [ "$(cat "$venv/stamp" 2> /dev/null)" != "$stamp" ]; then
    # Debian's python3 has `venv`, but not the `ensurepip` that this needs.
    python3 -c 'import ensurepip' 2> /dev/null || apt_install python3-venv
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check -r $requirements
    echo "$stamp" > "$venv/stamp"
  fi
  python=$venv/bin/python
}

# Prints a port that is free, and so is the next one: Autobahn's fuzzing servers take two in a row.
free_port() {
  python3 - <<'P'
import socket
while True:
    with socket.socket() as first, socket.socket() as second:
        first.bind(('127.0.0.1', 0))
        port = first.getsockname()[1]
        try:
            second.bind(('127.0.0.1', port + 1))
        except (OSError, OverflowError):
            continue
        print(port)
        break
P
}
