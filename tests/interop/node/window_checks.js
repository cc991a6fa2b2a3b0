// permessage-deflate with every window and every offer: both ends of `ws` reject what RFC 7692 forbids.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from './echo_server_checks.js';
import { echo, session } from './client_checks.js';
import { parameters } from './deflate_checks.js';
import { Program } from './harness.js';

const BITS = [8, 9, 10, 11, 12, 13, 14, 15];

// Messages that need the whole window of either side.
const noise = randomBytes(3000).toString('base64');
const messages = ['short', noise, noise];

const smaller = (...bits) => Math.min(...bits.map((bits) => (typeof bits === 'number' ? bits : 15)));

// The answer of the server to this offer of `ws`, which then exchanges messages.
async function answerTo(url, offer) {
  const socket = await connect(url, [], { perMessageDeflate: { threshold: 0, ...offer } });
  for (const message of messages) {
    socket.send(message);
    assert.equal(await socket.next(), message);
  }
  await socket.finish(1000);
  return socket.response.headers['sec-websocket-extensions'];
}

// The server wants at most `bits` of the client, whatever the client offers: nothing, the parameter alone, or a value.
async function clientWindows(url, bits, follows) {
  for (const offered of [false, undefined, ...BITS]) {
    const named = offered === false || (!follows && bits === 15) ? 15 : smaller(bits, offered);
    const expected = 'permessage-deflate' + (named < 15 ? `; client_max_window_bits=${named}` : '');
    assert.equal(await answerTo(url, { clientMaxWindowBits: offered }), expected, `an offer of ${offered}`);
  }
}

// The server's window has at most `bits`, whatever the client offers.
async function serverWindows(url, bits) {
  for (const offered of [undefined, ...BITS]) {
    const isNamed = offered !== undefined || bits < 15;
    const expected = 'permessage-deflate' + (isNamed ? `; server_max_window_bits=${smaller(bits, offered)}` : '');
    assert.equal(await answerTo(url, { serverMaxWindowBits: offered }), expected, `an offer of ${offered}`);
  }
}

// The server demands these, whatever the client offers.
async function takeovers(url, server, client) {
  for (const serverNoContextTakeover of [false, true]) {
    for (const clientNoContextTakeover of [false, true]) {
      const answer = await answerTo(url, {
        ...(serverNoContextTakeover && { serverNoContextTakeover }), ...(clientNoContextTakeover && { clientNoContextTakeover }),
      });
      assert.equal(answer.includes('server_no'), server || serverNoContextTakeover);
      assert.equal(answer.includes('client_no'), client || clientNoContextTakeover);
    }
  }
}

async function checkServer(checks, program) {
  const cases = [
    ['server_no_context_takeover', takeovers, true, false],
    ['client_no_context_takeover', takeovers, false, true],
    ['server_no_context_takeover,client_no_context_takeover', takeovers, true, true],
  ];
  for (const bits of BITS) {
    cases.push([`client_max_window_bits=${bits}`, clientWindows, bits, true]);
    cases.push([`client_max_window_bits=${bits},ignore_hints`, clientWindows, bits, false]);
    cases.push([`server_max_window_bits=${bits}`, serverWindows, bits]);
  }
  for (const [parameter, check, ...args] of cases) {
    const server = new Program(program, [`--deflate=${parameter}`, '127.0.0.1:0']);
    try {
      const url = (await server.lineMatching(/ws:\/\/127\.0\.0\.1:\d+/))[0] + '/';
      await checks.run(`echo_server --deflate=${parameter}: all offers`, check, url, ...args);
    } finally {
      await server.stop();
    }
  }
}

// The client accepts this answer of a server with these options, and they exchange messages.
async function clientAccepts(program, parameter, perMessageDeflate, answer, hint) {
  await session([program, `--deflate=${parameter}`], echo, async (client, closes) => {
    const printed = (await client.lineMatching(/^\* permessage-deflate(.*)/))[1];
    assert.deepEqual(parameters(printed, hint), parameters(answer, hint));
    for (const message of messages) {
      client.type(message + '\n');
      assert.equal((await client.lineMatching(/^< (.*)/))[1], message);
    }
    client.endOfInput();
    assert.equal(await client.status(), 0);
    assert.equal((await closes.next()).code, 1000);
  }, { perMessageDeflate: { threshold: 0, ...perMessageDeflate } });
}

// The client asks for a window of `bits`. If the server wants a larger one, `ws` takes the fallback.
async function serversWindow(program, bits) {
  for (const wanted of [undefined, ...BITS]) {
    // A client that allows the largest window asks for nothing.
    const isNamed = wanted !== undefined || bits < 15;
    const answer = isNamed ? `; server_max_window_bits=${wanted ?? bits}` : '';
    await clientAccepts(program, `server_max_window_bits=${bits}`, { serverMaxWindowBits: wanted }, answer);
  }
}

// The client hints at a window of `bits`. `ws` answers with its own, which may be larger, or repeats the hint.
async function clientsWindow(program, bits) {
  for (const wanted of [undefined, ...BITS]) {
    const named = wanted ?? (bits < 15 ? bits : undefined);
    const answer = named === undefined ? '' : `; client_max_window_bits=${named}`;
    await clientAccepts(program, `client_max_window_bits=${bits}`, { clientMaxWindowBits: wanted }, answer, bits);
  }
}

// Without the fallback `ws` refuses the handshake of a client with limits below its own.
async function refusesLimits(program, parameter, perMessageDeflate) {
  await session([program, `--deflate=${parameter},no_fallback`], echo, async (client) => {
    assert((await client.status()) > 0);
    assert(client.output.includes('refused: 400'), 'the server has accepted the offer');
  }, { perMessageDeflate });
}

async function checkClient(checks, program) {
  for (const bits of BITS) {
    await checks.run(`client --deflate=server_max_window_bits=${bits}: all servers`, serversWindow, program, bits);
    await checks.run(`client --deflate=client_max_window_bits=${bits}: all servers`, clientsWindow, program, bits);
  }
  const no = 'no_context_takeover';
  for (const [parameter, options, answer] of [
    [`server_${no}`, {}, `; server_${no}`],
    [`server_${no}`, { serverNoContextTakeover: false }, ''],
    [`client_${no}`, {}, `; client_${no}`],
    [`client_${no}`, { serverNoContextTakeover: true }, `; client_${no}; server_${no}`],
    [`server_${no},client_${no}`, {}, `; server_${no}; client_${no}`],
  ]) {
    const name = `client --deflate=${parameter}: a server with ${JSON.stringify(options)}`;
    await checks.run(name, clientAccepts, program, parameter, options, answer);
  }
  for (const [parameter, options] of [
    ['server_max_window_bits=9', { serverMaxWindowBits: 12 }],
    ['client_max_window_bits=9', { clientMaxWindowBits: 12 }],
    [`server_${no}`, { serverNoContextTakeover: false }],
  ]) {
    const name = `client --deflate=${parameter},no_fallback: a server that refuses`;
    await checks.run(name, refusesLimits, program, parameter, options);
  }
}

export async function run(checks, echoServer, client) {
  await checkServer(checks, echoServer);
  await checkClient(checks, client);
}
