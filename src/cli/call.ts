// `call <target>`: a scripted phone for users and tests. Dials, sends digits, plays, records, and prints its ladder.

import { readFileSync } from 'node:fs';
import { realClock, sleep } from '../base/clock.ts';
import { cryptoRandom } from '../base/ids.ts';
import { createLog, type Log } from '../base/log.ts';
import { err, ok, type Result } from '../base/result.ts';
import { Phone, type PhoneCall } from '../demo/phone.ts';
import { createResolver } from '../dns/resolver.ts';
import { decodeAudio } from '../media/audio-file.ts';
import type { PlaySource } from '../media/engine.ts';
import { isSipUri, parseUri, type SipUri } from '../sip/grammar/uri.ts';
import { resolveTargets } from '../sip/transport/targets.ts';
import type { Destination } from '../sip/transport/transport.ts';
import { type Parsed, parseArguments } from './arguments.ts';

const USAGE = `Usage: npm run call -- <sip:target@host[:port][;transport=udp|tcp|tls]> [options]
  --user NAME --password TEXT   digest credentials (user default: caller)
  --domain NAME                 host of the From header (default: host of the target)
  --proxy HOST:PORT             send there whatever the target says
  --register                    register before the call
  --send-digits TEXT            after the answer; w waits 0.5 s, W 1 s
  --play FILE                   WAV or MP3 played after the answer
  --record FILE                 WAV of what is heard
  --duration SECONDS            hang up after that time (default 10; 0 = until the other side does)
  --srtp                        offer RTP/SAVP
  --ca FILE                     root certificate that a TLS server must be signed by (default: not verified)
  --expect-status CODE          exit 0 only when the call ends with this SIP status
  --verbose                     log messages`;

const OPTIONS = {
  user: { type: 'string', default: 'caller' },
  password: { type: 'string' },
  domain: { type: 'string' },
  proxy: { type: 'string' },
  register: { type: 'boolean' },
  'send-digits': { type: 'string' },
  play: { type: 'string' },
  record: { type: 'string' },
  duration: { type: 'string', default: '10' },
  srtp: { type: 'boolean' },
  ca: { type: 'string' },
  'expect-status': { type: 'string' },
  verbose: { type: 'boolean' },
} as const;

/** How long the other side may ring. */
const RING_MS = 60_000;
const HANG_UP_WAIT_MS = 3_000;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, OPTIONS, USAGE);
  const targetText = parsed.ok ? parsed.value.positionals[0] : undefined;
  if (!parsed.ok || targetText === undefined) {
    console.error(parsed.ok ? USAGE : parsed.error);
    return 2;
  }
  const { values } = parsed.value;
  const log = createLog({ level: values.verbose ? 'trace' : 'error', folders: {}, pretty: true });
  const target = parseTarget(targetText);
  if (!target.ok) return complain(target.error);
  const proxy = await resolveProxy(target.value, text(values.proxy), log);
  if (!proxy.ok) return complain(proxy.error);
  const phone = await startPhone(values, target.value, proxy.value, log);
  if (!phone.ok) return complain(phone.error);
  try {
    return await script(phone.value, target.value, targetText, values);
  } finally {
    await phone.value.stop();
  }
}

function complain(line: string): number {
  console.error(line);
  return 2;
}

const text = (value: string | boolean | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

function parseTarget(given: string): Result<SipUri, string> {
  const parsed = parseUri(/^sips?:/i.test(given) ? given : `sip:${given}`);
  return parsed.ok && isSipUri(parsed.value) ? ok(parsed.value) : err(`not a SIP URI: ${given}`);
}

async function resolveProxy(target: SipUri, proxy: string | undefined, log: Log): Promise<Result<Destination, string>> {
  const uri = proxy === undefined ? ok(target) : parseTarget(proxy);
  if (!uri.ok) return uri;
  const resolver = createResolver({ clock: realClock, log });
  const found = await resolveTargets({ uri: { ...uri.value, params: target.params }, resolver, random: cryptoRandom });
  return found.ok && found.value[0]
    ? ok(found.value[0])
    : err(`${uri.value.host} leads nowhere${found.ok ? '' : `: ${found.error.detail}`}`);
}

function startPhone(
  values: Parsed['values'],
  target: SipUri,
  proxy: Destination,
  log: Log,
): Promise<Result<Phone, string>> {
  const isLoopback = proxy.address.startsWith('127.') || proxy.address === '::1';
  const isV6 = proxy.address.includes(':');
  const ca = text(values.ca);
  return Phone.start({
    address: isLoopback ? proxy.address : isV6 ? '::' : '0.0.0.0',
    port: 0,
    user: text(values.user) ?? 'caller',
    password: text(values.password),
    domain: text(values.domain) ?? target.host,
    proxy,
    mediaPorts: { first: 22_000, last: 22_999 },
    tls: null,
    trustedRoot: ca === undefined ? null : readFileSync(ca, 'utf8'),
    secureMedia: values.srtp === true,
    clock: realClock,
    random: cryptoRandom,
    log,
  });
}

async function script(phone: Phone, target: SipUri, targetText: string, values: Parsed['values']): Promise<number> {
  if (values.register) {
    const status = await phone.register();
    console.log(`REGISTER → ${status}`);
    if (status !== 200) return 1;
  }
  const dialled = phone.dial(targetText);
  if (!dialled.ok) return complain(dialled.error);
  const call = dialled.value;
  console.log(`calling ${target.user ?? ''}@${target.host} …`);
  const outcome = await call.waitFor(RING_MS, 'answered', 'failed', 'ended');
  let status = 408;
  if (outcome?.type === 'answered') {
    status = outcome.status;
    await talk(call, values);
  } else if (outcome?.type === 'failed') {
    status = outcome.status;
    console.log(`not answered: ${outcome.status}${outcome.detail ? ` (${outcome.detail})` : ''}`);
  } else call.leg.hangUp();
  console.log(`\n${phone.ladder(call.callId)}\n`);
  const expected = text(values['expect-status']);
  if (expected === undefined) return status >= 200 && status < 300 ? 0 : 1;
  if (Number(expected) !== status) console.error(`expected status ${expected}, got ${status}`);
  return Number(expected) === status ? 0 : 1;
}

async function talk(call: PhoneCall, values: Parsed['values']): Promise<void> {
  const seconds = Number(text(values.duration) ?? '10');
  console.log(`answered${seconds > 0 ? `, hanging up after ${seconds} s` : ''}`);
  const recordFile = text(values.record);
  if (recordFile !== undefined) call.record(recordFile);
  const end = realClock.now() + (seconds > 0 ? seconds * 1000 : Number.MAX_SAFE_INTEGER);
  const sources = await playSources(values);
  const playing = sources.length > 0 ? call.play(sources, Math.max(0, end - realClock.now())) : Promise.resolve();
  await call.waitFor(Math.max(0, end - realClock.now()), 'ended');
  await Promise.race([playing, sleep(realClock, 0)]);
  const statistics = call.statistics();
  call.stopRecord();
  if (!call.isOver) call.leg.hangUp();
  await call.waitFor(HANG_UP_WAIT_MS, 'ended');
  if (statistics) {
    const { packetsReceived, packetsSent, packetsLost, jitterMs } = statistics;
    console.log(
      `RTP: ${packetsReceived} received, ${packetsSent} sent, ${packetsLost} lost, jitter ${jitterMs.toFixed(1)} ms`,
    );
  }
}

async function playSources(values: Parsed['values']): Promise<PlaySource[]> {
  const sources: PlaySource[] = [];
  const digits = text(values['send-digits']);
  if (digits !== undefined) sources.push({ kind: 'digits', digits });
  const file = text(values.play);
  if (file === undefined) return sources;
  const decoded = await decodeAudio(readFileSync(file), '');
  if (decoded.ok) sources.push({ kind: 'samples', samples: decoded.value });
  else console.error(`${file}: ${decoded.error.detail}`);
  return sources;
}
