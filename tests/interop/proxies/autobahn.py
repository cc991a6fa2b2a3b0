"""autobahn.py ECHO_SERVER WSTEST REPORTS: groups 1 to 7 of the Autobahn testsuite through each proxy, strict.

The directory REPORTS gets the reports."""
import asyncio, os, sys, tempfile

import proxies
from certificates import make_certificates

SUITE = os.path.join(proxies.HERE, '..', 'autobahn', 'autobahn-server')
GROUPS = [f'{group}.*' for group in range(1, 8)]


async def main(echo_server, wstest, reports):
    failed = False
    server = await proxies.Server.start(echo_server)
    try:
        with tempfile.TemporaryDirectory() as directory:
            make_certificates(directory)
            for kind in (proxies.Nginx, proxies.Haproxy):
                async with kind(directory, server.port) as proxy:
                    suite = await asyncio.create_subprocess_exec(
                        SUITE, wstest, kind.name, str(proxy.tls), os.path.join(reports, kind.name),
                        '--scheme', 'wss', '--strict', '--jobs', '2', '--timeout', '600', '--cases', *GROUPS)
                    try:
                        failed |= await suite.wait() != 0
                    finally:
                        if suite.returncode is None:
                            suite.terminate()        # it ends wstest, too
                            await suite.wait()
    finally:
        await server.stop()
    return failed


if len(sys.argv) != 4:
    sys.exit(__doc__)
sys.exit(proxies.run(main(*sys.argv[1:])))
