// `ladder <CallSid|Call-ID>`: asks the running gateway for the ladder of a call and prints it.

import { request } from 'undici';
import { configOrComplain, parseArguments } from './arguments.ts';

const USAGE = 'Usage: npm run ladder -- <CallSid or Call-ID> [--gateway http://127.0.0.1:7080]';

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, { gateway: { type: 'string' }, config: { type: 'string' } }, USAGE);
  const id = parsed.ok ? parsed.value.positionals[0] : undefined;
  if (!parsed.ok || id === undefined) {
    console.error(parsed.ok ? USAGE : parsed.error);
    return 2;
  }
  const { values } = parsed.value;
  const config = configOrComplain(typeof values.config === 'string' ? values.config : undefined);
  if (!config) return 2;
  const { address, port } = config.httpListen;
  const host = address === '0.0.0.0' || address === '::' ? '127.0.0.1' : address;
  const origin =
    typeof values.gateway === 'string' ? values.gateway : `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  try {
    const answer = await request(`${origin}/debug/ladder/${encodeURIComponent(id)}`);
    const text = await answer.body.text();
    if (answer.statusCode !== 200) {
      console.error(`No call ${id} is in the trace of ${origin}; it keeps the latest calls since the start.`);
      return 1;
    }
    console.log(text);
    return 0;
  } catch (fault) {
    console.error(
      `The gateway does not answer at ${origin}: ${(fault as Error).message}. Is it running? "npm start" starts it.`,
    );
    return 1;
  }
}
