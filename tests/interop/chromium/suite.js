// suite.js INSTALL CHROMIUM ECHO_SERVER (--chat PROGRAM | --http2 PROGRAM): all checks; the last line is
// 'N passed, M failed'.
//
// INSTALL is the directory that has `node_modules`, where the screenshots go as well. ECHO_SERVER and PROGRAM are examples:
// an echo server without TLS, and the chat, or an echo server over TLS and HTTP/2.
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import * as chat from './chat_checks.js';
import * as echo from './echo_checks.js';
import * as http2 from './http2_checks.js';
import { Checks, withBrowser } from './harness.js';

const [install, chromium, echoServer, kind, program] = process.argv.slice(2);
if (!program || !['--chat', '--http2'].includes(kind)) {
  console.error('usage: suite.js INSTALL CHROMIUM ECHO_SERVER (--chat PROGRAM | --http2 PROGRAM)');
  process.exit(2);
}
const checks = new Checks();
const open = (args, body) => withBrowser(install, chromium, args, body);
try {
  await open([], async (browser) => {
    if (kind === '--chat') {
      const screenshots = path.resolve(install, 'screenshots');
      await mkdir(screenshots, { recursive: true });
      await chat.run(checks.run, browser, program, screenshots);
    }
    await echo.run(checks.run, browser, echoServer);
  });
  if (kind === '--http2') await http2.run(checks.run, open, program);
} catch (error) {
  checks.fail('the suite', error);
}
console.log(`${checks.passed} passed, ${checks.failed} failed`);
process.exit(checks.failed || !checks.passed ? 1 : 0);
