// `ladder <CallSid|Call-ID>`: asks the running gateway for the ladder of a call and prints it.

import { request } from 'undici';
import type { Config } from '../config.ts';
import { commandLine, configOrComplain, finish, type Grammar, mistake, parseArguments, textOf } from './arguments.ts';

const GRAMMAR: Grammar = {
  argument: 'CallSid or Call-ID',
  options: { gateway: { type: 'string' }, config: { type: 'string' } },
  usage: `Usage: ${commandLine('ladder')} <CallSid or Call-ID> [options]
  --gateway ORIGIN   of the running gateway (default: its HTTP listener in the settings, http://127.0.0.1:7080)
  --config FILE      settings file to take the listener from (default: hookswitch.yaml)`,
};

const ANSWER_MS = 10_000;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, GRAMMAR);
  if (!parsed.ok) return finish(parsed.error);
  const { values, positionals } = parsed.value;
  const [id = ''] = positionals;
  const given = textOf(values.gateway);
  if (given !== undefined && !/^https?:\/\/[^/\s]+\/?$/.test(given))
    return finish(mistake(`--gateway ${given} is not http(s)://host[:port].`, GRAMMAR.usage));
  const config = given === undefined ? configOrComplain(textOf(values.config)) : undefined;
  if (given === undefined && !config) return 2;
  const origin = given?.replace(/\/$/, '') ?? originOf(config!.httpListen);
  const width = process.stdout.columns;
  try {
    const answer = await request(
      `${origin}/debug/ladder/${encodeURIComponent(id)}${width === undefined ? '' : `?width=${width}`}`,
      { headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS },
    );
    const text = await answer.body.text();
    if (answer.statusCode === 200) {
      console.log(text);
      return 0;
    }
    console.error(
      answer.statusCode === 404
        ? `No call ${id} is in the trace of ${origin}; it keeps the latest calls since the start.`
        : `${origin} answers ${answer.statusCode}: ${text.trim().slice(0, 200)}`,
    );
  } catch (fault) {
    const why = (fault as NodeJS.ErrnoException).code ?? (fault as Error).message;
    console.error(`No gateway answers at ${origin} (${why}). Is it running? "${commandLine('serve')}" starts it.`);
  }
  return 1;
}

/** A listener on all addresses is asked at loopback: the ladder is for this machine only. */
export function originOf({ address, port }: Config['httpListen']): string {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
