"""suite.py PORT PROCESS FIRMWARE_RUN: checks the server and the client of examples/firmware.

The last line is 'N passed, M failed'."""
import asyncio, contextlib, json, os, random, re, socket, statistics, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../interop/python'))
sys.dont_write_bytecode = True
from harness import Checks, equal
from websockets.asyncio.client import connect as websockets_connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.frames import Frame, Opcode

PORT, PROCESS, RUN = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
PAGE = os.path.join(os.path.dirname(RUN), 'src/page.html')
CONNECTIONS = 3
figures = {}


def connect(path='/echo', **options):
    return websockets_connect(f'ws://127.0.0.1:{PORT}{path}', compression=None, max_size=None, proxy=None,
                              ping_interval=None, **options)


async def collect(socket):
    """Receives a message of any number of fragments. `recv` has a limit of 4096."""
    pieces = [piece async for piece in socket.recv_streaming()]
    return pieces[0][:0].join(pieces)


async def echoes(message):
    async with connect() as socket:
        found, _ = await asyncio.gather(collect(socket), socket.send(message))
        equal(found, message)


async def sixteen_mebibytes():
    message = random.Random(1).randbytes(16 << 20)
    async with connect() as socket:
        start = time.perf_counter()
        found, _ = await asyncio.gather(collect(socket), socket.send(message))
        figures['16 MiB echoed, MiB/s each way'] = f'{16 / (time.perf_counter() - start):.1f}'
        assert found == message, 'another message came back'


async def round_trips():
    async with connect() as socket:
        times = []
        for _ in range(500):
            start = time.perf_counter()
            await socket.send('tick')
            equal(await socket.recv(), 'tick')
            times.append(time.perf_counter() - start)
        figures['round trip of a short message, median ms'] = f'{statistics.median(times) * 1000:.2f}'


async def fragments(pieces):
    async with connect() as socket:
        await socket.send(pieces)
        equal(await collect(socket), pieces[0][:0].join(pieces))


async def raw_frame(socket, opcode, data, fin):
    await asyncio.sleep(0)                       # lets `websockets` write earlier frames first
    frame = Frame(opcode, data, fin).serialize(mask=True)
    socket.transport.write(frame)


async def cut_inside_a_character():
    """Each byte of the text comes in a frame of its own. No part of the echo ends inside of a character."""
    text = 'añ€🦀'.encode()
    async with connect() as socket:
        for at in range(len(text)):
            opcode = Opcode.TEXT if at == 0 else Opcode.CONT
            await raw_frame(socket, opcode, text[at:at + 1], at == len(text) - 1)
        equal(await collect(socket), text.decode())


async def invalid_text(pieces):
    async with connect() as socket:
        for at, piece in enumerate(pieces):
            await raw_frame(socket, Opcode.CONT if at else Opcode.TEXT, piece, False)
        try:
            while True:
                await collect(socket)
        except ConnectionClosed as closed:
            equal(closed.rcvd and closed.rcvd.code, 1007)


async def pings_among_messages():
    """Pongs share the outgoing buffer with the echo. There has to be room for both, wherever TCP cuts."""
    chance = random.Random(3)
    messages = [chance.randbytes(chance.randrange(6000)) for _ in range(400)]
    async with connect() as socket:
        async def say():
            for message in messages:
                await raw_frame(socket, Opcode.PING, bytes(125), True)
                await socket.send(message)
        saying = asyncio.create_task(say())
        for message in messages:
            assert await collect(socket) == message, 'another message came back'
        await saying


async def slow_reader():
    """A client that does not read does not delay another one, and loses nothing."""
    chance = random.Random(2)
    # More than all buffers of the kernel can hold.
    messages = [chance.randbytes(1 << 20) for _ in range(24)]
    async with connect(max_queue=1) as slow, connect() as other:
        sending = asyncio.create_task(asyncio.wait_for(send_all(slow, messages), 10))
        for number in range(200):
            await other.send(str(number))
            equal(await other.recv(), str(number))
        assert not sending.done(), '24 MiB were sent although the client has read nothing'
        for message in messages:
            assert await collect(slow) == message, 'another message came back'
        await sending


async def send_all(socket, messages):
    for message in messages:
        await socket.send(message)


async def three_and_a_fourth():
    sockets = [await connect() for _ in range(CONNECTIONS)]
    try:
        for socket in sockets:
            await socket.send('are you there?')
        for socket in sockets:
            equal(await socket.recv(), 'are you there?')
        try:
            await connect()
        except (InvalidHandshake, InvalidMessage, ConnectionError, EOFError):
            pass
        else:
            raise AssertionError('a fourth connection was accepted')
        for socket in sockets:
            await socket.send('still there?')
            equal(await socket.recv(), 'still there?')
    finally:
        for socket in sockets:
            await socket.close()
    await echoes('there is room again')


async def lost_connections():
    """A connection that ends without a Close, in the middle of a frame or of a head, becomes free again."""
    async def lose_one(is_in_head):
        reader, writer = await asyncio.open_connection('127.0.0.1', PORT)
        try:
            if is_in_head:
                writer.write(b'GET / HTTP/1.1\r\nHost: bo')
                await writer.drain()
            else:
                writer.write(b'GET / HTTP/1.1\r\nHost: board\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                             b'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')
                await reader.readuntil(b'\r\n\r\n')
                writer.write(b'\x81\x85\x01\x02')
        finally:
            writer.close()
        await writer.wait_closed()

    async def once_there_is_room(check, *arguments):
        """On a busy machine the board may not have freed a connection yet, and refuses a new one."""
        for attempt in range(50):
            try:
                return await check(*arguments)
            except (ConnectionResetError, asyncio.IncompleteReadError, InvalidMessage):
                if attempt == 49:
                    raise
                await asyncio.sleep(0.1)

    for number in range(2 * CONNECTIONS):
        await once_there_is_room(lose_one, number % 2 == 1)
    await once_there_is_room(echoes, 'there is room again')


async def keepalive():
    async with connect() as socket:
        await (await socket.ping(b'payload'))


async def http(request):
    reader, writer = await asyncio.open_connection('127.0.0.1', PORT)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b'\r\n\r\n')
    return head.split(b'\r\n')[0].decode(), head, body


async def page():
    with open(PAGE, 'rb') as file:
        expected = file.read()
    status, head, body = await http(b'GET / HTTP/1.1\r\nHost: board\r\n\r\n')
    equal(status, 'HTTP/1.1 200 OK')
    assert b'Content-Type: text/html; charset=utf-8' in head
    equal(body, expected)


async def answer(request, status):
    found, _, body = await http(request)
    equal(found.split()[1], status)
    equal(body, b'')


async def head_in_bytes():
    """The answer is the same if the head comes byte by byte."""
    reader, writer = await asyncio.open_connection('127.0.0.1', PORT)
    for byte in b'GET /nothing HTTP/1.1\r\nHost: board\r\n\r\n':
        writer.write(bytes([byte]))
        await writer.drain()
    answer = await reader.read()
    assert answer.startswith(b'HTTP/1.1 404 '), answer
    writer.close()


async def readings():
    """The server sends readings on its own, but none to an echo connection."""
    async with connect() as echo, connect('/reading') as socket:
        found = [json.loads(await socket.recv()) for _ in range(3)]
        uptimes = [reading['uptime'] for reading in found]
        for before, after in zip(uptimes, uptimes[1:]):
            assert 0.9 <= after - before <= 3, uptimes
        await echo.send('first')
        equal(await echo.recv(), 'first')
        equal(found[-1]['connections'], 2)
        figures['stack at its peak, bytes'] = found[-1]['stack']


async def sleeps():
    """With nothing to do the processor sleeps. If it never slept, it would take a whole core of the host, and
    the other threads of QEMU would starve."""
    def seconds():
        with open(f'/proc/{PROCESS}/stat') as file:
            return sum(map(int, file.read().rsplit(')', 1)[1].split()[11:13])) / os.sysconf('SC_CLK_TCK')
    async with connect('/reading') as clock:
        await clock.recv()
        before, start = seconds(), time.monotonic()
        for _ in range(2):
            await clock.recv()
        share = (seconds() - before) / (time.monotonic() - start)
        figures['share of a core when idle'] = f'{share:.0%}'
        assert share < 0.4, f'{share:.0%} of a core'


async def no_reading_inside_a_message():
    """No reading may be sent while a message is being echoed in fragments."""
    async with connect('/reading') as socket, connect('/reading') as clock:
        await socket.recv()
        await raw_frame(socket, Opcode.BINARY, b'one, ', False)
        for _ in range(3):
            await clock.recv()
        await raw_frame(socket, Opcode.CONT, b'two', True)
        equal(await collect(socket), b'one, two')
        json.loads(await socket.recv())


async def foreign_page():
    try:
        async with connect('/reading', origin='http://elsewhere.example'):
            raise AssertionError('it was accepted')
    except InvalidStatus as refused:
        equal(refused.response.status_code, 403)
    async with connect('/reading', origin=f'http://127.0.0.1:{PORT}') as socket:
        json.loads(await socket.recv())


async def client(handler, status, port=None):
    """Runs the client of the firmware against a server of `websockets`."""
    async with serve(handler, '127.0.0.1', port or 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        await run_client(port, status)


async def run_client(port, status, says=''):
    process = await asyncio.create_subprocess_exec(
        RUN, 'client', '--port', str(port), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT)
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()                       # the script has been replaced by QEMU
            await process.wait()
    said = said.decode()
    assert process.returncode == status, f'status {process.returncode}: {said}'
    assert says in said, said
    # The connection has 6 KB of buffers. If it had been on the stack, it would be seen here.
    stack = int(re.search(r'(\d+) of stack', said)[1])
    assert stack < 4096, f'{stack} bytes of stack: {said}'


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def echo_in_capitals(socket):
    with contextlib.suppress(ConnectionClosed):  # the client closes at once
        async for message in socket:
            await socket.send(message.upper() if isinstance(message, str) else message)


async def end_early(socket):
    await socket.recv()
    socket.transport.abort()


async def main():
    checks = Checks()
    chance = random.Random(0)
    head = b'GET / HTTP/1.1\r\nHost: board\r\n'
    for name, check, *arguments in (
        ('text', echoes, 'Grüße, κόσμε 🦀'),
        ('empty text', echoes, ''),
        ('empty binary', echoes, b''),
        *((f'binary of {size} bytes', echoes, chance.randbytes(size))
          for size in (1, 125, 126, 1460, 3500, 4096, 65535, 65536)),
        ('text of 1 MiB', echoes, 'ä€' * (1 << 18)),
        ('16 MiB', sixteen_mebibytes),
        ('text in fragments', fragments, ['one ', '', 'two ', 'thr', 'ee']),
        ('binary in 1024 fragments', fragments, [b'x' * 100] * 1024),
        ('fragments cut inside of characters', cut_inside_a_character),
        ('text that is not UTF-8', invalid_text, [b'fine \xc0']),
        ('text that is not UTF-8, over two fragments', invalid_text, [b'fine \xe2\x82', b'\xff']),
        ('ping', keepalive),
        ('pings among messages', pings_among_messages),
        ('a slow reader', slow_reader),
        ('three connections, and a fourth', three_and_a_fourth),
        ('lost connections', lost_connections),
        ('round trips', round_trips),
        ('the page', page),
        ('HEAD', answer, b'HEAD / HTTP/1.1\r\nHost: board\r\n\r\n', '200'),
        ('another path', answer, b'GET /nothing HTTP/1.1\r\nHost: board\r\n\r\n', '404'),
        ('another method', answer, b'POST / HTTP/1.1\r\nHost: board\r\nContent-Length: 0\r\n\r\n', '405'),
        ('not HTTP', answer, b'GET / HTTP/1.1\r\nHost board\r\n\r\n', '400'),
        ('no Host', answer, b'GET / HTTP/1.1\r\n\r\n', '400'),
        ('a bad key', answer, head + b'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
                                     b'Sec-WebSocket-Key: short\r\n\r\n', '400'),
        ('too many fields', answer, head + b'A: b\r\n' * 150 + b'\r\n', '431'),
        ('a head byte by byte', head_in_bytes),
        ('readings', readings),
        ('no reading inside of a message', no_reading_inside_a_message),
        ('sleeps when there is nothing to do', sleeps),
        ('readings are not for other sites', foreign_page),
    ):
        await checks.run('server: ' + name, check, *arguments)
    await checks.run('client: an echo', client, echo, 0)
    await checks.run('client: a wrong echo', client, echo_in_capitals, 1)
    await checks.run('client: an early end', client, end_early, 1)
    with socket.create_server(('127.0.0.1', 0)) as taken:
        nobody = taken.getsockname()[1]
    await checks.run('client: nobody listens', run_client, nobody, 1, 'the connection was refused')
    await checks.run("client: the firmware's server", run_client, PORT, 0)
    for name, figure in figures.items():
        print(f'{name}: {figure}')
    print(f'{checks.passed} passed, {checks.failed} failed')
    return 1 if checks.failed or not checks.passed else 0


sys.exit(asyncio.run(main()))
