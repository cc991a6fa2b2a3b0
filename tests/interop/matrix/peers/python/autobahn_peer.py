import asyncio
from urllib.parse import urlsplit

from autobahn.asyncio.websocket import (WebSocketClientFactory, WebSocketClientProtocol, WebSocketServerFactory,
                                        WebSocketServerProtocol)
from autobahn.websocket import compress

import common


class Echo:
    def onMessage(self, payload, is_binary):
        if payload == b'!ping':
            self.sendPing(common.PING)
        elif payload == b'!close':
            self.sendClose(*common.CLOSE)
        elif payload == b'!fragments':
            self.beginMessage()
            for part in common.FRAGMENTS:
                self.sendMessageFrame(part.encode())
            self.endMessage()
        else:
            self.sendMessage(payload, is_binary)


class Client(Echo, WebSocketClientProtocol):
    def onClose(self, *_):
        self.factory.done.set()


class Server(Echo, WebSocketServerProtocol):
    def onConnect(self, request):
        return 'matrix' if 'matrix' in request.protocols else None


def offer(response):
    if isinstance(response, compress.PerMessageDeflateResponse):
        return compress.PerMessageDeflateResponseAccept(response)


def accept(offers):
    for found in offers:
        if isinstance(found, compress.PerMessageDeflateOffer):
            return compress.PerMessageDeflateOfferAccept(found)


async def client(url, deflate):
    factory = WebSocketClientFactory(url, protocols=common.subprotocols(url))
    factory.protocol, factory.done = Client, asyncio.Event()
    if deflate:
        factory.setProtocolOptions(perMessageCompressionOffers=[compress.PerMessageDeflateOffer()],
                                   perMessageCompressionAccept=offer)
    await asyncio.get_running_loop().create_connection(factory, '127.0.0.1', urlsplit(url).port)
    await factory.done.wait()


async def server(deflate):
    factory = WebSocketServerFactory()
    factory.protocol = Server
    if deflate:
        factory.setProtocolOptions(perMessageCompressionAccept=accept)
    listener = await asyncio.get_running_loop().create_server(factory, '127.0.0.1', 0)
    common.announce(listener.sockets[0].getsockname()[1])
    await asyncio.Event().wait()


common.run('autobahn', client, server)
