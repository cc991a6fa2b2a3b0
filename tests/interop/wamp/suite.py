"""suite.py CLIENT: lets the client speak WAMP, one message a line, and runs all checks. The last line is
'N passed, M failed'."""
import asyncio, json, os, sys
from contextlib import asynccontextmanager

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'python'))

from harness import Checks, Program, equal
from router import REALM, MsgPackSerializer, publish, running

TOPIC = 'com.example.topic'
HELLO, WELCOME, ABORT, GOODBYE, ERROR, SUBSCRIBE, SUBSCRIBED, EVENT = 1, 2, 3, 6, 8, 32, 33, 36


class Subscriber:
    """The client as a subscriber: it sends and receives messages, which are JSON arrays."""

    def __init__(self, client):
        self.client = client

    async def say(self, *message):
        await self.client.type(json.dumps(message, ensure_ascii=False) + '\n')

    async def hear(self):
        line = await self.client.line()
        equal(line[:2], '< ')
        return json.loads(line[2:])

    async def join(self, realm=REALM):
        await self.say(HELLO, realm, {'roles': {'subscriber': {}}})
        return await self.hear()

    async def subscribe(self, topic=TOPIC):
        await self.say(SUBSCRIBE, 1, {}, topic)
        return await self.hear()

    async def subscribed(self):
        """Joins and subscribes. Returns the number of the subscription."""
        kind, session, details = await self.join()
        equal((kind, type(session), list(details['roles'])), (WELCOME, int, ['broker']))
        kind, request, subscription = await self.subscribe()
        equal((kind, request), (SUBSCRIBED, 1))
        return subscription

    async def event(self):
        """The subscription of the next event, and its arguments by position and by name."""
        kind, subscription, _publication, _details, *arguments = await self.hear()
        equal(kind, EVENT)
        return subscription, arguments

    async def leave(self):
        await self.say(GOODBYE, {}, 'wamp.close.close_realm')
        kind, _details, reason = await self.hear()
        equal((kind, reason), (GOODBYE, 'wamp.close.goodbye_and_out'))

    async def close(self):
        """Ends the connection, with a Close of each side."""
        self.client.end_of_input()
        equal(await self.client.status(), 0)


@asynccontextmanager
async def subscriber(program, url):
    client = await Program.start(program, '--subprotocol=wamp.2.cbor.batched', '--subprotocol=wamp.2.json', url)
    try:
        # The router knows only the second one.
        equal([await client.line(), await client.line()], ['* open', '* subprotocol wamp.2.json'])
        yield Subscriber(client)
    finally:
        await client.stop()


async def events_reach_a_subscriber_until_it_says_goodbye(program):
    async with running() as (router, url), subscriber(program, url) as client:
        subscription = await client.subscribed()
        await publish(url, TOPIC, [(['one', 2], {}), ([], {}), (['ä', None], {'by': 'name'})])
        equal(await client.event(), (subscription, [['one', 2]]))
        equal(await client.event(), (subscription, []))
        equal(await client.event(), (subscription, [['ä', None], {'by': 'name'}]))
        await client.leave()
        await client.close()
        equal(router.received, [
            ['Hello', 'Subscribe', 'Goodbye'],
            ['Hello', 'Publish', 'Publish', 'Publish', 'Goodbye'],
        ])
        equal([await router.closed.get(), await router.closed.get()], [True, True])


async def the_router_says_goodbye_first(program):
    async with running() as (router, url), subscriber(program, url) as client:
        await client.subscribed()
        (await router.subscribed.get()).say_goodbye()
        kind, _details, reason = await client.hear()
        equal((kind, reason), (GOODBYE, 'wamp.close.system_shutdown'))
        await client.say(GOODBYE, {}, 'wamp.close.goodbye_and_out')
        await client.close()
        equal(router.received, [['Hello', 'Subscribe', 'Goodbye']])
        equal(await router.closed.get(), True)


async def a_long_event_arrives_in_fragments(program):
    async with running(autoFragmentSize=1000) as (router, url), subscriber(program, url) as client:
        await client.subscribed()
        text = 'ä€🙂' * 10_000
        await publish(url, TOPIC, [([text], {})])
        _, arguments = await client.event()
        equal(arguments, [[text]])
        await client.leave()
        await client.close()


async def two_subscribers_get_the_same_events(program):
    async with running() as (router, url), subscriber(program, url) as one, subscriber(program, url) as two:
        clients = [one, two]
        subscriptions = [await client.subscribed() for client in clients]
        equal(subscriptions[0], subscriptions[1])
        await publish(url, TOPIC, [([1], {}), ([2], {})])
        for client in clients:
            equal([await client.event(), await client.event()],
                  [(subscriptions[0], [[1]]), (subscriptions[0], [[2]])])
            await client.leave()
            await client.close()


async def a_session_in_an_unknown_realm_is_aborted(program):
    async with running() as (router, url), subscriber(program, url) as client:
        kind, _details, reason = await client.join('nowhere')
        equal((kind, reason), (ABORT, 'wamp.error.no_such_realm'))
        await client.close()
        equal(router.received, [['Hello']])


async def a_subscription_that_is_not_authorized_is_an_error(program):
    async with running() as (router, url), subscriber(program, url) as client:
        await client.join()
        kind, of, request, _details, reason = await client.subscribe('secret.topic')
        equal((kind, of, request, reason), (ERROR, SUBSCRIBE, 1, 'wamp.error.not_authorized'))
        await client.leave()
        await client.close()


async def a_message_that_is_no_wamp_closes_the_connection(program):
    async with running(failByDrop=False) as (router, url), subscriber(program, url) as client:
        await client.say('this is no WAMP')
        equal(await client.client.status() != 0, True)
        assert b'the server closed the connection: 1002' in client.client.stderr, client.client.said()


async def a_router_without_the_subprotocol_refuses(program):
    async with running([MsgPackSerializer()]) as (router, url):
        client = await Program.start(program, '--subprotocol=wamp.2.json', url)
        equal(await client.status() != 0, True)
        assert b'refused: 400' in client.stderr, client.said()
        equal(router.received, [])


async def main(program):
    checks = Checks()
    for check in (
        events_reach_a_subscriber_until_it_says_goodbye, the_router_says_goodbye_first,
        a_long_event_arrives_in_fragments, two_subscribers_get_the_same_events,
        a_session_in_an_unknown_realm_is_aborted, a_subscription_that_is_not_authorized_is_an_error,
        a_message_that_is_no_wamp_closes_the_connection, a_router_without_the_subprotocol_refuses,
    ):
        await checks.run(check.__name__, check, program)
    print(f'{checks.passed} passed, {checks.failed} failed')
    return 1 if checks.failed or not checks.passed else 0


if len(sys.argv) != 2:
    sys.exit(__doc__)
sys.exit(asyncio.run(main(sys.argv[1])))
