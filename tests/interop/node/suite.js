// suite.js ECHO_SERVER CLIENT: all checks; the last line is 'N passed, M failed'.
import { Checks } from './harness.js';
import * as echoServer from './echo_server_checks.js';
import * as client from './client_checks.js';
import * as deflate from './deflate_checks.js';
import * as windows from './window_checks.js';

if (process.argv.length !== 4) {
  console.error('usage: suite.js ECHO_SERVER CLIENT');
  process.exit(2);
}
const checks = new Checks();
await echoServer.run(checks, process.argv[2]);
await echoServer.run(checks, process.argv[2], '--deflate');
await client.run(checks, process.argv[3]);
await deflate.run(checks, process.argv[2], process.argv[3]);
await windows.run(checks, process.argv[2], process.argv[3]);
console.log(`${checks.passed} passed, ${checks.failed} failed`);
process.exit(checks.failed || !checks.passed ? 1 : 0);
