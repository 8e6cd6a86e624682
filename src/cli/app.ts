// `app`: the example voice application on its own, as in docker-compose.yml.

import { createLog } from '../base/log.ts';
import { startApplication } from '../demo/application.ts';
import { configOrComplain, parseArguments } from './arguments.ts';

const USAGE = 'Usage: npm run app -- [--listen 127.0.0.1:7090] [--public-url http://host:port]';

/** Runs until SIGINT or SIGTERM. Checks signatures when HOOKSWITCH_AUTH_TOKEN is set. */
export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(
    args,
    { listen: { type: 'string', default: '127.0.0.1:7090' }, 'public-url': { type: 'string' } },
    USAGE,
  );
  if (!parsed.ok) {
    console.error(parsed.error);
    return 2;
  }
  const config = configOrComplain(undefined);
  if (!config) return 2;
  const match = /^(.+):(\d+)$/.exec(String(parsed.value.values.listen));
  if (!match) {
    console.error(USAGE);
    return 2;
  }
  const publicUrl = parsed.value.values['public-url'];
  const application = await startApplication({
    address: match[1]!,
    port: Number(match[2]),
    authToken: config.authToken ?? undefined,
    publicUrl: typeof publicUrl === 'string' ? publicUrl : undefined,
    log: createLog({ ...config.log, pretty: process.stdout.isTTY === true }),
  });
  console.log(`The example application answers at ${application.url}/voice`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  await application.stop();
  return 0;
}
