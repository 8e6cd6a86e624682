// `capture <CallSid|Call-ID> [file]`: asks the running gateway for the capture of a call and writes it to a file for a packet analyser.

import { writeFileSync } from 'node:fs';
import { commandLine, finish, type Grammar, parseArguments } from './arguments.ts';
import { askGateway, gatewayOptions, gatewayOrigin, gatewayUsage } from './ask-gateway.ts';

const GRAMMAR: Grammar = {
  argument: 'CallSid or Call-ID',
  secondArgument: 'file',
  options: gatewayOptions,
  usage: `Usage: ${commandLine('capture')} <CallSid or Call-ID> [FILE] [options]
  FILE               where the pcap goes (default: the id with .pcap)
${gatewayUsage}`,
};

const ANSWER_MS = 60_000;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, GRAMMAR);
  if (!parsed.ok) return finish(parsed.error);
  const origin = gatewayOrigin(parsed.value.values, GRAMMAR.usage);
  if (!origin.ok) return origin.error;
  const [id = '', path] = parsed.value.positionals;
  const missing = `${origin.value} keeps no capture of ${id}: see the settings captureDays and captureMegabytes.`;
  const capture = await askGateway(origin.value, `/debug/capture/${encodeURIComponent(id)}`, missing, ANSWER_MS);
  if (!capture.ok) return capture.error;
  return save(capture.value, path ?? `${id.replace(/[^\w.@-]/g, '_')}.pcap`);
}

function save(capture: Buffer, file: string): number {
  try {
    writeFileSync(file, capture, { mode: 0o600 });
  } catch (fault) {
    console.error(`${file} cannot be written (${(fault as NodeJS.ErrnoException).code}).`);
    return 1;
  }
  console.log(`${capture.length} bytes in ${file}; it may hold phone numbers and addresses, handle it with care.`);
  return 0;
}
