"""A TCP proxy on loopback. It gives every byte to a recorder, and can put a frame of its own into the stream."""
import asyncio, os, struct

from recorder import CLIENT, PING, SERVER, TEXT, Conversation, other, unmask

# How long one side may take to end its transport after the other side has.
PATIENCE = 5

# What the proxy can send in the name of a side: the first byte of the frame, its payload, the length as the
# header states it, and the close code with which the receiver should fail the connection.
BAD = {
    'utf8': (0x80 | TEXT, b'\xff\xfe', None, 1007),
    'opcode': (0x83, b'', None, 1002),
    'reserved-bit': (0xA0 | TEXT, b'x', None, 1002),
    'mask': (0x80 | TEXT, b'x', None, 1002),
    'long-ping': (0x80 | PING, b'x' * 126, None, 1002),
    'continuation': (0x80, b'x', None, 1002),
    'long-length': (0x80 | TEXT, b'x', b'\x7e\x00\x01', 1002),
    'close-code': (0x88, struct.pack('>H', 1005), None, 1002),
}


def frame(kind, side):
    """The bytes of a bad frame from this side."""
    first, payload, length, _ = BAD[kind]
    if length is None:
        length = bytes([len(payload)]) if len(payload) < 126 else b'\x7e' + struct.pack('>H', len(payload))
    is_masked = (side == CLIENT) != (kind == 'mask')
    if not is_masked:
        return bytes([first]) + length + payload
    key = os.urandom(4)
    return bytes([first, length[0] | 0x80]) + length[1:] + key + unmask(payload, key)


class Proxy:
    """Forwards connections to `port`. `ours` is the side of sansws. A path /bad/KIND/RECEIVER asks for a bad frame
    to the receiver, which is `peer` or `sansws`."""

    def __init__(self, port, ours):
        self.target, self.ours = port, ours
        self.conversations = {}          # by path
        self.tasks = set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, '127.0.0.1', 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def settle(self):
        """Waits until all connections have ended."""
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=PATIENCE + 2)

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        conversation = Conversation()
        conversation.bad = None          # (kind, receiver) once the bad frame is sent
        conversation.messages_before = None
        try:
            server_reader, server_writer = await asyncio.open_connection('127.0.0.1', self.target)
            pumps = [asyncio.create_task(self._pump(conversation, CLIENT, reader, server_writer)),
                     asyncio.create_task(self._pump(conversation, SERVER, server_reader, writer))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait(pumps, timeout=PATIENCE)
            for pump in pumps:
                pump.cancel()
            for side in (CLIENT, SERVER):
                if conversation.directions[side].ended is None:
                    rule = f'the transport was still open {PATIENCE} s after the other side ended'
                    conversation.violation(side, rule)
            server_writer.close()
            conversation.finish()
        finally:
            writer.close()
            if conversation.path:
                self.conversations[conversation.path.strip('/')] = conversation
            self.tasks.discard(task)

    async def _pump(self, conversation, side, reader, writer):
        how = 'end'
        try:
            while data := await reader.read(1 << 16):
                conversation.feed(side, data)
                writer.write(data)
                if bad := self._bad_frame(conversation, side):
                    writer.write(bad)
                await writer.drain()
        except ConnectionError:
            how = 'reset'
        conversation.end(side, how)
        try:
            writer.write_eof()
        except (OSError, RuntimeError):
            pass

    def _bad_frame(self, conversation, side):
        """The bad frame that the path asks for, once the first message of this side has passed."""
        name, *request = (conversation.path or '').strip('/').split('/')
        if name != 'bad' or conversation.bad or len(request) != 2:
            return None
        kind, receiver = request
        receiver = self.ours if receiver == 'sansws' else other(self.ours)
        direction = conversation.directions[side]
        if receiver == side or not direction.messages or not direction.is_between_messages:
            return None
        conversation.bad = kind, receiver
        return frame(kind, side)
