from curl_cffi import AsyncSession, CurlWsFlag

import common


async def client(url, deflate):
    async with AsyncSession() as session:
        headers = {'Sec-WebSocket-Protocol': ', '.join(common.subprotocols(url))} if common.subprotocols(url) else {}
        socket = await session.ws_connect(url, headers=headers, max_message_size=4 << 20)
        try:
            while True:
                data, flags = await socket.recv()
                if flags & CurlWsFlag.CLOSE:
                    break
                if data == b'!ping':
                    await socket.ping(common.PING)
                elif data == b'!close':
                    await socket.close(common.CLOSE[0], common.CLOSE[1].encode())
                    break
                elif flags & (CurlWsFlag.TEXT | CurlWsFlag.BINARY):
                    await socket.send(data, flags & (CurlWsFlag.TEXT | CurlWsFlag.BINARY))
        finally:
            await socket.close()


common.run('curl_cffi', client, None)
