"""permessage-deflate: `websockets` as the client of `echo_server --deflate`, and `client --deflate` as that of its servers."""
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
    """Words in no order."""
    chance = random.Random(seed)
    return ' '.join(chance.choices(WORDS, k=length))


def noise(seed, length):
    """Text that no compressor makes much shorter, unless it knows it."""
    return ''.join(random.Random(seed).choices('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+', k=length))


class Watched:
    """What the extension of a connection agreed on, and what it sees of the frames."""

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
        """Whether that is compressed as was agreed, by the last two messages: the same noise twice."""
        no_takeover, _, bits, _ = self.agreed
        (_, first), (compressed, second) = ours[-2:]
        knows_it = not no_takeover and bits == 15
        equal((compressed, second < first / 20), (True, knows_it))


def sends_instead(socket, payload):
    """Of whatever message, this as its compressed payload."""
    extension, = socket.protocol.extensions
    extension.encode = lambda frame: Frame(frame.opcode, payload, frame.fin, True) if frame.opcode < 8 else frame


def compressed(payload, flush=zlib.Z_SYNC_FLUSH):
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(payload) + compressor.flush(flush)).removesuffix(b'\0\0\xff\xff')


NO_DEFLATE = b'\xff' * 20
TOO_SHORT = b'\x00\x64\x00\x9b\xff' + b'some of the 100 bytes'


# ---- the example `echo_server` ----

async def agrees(url, factory, answer, agreed):
    """On `answer`, and on `agreed`: both no_context_takeovers, both window bits, theirs before ours."""
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
            # Longer in no case. Shorter where it pays.
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
    """Nothing is offered, so nothing is compressed."""
    async with connect(url, compression=None, proxy=None) as socket:
        equal('Sec-WebSocket-Extensions' in socket.response.headers, False)
        await socket.send(text(1, 1000))
        equal(await socket.recv(), text(1, 1000))


async def ends_with(url, code, payload):
    """After something that is compressed, but not as it should be."""
    async with connect(url, max_size=None, proxy=None) as socket:
        if isinstance(payload, bytes):
            sends_instead(socket, payload)
        await socket.send('' if isinstance(payload, bytes) else payload)
        try:
            equal(len(await socket.recv()), None)
        except ConnectionClosed as error:
            equal(error.rcvd and error.rcvd.code, code)


async def final_blocks(url):
    """A message may end with a block that says it is the last one (RFC 7692, section 7.2.3.4)."""
    async with connect(url, max_size=None, proxy=None) as socket:
        sends_instead(socket, compressed(text(1, 1000).encode(), zlib.Z_FINISH) + b'\0')
        for _ in range(3):
            await socket.send('')
            equal(await socket.recv(), text(1, 1000))


async def fragments(url):
    """Each is compressed by itself, with a ping in between."""
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
        # Hints are not followed. `websockets` does as it said all the same.
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
                ('without an offer', is_plain),
                ('fragments', fragments),
                ('final blocks', final_blocks),
                ('what is no DEFLATE data ends with 1007', ends_with, 1007, NO_DEFLATE),
                ('data that ends too early ends with 1007', ends_with, 1007, TOO_SHORT),
                ('text that is not UTF-8 once decompressed ends with 1007', ends_with, 1007, compressed(b'ab\xff')),
                ('a message too large once decompressed ends with 1009', ends_with, 1009, 'x' * (33 << 20)),
            ):
                await checks.run(f'echo_server {option}: {name}', check, url, *arguments)
        finally:
            await server.stop()


# ---- the example `client` ----

async def client_agrees(program, factory, answer, agreed):
    """As `agrees`."""
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
        equal((await client.line_matching(r'^\* permessage-deflate(.*)'))[1], answer)
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
    """The server sends something compressed that is not as it should be."""
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
    """An answer that does not fit the offer."""
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
        ('what is no DEFLATE data', client_fails, 'not valid DEFLATE', 1007, NO_DEFLATE),
        ('data that ends too early', client_fails, 'not valid DEFLATE', 1007, TOO_SHORT),
        ('a message too large once decompressed', client_fails, 'a message is larger', 1009, 'x' * (2 << 20)),
        ('an answer with a parameter of its own', client_refuses, 'permessage-deflate; larger_windows'),
        ('an answer twice', client_refuses, 'permessage-deflate, permessage-deflate'),
        ('an answer of something else', client_refuses, 'x-other'),
    ):
        await checks.run(f'client --deflate: {name}', check, program, *arguments)


async def run(checks, echo_server, client):
    await check_server(checks, echo_server)
    await check_client(checks, client)
