// The load proof: SIPp calls through the gateway, a webhook and a Dial to SIPp, with RTP both ways, and every packet accounted for.
//
//   SIPp callers ──INVITE──▶ gateway ──POST /voice──▶ application here      <Dial answerOnBridge><Sip> one of the callees
//                ◀──RTP────▶         ──INVITE──▶ SIPp callees (they echo RTP)
//
// Run: node test/load/load.ts [--calls 1000] [--rate 50] [--hold 8] [--runs 2] [--idle 60] [--profile FOLDER] [--no-sample]
// A busy machine costs SIPp's own sockets packets ("dropped by the kernel: callees"); these are shown and not held against the gateway.
// Wants SIPp (apt-get install sip-tester); tshark for the sample. Exit status 1 when a call failed, a packet was lost without a
// reason, memory grew, or something stayed open. Not part of `npm test`: it needs a quiet machine.

import { parseArgs } from 'node:util';
import { FakeApp, xml } from '../support/fake-app.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { freePorts } from '../support/ports.ts';
import { backlogDrops, cpuSeconds, openFiles, residentMib, udpSockets } from './processes.ts';
import { type RtpSample, sampleRtp } from './rtp-sample.ts';
import { LoadSipp, type SippCounts } from './sipp-load.ts';
import { printTable } from './table.ts';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '1000' },
    rate: { type: 'string', default: '50' },
    hold: { type: 'string', default: '8' },
    runs: { type: 'string', default: '2' },
    idle: { type: 'string', default: '60' },
    profile: { type: 'string' },
    'no-sample': { type: 'boolean', default: false },
  },
});
const calls = Number(values.calls);
const rate = Number(values.rate);
const holdSeconds = Number(values.hold);
const idleSeconds = Number(values.idle);

const DOMAIN = 'load.sip.localhost';
/** One socket echoes for each: more of them, and a burst of 400 packets fits into their buffers. */
const CALLEES = 8;
const PORTS_PER_CALLEE = 6;
const IDLE_DEADLINE_MS = 70_000;
/** Two runs of the same load may differ by this much memory; more is a leak. */
const MEMORY_RATIO = 1.15;

/** Sums over all legs of the line that the gateway logs when the media of a leg ends. */
interface MediaSums {
  legs: number;
  received: number;
  sent: number;
  lost: number;
  drops: Record<string, number>;
  maxJitterMs: number;
  fewestReceived: number;
}

export interface RunResult {
  readonly caller: SippCounts;
  readonly callees: readonly SippCounts[];
  readonly media: MediaSums;
  readonly sample: RtpSample | undefined;
  /** Datagrams that sockets of SIPp's callees had no room for. */
  readonly calleeDrops: number;
  /** The same of the gateway's sockets, as far as they were seen: they close with their call. */
  readonly gatewayDrops: number;
  readonly backlogDrops: number;
  readonly seconds: number;
  readonly peakCalls: number;
  readonly peakMib: number;
  readonly idleMib: number;
  readonly gatewayCpu: number;
  readonly sippCpu: number;
  readonly openFiles: number;
  readonly zeroAfterSeconds: number | undefined;
  readonly stillOpen: readonly string[];
}

function watchMedia(gateway: GatewayProcess): () => MediaSums {
  const empty = (): MediaSums => ({
    legs: 0,
    received: 0,
    sent: 0,
    lost: 0,
    drops: {},
    maxJitterMs: 0,
    fewestReceived: Infinity,
  });
  let sums = empty();
  let rest = '';
  gateway.onLog((text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.includes('"media of a leg"')) addLeg(sums, line);
  });
  return () => {
    const result = sums;
    sums = empty();
    return result;
  };
}

function addLeg(sums: MediaSums, line: string): void {
  const leg = JSON.parse(line) as Record<string, number> & { drops: Record<string, number> };
  sums.legs++;
  sums.received += leg.packetsReceived ?? 0;
  sums.sent += leg.packetsSent ?? 0;
  sums.fewestReceived = Math.min(sums.fewestReceived, leg.packetsReceived ?? 0);
  sums.lost += leg.packetsLost ?? 0;
  sums.maxJitterMs = Math.max(sums.maxJitterMs, leg.jitterMs ?? 0);
  for (const [reason, count] of Object.entries(leg.drops)) sums.drops[reason] = (sums.drops[reason] ?? 0) + count;
}

const pause = (seconds: number): Promise<void> => new Promise((done) => setTimeout(done, seconds * 1000));

async function run(
  gateway: GatewayProcess,
  ports: { caller: number; callees: number },
  takeMedia: () => MediaSums,
): Promise<RunResult> {
  const callees = Array.from({ length: CALLEES }, (_, index) =>
    LoadSipp.callee(ports.callees + index * PORTS_PER_CALLEE),
  );
  const early = await Promise.race([pause(1), ...callees.map((callee) => callee.ended)]);
  if (early) throw new Error(`a callee ended at once (${early.exitCode}): ${early.errors}`);
  const cpuBefore = cpuSeconds(gateway.pid);
  const started = performance.now();
  const caller = LoadSipp.caller({
    target: gateway.sipAddress,
    domain: DOMAIN,
    port: ports.caller,
    calls,
    rate,
    holdSeconds,
  });
  const all = [caller, ...callees];
  let peakCalls = 0;
  let peakMib = 0;
  let calleeDrops = 0;
  const gatewayDrops = new Map<number, number>();
  const backlogBefore = backlogDrops();
  let sippCpu = 0;
  const watch = setInterval(async () => {
    for (const sipp of all) sipp.writeScreens();
    peakMib = Math.max(peakMib, residentMib(gateway.pid));
    sippCpu = Math.max(
      sippCpu,
      all.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0),
    );
    calleeDrops = Math.max(calleeDrops, dropsOf(ports.callees));
    const { first, last } = gateway.ports.media;
    for (const { port, drops } of udpSockets(first, last)) if (drops > 0) gatewayDrops.set(port, drops);
    const counts = await gateway.counts().catch(() => ({}) as Record<string, unknown>);
    peakCalls = Math.max(peakCalls, Number(counts.calls ?? 0));
  }, 1000);
  try {
    const half = (calls / rate) * 0.5;
    const sampling = values['no-sample']
      ? undefined
      : pause(half).then(() => sampleRtp(gateway.ports.media.first, gateway.ports.media.last));
    const counts = await caller.ended;
    const seconds = (performance.now() - started) / 1000;
    const gatewayCpu = (cpuSeconds(gateway.pid) - cpuBefore) / seconds;
    const ended = performance.now();
    const sample = await sampling?.catch(() => undefined);
    const calleeCounts = await Promise.all(callees.map((callee) => callee.finish()));
    const rested = await untilZero(gateway, ended);
    await pause(Math.max(0, idleSeconds - (performance.now() - ended) / 1000));
    return {
      ...{
        caller: counts,
        callees: calleeCounts,
        media: takeMedia(),
        sample,
        calleeDrops,
        seconds,
        peakCalls,
        peakMib,
      },
      ...{
        gatewayCpu,
        sippCpu: sippCpu / seconds,
        idleMib: residentMib(gateway.pid),
        openFiles: openFiles(gateway.pid),
      },
      ...{ gatewayDrops: [...gatewayDrops.values()].reduce((sum, drops) => sum + drops, 0) },
      ...{ backlogDrops: backlogDrops() - backlogBefore },
      ...rested,
    };
  } finally {
    clearInterval(watch);
    for (const sipp of all) sipp.kill();
  }
}

const dropsOf = (firstCallee: number): number =>
  udpSockets(firstCallee, firstCallee + CALLEES * PORTS_PER_CALLEE).reduce((sum, { drops }) => sum + drops, 0);

async function untilZero(
  gateway: GatewayProcess,
  since: number,
): Promise<Pick<RunResult, 'zeroAfterSeconds' | 'stillOpen'>> {
  for (;;) {
    const stillOpen = await gateway.busyCounts();
    const elapsed = performance.now() - since;
    if (stillOpen.length === 0) return { zeroAfterSeconds: elapsed / 1000, stillOpen };
    if (elapsed > IDLE_DEADLINE_MS) return { zeroAfterSeconds: undefined, stillOpen };
    await pause(0.5);
  }
}

function faultsOf(results: readonly RunResult[], filesBefore: number): string[] {
  const faults: string[] = [];
  results.forEach(({ caller, callees, media, sample, calleeDrops, stillOpen, openFiles: files }, index) => {
    const fault = (text: string) => faults.push(`run ${index + 1}: ${text}`);
    if (caller.successful !== calls || caller.failed !== 0) fault(`${caller.failed} calls failed\n${caller.errors}`);
    if (media.legs !== 2 * calls) fault(`${media.legs} legs with media instead of ${2 * calls}`);
    // What an overloaded machine did to SIPp's own sockets is seen as gaps in what comes back.
    if (media.lost > calleeDrops) fault(`${media.lost} packets did not reach the gateway (gaps in sequence numbers)`);
    const echoed = callees.reduce((sum, callee) => sum + callee.rtpPackets, 0);
    // A packet that comes before the bridge is there is not passed on: one per call at most.
    const onTheWay = calls;
    const expected = caller.rtpPackets + echoed;
    if (Math.abs(media.received - expected) > onTheWay) fault(`received ${media.received} of ${expected} RTP packets`);
    if (Math.abs(media.sent - media.received) > onTheWay) fault(`sent ${media.sent} of ${media.received} RTP packets`);
    if (Math.abs(echoed + calleeDrops - caller.rtpPackets) > onTheWay)
      fault(`callees got ${echoed} of ${caller.rtpPackets}`);
    if (sample && (sample.lost > calleeDrops || sample.streams === 0)) fault(`tshark: ${JSON.stringify(sample)}`);
    if (stillOpen.length > 0) fault(`still open after ${IDLE_DEADLINE_MS / 1000} s: ${stillOpen.join(', ')}`);
    if (files > filesBefore + 5) fault(`${files} open files, ${filesBefore} before`);
  });
  const [first, second] = results;
  if (first && second && second.idleMib / first.idleMib > MEMORY_RATIO)
    faults.push(`memory grew from ${first.idleMib.toFixed(1)} to ${second.idleMib.toFixed(1)} MiB`);
  return faults;
}

async function main(): Promise<number> {
  const app = await FakeApp.start();
  const calleePorts = await freePorts(CALLEES * PORTS_PER_CALLEE + 6);
  let turn = 0;
  app.on('/voice', () => {
    const port = calleePorts + (turn++ % CALLEES) * PORTS_PER_CALLEE;
    return xml(`<Response><Dial answerOnBridge="true"><Sip>sip:callee@127.0.0.1:${port}</Sip></Dial></Response>`);
  });
  const gateway = await GatewayProcess.start({
    domains: [{ name: DOMAIN, voiceUrl: app.url('/voice'), ipAccessControlLists: ['loopback'] }],
    // Each call takes four ports, which then rest for ten seconds.
    mediaPortCount: Math.min(9_000, 4 * Math.min(calls, rate * (holdSeconds + 16))),
    nodeOptions: values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`],
  });
  const results: RunResult[] = [];
  try {
    const before = { files: openFiles(gateway.pid), mib: residentMib(gateway.pid) };
    const takeMedia = watchMedia(gateway);
    for (let index = 0; index < Number(values.runs); index++) {
      const caller = calleePorts + CALLEES * PORTS_PER_CALLEE;
      results.push(await run(gateway, { caller, callees: calleePorts }, takeMedia));
    }
    printTable({ calls, rate, holdSeconds }, before, results);
    const faults = faultsOf(results, before.files);
    for (const fault of faults) console.log(`FAULT ${fault}`);
    console.log(faults.length === 0 ? 'load: passed' : `load: failed, ${faults.length} faults`);
    return faults.length === 0 ? 0 : 1;
  } finally {
    await gateway.dispose();
    await app.stop();
  }
}

process.exitCode = await main();
