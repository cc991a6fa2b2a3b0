"""Checks with a name and a time limit, and the programs that they run."""
import asyncio, os, re, sys, traceback

LIMIT = 45                               # seconds that a check may take, including the end of its program
OURS = {os.path.dirname(os.path.abspath(path)) for path in (__file__, sys.argv[0])}


def with_one_codec(program, *options):
    """All connections of `echo_server` share one codec of each kind, so almost every message meets a codec that another
    connection has used. The server of the driver has no such option."""
    if os.path.basename(program) == 'echo_server' and any(option.startswith('--deflate') for option in options):
        options = ('--codecs', '1', *options)
    return program, *options


class Program:
    """A process whose stdout is read line by line. Stderr is kept for the report."""

    @classmethod
    async def start(cls, *command, env=None):
        self = cls()
        self.process = await asyncio.create_subprocess_exec(
            *with_one_codec(*command), env=env, limit=1 << 24,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
        self.stdout, self.stderr = [], b''
        self.drained = asyncio.create_task(self._drain())
        return self

    async def _drain(self):
        while chunk := await self.process.stderr.read(4096):
            self.stderr += chunk

    async def line(self):
        """Returns the next line that the program prints. Fails if there is none."""
        line = await self.process.stdout.readline()
        assert line, 'the output ended; the program printed ' + self.said()
        self.stdout.append(line)
        return line.decode().rstrip('\n')

    async def line_matching(self, pattern):
        while not (found := re.search(pattern, await self.line())):
            pass
        return found

    async def type(self, text):
        self.process.stdin.write(text.encode())
        await self.process.stdin.drain()

    def end_of_input(self):
        self.process.stdin.close()

    async def status(self):
        """Waits for the end of the program and returns its exit status."""
        while line := await self.process.stdout.readline():
            self.stdout.append(line)
        await self.drained
        return await self.process.wait()

    async def stop(self):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    def said(self):
        return repr((b''.join(self.stdout) + self.stderr).decode(errors='replace')[-500:])


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    async def run(self, name, check, *arguments):
        try:
            async with asyncio.timeout(LIMIT):
                await check(*arguments)
        except Exception as error:
            self.failed += 1
            frame = next((f for f in reversed(traceback.extract_tb(error.__traceback__))
                          if os.path.dirname(os.path.abspath(f.filename)) in OURS), None)
            where = f' ({os.path.basename(frame.filename)}:{frame.lineno})' if frame else ''
            print(f'FAILED {name}: {type(error).__name__}: {error}{where}')
        else:
            self.passed += 1
            print(f'ok     {name}')
        sys.stdout.flush()


def equal(found, expected):
    if found != expected:
        raise AssertionError(f'expected {str(expected)!r:.200}, got {str(found)!r:.200}')
