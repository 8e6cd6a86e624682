// `capture <CallSid|Call-ID> [file]`: asks the running gateway for the capture of a call and writes it to a file for a packet analyser.

import { writeFileSync } from 'node:fs';
import { request } from 'undici';
import { commandLine, configOrComplain, finish, type Grammar, mistake, parseArguments, textOf } from './arguments.ts';
import { originOf } from './ladder.ts';

const GRAMMAR: Grammar = {
  argument: 'CallSid or Call-ID',
  secondArgument: 'file',
  options: { gateway: { type: 'string' }, config: { type: 'string' } },
  usage: `Usage: ${commandLine('capture')} <CallSid or Call-ID> [FILE] [options]
  FILE               where the pcap goes (default: the id with .pcap)
  --gateway ORIGIN   of the running gateway (default: its HTTP listener in the settings, http://127.0.0.1:7080)
  --config FILE      settings file to take the listener from (default: hookswitch.yaml)`,
};

const ANSWER_MS = 60_000;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, GRAMMAR);
  if (!parsed.ok) return finish(parsed.error);
  const { values, positionals } = parsed.value;
  const [id = '', path] = positionals;
  const given = textOf(values.gateway);
  if (given !== undefined && !/^https?:\/\/[^/\s]+\/?$/.test(given))
    return finish(mistake(`--gateway ${given} is not http(s)://host[:port].`, GRAMMAR.usage));
  const config = given === undefined ? configOrComplain(textOf(values.config)) : undefined;
  if (given === undefined && !config) return 2;
  const origin = given?.replace(/\/$/, '') ?? originOf(config!.httpListen);
  return save(origin, id, path ?? `${id.replace(/[^\w.@-]/g, '_')}.pcap`);
}

async function save(origin: string, id: string, file: string): Promise<number> {
  try {
    const answer = await request(`${origin}/debug/capture/${encodeURIComponent(id)}`, {
      headersTimeout: ANSWER_MS,
      bodyTimeout: ANSWER_MS,
    });
    if (answer.statusCode !== 200) {
      const text = (await answer.body.text()).trim().slice(0, 200);
      console.error(
        answer.statusCode === 404
          ? `${origin} keeps no capture of ${id}: see the settings captureDays and captureMegabytes.`
          : `${origin} answers ${answer.statusCode}: ${text}`,
      );
      return 1;
    }
    const capture = Buffer.from(await answer.body.arrayBuffer());
    writeFileSync(file, capture, { mode: 0o600 });
    console.log(`${capture.length} bytes in ${file}; it may hold phone numbers and addresses, handle it with care.`);
    return 0;
  } catch (fault) {
    const { code, syscall, message } = fault as NodeJS.ErrnoException;
    if (syscall === 'open') console.error(`${file} cannot be written (${code}).`);
    else
      console.error(
        `No gateway answers at ${origin} (${code ?? message}). Is it running? "${commandLine('serve')}" starts it.`,
      );
    return 1;
  }
}
