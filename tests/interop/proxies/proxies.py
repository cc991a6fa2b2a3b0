"""nginx and haproxy, started with the files `nginx.conf` and `haproxy.cfg` of this directory."""
import asyncio, os, signal, socket, ssl, sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'python'))

from harness import Program                                                     # noqa: E402


def run(main):
    """Runs `main`, which returns the exit status. A signal cancels it, so that it ends what it started."""
    async def cancellable():
        task = asyncio.current_task()
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        return await main
    try:
        return asyncio.run(cancellable())
    except asyncio.CancelledError:
        return 'ended by a signal'


async def until(condition):
    """Waits for an event that no program reports. The time limit of the check applies."""
    while not (result := condition()):
        await asyncio.sleep(0.02)
    return result


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def sockets(pid):
    """The inodes of the sockets that a process holds."""
    found = set()
    for fd in os.scandir(f'/proc/{pid}/fd'):
        try:
            link = os.readlink(fd.path)
        except FileNotFoundError:
            continue
        if link.startswith('socket:['):
            found.add(link[len('socket:['):-1])
    return found


def listeners(port):
    """The inodes of the sockets that listen at the port."""
    with open('/proc/net/tcp') as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return {row[9] for row in rows if row[3] == '0A' and int(row[1].rsplit(':', 1)[1], 16) == port}


def children(pid):
    with open(f'/proc/{pid}/task/{pid}/children') as file:
        return set(file.read().split())


class Server:
    """An echo server of this project. `connections` counts those that it holds."""

    @classmethod
    async def start(cls, *command):
        self = cls()
        self.program = await Program.start(*command, '127.0.0.1:0')
        self.port = int((await self.program.line_matching(r'://127\.0\.0\.1:(\d+)/'))[1])
        self.unconnected = len(sockets(self.program.process.pid))
        return self

    def connections(self):
        return len(sockets(self.program.process.pid)) - self.unconnected

    async def stop(self):
        await self.program.stop()


class Proxy:
    """A proxy on two free ports of the loopback, for TLS and without, in front of a server at `port`.

    `changes` are replacements in its configuration file. Each one has to occur there exactly once.
    """

    def __init__(self, directory, port, **changes):
        self.files, self.upstream, self.changes = directory, port, changes
        self.plain, self.tls = free_port(), free_port()
        self.directory = os.path.join(directory, f'{self.name}-{self.tls}')
        self.program = None
        os.mkdir(self.directory)
        self.file = os.path.join(self.directory, self.source)

    def write_file(self):
        with open(os.path.join(HERE, self.source)) as file:
            text = file.read()
        for old, new in {**self.places(), **self.changes}.items():
            if text.count(old) != 1:
                raise AssertionError(f'{self.source} has to contain {old!r} once')
            text = text.replace(old, new)
        with open(self.file, 'w') as file:
            file.write(text)

    async def start(self):
        self.write_file()
        self.program = await Program.start(*self.command())
        await until(lambda: self.ended() or all(map(listeners, (self.plain, self.tls))))
        if self.ended():
            await self.program.status()
            raise AssertionError(f'{self.name} ended: {self.program.said()}')
        await until(self.is_ready)

    def ended(self):
        return self.program.process.returncode is not None

    def is_ready(self):
        return self.workers()

    def workers(self):
        return children(self.program.process.pid)

    async def reload(self):
        """Returns when only new workers accept connections. The old ones go on with theirs."""
        old = self.workers()
        self.write_file()
        await self.ask_to_reload()
        await until(lambda: self.workers() - old)
        await until(lambda: not any(self.accepts(pid) for pid in old))
        await until(self.is_ready)
        return old

    def accepts(self, pid):
        try:
            return bool(sockets(pid) & listeners(self.tls))
        except (FileNotFoundError, ProcessLookupError):
            return False

    async def stop(self):
        """Ends the proxy at once, with all of its connections."""
        if self.program and not self.ended():
            self.program.process.send_signal(signal.SIGTERM)
            await self.program.status()

    async def restart(self):
        await self.stop()
        await self.start()

    async def __aenter__(self):
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_):
        await self.stop()

    def url(self, path='/'):
        return f'wss://localhost:{self.tls}{path}'

    def context(self, *protocols):
        """What a client needs for TLS. The protocols are those of ALPN."""
        context = ssl.create_default_context(cafile=self.files + '/ca.pem')
        context.set_alpn_protocols(protocols or ['http/1.1'])
        return context


class Nginx(Proxy):
    name, source = 'nginx', 'nginx.conf'
    refusal_without_server = 502

    def places(self):
        paths = ''.join(f'    {kind}_temp_path {self.directory}/{kind};\n'
                        for kind in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
        return {
            'pid /run/': f'pid {self.directory}/',
            'error_log /var/log/nginx/': f'error_log {self.directory}/',
            'access_log /var/log/nginx/': f'access_log {self.directory}/',
            'http {\n': 'http {\n' + paths,
            'server 127.0.0.1:9002;': f'server 127.0.0.1:{self.upstream};',
            'listen 80;': f'listen 127.0.0.1:{self.plain};',
            'listen 443 ': f'listen 127.0.0.1:{self.tls} ',
            '/etc/ssl/certs/': self.files + '/',
            '/etc/ssl/private/': self.files + '/',
        }

    def command(self, *more):
        return 'nginx', '-p', self.directory, '-c', self.file, '-g', 'daemon off;', *more

    def log(self):
        with open(self.directory + '/access.log') as file:
            return file.read()

    async def ask_to_reload(self):
        if await (await Program.start(*self.command('-s', 'reload'))).status() != 0:
            raise AssertionError('nginx does not reload')

    def idle_after(seconds):
        return {'proxy_read_timeout 60s;': f'proxy_read_timeout {seconds}s;',
                'proxy_send_timeout 60s;': f'proxy_send_timeout {seconds}s;'}

    def workers_end_after(seconds):
        return {'worker_shutdown_timeout 1h;': f'worker_shutdown_timeout {seconds}s;'}


class Haproxy(Proxy):
    name, source = 'haproxy', 'haproxy.cfg'
    refusal_without_server = 503

    def places(self):
        return {
            '    log /dev/log local0\n': '    log stderr format raw local0\n',
            '    user haproxy\n    group haproxy\n': '',
            'bind :80\n': f'bind 127.0.0.1:{self.plain}\n',
            'bind :443 ': f'bind 127.0.0.1:{self.tls} ',
            '/etc/haproxy/': self.files + '/haproxy-',
            'server app 127.0.0.1:9002': f'server app 127.0.0.1:{self.upstream}',
        }

    def command(self):
        # -W starts a master and a worker, as Debian's service does, and -db stays in the foreground.
        return 'haproxy', '-W', '-db', '-f', self.file

    def log(self):
        """The log since the last start."""
        return self.program.stderr.decode()

    def is_ready(self):
        """The master starts itself anew after it has started a worker, and loses signals until it is done."""
        with open(f'/proc/{self.program.process.pid}/environ', 'rb') as file:
            is_new = b'HAPROXY_MWORKER_WAIT_ONLY=1' in file.read()
        with open(f'/proc/{self.program.process.pid}/status') as file:
            handled = next(int(line.split()[1], 16) for line in file if line.startswith('SigCgt:'))
        return self.workers() and is_new and handled >> signal.SIGUSR2 - 1 & 1

    async def ask_to_reload(self):
        self.program.process.send_signal(signal.SIGUSR2)

    def idle_after(seconds):
        return {'timeout tunnel 60s': f'timeout tunnel {seconds}s'}

    def workers_end_after(seconds):
        return {'hard-stop-after 1h': f'hard-stop-after {seconds}s'}
