// Checks with a name and a time limit, and the programs that they run.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

const LIMIT = 45_000;

// All connections of `echo_server` share one codec of each kind, so almost every message meets a codec that another
// connection has used. The server of the driver has no such option.
function withOneCodec(command, args) {
  const compresses = path.basename(command) === 'echo_server' && args.some((arg) => arg.startsWith('--deflate'));
  return compresses ? ['--codecs', '1', ...args] : args;
}

// A process whose stdout is read line by line. Stderr is kept for the report.
export class Program {
  constructor(command, args, options = {}) {
    this.output = '';
    this.process = spawn(command, withOneCodec(command, args), { ...options, stdio: 'pipe' });
    this.ended = once(this.process, 'close'); // once it has exited and all output is read
    this.ended.catch(() => {});               // if it did not start, those who await it learn of it
    this.process.stdin.on('error', () => {}); // it may end before it has read all of its input
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on('data', (data) => { this.output += data; });
    }
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }

  async lineMatching(pattern) {
    for (;;) {
      const { value, done } = await this.lines.next();
      assert(!done, 'the output ended; the program printed ' + this.said());
      const found = pattern.exec(value);
      if (found) return found;
    }
  }

  type(text) { this.process.stdin.write(text); }
  endOfInput() { this.process.stdin.end(); }

  // Waits for the end of the program and returns its exit status.
  async status() { return (await this.ended)[0]; }

  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGKILL');
    await this.ended.catch(() => {});
  }

  said() { return JSON.stringify(this.output.slice(-500)); }
}

export class Checks {
  passed = 0;
  failed = 0;

  async run(name, check, ...args) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('not done in time')), LIMIT);
    });
    try {
      await Promise.race([check(...args), late]);
      this.passed += 1;
      console.log('ok     ' + name);
    } catch (error) {
      this.failed += 1;
      const where = /[\w]+_checks\.js:\d+/.exec(error.stack ?? '');
      console.log(`FAILED ${name}: ${String(error.message ?? error).slice(0, 600)} (${where})`);
    } finally {
      clearTimeout(timer);
    }
  }
}
