// How subcommands ask the gateway that runs on this machine: which origin, one request, and one clear sentence when nobody answers.

import { request } from 'undici';
import { err, ok, type Result } from '../base/result.ts';
import type { Config } from '../config.ts';
import { commandLine, configOrComplain, finish, mistake, type Parsed, textOf } from './arguments.ts';

/** Options of every command that asks. */
export const gatewayOptions = { gateway: { type: 'string' }, config: { type: 'string' } } as const;

export const gatewayUsage = `  --gateway ORIGIN   of the running gateway (default: its HTTP listener in the settings, http://127.0.0.1:7080)
  --config FILE      settings file to take the listener from (default: hookswitch.yaml)`;

/** The origin to ask, or the exit code after the mistake was printed. */
export function gatewayOrigin(values: Parsed['values'], usage: string): Result<string, number> {
  const given = textOf(values.gateway);
  if (given !== undefined && !/^https?:\/\/[^/\s]+\/?$/.test(given))
    return err(finish(mistake(`--gateway ${given} is not http(s)://host[:port].`, usage)));
  if (given !== undefined) return ok(given.replace(/\/$/, ''));
  const config = configOrComplain(textOf(values.config));
  return config ? ok(originOf(config.httpListen)) : err(2);
}

/** A listener on all addresses is asked at loopback: what is asked is for this machine only. */
function originOf({ address, port }: Config['httpListen']): string {
  const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * GET `path` of the gateway. What is not 200 is printed and gives the exit code; `missing` is the sentence for 404. `waitMs`: longest
 * time to the head, and between two pieces of the body.
 */
export async function askGateway(
  origin: string,
  path: string,
  missing: string,
  waitMs: number,
): Promise<Result<Buffer, number>> {
  try {
    const answer = await request(`${origin}${path}`, { headersTimeout: waitMs, bodyTimeout: waitMs });
    const body = Buffer.from(await answer.body.arrayBuffer());
    if (answer.statusCode === 200) return ok(body);
    const text = body.toString('utf8').trim().slice(0, 200);
    const isOff = answer.statusCode === 409;
    const told = isOff ? `${origin}: ${text}` : `${origin} answers ${answer.statusCode}: ${text}`;
    console.error(answer.statusCode === 404 ? missing : told);
  } catch (fault) {
    const why = (fault as NodeJS.ErrnoException).code ?? (fault as Error).message;
    console.error(`No gateway answers at ${origin} (${why}). Is it running? "${commandLine('serve')}" starts it.`);
  }
  return err(1);
}
