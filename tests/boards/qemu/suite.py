"""suite.py PORT PROGRAM: starts PROGRAM of drivers/embassy/boards/qemu in QEMU, and checks its server.

The last line is 'N passed, M failed'."""
import asyncio, os, random, sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../interop/python'))
sys.dont_write_bytecode = True
from harness import Checks, Program, equal
from websockets.asyncio.client import connect as websockets_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus
from websockets.frames import Frame, Opcode

PORT, PROGRAM = int(sys.argv[1]), sys.argv[2]
# As in the program.
CONNECTIONS, LONGEST = 2, 2048
QEMU = ('/usr/bin/qemu-system-arm', '-machine', 'lm3s6965evb', '-display', 'none', '-monitor', 'none',
        '-serial', 'null', '-semihosting-config', 'enable=on,target=native',
        '-nic', f'user,model=stellaris,restrict=on,hostfwd=tcp:127.0.0.1:{PORT}-10.0.2.15:80',
        '-kernel', PROGRAM)
GIVEN_UP = '^lost: nothing was received after a ping'
HEAD = (b'GET / HTTP/1.1\r\nHost: board\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
        b'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n')


def open_once(**options):
    return websockets_connect(f'ws://127.0.0.1:{PORT}/', compression=None, proxy=None, ping_interval=None,
                              **options)


async def connect(**options):
    """Connects. The board listens again only after it has noticed the end of an earlier connection, and
    resets a connection until then."""
    while True:
        try:
            return await open_once(**options)
        except (InvalidMessage, ConnectionError, EOFError):
            await asyncio.sleep(0.05)


async def echoes(message):
    async with await connect() as socket:
        await socket.send(message)
        equal(await socket.recv(), message)


async def fragments(pieces):
    async with await connect() as socket:
        await socket.send(pieces)
        equal(await socket.recv(), pieces[0][:0].join(pieces))


async def many_messages():
    chance = random.Random(1)
    messages = [chance.randbytes(chance.randrange(LONGEST + 1)) for _ in range(300)]
    async with await connect() as socket:
        async def say():
            for message in messages:
                await socket.send(message)
        saying = asyncio.create_task(say())
        for message in messages:
            assert await socket.recv() == message, 'another message came back'
        await saying


async def ping():
    async with await connect() as socket:
        await (await socket.ping(b'payload'))


async def ping_inside_a_message():
    async with await connect() as socket:
        raw_frame(socket, Opcode.TEXT, b'one, ', False)
        await (await socket.ping())
        raw_frame(socket, Opcode.CONT, b'two', True)
        equal(await socket.recv(), 'one, two')


def raw_frame(socket, opcode, data, fin):
    socket.transport.write(Frame(opcode, data, fin).serialize(mask=True))


async def close_with_a_code():
    async with await connect() as socket:
        await socket.close(4001, 'enough')
        equal((socket.protocol.close_rcvd.code, socket.protocol.close_rcvd_then_sent), (4001, False))


async def fails(code, *frames):
    """The board answers these bytes with a Close of that code, and ends the connection."""
    async with await connect() as socket:
        for frame in frames:
            socket.transport.write(frame)
        try:
            while True:
                await socket.recv()
        except ConnectionClosed as closed:
            equal(closed.rcvd and closed.rcvd.code, code)


async def refused(head, status):
    while True:
        try:
            reader, writer = await asyncio.open_connection('127.0.0.1', PORT)
            writer.write(head)
            answer = await reader.read()
            writer.close()
            break
        except ConnectionError:
            await asyncio.sleep(0.05)
    equal(answer.split(b'\r\n')[0].split()[1], status)


async def foreign_page():
    while True:
        try:
            async with open_once(origin='http://elsewhere.example'):
                raise AssertionError('it was accepted')
        except InvalidStatus as error:
            equal(error.response.status_code, 403)
            break
        except (InvalidMessage, ConnectionError, EOFError):
            await asyncio.sleep(0.05)


async def two_and_a_third():
    sockets = [await connect() for _ in range(CONNECTIONS)]
    try:
        for number, socket in enumerate(sockets):
            await socket.send(str(number))
        for number, socket in enumerate(sockets):
            equal(await socket.recv(), str(number))
        try:
            await open_once()
        except (InvalidHandshake, InvalidMessage, ConnectionError, EOFError):
            pass
        else:
            raise AssertionError('a third connection was accepted')
        await sockets[0].send('still there?')
        equal(await sockets[0].recv(), 'still there?')
    finally:
        for socket in sockets:
            await socket.close()
    await echoes('there is room again')


async def lost_connections():
    """A peer that vanishes inside of a head or of a frame leaves room for the next one."""
    for number in range(2 * CONNECTIONS):
        socket = await connect()
        if number % 2:
            socket.transport.write(b'\x81\x85\x01\x02')
        socket.transport.abort()
        await socket.wait_closed()
    await echoes('there is room again')


async def a_peer_that_never_reads(board):
    """The board gives that peer up at the deadline of its ping, and serves another one meanwhile."""
    async with await connect() as other, await connect(max_queue=1) as deaf:
        async def send_for_ever():
            while True:
                await deaf.send(bytes(LONGEST))

        sending = asyncio.create_task(send_for_ever())
        given_up = asyncio.create_task(board.line_matching(GIVEN_UP))
        echoed = 0
        try:
            while not given_up.done():
                await other.send(str(echoed))
                equal(await other.recv(), str(echoed))
                echoed += 1
            await given_up
            await sending
        except ConnectionClosed as closed:
            # Only the other task ends in this way.
            assert sending.done() and closed.rcvd is None, closed
        finally:
            sending.cancel()
            given_up.cancel()
            # Nothing can be written, so `close` would not end.
            deaf.transport.abort()
        assert echoed > 100, f'the other connection got {echoed} echoes only'
        print(f'echoes of the other connection meanwhile: {echoed}')
        await other.send('still there?')
        equal(await other.recv(), 'still there?')
    await echoes('there is room again')


async def a_silent_peer(board):
    """A peer that does not answer the ping is told that its connection is over, although it sends nothing."""
    while True:
        reader, writer = await asyncio.open_connection('127.0.0.1', PORT)
        writer.write(HEAD)
        try:
            await reader.readuntil(b'\r\n\r\n')
            break
        except (ConnectionError, asyncio.IncompleteReadError):
            await asyncio.sleep(0.05)
    try:
        equal(await reader.read(), b'\x89\x04\x00\x00\x00\x01')
    except ConnectionResetError:
        pass
    finally:
        writer.transport.abort()
    await board.line_matching(GIVEN_UP)


async def runs(board):
    """No check has made the program panic, which ends QEMU."""
    assert board.process.returncode is None, board.said()


def frame(opcode, data):
    return Frame(opcode, data).serialize(mask=True)


async def main():
    checks = Checks()
    chance = random.Random(0)
    board = await Program.start(*QEMU)
    try:
        async with asyncio.timeout(30):
            await board.line_matching('^ready$')
        for name, check, *arguments in (
            ('text', echoes, 'Grüße, κόσμε 🦀'),
            ('empty text', echoes, ''),
            ('empty binary', echoes, b''),
            *((f'binary of {size} bytes', echoes, chance.randbytes(size))
              for size in (1, 125, 126, 1460, LONGEST)),
            ('300 messages', many_messages),
            ('text in fragments', fragments, ['one ', '', 'two ', 'thr', 'ee']),
            ('binary in 100 fragments', fragments, [b'x' * 20] * 100),
            ('ping', ping),
            ('ping inside of a message', ping_inside_a_message),
            ('close with a code', close_with_a_code),
            ('an unmasked frame', fails, 1002, Frame(Opcode.TEXT, b'open').serialize(mask=False)),
            ('a reserved bit', fails, 1002, bytes([0xc1, 0x80, 0, 0, 0, 0])),
            ('a continuation of nothing', fails, 1002, frame(Opcode.CONT, b'open')),
            ('text that is not UTF-8', fails, 1007, frame(Opcode.TEXT, b'fine \xff')),
            ('a message that is too long', fails, 1009, frame(Opcode.BINARY, bytes(LONGEST + 1))),
            ('not a WebSocket', refused, b'GET / HTTP/1.1\r\nHost: board\r\n\r\n', b'426'),
            ('another version', refused, HEAD.replace(b': 13', b': 12'), b'426'),
            ('a page of another site', foreign_page),
            ('two connections, and a third', two_and_a_third),
            ('lost connections', lost_connections),
            ('a silent peer', a_silent_peer, board),
            ('a peer that never reads', a_peer_that_never_reads, board),
            ('the board still runs', runs, board),
        ):
            await checks.run(name, check, *arguments)
    finally:
        await board.stop()
    print(f'{checks.passed} passed, {checks.failed} failed')
    return 1 if checks.failed or not checks.passed else 0


sys.exit(asyncio.run(main()))
