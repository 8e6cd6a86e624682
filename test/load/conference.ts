// One room with 250 participants of flesh and UDP: each dials over SIP and sends RTP all the time; some of them speak, each with a tone of
// its own. Members that are looked at hear all who speak but themselves. The room is mixed in as many workers as there are.
//
//   peers here ──INVITE──▶ gateway ──POST /voice──▶ application here        <Dial><Conference>
//              ◀──RTP────▶ 50 packets a second, each way, per participant
//
// Run: node test/load/conference.ts [--members 250] [--speakers 4] [--seconds 10] [--workers 2]
// Exit status 1 when somebody could not join, heard something else, or something stayed open. Not part of `npm test`: two cores of a quiet
// machine are about what it needs, the peers included.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { encode, muLawToLinear } from '../../src/media/g711.ts';
import { toneShare } from '../../src/media/goertzel.ts';
import { toneSamples } from '../../src/media/tone.ts';
import { FakeApp, xml } from '../support/fake-app.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { plainSdp, RawPhone } from '../support/raw-phone.ts';
import { until } from '../support/until.ts';
import { cpuSeconds, residentMib } from './processes.ts';

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '250' },
    speakers: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '10' },
    workers: { type: 'string', default: '2' },
  },
});
const memberCount = Number(values.members);
const speakerCount = Number(values.speakers);
const seconds = Number(values.seconds);

const DOMAIN = 'load.sip.localhost';
const FRAME_MS = 20;
const FRAMES_PER_SECOND = 50;
const FIRST_HZ = 400;
const STEP_HZ = 200;
/** At once, so that joining takes seconds and not a burst. */
const JOINING = 10;
const IDLE_DEADLINE_MS = 60_000;
const WINDOW_SAMPLES = 4_000;
/** Silence of G.711, as phones send it. */
const FRAME_SAMPLES = 160;
const SILENCE = Buffer.alloc(FRAME_SAMPLES, 0xff);
/** So that the sum of all speakers is not clipped. */
const LEVEL_DB = -22;

interface Member {
  readonly sip: RawPhone;
  readonly rtp: Socket;
  readonly frequency: number | undefined;
  readonly packets: readonly Buffer[];
  gatewayPort: number;
  received: number;
  lost: number;
  lastSequence: number;
  /** Payloads of those that are looked at. */
  readonly heard: Buffer[] | undefined;
}

/** Who is looked at: the speakers, and every 25th of the others. */
const isSampled = (index: number): boolean => index < speakerCount || index % 25 === 0;

/** Packets of the whole run; who sends them writes the numbers. */
function spoken(frequency: number): Buffer[] {
  const samples = toneSamples([frequency], LEVEL_DB, seconds * 1_000);
  return Array.from({ length: seconds * FRAMES_PER_SECOND }, (_, frame) => {
    const packet = Buffer.alloc(12 + FRAME_SAMPLES);
    packet[0] = 0x80;
    encode('PCMU', samples.subarray(frame * FRAME_SAMPLES, (frame + 1) * FRAME_SAMPLES), packet.subarray(12));
    return packet;
  });
}

async function openMember(index: number, sipPort: number): Promise<Member> {
  const rtp = createSocket({ type: 'udp4', recvBufferSize: 65_536 }).bind(0, '127.0.0.1');
  await once(rtp, 'listening');
  const frequency = index < speakerCount ? FIRST_HZ + index * STEP_HZ : undefined;
  const packets = frequency === undefined ? [] : spoken(frequency);
  const sip = await RawPhone.open(sipPort);
  const heard = isSampled(index) ? [] : undefined;
  const member: Member = {
    sip,
    rtp,
    frequency,
    packets,
    gatewayPort: 0,
    received: 0,
    lost: 0,
    lastSequence: -1,
    heard,
  };
  // Another program's packets for whoever had this port before are not for us.
  rtp.on('message', (packet, { port }) => port === member.gatewayPort && receive(member, packet));
  return member;
}

function receive(member: Member, packet: Buffer): void {
  member.received++;
  const sequence = packet.readUInt16BE(2);
  const gap = (sequence - member.lastSequence) & 0xffff;
  if (member.lastSequence >= 0 && gap > 1 && gap < 0x8000) member.lost += gap - 1;
  member.lastSequence = sequence;
  member.heard?.push(Buffer.from(packet.subarray(12)));
}

async function join(member: Member): Promise<void> {
  const { port } = member.rtp.address();
  const invite = member.sip.send('INVITE', { sdp: plainSdp(port) });
  const answer = await member.sip.final('INVITE');
  if (answer.status !== 200) throw new Error(`refused with ${answer.status}`);
  member.sip.acknowledge(invite, answer);
  member.gatewayPort = Number(/m=audio (\d+)/.exec(answer.body.toString())?.[1] ?? 0);
}

/** Sends one frame of each member, every 20 ms, for the time of the run. */
async function talk(members: readonly Member[]): Promise<number> {
  const startedAt = performance.now();
  const quiet = Buffer.concat([Buffer.from([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), SILENCE]);
  let worstLateMs = 0;
  for (let frame = 0; frame < seconds * FRAMES_PER_SECOND; frame++) {
    const dueMs = startedAt + frame * FRAME_MS;
    const waitMs = dueMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    worstLateMs = Math.max(worstLateMs, performance.now() - dueMs);
    for (const [index, member] of members.entries()) {
      const packet = member.packets[frame] ?? Buffer.from(quiet);
      packet.writeUInt16BE(frame & 0xffff, 2);
      packet.writeUInt32BE(frame * FRAME_SAMPLES, 4);
      packet.writeUInt32BE(index + 1, 8);
      member.rtp.send(packet, member.gatewayPort, '127.0.0.1');
    }
  }
  return worstLateMs;
}

/** Share of each speaker's tone in half a second from the middle of what a member heard. */
function shares({ heard }: Member): number[] {
  const samples = Int16Array.from(Buffer.concat(heard ?? []), (octet) => muLawToLinear[octet]!);
  const middle = Math.max(0, (samples.length >> 1) - (WINDOW_SAMPLES >> 1));
  const window = samples.subarray(middle, middle + WINDOW_SAMPLES);
  return Array.from({ length: speakerCount }, (_, index) => toneShare(window, FIRST_HZ + index * STEP_HZ));
}

const app = await FakeApp.start();
app.on('/voice', xml('<Response><Dial><Conference beep="false" waitUrl="">everybody</Conference></Dial></Response>'));
const gateway = await GatewayProcess.start({
  mediaPortCount: memberCount * 2 + 100,
  domains: [{ name: DOMAIN, voiceUrl: app.url('/voice'), ipAccessControlLists: ['loopback'] }],
  settings: { defaultDomain: DOMAIN, log: 'warn', mediaWorkers: Number(values.workers) },
});
const members: Member[] = [];
for (let index = 0; index < memberCount; index++) members.push(await openMember(index, gateway.ports.sip));

const joinStartedAt = performance.now();
const waiting = [...members];
await Promise.all(
  Array.from({ length: JOINING }, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await join(next);
  }),
);
interface RoomCounts {
  readonly conferences: { readonly participants: number };
  readonly media: { readonly mixerMembers: number };
}
await until(
  async () => ((await gateway.counts()) as unknown as RoomCounts).conferences.participants === memberCount,
  10_000,
  () => 'all are in the room',
);
console.log(`${memberCount} joined in ${((performance.now() - joinStartedAt) / 1_000).toFixed(1)} s`);
const counts = (await gateway.counts()) as unknown as RoomCounts;

const cpuBefore = cpuSeconds(gateway.pid);
const ownBefore = process.cpuUsage();
for (const member of members) Object.assign(member, { received: 0, lost: 0, lastSequence: -1 });
const worstLateMs = await talk(members);
const cpu = cpuSeconds(gateway.pid) - cpuBefore;
const own = process.cpuUsage(ownBefore);
const received = members.map((member) => member.received);
const lost = members.reduce((sum, member) => sum + member.lost, 0);

let wrong = 0;
for (const [index, member] of members.entries()) {
  if (!isSampled(index)) continue;
  const heard = shares(member);
  const expected = 1 / (index < speakerCount ? speakerCount - 1 : speakerCount);
  const isRight = heard.every((share, speaker) => (speaker === index ? share < 0.02 : share > expected * 0.5));
  if (!isRight) wrong++;
  if (!isRight || index <= speakerCount)
    console.log(`member ${index} hears ${heard.map((share) => share.toFixed(2)).join(' ')}${isRight ? '' : '  WRONG'}`);
}
const expectedPackets = seconds * FRAMES_PER_SECOND;
console.log(
  `members of the mix ${counts.media.mixerMembers}; packets per member: ${Math.min(...received)} to ${Math.max(...received)} ` +
    `of ${expectedPackets}, ${lost} missing in all; peers at most ${worstLateMs.toFixed(0)} ms late`,
);
console.log(
  `CPU of the gateway ${((cpu / seconds) * 100).toFixed(0)} % of a core, of the peers ` +
    `${(((own.user + own.system) / 1e6 / seconds) * 100).toFixed(0)} %; resident ${residentMib(gateway.pid).toFixed(0)} MiB`,
);
for (const member of members) member.sip.send('BYE');
await gateway.isIdle(IDLE_DEADLINE_MS);
console.log('all left, counts all zero');
for (const { sip, rtp } of members) {
  sip.close();
  rtp.close();
}
await gateway.dispose();
await app.stop();
process.exit(wrong > 0 || counts.media.mixerMembers !== memberCount ? 1 : 0);
