"""What a proxy passes on, over HTTP/1.1 and TLS, with `websockets` and the example `client` as clients."""
import asyncio, os, random
from socket import AF_INET

from websockets.asyncio.client import connect as websockets_connect
from websockets.exceptions import InvalidStatus

import proxies
from harness import Program, equal
from deflate_checks import Watched, text
from recorder import GREETING, recorder

FOREIGN = 'https://elsewhere.example'


def connect(proxy, path='/', *, url=None, compression=None, **options):
    options = {'ping_interval': None, 'max_size': None, 'proxy': None, **options}
    return websockets_connect(url or proxy.url(path), ssl=proxy.context(), compression=compression, **options)


async def echoes(proxy, *messages):
    async with connect(proxy) as socket:
        for message in messages:
            await socket.send(message)
            equal(await socket.recv(), message)
        await socket.close(4000, 'the reason')
        equal(socket.protocol.close_rcvd.code, 4000)


async def both_ways_at_once(proxy, count, size):
    """The client sends everything before it reads anything that `websockets` does not keep."""
    message = random.Random(size).randbytes(size)
    async with connect(proxy) as socket:
        async def send():
            for _ in range(count):
                await socket.send(message)
        async with asyncio.TaskGroup() as group:
            group.create_task(send())
            for _ in range(count):
                equal(await socket.recv() == message, True)


async def compresses(proxy):
    async with connect(proxy, compression='deflate') as socket:
        watched = Watched(socket)
        for message in (text(1, 20_000), text(2, 20_000)):
            await socket.send(message)
            equal(await socket.recv(), message)
        equal([compressed and length < 50_000 for compressed, length in watched.received], [True, True])


async def chooses_a_subprotocol(proxy):
    async with connect(proxy, subprotocols=['unknown', 'echo']) as socket:
        equal(socket.subprotocol, 'echo')


async def accepts_pages_of(proxy, origin, options={}):
    async with connect(proxy, origin=origin, **options) as socket:
        await socket.send('from the own page')
        equal(await socket.recv(), 'from the own page')


async def rejects_pages_of(proxy, origin, status=403, options={}):
    try:
        async with connect(proxy, origin=origin, **options):
            pass
    except InvalidStatus as refused:
        equal(refused.response.status_code, status)
    else:
        raise AssertionError(f'a page of {origin} has connected')


async def shows_the_client(proxy, server):
    """The headers that the server gets. The client sends forged ones, and they do not arrive."""
    forged = {'X-Forwarded-For': '192.0.2.1', 'X-Forwarded-Host': 'a.example', 'X-Forwarded-Proto': 'ftp'}
    path = '/chat%20room?name=a&name=b'
    async with connect(proxy, path, origin=FOREIGN, additional_headers=forged, subprotocols=['one', 'two']):
        request = await server.requests.get()
    host = f'localhost:{proxy.tls}'
    equal(request.line, f'GET {path} HTTP/1.1')
    for name, value in {
        'host': host, 'origin': FOREIGN, 'upgrade': 'websocket', 'sec-websocket-version': '13',
        'sec-websocket-protocol': 'one, two', 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': host,
        'x-forwarded-proto': 'https',
    }.items():
        equal((name, request.header(name)), (name, value))
    equal(request.header('connection').lower(), 'upgrade')


async def our_client(proxy, client, *options):
    trusted = {**os.environ, 'SSL_CERT_FILE': proxy.files + '/ca.pem'}
    return await Program.start(client, *options, proxy.url(), env=trusted)


async def delivers_frames_with_the_answer(proxy, client):
    """The server sends its first message in the same segment as its answer to the opening handshake."""
    async with connect(proxy) as socket:
        equal(await socket.recv(), GREETING)
    program = await our_client(proxy, client)
    try:
        await program.line_matching(f'^< {GREETING}$')
    finally:
        await program.stop()


async def delivers_frames_with_the_request(proxy):
    """A client should wait for the answer, but what an impatient one sends is not lost."""
    reader, writer = await asyncio.open_connection(
        'localhost', proxy.tls, ssl=proxy.context(), family=AF_INET)
    payload = b'early'
    writer.write(
        f'GET / HTTP/1.1\r\nHost: localhost:{proxy.tls}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
        'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n'.encode() +
        bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
    try:
        head = await reader.readuntil(b'\r\n\r\n')
        equal(head.split(b' ')[1], b'101')
        equal(await reader.readexactly(2 + len(payload)), bytes([0x81, len(payload)]) + payload)
    finally:
        writer.transport.abort()


async def our_client_talks(proxy, client):
    program = await our_client(proxy, client, '--deflate')
    try:
        for line in ('hello', 'Grüße, 世界, 🦀', 'x' * 5000):
            await program.type(line + '\n')
            equal((await program.line_matching('^< (.*)'))[1], line)
        program.end_of_input()
        equal(await program.status(), 0)
    finally:
        await program.stop()


async def redirects_to_tls(proxy):
    reader, writer = await asyncio.open_connection('127.0.0.1', proxy.plain)
    writer.write(b'GET /chat?room=7 HTTP/1.1\r\nHost: chat.example\r\nConnection: close\r\n\r\n')
    head = (await reader.read()).decode()
    writer.close()
    equal(head.split()[1], '301')
    equal('location: https://chat.example/chat?room=7\r\n' in head.lower(), True)


async def says_that_the_server_is_away(proxy):
    await rejects_pages_of(proxy, None, proxy.refusal_without_server)


async def run(checks, kind, files, tokio_echo_server, echo_server, client):
    title = f'{kind.name}, HTTP/1.1: '
    chance = random.Random(15)
    server = await proxies.Server.start(tokio_echo_server, '--deflate')
    plain_server = await proxies.Server.start(echo_server)
    try:
        async with kind(files, server.port) as proxy:
            own = f'https://localhost:{proxy.tls}'
            # A name that only the `Host` header has: it neither resolves nor is it in the certificate.
            chat = dict(url='wss://chat.example/', server_hostname='localhost',
                        host='127.0.0.1', port=proxy.tls)
            for name, check, *arguments in (
                ('short messages, close with a code', echoes, 'Grüße, 世界', b'', '', bytes(range(256))),
                ('messages around the sizes of headers and buffers', echoes,
                 *(chance.randbytes(size) for size in (125, 126, 4095, 4096, 16383, 16384, 65535, 65536))),
                ('a message of 16 MiB', echoes, chance.randbytes(16 << 20)),
                ('a text of 4 MiB', echoes, 'ä' * (2 << 20)),
                ('both directions at once', both_ways_at_once, 24, 1 << 20),
                ('compressed messages', compresses),
                ('a page of the own site is accepted', accepts_pages_of, own),
                ('a page of the own site at the default port is accepted', accepts_pages_of,
                 'https://chat.example', chat),
                ('a page of another site is rejected with 403', rejects_pages_of, FOREIGN),
                ('a page of another port is rejected with 403', rejects_pages_of, 'https://localhost'),
                ('a page without TLS is rejected with 403', rejects_pages_of, 'http://chat.example',
                 403, chat),
                ('frames that arrive together with the request', delivers_frames_with_the_request),
                ('our client', our_client_talks, client),
                ('requests without TLS are redirected', redirects_to_tls),
            ):
                await checks.run(title + name, check, proxy, *arguments)
            await checks.run(title + 'the server frees closed connections', lambda: proxies.until(
                lambda: server.connections() == 0))
        async with kind(files, plain_server.port) as proxy:
            for name, check, *arguments in (
                ('echo_server: messages', echoes, 'text', bytes(100_000)),
                ('echo_server: subprotocol', chooses_a_subprotocol),
                ('echo_server: a page of the own site is accepted', accepts_pages_of,
                 f'https://localhost:{proxy.tls}'),
                ('echo_server: a page without TLS is rejected', rejects_pages_of,
                 f'http://localhost:{proxy.tls}'),
                ('echo_server: frames that arrive together with the request',
                 delivers_frames_with_the_request),
            ):
                await checks.run(title + name, check, proxy, *arguments)
        if kind is proxies.Nginx:
            async with kind(files, server.port, **{'proxy_set_header Host $http_host;': ''}) as proxy:
                await checks.run(title + 'without the line for Host even the own page is rejected',
                                 rejects_pages_of, proxy, f'https://localhost:{proxy.tls}')
        async with recorder() as recording, kind(files, recording.port) as proxy:
            await checks.run(title + 'the server sees the request and the address of the client',
                             shows_the_client, proxy, recording)
            await checks.run(title + 'frames that arrive together with the answer',
                             delivers_frames_with_the_answer, proxy, client)
        async with kind(files, proxies.free_port()) as proxy:
            await checks.run(title + 'without a server', says_that_the_server_is_away, proxy)
    finally:
        await server.stop()
        await plain_server.stop()
