// The one table that load.ts prints: a row for each thing measured, a column for each run.

import type { RunResult } from './load.ts';

const percentile = (sorted: readonly number[], part: number): string => {
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
  return value === undefined ? '-' : value.toFixed(0);
};

export function printTable(
  load: { readonly calls: number; readonly rate: number; readonly holdSeconds: number },
  before: { readonly files: number; readonly mib: number },
  results: readonly RunResult[],
): void {
  const echoed = (result: RunResult) => result.callees.reduce((sum, callee) => sum + callee.rtpPackets, 0);
  const rows: readonly (readonly [string, (result: RunResult, index: number) => string | number])[] = [
    ['calls successful / failed', ({ caller }) => `${caller.successful} / ${caller.failed}`],
    ['seconds', ({ seconds }) => seconds.toFixed(1)],
    ['legs at once (most)', ({ peakCalls }) => peakCalls],
    ['INVITE to 200, ms p50 / p95 / p99', ({ caller }) => spread(caller.answerMs)],
    ['BYE to 200, ms p50 / p95 / p99', ({ caller }) => spread(caller.byeMs)],
    ['SIP retransmissions of SIPp', ({ caller }) => caller.retransmissions],
    ['RTP sent by the callers', ({ caller }) => caller.rtpPackets],
    ['RTP received and echoed by the callees', (result) => echoed(result)],
    ['RTP received by the gateway, both legs', ({ media }) => media.received],
    ['RTP sent by the gateway, both legs', ({ media }) => media.sent],
    ['RTP received of the leg that had fewest', ({ media }) => media.fewestReceived],
    ['RTP lost by sequence numbers', ({ media }) => media.lost],
    ['RTP not used, by reason', ({ media }) => JSON.stringify(media.drops)],
    ['dropped by the kernel: callees, gateway, backlog', kernelDrops],
    ['highest jitter of a leg, ms', ({ media }) => media.maxJitterMs.toFixed(1)],
    ['tshark sample: streams, packets, lost', ({ sample }) => sampleText(sample)],
    ['gateway CPU, cores', ({ gatewayCpu }) => gatewayCpu.toFixed(2)],
    ['SIPp CPU, cores', ({ sippCpu }) => sippCpu.toFixed(2)],
    [`memory: most, MiB (start ${before.mib.toFixed(0)})`, ({ peakMib }) => peakMib.toFixed(1)],
    ['memory: at rest, MiB', ({ idleMib }) => idleMib.toFixed(1)],
    ['memory: ratio to run 1', ({ idleMib }) => (idleMib / (results[0]?.idleMib ?? idleMib)).toFixed(3)],
    ['/debug/counts zero after, s', ({ zeroAfterSeconds }) => zeroAfterSeconds?.toFixed(1) ?? 'never'],
    [`open files (start ${before.files})`, (result) => result.openFiles],
  ];
  console.log(`\n${load.calls} calls, ${load.rate} per second, each held ${load.holdSeconds} s, RTP both ways`);
  const head = ['', ...results.map((_, index) => `run ${index + 1}`)];
  const lines = [
    head,
    ...rows.map(([name, value]) => [name, ...results.map((one, index) => String(value(one, index)))]),
  ];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  for (const line of lines)
    console.log(
      line
        .map((text, column) => text.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
}

const spread = (sorted: readonly number[]): string =>
  [0.5, 0.95, 0.99].map((part) => percentile(sorted, part)).join(' / ');

const kernelDrops = ({ calleeDrops, gatewayDrops, backlogDrops }: RunResult): string =>
  `${calleeDrops}, ${gatewayDrops}, ${backlogDrops}`;

const sampleText = (sample: RunResult['sample']): string =>
  sample ? `${sample.streams}, ${sample.packets}, ${sample.lost} (jitter ${sample.maxJitterMs} ms)` : 'none';
