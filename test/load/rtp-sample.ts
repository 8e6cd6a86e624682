// A second opinion on the RTP: tshark captures some calls on loopback for a few seconds and counts packets and gaps by itself.

import { spawn, spawnSync } from 'node:child_process';
import { until } from '../support/until.ts';
import { udpSockets } from './processes.ts';

const SECONDS = 4;
const PORTS = 48;

export interface RtpSample {
  readonly streams: number;
  readonly packets: number;
  readonly lost: number;
  readonly maxJitterMs: number;
}

/** Samples calls that have just begun. Undefined without tshark. Ports are the gateway's media ports. */
export async function sampleRtp(first: number, last: number): Promise<RtpSample | undefined> {
  if (spawnSync('tshark', ['-v'], { stdio: 'ignore' }).error) return undefined;
  const ports = await newPorts(first, last);
  const filter = ports.map((port) => `udp port ${port}`).join(' or ');
  const child = spawn(
    'tshark',
    [
      ...['-i', 'lo', '-n', '-q', '-B', '16', '-a', `duration:${SECONDS}`, '-f', filter],
      ...ports.flatMap((port) => ['-d', `udp.port==${port},rtp`]),
      ...['-z', 'rtp,streams'],
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await new Promise((done) => child.once('close', done));
  return readStreams(output);
}

/** RTP ports (even) that were opened while we looked: their calls last longest from now. */
async function newPorts(first: number, last: number): Promise<number[]> {
  const known = new Set(udpSockets(first, last).map(({ port }) => port));
  return until(
    () => {
      const fresh = udpSockets(first, last).filter(({ port }) => port % 2 === 0 && !known.has(port));
      return fresh.length >= PORTS ? fresh.slice(0, PORTS).map(({ port }) => port) : undefined;
    },
    10_000,
    () => 'new media ports',
  );
}

/** Rows end `… packets lost (percent%) minDelta meanDelta maxDelta minJitter meanJitter maxJitter [X]`. */
export function readStreams(output: string): RtpSample {
  const rows = [...output.matchAll(/^.*\s(\d+)\s+(-?\d+)\s+\(-?[\d.]+%\)\s+(.*)$/gm)];
  const jitters = rows.map((row) => Number(row[3]!.trim().split(/\s+/)[5] ?? 0));
  return {
    streams: rows.length,
    packets: rows.reduce((sum, row) => sum + Number(row[1]), 0),
    lost: rows.reduce((sum, row) => sum + Number(row[2]), 0),
    maxJitterMs: Math.max(0, ...jitters),
  };
}
