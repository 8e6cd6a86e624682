// `app`: the example voice application on its own, as in docker-compose.yml.

import { createLog } from '../base/log.ts';
import { startApplication } from '../demo/application.ts';
import { commandLine, configOrComplain, finish, type Grammar, mistake, parseArguments, textOf } from './arguments.ts';

const GRAMMAR: Grammar = {
  options: { listen: { type: 'string', default: '127.0.0.1:7090' }, 'public-url': { type: 'string' } },
  usage: `Usage: ${commandLine('app')} [options]
  --listen ADDRESS:PORT   where it answers (default 127.0.0.1:7090; IPv6 in brackets)
  --public-url ORIGIN     http(s)://host[:port] that the gateway uses for it, when that differs: signatures are made over it
It checks the gateway's signatures when HOOKSWITCH_AUTH_TOKEN is set.`,
};

const PORT_MAX = 65_535;

/** Runs until SIGINT or SIGTERM. Checks signatures when HOOKSWITCH_AUTH_TOKEN is set. */
export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, GRAMMAR);
  if (!parsed.ok) return finish(parsed.error);
  const listen = textOf(parsed.value.values.listen) ?? '';
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(listen);
  if (!match || Number(match[3]) > PORT_MAX)
    return finish(mistake(`--listen ${listen} is not ADDRESS:PORT.`, GRAMMAR.usage));
  const publicUrl = textOf(parsed.value.values['public-url']);
  if (publicUrl !== undefined && !/^https?:\/\/[^/\s]+$/.test(publicUrl))
    return finish(mistake(`--public-url ${publicUrl} is not http(s)://host[:port].`, GRAMMAR.usage));
  const config = configOrComplain(undefined);
  if (!config) return 2;
  try {
    const application = await startApplication({
      address: match[1] ?? match[2]!,
      port: Number(match[3]),
      authToken: config.authToken ?? undefined,
      publicUrl,
      log: createLog({ ...config.log, pretty: process.stdout.isTTY === true }),
    });
    console.log(`The example application answers at ${application.url}/voice`);
    await new Promise<void>((resolve) => {
      process.once('SIGINT', resolve);
      process.once('SIGTERM', resolve);
    });
    await application.stop();
    return 0;
  } catch (fault) {
    console.error(`The example application cannot listen at ${listen}: ${(fault as Error).message}`);
    return 1;
  }
}
