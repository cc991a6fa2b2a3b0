"""A WAMP router and a publisher. `autobahn` speaks WebSocket and WAMP: it negotiates the subprotocol, and it
reads, checks and writes the messages. The package has no router of its own, so the broker is here."""
import asyncio, itertools
from contextlib import asynccontextmanager

import txaio

txaio.use_asyncio()                      # before any other part of autobahn is imported

from autobahn.asyncio.wamp import ApplicationSession
from autobahn.asyncio.websocket import WampWebSocketClientFactory, WampWebSocketServerFactory
from autobahn.wamp import message
from autobahn.wamp.role import RoleBrokerFeatures
from autobahn.wamp.serializer import JsonSerializer, MsgPackSerializer
from autobahn.wamp.types import ComponentConfig, PublishOptions

REALM = 'realm1'


class Router:
    """The sessions and the subscriptions. `received` has the names of the messages that arrived, one list for each
    session."""

    def __init__(self):
        self.numbers = itertools.count(1001)
        self.subscriptions = {}              # topic -> (number, sessions)
        self.subscribed = asyncio.Queue()    # the sessions that have subscribed
        self.received = []
        self.closed = asyncio.Queue()        # for each connection, whether it was closed cleanly

    def subscribe(self, session, topic):
        number, sessions = self.subscriptions.setdefault(topic, (next(self.numbers), []))
        sessions.append(session)
        self.subscribed.put_nowait(session)
        return number

    def publish(self, publication, published):
        number, sessions = self.subscriptions.get(published.topic, (0, []))
        for session in sessions:
            event = message.Event(number, publication, args=published.args, kwargs=published.kwargs)
            session.transport.send(event)


class Session:
    """A session as the router sees it. `autobahn` calls the methods whose names begin with `on`, and its log
    wants the attributes with an underscore."""

    def __init__(self, router):
        self.router = router
        self.received = []
        self._session_id = self._authid = None
        router.received.append(self.received)

    def onOpen(self, transport):
        self.transport = transport

    def onMessage(self, received):
        self.received.append(type(received).__name__)
        match received:
            case message.Hello():
                if received.realm != REALM:
                    self.transport.send(message.Abort('wamp.error.no_such_realm', message=received.realm))
                    return
                self._session_id = next(self.router.numbers)
                roles = {'broker': RoleBrokerFeatures()}
                self.transport.send(message.Welcome(self._session_id, roles, realm=REALM))
            case message.Subscribe() if received.topic.startswith('secret.'):
                self.transport.send(message.Error(message.Subscribe.MESSAGE_TYPE, received.request,
                                                  'wamp.error.not_authorized'))
            case message.Subscribe():
                # The number of the subscription goes out before any event for it.
                number = self.router.subscribe(self, received.topic)
                self.transport.send(message.Subscribed(received.request, number))
            case message.Publish():
                publication = next(self.router.numbers)
                self.router.publish(publication, received)
                if received.acknowledge:
                    self.transport.send(message.Published(received.request, publication))
            case message.Goodbye(reason='wamp.close.goodbye_and_out'):
                pass
            case message.Goodbye():
                self.transport.send(message.Goodbye('wamp.close.goodbye_and_out'))
            case _:
                raise AssertionError(f'a client sent {received}')

    def say_goodbye(self):
        self.transport.send(message.Goodbye('wamp.close.system_shutdown'))

    def onClose(self, was_clean):
        for _, sessions in self.router.subscriptions.values():
            if self in sessions:
                sessions.remove(self)
        self.router.closed.put_nowait(was_clean)


@asynccontextmanager
async def running(serializers=None, **options):
    """A router that listens, and its URL. It speaks JSON, or the given serializers. The options are those of
    `autobahn` for a WebSocket server."""
    router, loop = Router(), asyncio.get_running_loop()
    serializers = serializers or [JsonSerializer()]
    factory = WampWebSocketServerFactory(lambda: Session(router), serializers=serializers, loop=loop)
    factory.setProtocolOptions(**options)
    server = await loop.create_server(factory, '127.0.0.1', 0)
    try:
        yield router, f'ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/'
    finally:
        server.close()


async def publish(url, topic, events):
    """Joins the realm, publishes, and leaves. Each event has arguments by position and by name."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    class Publisher(ApplicationSession):
        async def onJoin(self, details):
            try:
                for args, kwargs in events:
                    await self.publish(topic, *args, **kwargs, options=PublishOptions(acknowledge=True))
                self.leave()
            except Exception as error:
                done.set_exception(error)

        def onDisconnect(self):
            if not done.done():
                done.set_result(None)

    factory = WampWebSocketClientFactory(lambda: Publisher(ComponentConfig(REALM)), url=url,
                                         serializers=[JsonSerializer()], loop=loop)
    host, port = url.removeprefix('ws://').removesuffix('/').split(':')
    await loop.create_connection(factory, host, int(port))
    await done
