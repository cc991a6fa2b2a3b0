"""suite.py DEVICE: runs all checks of the program DEVICE. The last line is 'N passed, M failed'."""
import asyncio, hashlib, json, os, random, signal, sys, tempfile
from decimal import Decimal

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'python'))

from harness import Checks, equal                                               # noqa: E402
from network import Gateway, Link                                               # noqa: E402
from programs import Broker, Device, make_certificates, tls_server              # noqa: E402

# A sleep of a minute takes a tenth of a second.
QUICK = ('--sleep-speed', '600')
LOST = r'^ *([\d.]+) s: (.*); next try in ([\d.]+) s$'
# As in the device, in milliseconds.
LONGEST_PAUSE = 300_000


def times(subscriber, name):
    """The numbers and times of the readings that have arrived, in the order of their first arrival. A reading
    may arrive twice."""
    found = (json.loads(found[1]) for found in subscriber.all(rf'^{name}/reading (.*)'))
    return {reading['number']: reading['seconds'] for reading in found}


def readings(subscriber, name):
    return list(times(subscriber, name))


def is_each_minute(times):
    """Whether the readings were measured in time, by a clock that was told about each sleep."""
    return all(60 <= later - earlier <= 65 for earlier, later in zip(times, times[1:]))


async def all_readings(subscriber, name, count):
    """Waits for the readings up to this number. None may be missing."""
    while (found := readings(subscriber, name))[:count] != list(range(1, count + 1)):
        assert found == list(range(1, len(found) + 1)), found
        async with subscriber.has_changed:
            await subscriber.has_changed.wait()


def milliseconds(seconds):
    """The device prints at most three decimals. A float does not hold them exactly, so the difference of two
    floats may be a little too small."""
    return int(Decimal(seconds) * 1000)


def failures(device):
    """The time, the reason and the pause of each failure."""
    return [(milliseconds(found[1]), found[2], milliseconds(found[3])) for found in device.all(LOST)]


def within(pause, limit):
    assert limit // 2 <= pause <= limit, \
        f'a pause of {pause} ms is not between half of {limit} ms and all of it'


async def readings_arrive(world):
    name = 'plain'
    async with world.broker.subscriber(name) as subscriber, \
            world.device.run(name, world.broker.tls, '--readings', '5', *QUICK) as device:
        equal(await device.status(), 0)
        equal(device.all('finished') != [], True)
        equal(failures(device), [])
        await all_readings(subscriber, name, 5)
        await subscriber.wait_for(rf'^{name}/uptime \d+$')
        measured = list(times(subscriber, name).values())
        assert is_each_minute(measured), measured
        # Version 4 of the protocol is 3.1.1; c0: the session is kept; the seconds of keepalive.
        await world.broker.log.wait_for(rf'New client connected from \S+ as {name} \(p2, c0, k240\)')
        await world.broker.log.wait_for(rf'Received DISCONNECT from {name}\b')


async def lost_links(world):
    """The link breaks three times. No reading is lost, the pauses double, and are short again afterwards."""
    name = 'lost'
    async with Link.to(world.broker.tls) as link, world.broker.subscriber(name) as subscriber, \
            world.device.run(name, link.port, *QUICK) as device:
        tries = 0
        for outage in range(3):
            arrived = len(device.all('has arrived'))
            # An acknowledged reading makes the pauses short again.
            await device.wait_for('has arrived', arrived + 3)
            link.take_down()
            await device.wait_for(LOST, tries + 5)
            link.is_up = True
            await device.wait_for(': connected', outage + 2)
            lost = failures(device)[tries:]
            tries += len(lost)
            for number, (_, _, pause) in enumerate(lost):
                within(pause, min(1000 * 2 ** number, LONGEST_PAUSE))
            # The device really waits that long, by its own clock, which was told about the sleep.
            for (at, _, pause), (later, _, _) in zip(lost, lost[1:]):
                assert pause <= later - at <= pause + 5000, (at, pause, later)
        await device.wait_for('has arrived', len(device.all('has arrived')) + 3)
        await all_readings(subscriber, name, len(device.all('has arrived')))


async def a_long_outage(world):
    """Readings that the device takes while it has no connection arrive later."""
    name = 'outage'
    async with Link.to(world.broker.tls) as link, world.broker.subscriber(name) as subscriber, \
            world.device.run(name, link.port, *QUICK) as device:
        await device.wait_for('reading 2 has arrived')
        link.take_down()
        # These pauses are at least 0.5 + 1 + 2 + … + 64 s long.
        await device.wait_for(LOST, 9)
        link.is_up = True
        await device.wait_for(': connected', 2)
        lost = failures(device)
        assert lost[8][0] - lost[0][0] > 127_000, lost
        await device.wait_for('has arrived', len(device.all('has arrived')) + 3)
        await all_readings(subscriber, name, len(device.all('has arrived')))
        # Each of them was measured in time, and not when the link was back.
        measured = list(times(subscriber, name).values())
        assert is_each_minute(measured), measured


async def a_silent_link(world):
    """Nothing passes any more, and no end is seen. After its sleep the device sends a ping at once, because
    the timers know of the sleep. So it notices the loss before the broker's acknowledgement is overdue."""
    name = 'silent'
    async with Link.to(world.broker.tls) as link, world.broker.subscriber(name) as subscriber, \
            world.device.run(name, link.port, '--clock-speed', '10', *QUICK) as device:
        await device.wait_for('reading 3 has arrived')
        link.passes.clear()
        lost = await device.wait_for(LOST)
        assert 'nothing was received after a ping' in lost[2], lost[2]
        link.cut()
        link.passes.set()
        await device.wait_for('reading 6 has arrived')
        await all_readings(subscriber, name, 6)


async def long_sleeps(world):
    """Between readings that are an hour apart the device wakes up for the broker's keepalive."""
    name = 'sleeper'
    async with world.broker.subscriber(name) as subscriber, \
            world.device.run(name, world.broker.tls, '--readings', '2', '--interval', '3600',
                             '--sleep-speed', '6000') as device:
        equal(await device.status(), 0)
        equal(failures(device), [])
        await all_readings(subscriber, name, 2)
        equal(len(device.all('the broker answered a ping')), 29)
        sleeps = [milliseconds(found[1]) for found in device.all(r'sleeps for ([\d.]+) s')]
        assert max(sleeps) <= 120_000, sleeps


async def refused_certificate(world, name, trusted):
    """The device sends neither its token nor anything else to such a server."""
    async with Gateway.to(world.broker.plain, tls_server(world.certificates, name)) as gateway, \
            world.device.run('refused', gateway.port, *QUICK, authority=trusted + '/ca.der') as device:
        lost = await device.wait_for(LOST)
        assert lost[2].startswith('TLS failed: InvalidCertificate'), lost[2]
        # It will not help to try again soon.
        within(milliseconds(lost[3]), LONGEST_PAUSE)
        await device.wait_for(LOST, 2)
        equal(gateway.requests, [])


async def authorization(world):
    name = 'authorized'
    async with Gateway.to(world.broker.plain, tls_server(world.certificates)) as gateway, \
            world.broker.subscriber(name) as subscriber, \
            world.device.run(name, gateway.port, '--readings', '3', *QUICK) as device:
        equal(await device.status(), 0)
        await all_readings(subscriber, name, 3)
        (line, headers), = gateway.requests
        equal(line, 'GET /mqtt HTTP/1.1')
        equal(headers['authorization'], 'Bearer secret')
        equal(headers['sec-websocket-protocol'], 'mqtt')


async def wrong_token(world):
    async with Gateway.to(world.broker.plain, tls_server(world.certificates)) as gateway, \
            world.device.run('unauthorized', gateway.port, *QUICK, token='wrong') as device:
        lost = await device.wait_for(LOST)
        assert 'status 401' in lost[2], lost[2]
        within(milliseconds(lost[3]), LONGEST_PAUSE)
        equal(gateway.requests[0][1]['authorization'], 'Bearer wrong')


async def no_broker(world):
    async with Link.to(world.broker.tls) as link:
        port = link.port
    # Nobody listens there any more.
    async with world.device.run('nobody', port, *QUICK) as device:
        lost = await device.wait_for(LOST)
        equal(lost[2], 'no TCP connection: ConnectionRefused')
        within(milliseconds(lost[3]), 1000)


async def another_server(world):
    """A server that accepts the WebSocket without the subprotocol."""
    async with Gateway.to(None, tls_server(world.certificates)) as gateway, \
            world.device.run('elsewhere', gateway.port, *QUICK) as device:
        lost = await device.wait_for(LOST)
        equal(lost[2], 'the server does not speak mqtt')
        within(milliseconds(lost[3]), LONGEST_PAUSE)


async def commands(world):
    """The other task of the device obeys while readings are sent, and the broker keeps a command for a device
    that has no connection."""
    name = 'obedient'
    async with Link.to(world.broker.tls) as link, \
            world.device.run(name, link.port, *QUICK) as device:
        await device.wait_for('reading 2 has arrived')
        await world.broker.publish(f'{name}/command', '-m', 'interval 30')
        await device.wait_for('a reading every 30 s from now on')
        for command in ('interval 0', 'explode', 'interval ' + '1' * 100, ''):
            await world.broker.publish(f'{name}/command', *(('-m', command) if command else ('-n',)))
        await device.wait_for('unknown command ""')
        equal(len(device.all('unknown command')), 4)
        await world.broker.log.wait_for(rf'Received PUBACK from {name} ', 5)

        link.take_down()
        await device.wait_for(LOST)
        await world.broker.publish(f'{name}/command', '-m', 'interval 45')
        link.is_up = True
        await device.wait_for('a reading every 45 s from now on')


def write(world, name, content):
    path = os.path.join(world.directory, name)
    with open(path, 'wb') as file:
        file.write(content)
    return path


async def image(world, cut_after):
    """An image that is much larger than the memory of the device. It is small for an image, because mosquitto
    writes only 4 KiB to a WebSocket in 100 ms."""
    name = 'cut-image' if cut_after else 'image'
    content = random.Random(1).randbytes(100_000)
    flash = os.path.join(world.directory, name + '.flash')
    topic = f'{name}/image/{hashlib.sha256(content).hexdigest()}'
    async with Link.to(world.broker.tls) as link, world.broker.subscriber(name) as subscriber:
        link.cut_after = cut_after
        await world.broker.publish(topic, '-r', '-f', write(world, name, content))
        async with world.device.run(name, link.port, '--flash', flash, *QUICK) as device:
            await device.wait_for(r'installed an image of 100000 bytes')
            buffers = await device.wait_for(r'the buffers of a connection take (\d+) bytes')
            assert int(buffers[1]) < 10_000, buffers[0]
            await subscriber.wait_for(f'^{name}/image-state installed$')
            equal(len(device.all(': connected')), 2 if cut_after else 1)
            # Readings go on. On the next connection the broker sends the image again, and the device ignores
            # it.
            connections, arrived = len(device.all(': connected')), len(device.all('has arrived'))
            link.cut()
            await device.wait_for(': connected', connections + 1)
            await device.wait_for('has arrived', arrived + 3)
            equal(len(device.all('installed an image')), 1)
        with open(flash, 'rb') as file:
            assert file.read() == content, 'the flash holds another image'
        await world.broker.publish(topic, '-r', '-n')


async def wrong_image(world):
    name = 'wrong-image'
    content = random.Random(2).randbytes(50_000)
    async with world.broker.subscriber(name) as subscriber, \
            world.device.run(name, world.broker.tls, *QUICK) as device:
        await device.wait_for('reading 1 has arrived')
        digest = hashlib.sha256(content[1:]).hexdigest()
        await world.broker.publish(f'{name}/image/{digest}', '-f', write(world, name, content))
        await device.wait_for('rejected an image of 50000 bytes')
        await subscriber.wait_for(f'^{name}/image-state rejected$')
        equal(failures(device), [])


class World:
    """What all checks share."""

    def __init__(self, directory, program):
        self.directory = directory
        self.certificates = os.path.join(directory, 'certificates')
        self.strangers = os.path.join(directory, 'strangers')
        make_certificates(self.certificates)
        make_certificates(self.strangers)
        self.device = Device(program, self.certificates + '/ca.der')


async def main(program):
    # A signal cancels the checks, so that they end what they have started.
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, asyncio.current_task().cancel)
    checks = Checks()
    with tempfile.TemporaryDirectory() as directory:
        world = World(directory, program)
        world.broker = await Broker.start(directory, world.certificates)
        try:
            for name, check, *arguments in (
                ('readings arrive, over TLS', readings_arrive),
                ('the link breaks three times, and no reading is lost', lost_links),
                ('readings of a long outage arrive later', a_long_outage),
                ('a silent link is noticed after a sleep', a_silent_link),
                ('pings keep a session alive over long sleeps', long_sleeps),
                ('a certificate of another authority is refused', refused_certificate, 'server',
                 world.strangers),
                ('a certificate for another host is refused', refused_certificate, 'elsewhere',
                 world.certificates),
                ('the header Authorization and the subprotocol are on the wire', authorization),
                ('a wrong token leads to 401 and to a long pause', wrong_token),
                ('no broker at all', no_broker),
                ('a server that does not speak mqtt', another_server),
                ('commands arrive while readings are sent', commands),
                ('a large image arrives in parts', image, None),
                ('an image whose transfer is cut arrives after all', image, 30_000),
                ('an image with another digest is rejected', wrong_image),
            ):
                await checks.run(name, check, world, *arguments)
        finally:
            await world.broker.log.stop()
    print(f'{checks.passed} passed, {checks.failed} failed')
    return 1 if checks.failed or not checks.passed else 0


if len(sys.argv) != 2:
    sys.exit(__doc__)
try:
    sys.exit(asyncio.run(main(sys.argv[1])))
except asyncio.CancelledError:
    sys.exit('ended by a signal')
