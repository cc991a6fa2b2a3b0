"""suite.py [--save] [PEER...]: runs each peer in each of its roles and modes, and prints a row of the table for each.

`OURS` in the environment names the program `ours`. `peers.tsv` lists the peers.
"""
import argparse, asyncio, os, re, signal, sys, time
from dataclasses import dataclass, field

from proxy import BAD, Proxy
from recorder import CLIENT, SERVER, other

HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(HERE, 'RESULTS.md')
TALKS = ['text', 'binary', 'empty', 'length/125', 'length/126', 'length/65535', 'length/65536', 'mebibyte',
         'fragments', 'fragments-ping', 'peer-fragments', 'ping', 'peer-ping', 'close', 'peer-close', 'subprotocol', 'in-flight']
CASES = TALKS + [f'bad/{kind}/{receiver}' for kind in BAD for receiver in ('peer', 'sansws')]
LIMIT = 60                               # seconds for all cases of a peer in one role and mode
START = 10                               # seconds until a server listens


@dataclass
class Peer:
    name: str
    family: str
    modes: dict                          # by role: 'plain', 'deflate'
    command: list

    @classmethod
    def all(cls):
        with open(os.path.join(HERE, 'peers.tsv')) as lines:
            for line in lines:
                if line.strip() and not line.startswith('#'):
                    name, family, client, server, command = line.rstrip('\n').split('\t')
                    modes = {CLIENT: client.split(), SERVER: server.split()}
                    modes = {role: [mode for mode in found if mode != '-'] for role, found in modes.items()}
                    yield cls(name, family, modes, os.path.expandvars(command).split())


@dataclass
class Row:
    """The result of a peer in one role and mode."""
    peer: str
    version: str
    role: str
    mode: str
    passed: int = 0
    skipped: list = field(default_factory=list)
    findings: list = field(default_factory=list)     # (case, 'peer', 'sansws', 'harness' or 'note', text)

    def line(self):
        at_fault = {who for _, who, _ in self.findings} - {'note'}
        faults = {who: len({case for case, found, _ in self.findings if found == who}) for who in at_fault}
        result = ', '.join(f'{count} faults of {who}' if count > 1 else f'1 fault of {who}'
                           for who, count in sorted(faults.items())) or 'ok'
        grouped = {}
        for case, who, text in self.findings:
            grouped.setdefault((who, text), []).append(case)
        details = '; '.join(f'{who}: {", ".join(cases)}: {text}' for (who, text), cases in grouped.items())
        skipped = ', '.join(self.skipped)
        cells = (self.peer, self.version, self.role, self.mode, f'{self.passed} of {len(CASES)}', skipped, result,
                 details.replace('|', '\\|'))
        return '| ' + ' | '.join(cells) + ' |'


class Process:
    """A program in a process group of its own, so that its children end with it."""

    def __init__(self, process):
        self.process = process

    @classmethod
    async def start(cls, *command):
        env = dict(os.environ, PYTHONDONTWRITEBYTECODE='1')
        log = open(os.path.join(os.environ['LOGS'], 'stderr'), 'ab')
        return cls(await asyncio.create_subprocess_exec(
            *command, env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log,
            start_new_session=True))

    async def port(self):
        async with asyncio.timeout(START):
            while line := await self.process.stdout.readline():
                if found := re.match(rb'listening on (\d+)', line):
                    return int(found[1])
        raise RuntimeError('the program does not listen')

    async def lines(self):
        return (await self.process.stdout.read()).decode()

    async def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        await self.process.wait()


async def run(peer, version, role, mode):
    row = Row(peer.name, version, role, mode)
    flags = ['--deflate'] if mode == 'deflate' else []
    ours = os.environ['OURS']
    if role == SERVER:
        server = await Process.start(*peer.command, 'server', *flags)
    else:
        server = await Process.start(ours, 'server', *flags)
    said = ''
    try:
        async with Proxy(await server.port(), ours=other(role)) as proxy:
            url = f'ws://127.0.0.1:{proxy.port}'
            if role == SERVER:
                client = await Process.start(ours, 'client', *flags, url, *CASES)
            else:
                client = await Process.start(*peer.command, 'client', *flags, *(f'{url}/{case}' for case in CASES))
            try:
                async with asyncio.timeout(LIMIT):
                    said = await client.lines()
            except TimeoutError:
                row.findings.append(('all', 'peer', f'the client has not finished in {LIMIT} s'))
            finally:
                await client.stop()
            await proxy.settle()
            conversations = proxy.conversations
    finally:
        if role == CLIENT:
            # All connections have ended, so the lines are complete.
            await server.stop()
            said = await server.lines()
        else:
            await server.stop()
    reports = {line.split('\t')[0]: line.split('\t')[1:] for line in said.splitlines() if line.count('\t') == 2}
    for case in CASES:
        judge(row, case, reports.get(case), conversations.get(case), role)
    return row


def judge(row, case, report, conversation, role):
    """Adds the result of one case to the row. The wire says who is at fault, and what sansws reports has to agree."""
    names = {role: 'peer', other(role): 'sansws'}
    if conversation is None:
        row.findings.append((case, 'peer', 'there was no connection'))
        return
    findings = [(case, names[side], text) for side, text in conversation.violations]
    ours, peers = conversation.directions[other(role)], conversation.directions[role]
    if row.mode == 'deflate' and conversation.status == 101 and conversation.deflate is None:
        findings.append((case, names[SERVER], 'compression was not agreed'))
    result, detail = report or ('FAILED', 'the case had no result')
    if case.startswith('bad/'):
        findings = [finding for finding in findings if 'Close' not in finding[2] and 'ended' not in finding[2]]
        reaction = judge_bad(case, conversation, names)
        # What a side that took the bad frame does next is a consequence, like the echo of an invalid text.
        findings = [finding for finding in findings if not reaction or finding[1] != reaction[0][1]] + reaction
    elif not findings and result == 'FAILED':
        # If everything that was asked for is on the wire, sansws is wrong about it.
        is_echo = ours.messages and ours.messages == peers.messages and set(ours.pings) <= set(peers.pongs)
        findings.append((case, 'sansws' if is_echo else 'peer', detail))
    elif not findings and result == 'ok' and case not in ('peer-fragments', 'peer-ping', 'peer-close'):
        if ours.messages != peers.messages or not ours.messages:
            findings.append((case, 'sansws', 'the echo on the wire differs from the message, and sansws did not notice'))
    if not findings and result == 'ok' and case == 'peer-ping' and not set(peers.pings) <= set(ours.pongs):
        # An echo followed the ping, so sansws had the ping before it closed.
        findings.append((case, 'sansws', 'a ping was not answered'))
    if not findings and row.mode == 'deflate' and case == 'mebibyte' and not peers.compressed:
        findings.append((case, 'note', 'the peer compresses nothing'))
    if not findings and row.mode == 'deflate' and case == 'mebibyte' and not ours.compressed:
        findings.append((case, 'sansws', 'sansws compresses nothing'))
    row.findings += findings
    if result == 'skip' and not findings:
        row.skipped.append(case)
    elif not any(who != 'note' for _, who, _ in findings):
        row.passed += 1


def judge_bad(case, conversation, names):
    _, kind, receiver = case.split('/')
    if conversation.bad is None:
        return [(case, 'peer', 'there was no message before the bad frame')]
    code = BAD[kind][3]
    side = next(side for side, name in names.items() if name == receiver)
    direction = conversation.directions[side]
    # The receiver may answer before the bad frame arrives, but not more than it was asked.
    if direction.close is None and conversation.first_end == side:
        # RFC 6455 section 7.1.7 only recommends the Close.
        return [] if receiver == 'peer' else [(case, receiver, 'ended without a Close')]
    if direction.close is None or conversation.first_close != side:
        return [(case, receiver, 'accepted the bad frame')]
    if direction.close[0] != code and receiver == 'peer':
        # RFC 6455 section 7.4.1 defines the codes, but no rule says that an endpoint must send this one.
        return [(case, 'note', f'closed with {direction.close[0]} instead of {code}')]
    if direction.close[0] != code:
        return [(case, receiver, f'closed with {direction.close[0]} instead of {code}')]
    return []


async def main(names, save):
    # The programs have process groups of their own, so a signal to this program has to end them in an orderly way.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    peers = {peer.name: peer for peer in Peer.all()}
    rows, failed = [], False
    for name in names or peers:
        peer = peers[name]
        version = await Process.start(*peer.command, 'version')
        version = (await version.lines()).strip()
        for role in (CLIENT, SERVER):
            for mode in peer.modes[role]:
                started = time.monotonic()
                try:
                    row = await run(peer, version, role, mode)
                except Exception as error:
                    row = Row(name, version, role, mode, findings=[('all', 'harness', f'{type(error).__name__}: {error}')])
                rows.append(row)
                print(row.line(), f'{time.monotonic() - started:.0f} s', flush=True)
                failed |= any(who in ('sansws', 'harness') for _, who, _ in row.findings)
    if save:
        write(rows, list(peers))
    return failed


def write(rows, order):
    """Replaces the rows of the peers that ran, and keeps the others."""
    ran = {row.peer for row in rows}
    with open(RESULTS) as file:
        lines = file.read().split('\n')
    first = next(number for number, line in enumerate(lines) if line.startswith('|---')) + 1
    last = next((number for number in range(first, len(lines)) if not lines[number].startswith('|')), len(lines))
    kept = [line for line in lines[first:last] if line.split('|')[1].strip() not in ran]
    table = sorted(kept + [row.line() for row in rows], key=lambda line: order.index(line.split('|')[1].strip()))
    with open(RESULTS, 'w') as file:
        file.write('\n'.join(lines[:first] + table + lines[last:]))


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--save', action='store_true')
    parser.add_argument('peers', nargs='*')
    options = parser.parse_args()
    sys.exit(asyncio.run(main(options.peers, options.save)))
