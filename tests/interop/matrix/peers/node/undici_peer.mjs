import { WebSocket } from 'undici';
import { run, version, webClient } from './common.mjs';

run({ name: `undici ${version('undici')}`, client: webClient(WebSocket) });
