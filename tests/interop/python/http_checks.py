"""The HTTP of the opening handshake: servers on a plain socket for the example `client`, requests for `echo_server`."""
import asyncio, base64, hashlib
from contextlib import asynccontextmanager

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from harness import Program, equal

GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
KEY = 'dGhlIHNhbXBsZSBub25jZQ=='


def accept(key):
    return base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()


# ---- checks of the example `client` ----

@asynccontextmanager
async def answered(program, answer):
    """The client, connected to a server that sends `answer` and then keeps the transport open."""
    async def serve(reader, writer):
        head = (await reader.readuntil(b'\r\n\r\n')).decode()
        key = next(line.split(': ')[1] for line in head.split('\r\n') if line.startswith('Sec-WebSocket-Key'))
        writer.write(answer.replace(b'ACCEPT', accept(key).encode()))
        await writer.drain()
        while await reader.read(1 << 16):
            pass
        writer.close()
    server = await asyncio.start_server(serve, '127.0.0.1', 0)
    port = server.sockets[0].getsockname()[1]
    client = await Program.start(program, f'ws://127.0.0.1:{port}/')
    try:
        yield client
    except BaseException:
        print('  client printed ' + client.said())
        raise
    finally:
        await client.stop()
        server.close()


async def refused(program, answer):
    """The client reports the refusal although the server does not end the transport."""
    async with answered(program, answer) as client:
        equal(await client.status() > 0, True)
        equal('refused: 403' in client.said(), True)


async def opened(program, answer):
    async with answered(program, answer + b'\x81\x05hello') as client:
        await client.line_matching('^< hello$')


REFUSALS = (
    ('Content-Length: 2, 2', 'Content-Length: 2, 2', b'no'),
    ('two equal lengths', 'Content-Length: 2\r\nContent-Length: 2', b'no'),
    ('Content-Length: 2, 5', 'Content-Length: 2, 5', b'no'),
    ('two different lengths', 'Content-Length: 2\r\nContent-Length: 5', b'no'),
    ('a length that is no number', 'Content-Length: two', b'no'),
    ('an empty length', 'Content-Length:', b'no'),
    ('a length and chunks', 'Content-Length: 7\r\nTransfer-Encoding: chunked', b'2\r\nno\r\n'),
    ('a transfer coding with a parameter', 'Transfer-Encoding: chunked;q=1', b'2\r\nno\r\n0\r\n\r\n'),
    ('chunks', 'Transfer-Encoding: chunked', b'2\r\nno\r\n0\r\n\r\n'),
    ('chunks without an empty line at their end', 'Transfer-Encoding: chunked', b'2\r\nno\r\n0\r\n'),
    ('text in place of chunks', 'Transfer-Encoding: chunked', b'a refusal'),
    ('a chunk that is too long', 'Transfer-Encoding: chunked', b'2\r\nnope\r\n0\r\n\r\n'),
    ('folds', 'Feature-Policy: a;\r\n  b\r\nContent-Length:\r\n 2', b'no'),
    ('a space in front of the colon', 'Server : old\r\nContent-Length : 2', b'no'),
)


# ---- checks of the example `echo_server` ----

async def answer_to(url, extra, content=b''):
    """The answer to a raw request with these further lines, up to the end of the transport."""
    address = url.split('/')[2]
    host, port = address.split(':')
    reader, writer = await asyncio.open_connection(host, port)
    head = (f'GET / HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
            f'Sec-WebSocket-Key: {KEY}\r\n{extra}\r\n')
    writer.write(head.encode() + content)
    try:
        return await reader.read(-1)
    finally:
        writer.close()


async def rejects(url, status, extra, content=b''):
    answer = (await answer_to(url, extra, content)).decode()
    equal(answer.split(' ')[1], str(status))
    equal(answer.endswith('\r\n\r\n'), True)


async def expectation(url):
    """The server accepts no content, so it need not ask for it (RFC 9110 section 10.1.1)."""
    try:
        async with connect(url, proxy=None, additional_headers={'Expect': '100-continue'}):
            raise AssertionError('the handshake succeeded')
    except InvalidStatus as error:
        equal(error.response.status_code, 417)


FRAME = b'\x81\x88\0\0\0\0smuggled'

REJECTED = (
    ('a fold', 400, 'X: a\r\n b\r\n', b''),
    ('a space in front of the colon', 400, 'X : a\r\n', b''),
    ('content that is a frame', 400, f'Content-Length: {len(FRAME)}\r\n', FRAME),
    ('a chunk that is a frame', 400, 'Transfer-Encoding: chunked\r\n', b'e\r\n' + FRAME + b'\r\n0\r\n\r\n'),
    ('two lengths', 400, 'Content-Length: 0\r\nContent-Length: 14\r\n', FRAME),
)


async def run(checks, echo_server, client):
    for name, fields, body in REFUSALS:
        answer = f'HTTP/1.1 403 Forbidden\r\nConnection: keep-alive\r\n{fields}\r\n\r\n'.encode() + body
        await checks.run(f'client: refused with {name}', refused, client, answer)
    for name, fields in (
        ('plain headers', 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT'),
        ('folds', 'Upgrade:\r\n websocket\r\nConnection: keep-alive,\r\n\tUpgrade\r\nSec-WebSocket-Accept:\r\n  ACCEPT'),
        ('a line with a space before the headers',
         ' X: y\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ACCEPT'),
    ):
        await checks.run(f'client: a 101 with {name}', opened, client, f'HTTP/1.1 101 Ok\r\n{fields}\r\n\r\n'.encode())

    server = await Program.start(echo_server, '127.0.0.1:0')
    try:
        url = (await server.line_matching(r'ws://127\.0\.0\.1:\d+'))[0] + '/'
        for name, status, extra, content in REJECTED:
            await checks.run(f'echo_server: rejects {name}', rejects, url, status, extra, content)
        await checks.run('echo_server: rejects an expectation', expectation, url)
    finally:
        await server.stop()
