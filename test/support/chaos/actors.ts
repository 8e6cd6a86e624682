// People on phones under chance: callers who press, hold, transfer and leave when they like, and called parties who answer or do not.

import { realClock } from '../../../src/base/clock.ts';
import { cryptoRandom } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { Phone, type PhoneCall } from '../../../src/demo/phone.ts';
import type { GatewayProcess } from '../gateway-process.ts';
import { freePorts } from '../ports.ts';
import { type Draw, pause } from './draw.ts';

export const DOMAIN = 'chaos.sip.localhost';
export const PASSWORD = 'Correct-Horse-9';

/** `ports`: for its media; a closed pair of them rests for ten seconds. */
export async function startPhone(gateway: GatewayProcess, user: string, ports: number): Promise<Phone> {
  const first = await freePorts(ports);
  const phone = await Phone.start({
    address: '127.0.0.1',
    port: 0,
    user,
    password: PASSWORD,
    domain: DOMAIN,
    proxy: { transport: 'udp', address: '127.0.0.1', port: gateway.ports.sip, serverName: '127.0.0.1' },
    mediaPorts: { first, last: first + ports - 1 },
    tls: null,
    trustedRoot: null,
    secureMedia: false,
    clock: realClock,
    random: cryptoRandom,
    log: silentLog,
  });
  if (!phone.ok) throw new Error(phone.error);
  return phone.value;
}

/** Longest stay of anybody in a call. */
const STAY_MS = 3_500;

/** A called party: takes calls as chance has it, and has left all of them some seconds later. */
export function behaveAsCallee(phone: Phone, draw: Draw): void {
  phone.onCall((call) => void takeCall(call, draw));
}

async function takeCall(call: PhoneCall, draw: Draw): Promise<void> {
  if (draw.chance(0.7)) call.leg.ring();
  await pause(draw.whole(0, 600));
  if (draw.chance(0.25)) return call.leg.refuse(draw.pick([486, 603, 480, 404, 500, 302]));
  if (draw.chance(0.1)) {
    // Not there; the gateway cancels.
    await pause(STAY_MS);
    return call.leg.refuse(480);
  }
  const answered = await call.leg.answer();
  if (answered.ok) await stay(call, draw);
  call.leg.hangUp();
}

/** One call to the gateway, to its end; how it ended: `ended`, `canceled`, `failed 503`. */
export async function makeCall(phone: Phone, uri: string, draw: Draw): Promise<string> {
  const dialled = phone.dial(uri);
  if (!dialled.ok) throw new Error(dialled.error);
  const call = dialled.value;
  if (draw.chance(0.1)) await pause(draw.whole(0, 100));
  else if (await call.waitFor(STAY_MS, 'answered', 'failed', 'ended')) await stay(call, draw);
  call.leg.hangUp();
  const end = await call.waitFor(STAY_MS * 4, 'ended', 'failed', 'canceled');
  return end?.type === 'failed' ? `failed ${end.status}` : (end?.type ?? 'no end');
}

const tone = { kind: 'tone', frequencies: [500], levelDb: -10, durationMs: 400 } as const;

async function stay(call: PhoneCall, draw: Draw): Promise<void> {
  const end = performance.now() + draw.whole(100, STAY_MS);
  const acts: readonly (() => Promise<unknown>)[] = [
    () => call.play([{ kind: 'digits', digits: draw.pick(['1', '#', '*', '12#']) }], 1_000),
    () => call.play([tone], 1_000),
    () => call.play([tone], 1_000),
    () => call.offer('sendonly'),
    () => call.offer('sendrecv'),
    () => call.offer('inactive'),
    async () => void call.leg.refer(draw.pick(['sip:carol@chaos.sip.localhost', 'sip:+4930123456@elsewhere.example'])),
    () => pause(100),
    () => pause(100),
  ];
  while (performance.now() < end && !call.isOver) {
    await Promise.race([draw.pick(acts)(), pause(1_000)]);
    await pause(draw.whole(20, 200));
  }
}
