"""permessage-deflate: `websockets` as the client of `echo_server --deflate`, and as the server of `client --deflate`."""
import random, re, zlib

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, ServerPerMessageDeflateFactory
from websockets.frames import Frame

from client_checks import closed_by_client, echo, session
from harness import Program, equal

WORDS = ['compression', 'window', 'Grüße', '世界', '🦀', 'context', 'takeover', 'message', '{"id":', '},', 'null']
DEFAULT = (False, False, 15, 15)


def text(seed, length):
    """Words in random order."""
    chance = random.Random(seed)
    return ' '.join(chance.choices(WORDS, k=length))


def noise(seed, length):
    """Text that a compressor makes much shorter only if it has seen it before."""
    return ''.join(random.Random(seed).choices('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+', k=length))


def parameters(answer):
    """The parameters of an answer. Clients print what the server said, or what they understood: then the order is their
    own, and the default window has no parameter."""
    return {name for name in answer.split('; ') if not name.endswith('_max_window_bits=15')}


class Watched:
    """The parameters that the extension of a connection agreed on, and the frames that it has seen."""

    def __init__(self, socket):
        extension, = socket.protocol.extensions
        self.agreed = (extension.remote_no_context_takeover, extension.local_no_context_takeover,
                       extension.remote_max_window_bits, extension.local_max_window_bits)
        self.received, self.sent = [], []
        decode, encode = extension.decode, extension.encode

        def watched_decode(frame, **options):
            if frame.opcode < 8:
                self.received.append((frame.rsv1, len(frame.data)))
            return decode(frame, **options)

        def watched_encode(frame):
            frame = encode(frame)
            if frame.opcode < 8:
                self.sent.append((frame.rsv1, len(frame.data)))
            return frame
        extension.decode, extension.encode = watched_decode, watched_encode

    def ours_is_short(self, ours):
        """Checks that our last two messages, the same noise twice, are compressed as was agreed."""
        no_takeover, _, bits, _ = self.agreed
        (_, first), (compressed, second) = ours[-2:]
        knows_it = not no_takeover and bits == 15
        equal((compressed, second < first / 20), (True, knows_it))


def sends_instead(socket, payload):
    """Makes the socket send this compressed payload in place of any message."""
    extension, = socket.protocol.extensions
    extension.encode = lambda frame: Frame(frame.opcode, payload, frame.fin, True) if frame.opcode < 8 else frame


def compressed(payload, flush=zlib.Z_SYNC_FLUSH):
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(payload) + compressor.flush(flush)).removesuffix(b'\0\0\xff\xff')


NO_DEFLATE = b'\xff' * 20
TOO_SHORT = b'\x00\x64\x00\x9b\xff' + b'some of the 100 bytes'


# ---- checks of the example `echo_server` ----

async def agrees(url, factory, answer, agreed):
    """The server answers with `answer`, and `agreed` are the parameters: the two no_context_takeovers and the two
    window bits, each with the value of `websockets` for the peer before its own."""
    async with connect(url, extensions=[factory], max_size=None, proxy=None, ping_interval=None) as socket:
        equal(socket.response.headers.get('Sec-WebSocket-Extensions'), answer)
        watched = Watched(socket)
        equal(watched.agreed, agreed)
        messages = [
            '', b'', 'short', b'short', text(1, 10), text(2, 1000), text(2, 1000), text(3, 100_000), text(2, 1000).encode(),
            random.Random(4).randbytes(70_000), bytes(1 << 20), 'end',
        ]
        for message in messages * 2:
            await socket.send(message)
            equal(await socket.recv(), message)
        for message in messages:
            await socket.send(message)
        for message in messages:
            equal(await socket.recv(), message)
        for sent, (compressed, length) in zip(messages, watched.received):
            size = len(sent if isinstance(sent, bytes) else sent.encode())
            # No message becomes longer. A message becomes shorter if that is possible.
            equal(length <= size, True)
            if compressed or size > 5000:
                equal((compressed, length < size), (size != 70_000, size != 70_000))
        secret = noise(5, 20_000)
        for _ in range(2):
            await socket.send(secret)
            equal(await socket.recv(), secret)
        watched.ours_is_short(watched.received)
        await socket.close()
        equal(socket.protocol.close_rcvd.code, 1000)


async def is_plain(url):
    """The client offers no compression, so nothing is compressed."""
    async with connect(url, compression=None, proxy=None) as socket:
        equal('Sec-WebSocket-Extensions' in socket.response.headers, False)
        await socket.send(text(1, 1000))
        equal(await socket.recv(), text(1, 1000))


async def ends_with(url, code, payload):
    """The connection ends with this code after invalid compressed data."""
    async with connect(url, max_size=None, proxy=None) as socket:
        if isinstance(payload, bytes):
            sends_instead(socket, payload)
        await socket.send('' if isinstance(payload, bytes) else payload)
        try:
            equal(len(await socket.recv()), None)
        except ConnectionClosed as error:
            equal(error.rcvd and error.rcvd.code, code)


async def final_blocks(url):
    """A message may end with a final block (RFC 7692 section 7.2.3.4)."""
    async with connect(url, max_size=None, proxy=None) as socket:
        sends_instead(socket, compressed(text(1, 1000).encode(), zlib.Z_FINISH) + b'\0')
        for _ in range(3):
            await socket.send('')
            equal(await socket.recv(), text(1, 1000))


async def fragments(url):
    """Each fragment is compressed by itself, and a ping follows it."""
    async with connect(url, max_size=None, proxy=None) as socket:
        for message in (['one ', '', 'two ', text(1, 20_000), 'three'], [b'', bytes(100_000), b'\xff' * 70_000, b'']):
            async def pieces():
                for piece in message:
                    yield piece
                    await (await socket.ping())
            for _ in range(2):
                await socket.send(pieces())
                equal(await socket.recv(), message[0][:0].join(message))


async def check_server(checks, program):
    client = ClientPerMessageDeflateFactory
    no_takeovers = dict(server_no_context_takeover=True, client_no_context_takeover=True)
    for option, cases in (
        ('--deflate', [
            ({}, '', DEFAULT),
            (dict(client_max_window_bits=None), '', DEFAULT),
            (dict(server_no_context_takeover=True), '; server_no_context_takeover', (True, False, 15, 15)),
            (dict(client_no_context_takeover=True), '; client_no_context_takeover', (False, True, 15, 15)),
            *((dict(server_max_window_bits=bits), f'; server_max_window_bits={bits}', (False, False, bits, 15))
              for bits in range(8, 16)),
            *((dict(client_max_window_bits=bits), f'; client_max_window_bits={bits}', (False, False, 15, bits))
              for bits in range(9, 15)),
            (dict(client_max_window_bits=15), '', DEFAULT),
            (dict(no_takeovers, server_max_window_bits=9, client_max_window_bits=10),
             '; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=10',
             (True, True, 9, 10)),
        ]),
        # The server does not follow hints. `websockets` keeps to its own hints anyway.
        ('--deflate-keeps-client-context', [
            ({}, '', DEFAULT),
            (dict(client_no_context_takeover=True), '', (False, True, 15, 15)),
            (dict(client_max_window_bits=11), '', (False, False, 15, 11)),
            (dict(no_takeovers, server_max_window_bits=12), '; server_no_context_takeover; server_max_window_bits=12',
             (True, True, 12, 15)),
        ]),
    ):
        server = await Program.start(program, option, '127.0.0.1:0')
        try:
            url = (await server.line_matching(r'ws://127\.0\.0\.1:\d+'))[0] + '/'
            for options, answer, agreed in cases:
                name = ', '.join(f'{name}={value}' for name, value in options.items()) or 'defaults'
                await checks.run(f'echo_server {option}: {name}', agrees, url, client(**options),
                                 'permessage-deflate' + answer, agreed)
            for name, check, *arguments in (
                ('no compression without an offer', is_plain),
                ('fragments', fragments),
                ('final blocks', final_blocks),
                ('invalid DEFLATE data ends with 1007', ends_with, 1007, NO_DEFLATE),
                ('data that ends too early ends with 1007', ends_with, 1007, TOO_SHORT),
                ('text that is not UTF-8 once decompressed ends with 1007', ends_with, 1007, compressed(b'ab\xff')),
                ('a message too large once decompressed ends with 1009', ends_with, 1009, 'x' * (33 << 20)),
            ):
                await checks.run(f'echo_server {option}: {name}', check, url, *arguments)
        finally:
            await server.stop()


# ---- checks of the example `client` ----

async def client_agrees(program, factory, answer, agreed):
    """As `agrees`, for the client."""
    got = []

    async def handler(socket):
        watched = Watched(socket)
        equal(socket.request.headers['Sec-WebSocket-Extensions'], 'permessage-deflate; client_max_window_bits')
        equal(watched.agreed, agreed)
        got.extend(await echo(socket))
        return watched

    lines = ['', 'short', text(1, 10), text(2, 1000), text(2, 1000), text(3, 50_000), 'end']
    secret = noise(5, 20_000)
    async with session([program, '--deflate'], handler, extensions=[factory]) as (client, connections):
        equal(parameters((await client.line_matching(r'^\* permessage-deflate(.*)'))[1]), parameters(answer))
        for line in lines * 2 + [secret] * 2:
            await client.type(line + '\n')
            equal((await client.line_matching('^< (.*)'))[1], line)
        client.end_of_input()
        equal(await client.status(), 0)
        socket, watched = await connections.result()
        equal(got, lines * 2 + [secret] * 2)
        equal([compressed for compressed, length in watched.received if length > 300], [True] * sum(
            length > 300 for _, length in watched.received))
        equal(sum(length for _, length in watched.received) < sum(len(line) for line in got), True)
        watched.ours_is_short(watched.received)
        closed_by_client(socket)


async def client_is_declined(program):
    async with session([program, '--deflate'], echo) as (client, connections):
        equal(re.search('permessage', await client.line()), None)
        await client.type(text(1, 1000) + '\n')
        equal((await client.line_matching('^(.*)'))[1], '< ' + text(1, 1000))
        client.end_of_input()
        equal(await client.status(), 0)
        closed_by_client((await connections.result())[0])


async def client_fails(program, said, code, payload):
    """The client fails after invalid compressed data from the server."""
    async def handler(socket):
        if isinstance(payload, bytes):
            sends_instead(socket, payload)
        await socket.send('' if isinstance(payload, bytes) else payload)
        await socket.wait_closed()
        return socket.protocol.close_rcvd
    async with session([program, '--deflate'], handler, compression='deflate') as (client, connections):
        equal(await client.status() > 0, True)
        equal(said in client.said(), True)
        equal((await connections.result())[1].code, code)


async def client_refuses(program, answer):
    """The client refuses an answer that does not fit its offer."""
    def process_response(socket, request, response):
        del response.headers['Sec-WebSocket-Extensions']
        response.headers['Sec-WebSocket-Extensions'] = answer
    async with session([program, '--deflate'], echo, compression='deflate',
                       process_response=process_response) as (client, _):
        equal(await client.status() > 0, True)
        equal('extension' in client.said(), True)


async def check_client(checks, program):
    server = ServerPerMessageDeflateFactory
    for options, answer, agreed in (
        ({}, '', DEFAULT),
        (dict(server_no_context_takeover=True), '; server_no_context_takeover', (False, True, 15, 15)),
        (dict(client_no_context_takeover=True), '; client_no_context_takeover', (True, False, 15, 15)),
        *((dict(server_max_window_bits=bits), f'; server_max_window_bits={bits}', (False, False, 15, bits))
          for bits in range(9, 16)),
        *((dict(client_max_window_bits=bits), f'; client_max_window_bits={bits}', (False, False, bits, 15))
          for bits in range(8, 16)),
        (dict(server_no_context_takeover=True, client_no_context_takeover=True, server_max_window_bits=9,
              client_max_window_bits=10),
         '; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=10',
         (True, True, 10, 9)),
    ):
        name = ', '.join(f'{name}={value}' for name, value in options.items()) or 'defaults'
        await checks.run(f'client --deflate: {name}', client_agrees, program, server(**options), answer, agreed)
    for name, check, *arguments in (
        ('declined', client_is_declined),
        ('invalid DEFLATE data', client_fails, 'not DEFLATE data', 1007, NO_DEFLATE),
        ('data that ends too early', client_fails, 'not DEFLATE data', 1007, TOO_SHORT),
        ('a message too large once decompressed', client_fails, 'a message is larger', 1009, 'x' * (2 << 20)),
        ('an answer with an unknown parameter', client_refuses, 'permessage-deflate; larger_windows'),
        ('an answer twice', client_refuses, 'permessage-deflate, permessage-deflate'),
        ('an answer with another extension', client_refuses, 'x-other'),
    ):
        await checks.run(f'client --deflate: {name}', check, program, *arguments)


async def run(checks, echo_server, client):
    await check_server(checks, echo_server)
    await check_client(checks, client)
