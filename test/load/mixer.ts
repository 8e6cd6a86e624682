// What a conference costs: CPU per participant of rooms of 3, 50 and 250 members, half of them silent, on one core. Time is given, not
// waited for: ten seconds of a room are mixed as fast as they can be.
//
//   packets, each 20 ms of a tone or of silence ──▶ endpoint ──▶ mixer ──▶ endpoint ──▶ nothing, or UDP to a port that nobody reads
//
// Run: node test/load/mixer.ts [--seconds 10]. Not part of `npm test`: it measures, and judges nothing.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { ok } from '../../src/base/result.ts';
import { createInlineMediaEngine } from '../../src/media/inline.ts';
import type { SocketFactory, SocketHandlers } from '../../src/media/sockets.ts';
import { udpSockets } from '../../src/media/udp.ts';
import { plan, strictSource, tonePackets } from '../support/media.ts';
import { seededRandom } from '../support/network.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const ADDRESS = '127.0.0.1';
const FIRST_PORT = 20_000;
const TICKS_PER_SECOND = 50;

export interface MixerLoad {
  readonly members: number;
  /** The others send silence. */
  readonly speaking: number;
  /** Of the room's time. */
  readonly seconds: number;
  /** Sends real datagrams to this port; null: the cost of the room without the kernel's. */
  readonly udpPort: number | null;
}

export interface MixerCost {
  /** Of one member in one frame of 20 ms, receiving and sending. */
  readonly microsecondsPerFrame: number;
  /** Of one member, in thousandths of a core. */
  readonly milliCores: number;
  readonly packetsSent: number;
}

/** Mixes one room and measures the CPU time of this process. */
export async function measureMixer({ members, speaking, seconds, udpPort }: MixerLoad): Promise<MixerCost> {
  const clock = new VirtualClock();
  const inputs = new Map<number, SocketHandlers>();
  const engine = createInlineMediaEngine({
    clock,
    random: seededRandom(1).bytes,
    portRange: { first: FIRST_PORT, last: FIRST_PORT + members * 4 },
    sockets: tappedSockets(inputs, udpPort !== null),
  });
  await engine.start();
  const mixer = engine.createMixer();
  const ids: string[] = [];
  const ports: number[] = [];
  const remotePort = udpPort ?? 9;
  for (let index = 0; index < members; index++) {
    const opened = await engine.open({ localAddress: ADDRESS, callSid: 'CA1' });
    if (!opened.ok) throw new Error(opened.error.detail);
    engine.configure(opened.value.id, plan(remotePort), strictSource);
    engine.joinMixer(mixer, opened.value.id, { isHeard: true, hears: true, coaches: null });
    ids.push(opened.value.id);
    ports.push(opened.value.rtpPort);
  }
  const spoken = Array.from({ length: members }, (_, index) =>
    index < speaking ? tonePackets(300 + index * 10, 'PCMU', 1)[0]! : silentPacket(),
  );
  const tick = (number: number): void => {
    for (let index = 0; index < members; index++) {
      const packet = spoken[index]!;
      packet.writeUInt16BE(number & 0xffff, 2);
      packet.writeUInt32BE((number * 160) >>> 0, 4);
      inputs.get(ports[index]!)!.packet(packet, ADDRESS, remotePort);
    }
    clock.advance(20);
  };
  const warmUp = TICKS_PER_SECOND;
  const ticks = seconds * TICKS_PER_SECOND;
  for (let number = 0; number < warmUp; number++) await inTurn(() => tick(number));
  const before = process.cpuUsage();
  for (let number = warmUp; number < warmUp + ticks; number++) await inTurn(() => tick(number));
  const { user, system } = process.cpuUsage(before);
  const packetsSent = ids.reduce((sum, id) => sum + engine.statistics(id)!.packetsSent, 0);
  await engine.stop();
  const microsecondsPerFrame = (user + system) / (ticks * members);
  return { microsecondsPerFrame, milliCores: (microsecondsPerFrame * TICKS_PER_SECOND) / 1_000, packetsSent };
}

/** The event loop has its turn between ticks, as it has in a worker. */
const inTurn = (work: () => void): Promise<void> =>
  new Promise((resolve) =>
    setImmediate(() => {
      work();
      resolve();
    }),
  );

function silentPacket(): Buffer {
  const packet = tonePackets(1_000, 'PCMU', 1)[0]!;
  packet.fill(0xff, 12);
  return packet;
}

/** Sockets whose input comes from the test, and whose output goes to the kernel or nowhere. */
function tappedSockets(inputs: Map<number, SocketHandlers>, isReal: boolean): SocketFactory {
  return {
    bind: async (address, port, handlers) => {
      inputs.set(port, handlers);
      if (isReal) return udpSockets.bind(address, port, handlers);
      return ok({ send: () => true, sendSoon: () => true, connect: () => {}, disconnect: () => {}, close: () => {} });
    },
  };
}

async function run(seconds: number): Promise<void> {
  const sink = createSocket('udp4');
  sink.bind(0, ADDRESS);
  await once(sink, 'listening');
  // Compiled code from the first row on.
  await measureMixer({ members: 50, speaking: 25, seconds: 5, udpPort: null });
  console.log('members  speaking  output   µs/member/frame  milli-cores/member  members/core');
  for (const members of [3, 50, 250]) {
    for (const udpPort of [null, sink.address().port]) {
      const speaking = Math.ceil(members / 2);
      const cost = await measureMixer({ members, speaking, seconds, udpPort });
      const columns = [
        String(members).padStart(7),
        String(speaking).padStart(9),
        (udpPort === null ? 'none' : 'UDP').padEnd(8),
        cost.microsecondsPerFrame.toFixed(2).padStart(15),
        cost.milliCores.toFixed(3).padStart(19),
        Math.floor(1_000 / cost.milliCores)
          .toString()
          .padStart(13),
      ];
      console.log(columns.join(' '));
    }
  }
  sink.close();
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' } } });
  await run(Number(values.seconds));
}
