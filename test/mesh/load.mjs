/**
 * Steady load from inside a pod: `load.mjs RATE SECONDS URL...` sends RATE requests a second to each URL, every second one
 * over a kept connection, and prints what became of them as one line of JSON.
 */
import { Agent, get } from 'node:http';

const [rate, seconds, ...urls] = process.argv.slice(2);
const kept = new Agent({ keepAlive: true, maxSockets: 8 });
const results = { sent: 0, ok: 0, failed: {} };
const failures = [];

function send(url, agent) {
  results.sent += 1;
  return new Promise((resolve) => {
    const fail = (why) => {
      results.failed[why] = (results.failed[why] ?? 0) + 1;
      failures.push({ at: new Date().toISOString(), url, why, kept: agent !== undefined });
      resolve();
    };
    const call = get(url, { agent: agent ?? false, timeout: 10_000 }, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += chunk));
      response.on('error', (error) => fail(error.code ?? error.message));
      response.on('end', () => {
        if (response.statusCode === 200) {
          results.ok += 1;
          resolve();
        } else fail(`${response.statusCode} ${body.trim().slice(0, 120)}`);
      });
    });
    call.on('timeout', () => call.destroy(new Error('timeout')));
    call.on('error', (error) => fail(error.code ?? error.message));
  });
}

const calls = [];
let stop = false;
process.on('SIGTERM', () => (stop = true));
const end = Date.now() + Number(seconds) * 1000;
for (let turn = 0; Date.now() < end && !stop; turn += 1) {
  for (const url of urls) calls.push(send(url, turn % 2 === 0 ? kept : undefined));
  await new Promise((resolve) => setTimeout(resolve, 1000 / Number(rate)));
}
await Promise.all(calls);
kept.destroy();
process.stdout.write(`${JSON.stringify({ ...results, failures: failures.slice(0, 20) })}\n`);
