"""What every Python peer does with its command line. See ../README.md for what a peer has to do."""
import asyncio, importlib.metadata, sys

FRAGMENTS = ['one ', 'two ', 'three']
PING = b'from the peer'
CLOSE = 4001, 'bye from the peer'
SUBPROTOCOLS = ['other', 'matrix']


def subprotocols(url):
    return SUBPROTOCOLS if url.endswith('/subprotocol') else []


def announce(port):
    print(f'listening on {port}', flush=True)


def report(url, error):
    print(f'{url}: {type(error).__name__}: {error}', file=sys.stderr, flush=True)


def run(package, client, server):
    """PEER version | PEER server [--deflate] | PEER client [--deflate] URL..."""
    action, *rest = sys.argv[1:]
    deflate = rest[:1] == ['--deflate']
    if action == 'version':
        print(' '.join(f'{name} {importlib.metadata.version(name)}' for name in package.split()))
    elif action == 'server':
        asyncio.run(server(deflate))
    else:
        asyncio.run(visit(client, rest[deflate:], deflate))


async def visit(client, urls, deflate):
    for url in urls:
        try:
            await client(url, deflate)
        except Exception as error:
            report(url, error)
