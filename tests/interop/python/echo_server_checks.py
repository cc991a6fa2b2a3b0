"""Checks the example `echo_server` with `websockets` as its client."""
import asyncio, random

from websockets.asyncio.client import connect as websockets_connect

from harness import Program, equal


compression = None


def connect(url, **options):
    return websockets_connect(url, compression=compression, max_size=None, proxy=None, ping_interval=None, **options)


async def echoes(url, message):
    async with connect(url) as socket:
        await socket.send(message)
        equal(await socket.recv(), message)


async def keeps_order(url):
    """Sends empty, text and binary messages on one connection."""
    messages = ['', b'', 'one', b'two', '', 'three', bytes(range(256))] * 20
    async with connect(url) as socket:
        for message in messages:
            await socket.send(message)
        for message in messages:
            equal(await socket.recv(), message)


async def fragments(url, pieces):
    async with connect(url) as socket:
        await socket.send(pieces)
        equal(await socket.recv(), pieces[0][:0].join(pieces))


async def ping_between_fragments(url):
    async with connect(url) as socket:
        async def pieces():
            yield 'before '
            await (await socket.ping(b'between'))
            yield 'after'
        await socket.send(pieces())
        equal(await socket.recv(), 'before after')


async def ping(url, payload):
    """`websockets` accepts only a pong with the same payload as the answer to a ping."""
    async with connect(url) as socket:
        await (await socket.ping(payload))


async def unsolicited_pong(url):
    async with connect(url) as socket:
        await socket.pong(b'unsolicited')
        await socket.send('still there')
        equal(await socket.recv(), 'still there')


async def close(url, code, reason):
    async with connect(url) as socket:
        await socket.close(code, reason)
        equal(socket.protocol.close_rcvd.code, code)
        equal(socket.protocol.close_rcvd_then_sent, False)


async def close_after_messages(url):
    """Messages that were sent before the close are still echoed."""
    async with connect(url) as socket:
        for n in range(50):
            await socket.send(str(n))
        for n in range(50):
            equal(await socket.recv(), str(n))
        await socket.close()
        equal(socket.protocol.close_rcvd.code, 1000)


async def unknown_subprotocol(url):
    async with connect(url, subprotocols=['no.such.protocol', 'nor.this.one']) as socket:
        equal(socket.subprotocol, None)
        equal('Sec-WebSocket-Protocol' in socket.response.headers, False)
        await socket.send('works without')
        equal(await socket.recv(), 'works without')


async def no_extension(url):
    """An offer of permessage-deflate is declined, and the connection works."""
    async with websockets_connect(url, proxy=None) as socket:
        equal('Sec-WebSocket-Extensions' in socket.response.headers, False)
        await socket.send('plain' * 100)
        equal(await socket.recv(), 'plain' * 100)


async def several_at_once(url, connections=30, messages=30):
    async def one(seed):
        chance = random.Random(seed)
        async with connect(url) as socket:
            for _ in range(messages):
                sent = chance.randbytes(chance.choice((0, 1, 125, 126, 4096, 65535, 65536)))
                await socket.send(sent)
                equal(await socket.recv(), sent)
    async with asyncio.TaskGroup() as group:
        for n in range(connections):
            group.create_task(one(n))


async def lost_connection(url):
    """A connection that is lost in the middle of a message does not affect another one."""
    async with connect(url) as stays:
        lost = await connect(url)
        async def pieces():
            yield 'never finished'
            lost.transport.abort()
            yield 'too late'
        try:
            await lost.send(pieces())
        except Exception:
            pass
        await stays.send('stays')
        equal(await stays.recv(), 'stays')
    await echoes(url, 'and a new one is served')


async def run(checks, program, *options):
    """With the option --deflate all messages are compressed."""
    global compression
    compression = 'deflate' if options else None
    title = ' '.join(['echo_server', *options]) + ': '
    server = await Program.start(program, *options, '127.0.0.1:0')
    try:
        found = []

        async def listens():
            found.append((await server.line_matching(r'ws://127\.0\.0\.1:\d+'))[0] + '/')
        await checks.run(title + 'prints the address that it listens on', listens)
        if not found:
            print('  echo_server printed ' + server.said())
            return
        url, = found
        chance = random.Random(6455)
        for name, check, *arguments in (
            ('text', echoes, 'Grüße, 世界, 🦀'),
            ('binary', echoes, bytes(range(256))),
            ('empty text', echoes, ''),
            ('empty binary', echoes, b''),
            *((f'binary of {size} bytes', echoes, chance.randbytes(size)) for size in (125, 126, 127, 65535, 65536)),
            ('binary of 1 MiB', echoes, chance.randbytes(1 << 20)),
            ('text of 1 MiB', echoes, 'ä' * (1 << 19)),
            ('many messages in order', keeps_order),
            ('text in fragments', fragments, ['one ', '', 'two ', 'thr', 'ee']),
            ('binary in fragments', fragments, [b'', bytes(1000), b'\xff' * 70000, b'']),
            ('text of 1 MiB in 1024 fragments', fragments, ['x' * 1024] * 1024),
            ('ping between fragments', ping_between_fragments),
            ('ping with a payload', ping, b'payload'),
            ('ping without a payload', ping, b''),
            ('ping of 125 bytes', ping, bytes(range(125))),
            ('unsolicited pong', unsolicited_pong),
            ('close 1000', close, 1000, ''),
            ('close 4000 with a reason', close, 4000, 'the reason'),
            ('close with a reason of 123 bytes', close, 3000, 'r' * 123),
            ('close after messages', close_after_messages),
            ('unknown subprotocols', unknown_subprotocol),
            *([] if compression else [('permessage-deflate is declined', no_extension)]),
            ('several connections at once', several_at_once),
            ('lost connection', lost_connection),
        ):
            await checks.run(title + name, check, url, *arguments)
    finally:
        await server.stop()
        if checks.failed:
            print('  echo_server printed ' + server.said())
