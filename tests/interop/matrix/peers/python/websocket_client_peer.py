import asyncio

import websocket

import common


def echo(url):
    socket = websocket.create_connection(url, subprotocols=common.subprotocols(url), timeout=10)
    while True:
        opcode, data = socket.recv_data(control_frame=True)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            break
        if opcode == websocket.ABNF.OPCODE_TEXT and data == b'!ping':
            socket.ping(common.PING)
        elif opcode == websocket.ABNF.OPCODE_TEXT and data == b'!close':
            socket.close(common.CLOSE[0], common.CLOSE[1].encode())
            break
        elif opcode == websocket.ABNF.OPCODE_TEXT and data == b'!fragments':
            first, *middle, last = (part.encode() for part in common.FRAGMENTS)
            socket.send_frame(websocket.ABNF.create_frame(first, websocket.ABNF.OPCODE_TEXT, 0))
            for part in middle:
                socket.send_frame(websocket.ABNF.create_frame(part, websocket.ABNF.OPCODE_CONT, 0))
            socket.send_frame(websocket.ABNF.create_frame(last, websocket.ABNF.OPCODE_CONT, 1))
        elif opcode in (websocket.ABNF.OPCODE_TEXT, websocket.ABNF.OPCODE_BINARY):
            socket.send(data, opcode)
    socket.shutdown()


async def client(url, deflate):
    await asyncio.to_thread(echo, url)


common.run('websocket-client', client, None)
