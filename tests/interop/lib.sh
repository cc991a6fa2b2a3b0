# The `run` scripts source this file, which changes to the crate's root.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/tools.sh
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sansws
mkdir -p "$cache"

# build_examples NAME...: builds the examples with compression, which they use only if asked to. Sets `examples` to their
# directory.
build_examples() {
  # shellcheck disable=SC2046
  cargo build --locked --release --features deflate $(printf -- '--example %s ' "$@")
  examples=$(realpath "${CARGO_TARGET_DIR:-target}")/release/examples
}

# build_driver_examples NAME...: the same for examples of the driver for tokio.
build_driver_examples() {
  # shellcheck disable=SC2046
  cargo build --locked --release -p sansws-tokio --features axum,deflate,rustls $(printf -- '--example %s ' "$@")
  examples=$(realpath "${CARGO_TARGET_DIR:-target}")/release/examples
}

# build_chat: builds the example `chat`, a package of its own. Sets `chat` to the program.
build_chat() {
  cargo build --locked --release --features deflate -p chat
  chat=$(realpath "${CARGO_TARGET_DIR:-target}")/release/chat
}

# build_client: builds the example `client`, a package of its own because only it needs TLS. Sets `client` to the program.
build_client() {
  cargo build --locked --release --manifest-path examples/client/Cargo.toml
  client=$(realpath "${CARGO_TARGET_DIR:-examples/client/target}")/release/client
}

# programs_of [--tokio]: builds an echo server and a client, with --tokio those of the driver for tokio. Sets
# `echo_server` and `client` to the programs.
programs_of() {
  case "$*" in
    '')
      build_examples echo_server
      build_client
      echo_server=$examples/echo_server
      ;;
    --tokio)
      build_driver_examples tokio_echo_server tokio_client
      echo_server=$examples/tokio_echo_server client=$examples/tokio_client
      ;;
    *) echo 'usage: run [--tokio]' >&2; exit 2 ;;
  esac
}

# websockets_venv: sets `python` to an interpreter that has the package `websockets`.
websockets_venv() { python_venv python; }

# python_venv SUITE: sets `python` to an interpreter that has the packages of tests/interop/SUITE/requirements.txt, which
# may include the file of another suite.
python_venv() {
  need python3 python3
  local venv=$cache/$1 requirements=tests/interop/$1/requirements.txt stamp
  stamp="$(python3 --version) $(cat tests/interop/*/requirements.txt)"
  if [ "$(cat "$venv/stamp" 2> /dev/null)" != "$stamp" ]; then
    # Debian's python3 has the module `venv`, but not the module `ensurepip` that it needs.
    python3 -c 'import ensurepip' 2> /dev/null || apt_install python3-venv
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install -q --disable-pip-version-check --require-hashes -r "$requirements"
    echo "$stamp" > "$venv/stamp"
  fi
  python=$venv/bin/python
}

# npm_packages FOLDER: installs the packages of FOLDER/package-lock.json there.
npm_packages() {
  need node nodejs
  need npm npm
  local modules=$1/node_modules stamp
  stamp="$(node --version) $(cat "$1"/package*.json | sha256sum)"
  if [ "$(cat "$modules/.stamp" 2> /dev/null)" != "$stamp" ]; then
    (cd "$1" && npm ci --omit=dev --no-audit --no-fund)
    echo "$stamp" > "$modules/.stamp"
  fi
}

# need_chromium: installs Chromium if there is none. tests/tools.sh says why it is not pinned further.
need_chromium() {
  command -v chromium > /dev/null ||
    apt_install "chromium=$chromium" "chromium-common=$chromium" || apt_install chromium
}

# free_port: prints a port that is free and whose successor is free: Autobahn's fuzzing servers take two in a row.
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
