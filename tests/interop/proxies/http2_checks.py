"""WebSockets over HTTP/2 (RFC 8441): haproxy translates them, and nginx does not."""
import asyncio, random

import http2, proxies
from deflate_checks import text
from forwarding_checks import FOREIGN, connect
from harness import equal
from recorder import GREETING, recorder


def authority(proxy):
    return f'localhost:{proxy.tls}'


async def open_stream(connection, proxy, *headers):
    stream = await connection.request(authority(proxy), headers=headers)
    equal((stream.status, stream.ended), ('200', None))
    return stream


async def echoes(proxy, *messages):
    async with http2.connect(proxy) as connection:
        equal(await connection.has_extended_connect(), True)
        stream = await open_stream(connection, proxy)
        for message in messages:
            async with asyncio.TaskGroup() as group:
                # The echo of a large message begins before its last byte is sent.
                group.create_task(stream.send(message))
                equal(await stream.recv() == message, True)
        equal((await stream.close(4000, 'the reason')).code, 4000)


async def many_streams(proxy, count):
    """Many WebSockets on one connection. One of them ends, and the others go on."""
    async with http2.connect(proxy) as connection:
        streams = [await open_stream(connection, proxy) for _ in range(count)]
        for round in range(3):
            for number, stream in enumerate(streams):
                await stream.send(f'{round} {number}')
            for number, stream in enumerate(streams):
                equal(await stream.recv(), f'{round} {number}')
            equal((await streams.pop().close()).code, 1000)
        for stream in streams:
            equal((await stream.close()).code, 1000)


async def compresses(proxy):
    async with http2.connect(proxy) as connection:
        stream = await open_stream(connection, proxy, ('sec-websocket-extensions', 'permessage-deflate'))
        equal(stream.response.get('sec-websocket-extensions'), 'permessage-deflate')
        for message in (text(1, 20_000), text(2, 20_000)):
            await stream.send(message)
            equal(await stream.recv(), message)
        await stream.close()


async def checks_the_origin(proxy):
    async with http2.connect(proxy) as connection:
        await open_stream(connection, proxy, ('origin', f'https://{authority(proxy)}'))
        refused = await connection.request(authority(proxy), headers=[('origin', FOREIGN)])
        equal(refused.status, '403')
        # The connection of HTTP/2 goes on.
        await open_stream(connection, proxy)


async def chooses_a_subprotocol(proxy):
    async with http2.connect(proxy) as connection:
        stream = await open_stream(connection, proxy, ('sec-websocket-protocol', 'unknown, echo'))
        equal(stream.response.get('sec-websocket-protocol'), 'echo')


async def becomes_http1(proxy, server):
    """What the server gets for an extended CONNECT, and the frame that comes together with its answer."""
    async with http2.connect(proxy) as connection:
        stream = await connection.request(authority(proxy), '/chat?room=7', [('origin', FOREIGN)])
        equal(stream.status, '200')
        equal(await stream.recv(), GREETING)
    request = await server.requests.get()
    equal(request.line, 'GET /chat?room=7 HTTP/1.1')
    for name, value in {
        'host': authority(proxy), 'origin': FOREIGN, 'upgrade': 'websocket', 'sec-websocket-version': '13',
        'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': authority(proxy), 'x-forwarded-proto': 'https',
    }.items():
        equal((name, request.header(name)), (name, value))
    equal(request.header('connection').lower(), 'upgrade')
    # The client has no key, so haproxy makes one.
    equal(len(request.header('sec-websocket-key')), 24)


async def server_notices_a_reset(proxy, server):
    async with http2.connect(proxy) as connection:
        lost, stays = [await open_stream(connection, proxy) for _ in range(2)]
        await proxies.until(lambda: server.connections() == 2)
        connection.h2.reset_stream(lost.id)
        await connection.write()
        await proxies.until(lambda: server.connections() == 1)
        await stays.send('stays')
        equal(await stays.recv(), 'stays')
        await stays.close()


async def is_not_translated(proxy):
    """nginx neither offers nor answers extended CONNECT, and serves the same client over HTTP/1.1."""
    async with http2.connect(proxy) as connection:
        equal(await connection.has_extended_connect(), False)
        stream = await connection.request(authority(proxy))
        equal(stream.status, '400')
    async with connect(proxy) as socket:
        await socket.send('over HTTP/1.1')
        equal(await socket.recv(), 'over HTTP/1.1')


async def run(checks, files, tokio_echo_server, echo_server):
    server = await proxies.Server.start(tokio_echo_server, '--deflate')
    plain_server = await proxies.Server.start(echo_server)
    chance = random.Random(8441)
    title = 'haproxy, HTTP/2: '
    try:
        async with proxies.Haproxy(files, server.port) as proxy:
            for name, check, *arguments in (
                ('messages, close with a code', echoes, 'Grüße, 世界', b'', chance.randbytes(65536)),
                ('a message of 4 MiB', echoes, chance.randbytes(4 << 20)),
                ('many WebSockets on one connection', many_streams, 30),
                ('compressed messages', compresses),
                ('pages of other sites are rejected with 403', checks_the_origin),
                ('the server notices a reset stream', server_notices_a_reset, server),
            ):
                await checks.run(title + name, check, proxy, *arguments)
            await checks.run(title + 'the server frees closed connections', lambda: proxies.until(
                lambda: server.connections() == 0))
        async with proxies.Haproxy(files, plain_server.port) as proxy:
            await checks.run(title + 'echo_server: subprotocol', chooses_a_subprotocol, proxy)
        async with recorder() as recording, proxies.Haproxy(files, recording.port) as proxy:
            await checks.run(title + 'the server gets a request of HTTP/1.1', becomes_http1, proxy, recording)
        async with proxies.Nginx(files, server.port) as proxy:
            await checks.run('nginx, HTTP/2: WebSockets need HTTP/1.1', is_not_translated, proxy)
    finally:
        await server.stop()
        await plain_server.stop()
