// suite.js CLIENT: lets the client speak graphql-transport-ws, one message a line, and runs all checks. The last
// line is 'N passed, M failed'.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { buildSchema } from 'graphql';
import { useServer } from 'graphql-ws/lib/use/ws';
import { WebSocketServer } from 'ws';
import { Checks, Program } from '../node/harness.js';

const PROTOCOL = 'graphql-transport-ws';
const schema = buildSchema('type Query { hello: String } type Subscription { count(to: Int!): Int }');
const roots = {
  query: { hello: () => 'wörld' },
  subscription: {
    async *count({ to }) {
      for (let count = 1; count <= to; count += 1) yield { count };
    },
  },
};

// Runs `body` with a client that is connected to a server. `client.say` and `client.hear` exchange messages, which
// are JSON. `client.closed()` waits until the server has seen the end of the connection, and returns its code and
// reason.
async function session(program, body) {
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  useServer({ schema, roots, connectionInitWaitTimeout: 10_000 }, sockets);
  await once(sockets, 'listening');
  const ending = once(sockets, 'connection').then(([socket]) => once(socket, 'close'));
  const url = `ws://127.0.0.1:${sockets.address().port}/`;
  const client = new Program(program, [`--subprotocol=${PROTOCOL}`, url]);
  client.say = (message) => client.type(JSON.stringify(message) + '\n');
  client.hear = async () => JSON.parse((await client.lineMatching(/^< (.*)$/))[1]);
  client.closed = async () => {
    const [code, reason] = await ending;
    return [code, reason.toString()];
  };
  try {
    await client.lineMatching(new RegExp(`^\\* subprotocol ${PROTOCOL}$`));
    await body(client);
  } catch (error) {
    console.log('  client said ' + client.said());
    throw error;
  } finally {
    await client.stop();
    await new Promise((resolve) => sockets.close(resolve));
  }
}

async function begin(client) {
  client.say({ type: 'connection_init' });
  assert.deepEqual(await client.hear(), { type: 'connection_ack' });
}

const subscribe = (id, query) => ({ id, type: 'subscribe', payload: { query } });

const checks = {
  'a query has one result': (program) => session(program, async (client) => {
    await begin(client);
    client.say(subscribe('1', '{ hello }'));
    assert.deepEqual(await client.hear(), { id: '1', type: 'next', payload: { data: { hello: 'wörld' } } });
    assert.deepEqual(await client.hear(), { id: '1', type: 'complete' });
    client.endOfInput();
    assert.deepEqual(await client.closed(), [1000, '']);
    assert.equal(await client.status(), 0);
  }),

  'a subscription sends results in order until it is complete': (program) => session(program, async (client) => {
    await begin(client);
    client.say(subscribe('a', 'subscription { count(to: 500) }'));
    for (let count = 1; count <= 500; count += 1) {
      assert.deepEqual(await client.hear(), { id: 'a', type: 'next', payload: { data: { count } } });
    }
    assert.deepEqual(await client.hear(), { id: 'a', type: 'complete' });
    client.endOfInput();
    assert.equal(await client.status(), 0);
  }),

  'a query that is not valid is an error of its own': (program) => session(program, async (client) => {
    await begin(client);
    client.say(subscribe('1', '{ nothing }'));
    const { id, type, payload } = await client.hear();
    assert.deepEqual([id, type, payload.length], ['1', 'error', 1]);
    client.endOfInput();
    assert.equal(await client.status(), 0);
  }),

  'pings of the subprotocol are answered': (program) => session(program, async (client) => {
    await begin(client);
    client.say({ type: 'ping', payload: { at: 1 } });
    assert.deepEqual(await client.hear(), { type: 'pong', payload: { at: 1 } });
    client.endOfInput();
    assert.equal(await client.status(), 0);
  }),

  'a message that is not valid closes the connection with 4400': (program) => closes(program, 4400, ['{']),
  'a subscription before the beginning closes the connection with 4401': (program) =>
    closes(program, 4401, [JSON.stringify(subscribe('1', '{ hello }'))]),
  'a second beginning closes the connection with 4429': (program) =>
    closes(program, 4429, Array(2).fill(JSON.stringify({ type: 'connection_init' }))),
};

// The server closes the connection with this code after these lines, and the client tells the code.
async function closes(program, code, lines) {
  await session(program, async (client) => {
    for (const line of lines) client.type(line + '\n');
    assert.equal((await client.closed())[0], code);
    assert.notEqual(await client.status(), 0);
    assert.match(client.output, new RegExp(`the server closed the connection: ${code}`));
  });
}

if (process.argv.length !== 3) {
  console.error('usage: suite.js CLIENT');
  process.exit(2);
}
const results = new Checks();
for (const [name, check] of Object.entries(checks)) await results.run(name, check, process.argv[2]);
console.log(`${results.passed} passed, ${results.failed} failed`);
process.exit(results.failed || !results.passed ? 1 : 0);
