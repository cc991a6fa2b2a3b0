"""suite.py ECHO_SERVER CLIENT: runs all checks. The last line is 'N passed, M failed'."""
import asyncio, sys

import echo_server_checks, client_checks, deflate_checks, http_checks, window_checks
from harness import Checks


async def main(echo_server, client):
    checks = Checks()
    await echo_server_checks.run(checks, echo_server)
    await echo_server_checks.run(checks, echo_server, '--deflate')
    await client_checks.run(checks, client)
    await deflate_checks.run(checks, echo_server, client)
    await window_checks.run(checks, echo_server, client)
    await http_checks.run(checks, echo_server, client)
    print(f'{checks.passed} passed, {checks.failed} failed')
    return 1 if checks.failed or not checks.passed else 0


if len(sys.argv) != 3:
    sys.exit(__doc__)
sys.exit(asyncio.run(main(*sys.argv[1:])))
