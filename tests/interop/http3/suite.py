"""suite.py SERVER CLIENT: runs all checks. The last line is 'N passed, M failed'."""
import asyncio, os, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, '..', 'python'))

import harness
import client_checks, server_checks

harness.LIMIT = 60                       # seconds: aioquic is written in Python, so large messages take time


async def main(server, client):
    checks = harness.Checks()
    with tempfile.TemporaryDirectory() as files:
        certificates = os.path.join(HERE, '..', 'certificates')
        subprocess.run([certificates, files], check=True, stdin=subprocess.DEVNULL)
        await server_checks.run(checks, server, files)
        await client_checks.run(checks, client, files)
    print(f'{checks.passed} passed, {checks.failed} failed')
    return 1 if checks.failed or not checks.passed else 0


if len(sys.argv) != 3:
    sys.exit(__doc__)
sys.exit(asyncio.run(main(*sys.argv[1:])))
