"""Runs the example `http3_client` against servers made with aioquic."""
import asyncio, os
from contextlib import asynccontextmanager

from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate

from harness import Program, equal
from peer import CANCELLED, H3Connection, WithoutSetting, serving


@asynccontextmanager
async def session(client, files, handler, *options, host='localhost', certificate='server', trusted='ca',
                  http_class=H3Connection):
    """A server, and the client connected to it. `result` gives the outcome of `handler`."""
    results = asyncio.Queue()
    async def on_request(stream):
        try:
            results.put_nowait((None, await handler(stream)))
        except Exception as error:
            results.put_nowait((error, None))
    async def result():
        error, value = await results.get()
        if error:
            raise error
        return value
    pair = [f'{files}/{certificate}.{kind}' for kind in ('pem', 'key')]
    async with serving(on_request, *pair, http_class) as port:
        env = {k: v for k, v in os.environ.items() if k not in ('SSL_CERT_FILE', 'SSL_CERT_DIR')}
        if trusted:
            env['SSL_CERT_FILE'] = f'{files}/{trusted}.pem'
        program = await Program.start(client, *options, f'wss://{host}:{port}/some/path?query=1', env=env)
        program.results = results
        try:
            yield program, result
        except BaseException:
            print('  client printed ' + program.said())
            raise
        finally:
            await program.stop()


def accept(stream, *headers):
    stream.send_headers([(b':status', b'200'), *headers])


async def closed_by_client(stream):
    """The client's Close has arrived: the server answers and ends the stream, and so does the client."""
    stream.send(CloseConnection(code=1000))
    stream.end()
    equal(await stream.event(), ('end', None))


async def echo(stream):
    """Echoes until the client closes, and returns the messages."""
    got = []
    while True:
        event = await stream.event()
        if isinstance(event, CloseConnection):
            equal(event.code, 1000)
            await closed_by_client(stream)
            return got
        stream.events.insert(0, event)
        got.append(await stream.message())
        stream.send(TextMessage(got[-1]))


async def sends_and_prints(client, files, **options):
    lines = ['hello', 'Grüße, 世界, 🦀', 'x' * 2000, 'y' * 700_000, 'last']
    async def handler(stream):
        accept(stream)
        return stream.request, await echo(stream)
    async with session(client, files, handler, **options) as (program, result):
        await program.line_matching(r'^\* open$')
        for line in lines:
            await program.type(line + '\n')
            equal((await program.line_matching('^< (.*)'))[1], line)
        program.end_of_input()
        equal(await program.status(), 0)
        request, got = await result()
        equal(got, lines)
        return request


# H3-3-01: neither Host nor Connection, Upgrade or a key.
async def request_is_sound(client, files):
    request = await sends_and_prints(client, files)
    authority = dict(request)[b':authority']
    equal(authority.startswith(b'localhost:'), True)
    equal(request, [(b':method', b'CONNECT'), (b':protocol', b'websocket'), (b':scheme', b'https'),
                    (b':authority', authority), (b':path', b'/some/path?query=1'),
                    (b'sec-websocket-version', b'13')])


async def subprotocol(client, files):
    async def handler(stream):
        equal(dict(stream.request)[b'sec-websocket-protocol'], b'chat')
        accept(stream, (b'sec-websocket-protocol', b'chat'))
        return await echo(stream)
    async with session(client, files, handler, '--subprotocol', 'chat') as (program, result):
        await program.line_matching(r'^\* subprotocol chat$')
        program.end_of_input()
        equal(await program.status(), 0)
        await result()


async def compressed(client, files):
    async def handler(stream):
        extension = PerMessageDeflate()
        offer = dict(stream.request)[b'sec-websocket-extensions'].decode()
        answer = extension.accept(offer.split(',')[0])
        accept(stream, (b'sec-websocket-extensions', ('permessage-deflate; ' + answer).rstrip('; ').encode()))
        stream.compress(extension)
        kind, data = await stream.incoming.get()
        equal((kind, data[0]), ('data', 0xc1))
        stream.incoming._queue.appendleft((kind, data))
        return await echo(stream)
    async with session(client, files, handler, '--deflate') as (program, result):
        await program.line_matching(r'^\* compressed$')
        for line in ('a' * 5000, 'a' * 5000):
            await program.type(line + '\n')
            equal((await program.line_matching('^< (.*)'))[1], line)
        program.end_of_input()
        equal(await program.status(), 0)
        equal(await result(), ['a' * 5000] * 2)


async def receives(client, files):
    """Fragments, pings, binary and large messages, some of them together with the answer."""
    async def handler(stream):
        accept(stream)
        stream.send(TextMessage('one ', message_finished=False), Ping(b'between'), TextMessage('two'))
        stream.send(BytesMessage(bytes(3_000_000)))
        equal(await stream.event(), Pong(b'between'))
        return await echo(stream)
    async with session(client, files, handler) as (program, result):
        await program.line_matching(r'^\* ping of 7 bytes$')
        await program.line_matching('^< one two$')
        await program.line_matching(r'^< \[3000000 bytes\]$')
        program.end_of_input()
        equal(await program.status(), 0)
        await result()


async def early_hints(client, files):
    """The client waits for the final answer."""
    async def handler(stream):
        stream.send_headers([(b':status', b'103'), (b'link', b'</style.css>; rel=preload')])
        accept(stream)
        return await echo(stream)
    async with session(client, files, handler) as (program, result):
        await program.line_matching(r'^\* open$')
        program.end_of_input()
        equal(await program.status(), 0)
        await result()


async def refused(client, files, status):
    async def handler(stream):
        stream.send_headers([(b':status', str(status).encode())], end_stream=True)
    async with session(client, files, handler) as (program, result):
        equal(await program.status() > 0, True)
        equal(str(status) in program.said(), True)


async def unasked(client, files, *headers):
    """The server accepts what the client has not offered."""
    async def handler(stream):
        accept(stream, *headers)
    async with session(client, files, handler) as (program, result):
        equal(await program.status() > 0, True)
        equal('* open' in program.said(), False)


# H3-5-01 · H3-3-02
async def no_setting(client, files):
    """Without the setting the client sends no request."""
    async with session(client, files, echo, http_class=WithoutSetting) as (program, result):
        equal(await program.status() > 0, True)
        equal('offers no WebSockets over HTTP/3' in program.said(), True)
        equal(program.results.empty(), True)


async def server_closes(client, files):
    async def handler(stream):
        accept(stream)
        stream.send(CloseConnection(code=1000, reason='done'))
        equal((await stream.event()).code, 1000)
        stream.end()
        return await stream.event()
    async with session(client, files, handler) as (program, result):
        equal(await program.status(), 0)
        equal(await result(), ('end', None))


# H3-3-05
async def server_ends(client, files):
    """FIN without a Close. The client ends its direction in the same way."""
    async def handler(stream):
        accept(stream)
        stream.send(TextMessage('last'))
        stream.end()
        return await stream.event()
    async with session(client, files, handler) as (program, result):
        await program.line_matching('^< last$')
        equal(await program.status() > 0, True)
        equal(await result(), ('end', None))


# H3-3-06
async def server_resets(client, files):
    async def handler(stream):
        accept(stream)
        stream.send(TextMessage('last'))
        equal(await stream.message(), 'ready')
        stream.reset()
        return await stream.event()
    async with session(client, files, handler) as (program, result):
        await program.line_matching('^< last$')
        await program.type('ready\n')
        equal(await program.status() > 0, True)
        equal(await result(), ('reset', CANCELLED))


async def connection_closed(client, files):
    async def handler(stream):
        accept(stream)
        equal(await stream.message(), 'ready')
        stream.quic.close(error_code=0x100)
    async with session(client, files, handler) as (program, result):
        await program.type('ready\n')
        equal(await program.status() > 0, True)
        await result()


async def breaks_the_protocol(client, files, data, code):
    async def handler(stream):
        accept(stream)
        stream.send_bytes(data)
        event = await stream.event()
        equal(event.code, code)
        equal(await stream.event(), ('end', None))
        stream.end()
    async with session(client, files, handler) as (program, result):
        equal(await program.status() > 0, True)
        await result()


async def by_address(client, files):
    """quiche cannot check the certificate of an address, so the client does not connect."""
    async with session(client, files, echo, host='127.0.0.1') as (program, result):
        equal(await program.status() > 0, True)
        equal('the URL needs a name' in program.said(), True)
        equal(program.results.empty(), True)


async def untrusted(client, files, **options):
    async with session(client, files, echo, **options) as (program, result):
        equal(await program.status() > 0, True)
        equal('there is no QUIC connection' in program.said(), True)
        equal(program.results.empty(), True)


async def run(checks, client, files):
    for name, check, *arguments in (
        ('the request is sound; sends lines, prints echoes, closes', request_is_sound),
        ('subprotocol', subprotocol),
        ('compressed', compressed),
        ('fragments, pings, large messages', receives),
        ('103 before the answer', early_hints),
        ('refused with 403', refused, 403),
        ('refused with 404', refused, 404),
        ('a subprotocol that was not offered', unasked, (b'sec-websocket-protocol', b'chat')),
        ('an extension that was not offered', unasked, (b'sec-websocket-extensions', b'permessage-deflate')),
        ('a server without the setting', no_setting),
        ('the server closes', server_closes),
        ('FIN without a Close', server_ends),
        ('reset', server_resets),
        ('the QUIC connection is closed', connection_closed),
        ('a frame with mask', breaks_the_protocol, b'\x81\x81\0\0\0\0a', 1002),
        ('text that is not UTF-8', breaks_the_protocol, b'\x81\x01\xff', 1007),
        ('an address in place of a name', by_address),
    ):
        await checks.run('client: ' + name, check, client, files, *arguments)
    await checks.run('client: unknown authority', lambda: untrusted(client, files, trusted=None))
    await checks.run('client: certificate of another host',
                     lambda: untrusted(client, files, certificate='elsewhere'))
