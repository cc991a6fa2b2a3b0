"""A server that keeps the requests that a proxy passes on, and sends a message together with its answer."""
import asyncio, base64, hashlib
from contextlib import asynccontextmanager

from websockets.protocol import Protocol, Side

GREETING = 'together with the answer'


def answer(key):
    digest = hashlib.sha1((key + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').encode()).digest()
    return ('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
            f'Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n\r\n').encode()


class Request:
    def __init__(self, head):
        first, *lines = head.decode().split('\r\n')[:-2]
        self.line = first
        self.headers = {}
        for line in lines:
            name, value = line.split(':', 1)
            self.headers.setdefault(name.lower(), []).append(value.strip())

    def header(self, name):
        """The values of the header, in one string."""
        return ', '.join(self.headers.get(name, []))


class Recorder:
    def __init__(self):
        self.requests = asyncio.Queue()

    async def serve(self, reader, writer):
        request = Request(await reader.readuntil(b'\r\n\r\n'))
        self.requests.put_nowait(request)
        text = GREETING.encode()
        writer.write(answer(request.header('sec-websocket-key')) + bytes([0x81, len(text)]) + text)
        websocket = Protocol(Side.SERVER)        # it answers the Close
        while data := await reader.read(1 << 16):
            websocket.receive_data(data)
            writer.write(b''.join(websocket.data_to_send()))
            if websocket.close_rcvd:
                break
        writer.close()


@asynccontextmanager
async def recorder():
    self = Recorder()
    server = await asyncio.start_server(self.serve, '127.0.0.1', 0)
    self.port = server.sockets[0].getsockname()[1]
    try:
        yield self
    finally:
        server.close()
