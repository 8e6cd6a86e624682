// `serve`: the gateway until it is told to stop. SIGTERM or SIGINT drains (new calls 503, running ones finish, bounded); a second one
// ends the calls with BYE (design.md 4).

import { realClock } from '../base/clock.ts';
import { createLog } from '../base/log.ts';
import { printConfig } from '../config.ts';
import { createGateway, type Gateway } from '../gateway.ts';
import { startupChecks } from '../startup-checks.ts';
import { configOrComplain, parseArguments } from './arguments.ts';
import { watchSettings } from './reload-settings.ts';
import { welcome } from './welcome.ts';

const USAGE = 'Usage: npm start -- [--config hookswitch.yaml] [--print-config]';

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, { config: { type: 'string' }, 'print-config': { type: 'boolean' } }, USAGE);
  if (!parsed.ok) {
    console.error(parsed.error);
    return 2;
  }
  const file = parsed.value.values.config;
  const config = configOrComplain(typeof file === 'string' ? file : undefined);
  if (!config) return 2;
  if (parsed.value.values['print-config']) {
    console.log(printConfig(config));
    return 0;
  }
  const log = createLog({ ...config.log, pretty: process.stdout.isTTY === true });
  for (const check of startupChecks(config)) {
    if (check.level === 'ok') log.info({ folder: 'start' }, check.text);
    else log.warn({ folder: 'start' }, check.text);
  }
  const created = await createGateway(config, { log });
  if (!created.ok) {
    log.error({ folder: 'start' }, created.error);
    return 1;
  }
  const gateway = created.value;
  console.log(welcome(config, gateway));
  const stopWatching = watchSettings(config, gateway, realClock, log);
  await untilStopped(gateway, config.drainSeconds, log.child({ folder: 'start' }));
  stopWatching();
  await gateway.stop();
  return 0;
}

function untilStopped(gateway: Gateway, drainSeconds: number, log: ReturnType<typeof createLog>): Promise<void> {
  return new Promise((resolve) => {
    let isDraining = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (isDraining) return resolve();
      isDraining = true;
      log.info(
        { signal, calls: gateway.callCount() },
        'draining: new calls get 503; the same signal again ends the running ones',
      );
      void gateway.drain(drainSeconds * 1000).then(resolve);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
