"""suite.py TOKIO_ECHO_SERVER ECHO_SERVER CLIENT CHAT: runs all checks.

The last line is 'N passed, M failed'."""
import sys, tempfile

from proxies import Haproxy, Nginx, run
import browser_checks, forwarding_checks, http2_checks, lifetime_checks
from certificates import make_certificates
from harness import Checks


async def main(tokio_echo_server, echo_server, client, chat):
    checks = Checks()
    with tempfile.TemporaryDirectory() as directory:
        make_certificates(directory)
        for kind in (Nginx, Haproxy):
            await forwarding_checks.run(checks, kind, directory, tokio_echo_server, echo_server, client)
        await http2_checks.run(checks, directory, tokio_echo_server, echo_server)
        for kind, http in (
            (Nginx, lifetime_checks.Http1),
            (Haproxy, lifetime_checks.Http1),
            (Haproxy, lifetime_checks.Http2),
        ):
            await lifetime_checks.run(checks, kind, http, directory, tokio_echo_server)
        await browser_checks.run(checks, directory, chat)
    print(f'{checks.passed} passed, {checks.failed} failed')
    return 1 if checks.failed or not checks.passed else 0


if len(sys.argv) != 5:
    sys.exit(__doc__)
sys.exit(run(main(*sys.argv[1:])))
