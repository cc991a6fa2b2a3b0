import asyncio

import tornado.httpserver, tornado.netutil, tornado.web, tornado.websocket

import common


async def echo(message, socket):
    if message == '!ping':
        socket.ping(common.PING)
    elif message == '!close':
        socket.close(*common.CLOSE)
    else:
        await socket.write_message(message, binary=isinstance(message, bytes))


async def client(url, deflate):
    socket = await tornado.websocket.websocket_connect(
        url, compression_options={} if deflate else None, subprotocols=common.subprotocols(url) or None)
    while (message := await socket.read_message()) is not None:
        await echo(message, socket)


class Handler(tornado.websocket.WebSocketHandler):
    deflate = False

    def get_compression_options(self):
        return {} if self.deflate else None

    def select_subprotocol(self, names):
        return 'matrix' if 'matrix' in names else None

    async def on_message(self, message):
        await echo(message, self)


async def server(deflate):
    Handler.deflate = deflate
    sockets = tornado.netutil.bind_sockets(0, '127.0.0.1')
    tornado.httpserver.HTTPServer(tornado.web.Application([('.*', Handler)])).add_sockets(sockets)
    common.announce(sockets[0].getsockname()[1])
    await asyncio.Event().wait()


common.run('tornado', client, server)
