"""The programs of these checks: the broker, its clients, and the device."""
import asyncio, os, re, socket, ssl, subprocess, sys
from contextlib import asynccontextmanager

HERE = os.path.dirname(os.path.abspath(__file__))
CERTIFICATES = os.path.join(HERE, '..', 'certificates')


class Watched:
    """A program whose lines are kept, so that several checks can wait for the same line."""

    @classmethod
    async def start(cls, *command, env=None):
        self = cls()
        self.process = await asyncio.create_subprocess_exec(
            *command, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT)
        self.lines = []
        self.has_changed = asyncio.Condition()
        self.reader = asyncio.create_task(self._read())
        return self

    async def _read(self):
        while line := await self.process.stdout.readline():
            await self._add(line.decode(errors='replace').rstrip('\n'))
        await self.process.wait()
        await self._add(None)

    async def _add(self, line):
        async with self.has_changed:
            self.lines.append(line)
            self.has_changed.notify_all()

    def all(self, pattern):
        return [found for line in self.lines if line is not None and (found := re.search(pattern, line))]

    async def wait_for(self, pattern, count=1):
        """Waits until `count` lines match. Fails if the program ends before."""
        async with self.has_changed:
            while len(found := self.all(pattern)) < count:
                assert None not in self.lines, f'ended without {pattern!r}:\n' + self.said()
                await self.has_changed.wait()
        return found[count - 1]

    async def status(self):
        await self.reader
        return self.process.returncode

    async def stop(self):
        if self.process.returncode is None:
            self.process.kill()
        await self.reader

    def said(self):
        return '\n'.join('    ' + line for line in self.lines[-25:] if line is not None)


def free_ports(count):
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(('127.0.0.1', 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def make_certificates(directory):
    """Makes the files of the script `certificates`, and `ca.der`."""
    os.mkdir(directory)
    subprocess.run([CERTIFICATES, directory], check=True, stdin=subprocess.DEVNULL)
    subprocess.run(['openssl', 'x509', '-in', 'ca.pem', '-outform', 'der', '-out', 'ca.der'], check=True,
                   cwd=directory)


class Broker:
    """mosquitto with three listeners: WebSockets over TLS, WebSockets without TLS, and MQTT over TCP."""

    @classmethod
    async def start(cls, directory, certificates):
        self = cls()
        self.tls, self.plain, self.mqtt = free_ports(3)
        file = os.path.join(directory, 'mosquitto.conf')
        with open(file, 'w') as config:
            config.write(
                # As root it would give up its rights, and could not read the key then.
                ('user root\n' if os.geteuid() == 0 else '') +
                'allow_anonymous true\nlog_dest stderr\nlog_type all\n'
                f'listener {self.tls} 127.0.0.1\nsocket_domain ipv4\nprotocol websockets\n'
                f'certfile {certificates}/server.pem\nkeyfile {certificates}/server.key\n'
                f'listener {self.plain} 127.0.0.1\nsocket_domain ipv4\nprotocol websockets\n'
                f'listener {self.mqtt} 127.0.0.1\n')
        self.log = await Watched.start('mosquitto', '-c', file)
        await self.log.wait_for(r'mosquitto version \S+ running')
        return self

    @asynccontextmanager
    async def subscriber(self, name):
        """Prints the topic and the payload of each message of the device with this name."""
        client = await Watched.start(
            'mosquitto_sub', '-p', str(self.mqtt), '-h', '127.0.0.1', '-i', f'sub-{name}', '-q', '1',
            '-F', '%t %p', '-t', f'{name}/reading', '-t', f'{name}/uptime', '-t', f'{name}/image-state')
        try:
            await self.log.wait_for(rf'Sending SUBACK to sub-{name}$')
            yield client
        finally:
            await client.stop()

    async def publish(self, topic, *options):
        publisher = await Watched.start(
            'mosquitto_pub', '-p', str(self.mqtt), '-h', '127.0.0.1', '-q', '1', '-t', topic, *options)
        assert await publisher.status() == 0, publisher.said()


class Device:
    """The device under test. Each check gives it a name of its own, so the broker knows no session of it."""

    def __init__(self, program, authority):
        self.program, self.authority = program, authority

    @asynccontextmanager
    async def run(self, name, port, *options, token='secret', authority=None):
        running = await Watched.start(
            self.program, f'wss://localhost:{port}/mqtt', authority or self.authority, '--name', name,
            *options, env=dict(os.environ, DEVICE_TOKEN=token))
        try:
            yield running
        except BaseException:
            print('  the device printed\n' + running.said())
            raise
        finally:
            await running.stop()


def tls_server(certificates, name='server'):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f'{certificates}/{name}.pem', f'{certificates}/{name}.key')
    return context
