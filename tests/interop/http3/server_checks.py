"""Runs the example `http3_server` against a client made with aioquic."""
import asyncio
from contextlib import asynccontextmanager

from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate

from harness import Program, equal
from peer import CANCELLED, connected, request

MASKED = 0x80
ZERO_MASK = bytes(4)                     # a mask that leaves the payload as it is


@asynccontextmanager
async def session(server, files, *options):
    """The server, and a QUIC connection to it."""
    pair = files + '/server.pem', files + '/server.key'
    program = await Program.start(server, *options, *pair, '127.0.0.1:0')
    try:
        port = int((await program.line_matching(r'^listening on https://127\.0\.0\.1:(\d+)/$'))[1])
        async with connected(port, files + '/ca.pem') as quic:
            yield quic, program
    except BaseException:
        print('  server printed ' + program.said())
        raise
    finally:
        await program.stop()


def frame(opcode, payload, final=True):
    assert len(payload) < 126
    return bytes([(0x80 if final else 0) | opcode, MASKED | len(payload)]) + ZERO_MASK + payload


async def ended(program, stream, outcome):
    """The server has said how this WebSocket ended."""
    await program.line_matching(f'stream {stream.id}: {outcome}$')


# H3-3-02
async def settings(quic, program):
    equal((await quic.settings).get(0x08), 1)


async def echoes(quic, program):
    stream = await quic.websocket()
    equal(sorted(stream.answer), [b':status'])
    for data in ('hello', '', 'Grüße, 世界, 🦀', b'', bytes(range(256)), b'x' * 70_000):
        stream.send(TextMessage(data) if isinstance(data, str) else BytesMessage(data))
        equal(await stream.message(), data)
    await stream.close()
    await ended(program, stream, 'closed cleanly: 1000.*')


async def fragments_and_pings(quic, program):
    stream = await quic.websocket()
    stream.send(TextMessage('one ', message_finished=False), Ping(b'between'),
                TextMessage('two ', message_finished=False), TextMessage('three'))
    equal(await stream.event(), Pong(b'between'))
    equal(await stream.message(), 'one two three')
    await stream.close()


async def large_messages(quic, program):
    """Both directions need more credit than the windows have at first."""
    stream = await quic.websocket()
    messages = [bytes([n]) * (1 << 20) for n in range(3)]
    for data in messages:
        stream.send(BytesMessage(data))
    for data in messages:
        equal(await stream.message() == data, True)
    await stream.close()


async def reads_late(quic, program):
    """A client that gives no credit gets every echo later. The server stops reading until then."""
    stream = await quic.websocket()
    grant = quic._quic._write_stream_limits
    quic._quic._write_stream_limits = lambda **_: None
    for n in range(40):
        stream.send(BytesMessage(bytes([n]) * 100_000))
    sender = quic._quic._streams[stream.id].sender
    # The server takes what fits into its buffers, and no more.
    while True:
        before = sender.highest_offset
        for _ in range(20):
            await quic.ping()
        if before == sender.highest_offset:
            break
    equal(sender.highest_offset < 4_000_000, True)
    quic._quic._write_stream_limits = grant
    await quic.ping()
    for n in range(40):
        equal(await stream.message() == bytes([n]) * 100_000, True)
    await stream.close()


async def subprotocol(quic, program):
    stream = await quic.websocket([('sec-websocket-protocol', 'other, echo')])
    equal(stream.answer.get(b'sec-websocket-protocol'), b'echo')
    stream = await quic.websocket([('sec-websocket-protocol', 'other')])
    equal(stream.answer.get(b'sec-websocket-protocol'), None)


async def origin(quic, program):
    await quic.websocket([('origin', 'https://localhost:4433')], authority='localhost:4433')
    await quic.websocket([('origin', 'https://pages.example')])
    for origin in ('https://evil.example', 'http://localhost', 'null'):
        await refused(quic, program, 403, request(('origin', origin)))


async def refused(quic, program, status, headers):
    """The answer has this status, and ends the stream."""
    stream = quic.open(headers)
    answer = dict(await stream.headers())
    equal(answer[b':status'], str(status).encode())
    equal(answer.get(b'sec-websocket-version'), b'13' if status == 426 else None)
    equal(await stream.event(), ('end', None))
    # The server does not wait for the rest of the request: H3_NO_ERROR.
    equal(await stream.stopped, 0x100)


# H3-3-01 · H3-3-03
async def refusals(quic, program):
    for status, headers in (
        (404, request(path='/other')),
        (404, request(method='GET', protocol=None)),
        (501, request(protocol='connect-udp')),
        (426, request(version='12')),
        (400, request(version=None)),
        (400, request(('connection', 'upgrade'))),
        (400, request(method='GET')),
        (400, request(('Capital', '1'))),
    ):
        await refused(quic, program, status, headers)
    # The connection still serves WebSockets.
    await (await quic.websocket()).close()


async def compressed(quic, program):
    extension = PerMessageDeflate()
    stream = await quic.websocket([('sec-websocket-extensions', 'permessage-deflate; ' + extension.offer())])
    extension.finalize(stream.answer[b'sec-websocket-extensions'].decode())
    stream.compress(extension)
    for data in ('a' * 1000, 'Grüße, 世界, 🦀' * 500, 'a' * 1000):
        stream.send(TextMessage(data))
        equal(await stream.message(), data)
    # 10 MB of text that shrinks to a few kB: more than any window, if it were not compressed.
    stream.send(TextMessage('0123456789' * 1_000_000))
    kind, data = await stream.incoming.get()
    equal((kind, data[0]), ('data', 0xc1))
    stream.incoming._queue.appendleft((kind, data))
    equal(await stream.message() == '0123456789' * 1_000_000, True)
    await stream.close()


async def not_compressed(quic, program):
    """The server does not compress unless the command line asks for it."""
    offer = 'permessage-deflate; ' + PerMessageDeflate().offer()
    stream = await quic.websocket([('sec-websocket-extensions', offer)])
    equal(stream.answer.get(b'sec-websocket-extensions'), None)


# H3-3-05
async def client_ends(quic, program):
    """FIN without a Close: the server ends its direction in the same way, and reports 1006."""
    stream = await quic.websocket()
    stream.send(TextMessage('last'))
    stream.end()
    equal(await stream.message(), 'last')
    equal(await stream.event(), ('end', None))
    await ended(program, stream, 'failed: .*')


async def close_and_end_at_once(quic, program):
    """The Close and the FIN are in one packet."""
    stream = await quic.websocket()
    stream.send_bytes(stream.websocket.send(CloseConnection(code=1001, reason='bye')), end_stream=True)
    equal((await stream.event()).code, 1001)
    equal(await stream.event(), ('end', None))
    await ended(program, stream, 'closed cleanly: 1001.*')


# H3-3-06
async def client_resets(quic, program):
    """A reset is a lost transport: the server resets its direction too."""
    stream = await quic.websocket()
    stream.send(TextMessage('last'))
    equal(await stream.message(), 'last')
    stream.reset()
    equal(await stream.event(), ('reset', CANCELLED))
    await ended(program, stream, 'failed: .*')


async def client_stops_reading(quic, program):
    """STOP_SENDING: the server cannot send any more, so the WebSocket is lost."""
    stream = await quic.websocket()
    quic._quic.stop_stream(stream.id, CANCELLED)
    stream.send(TextMessage('nobody reads the echo'))
    await ended(program, stream, 'failed: .*')


async def connection_closed(quic, program):
    """The client closes the QUIC connection below two open WebSockets."""
    streams = [await quic.websocket() for _ in range(2)]
    quic.close()
    for stream in streams:
        await ended(program, stream, 'failed: .*')


async def many_on_one_connection(quic, program):
    streams = [await quic.websocket() for _ in range(8)]
    equal(len({stream.id for stream in streams}), 8)
    for round in range(3):
        for n, stream in enumerate(streams):
            stream.send(TextMessage(f'{n} in round {round}'), BytesMessage(bytes([n]) * 50_000))
        for n, stream in enumerate(streams):
            equal(await stream.message(), f'{n} in round {round}')
            equal(await stream.message() == bytes([n]) * 50_000, True)
    # One breaks the protocol, one is reset, and the others go on.
    streams[0].send_bytes(frame(0x3, b''))
    streams[1].reset()
    equal((await streams[0].raw_end())[1], ('end', None))
    equal(await streams[1].event(), ('reset', CANCELLED))
    for stream in streams[2:]:
        stream.send(TextMessage('still here'))
        equal(await stream.message(), 'still here')
        await stream.close()


async def frames_with_the_request(quic, program):
    """The client sends frames before it has the answer. None is lost."""
    stream = quic.open(request())
    stream.send(TextMessage('early'))
    equal(dict(await stream.headers())[b':status'], b'200')
    equal(await stream.message(), 'early')
    await stream.close()


async def one_byte_at_a_time(quic, program):
    """Each byte is in a DATA frame of its own, with empty frames between: their bounds mean nothing."""
    stream = await quic.websocket()
    for byte in frame(0x1, b'bit by bit'):
        stream.send_bytes(bytes([byte]))
        stream.send_bytes(b'')
    equal(await stream.message(), 'bit by bit')
    await stream.close()


async def breaks_the_protocol(quic, program, data, code):
    """The server says why with a Close, and ends the stream in order."""
    stream = await quic.websocket()
    stream.send_bytes(data)
    received, end = await stream.raw_end()
    equal(received[:4], bytes([0x88, len(received) - 2]) + code.to_bytes(2, 'big'))
    equal(end, ('end', None))
    stream.end()
    await ended(program, stream, 'failed: .*')


async def trailers(quic, program):
    """After a CONNECT, a second HEADERS frame breaks HTTP/3 itself: H3_FRAME_UNEXPECTED."""
    stream = await quic.websocket()
    stream.send_headers([(b'x', b'1')])
    equal((await quic.termination)[0], 0x105)
    await ended(program, stream, 'failed: .*')


async def too_many_resets(quic, program):
    """A client may reset 200 streams of a connection. One more ends the connection: H3_EXCESSIVE_LOAD."""
    async def open_and_reset():
        stream = await quic.websocket()
        stream.reset()
        return await stream.event()
    for _ in range(200):
        equal(await open_and_reset(), ('reset', CANCELLED))
    await (await quic.websocket()).close()
    equal(await open_and_reset(), ('terminated', 0x107))


async def run(checks, server, files):
    for name, check, *arguments in (
        ('the settings enable extended CONNECT', settings),
        ('echoes text and binary, closes with FIN', echoes),
        ('fragments, with a ping between them', fragments_and_pings),
        ('messages beyond the windows', large_messages),
        ('a client that reads late', reads_late),
        ('subprotocol', subprotocol),
        ('Origin', origin),
        ('refusals', refusals),
        ('no compression unless asked for', not_compressed),
        ('FIN without a Close', client_ends),
        ('Close and FIN at once', close_and_end_at_once),
        ('reset', client_resets),
        ('STOP_SENDING', client_stops_reading),
        ('the QUIC connection is closed', connection_closed),
        ('many WebSockets on one connection', many_on_one_connection),
        ('frames together with the request', frames_with_the_request),
        ('one byte at a time', one_byte_at_a_time),
        ('a frame without mask', breaks_the_protocol, b'\x81\x05hello', 1002),
        ('an unknown opcode', breaks_the_protocol, frame(0x3, b''), 1002),
        ('text that is not UTF-8', breaks_the_protocol, frame(0x1, b'\xff'), 1007),
        ('a message that is too long', breaks_the_protocol,
         b'\x82\xff' + (1 << 25).to_bytes(8, 'big') + ZERO_MASK, 1009),
        ('a second HEADERS frame', trailers),
        ('200 resets and one more', too_many_resets),
    ):
        async def checked():
            async with session(server, files) as (quic, program):
                await check(quic, program, *arguments)
        await checks.run('server: ' + name, checked)

    async def checked():
        async with session(server, files, '--deflate') as (quic, program):
            await compressed(quic, program)
    await checks.run('server: compressed', checked)
