// `serve`: the gateway until it is told to stop. SIGTERM or SIGINT drains (new calls 503, running ones finish, bounded); a second one
// ends the calls with BYE (design.md 4).

import { realClock } from '../base/clock.ts';
import { createLog, type Log } from '../base/log.ts';
import { printConfig } from '../config.ts';
import { createGateway, type Gateway } from '../gateway.ts';
import { startupChecks } from '../startup-checks.ts';
import { commandLine, configOrComplain, finish, type Grammar, parseArguments, textOf } from './arguments.ts';
import { watchSettings } from './reload-settings.ts';
import { welcome } from './welcome.ts';

const GRAMMAR: Grammar = {
  options: { config: { type: 'string' }, 'print-config': { type: 'boolean' } },
  usage: `Usage: ${commandLine('serve')} ${commandLine('serve').startsWith('npm') ? '-- ' : ''}[options]
  --config FILE    settings (default: hookswitch.yaml where it exists); the environment (HOOKSWITCH_...) wins over it
  --print-config   print the settings in force, secrets hidden, and end
Ctrl-C or SIGTERM: new calls are refused, running ones may finish; a second time ends them.`,
};

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, GRAMMAR);
  if (!parsed.ok) return finish(parsed.error);
  const { values } = parsed.value;
  const config = configOrComplain(textOf(values.config));
  if (!config) return 2;
  if (values['print-config']) {
    console.log(printConfig(config));
    return 0;
  }
  const log = createLog({ ...config.log, pretty: process.stdout.isTTY === true });
  const starting = log.child({ folder: 'start' });
  for (const { level, text } of startupChecks(config)) starting[level === 'ok' ? 'info' : 'warn']({}, text);
  const created = await createGateway(config, { log });
  if (!created.ok) {
    console.error(`Hookswitch cannot start: ${created.error}`);
    return 1;
  }
  const gateway = created.value;
  // Before anybody reads that it runs: a signal may follow at once.
  const stopped = untilStopped(gateway, config.drainSeconds, starting);
  console.log(welcome(config, gateway));
  const stopWatching = watchSettings(config, gateway, realClock, log);
  await stopped;
  stopWatching();
  await gateway.stop();
  return 0;
}

/** Ctrl-C reaches us twice where npm started us: the terminal sends it to all, and npm passes it on. So does a signal to the group. */
const SAME_SIGNAL_MS = 1_000;

function untilStopped(gateway: Gateway, drainSeconds: number, log: Log): Promise<void> {
  return new Promise((resolve) => {
    let stage: 'running' | 'draining' | 'ending' = 'running';
    let countedAt = Number.NEGATIVE_INFINITY;
    const onSignal = (signal: NodeJS.Signals) => {
      const now = realClock.now();
      if (now - countedAt < SAME_SIGNAL_MS) return;
      countedAt = now;
      const calls = gateway.callCount();
      if (stage === 'running') {
        stage = 'draining';
        log.info(
          { signal, calls, drainSeconds },
          'draining: new calls get 503; the same signal again ends the running ones',
        );
        void gateway.drain(drainSeconds * 1000).then(resolve);
      } else if (stage === 'draining') {
        stage = 'ending';
        log.info({ signal, calls }, 'ending the running calls; the same signal again ends the process at once');
        resolve();
      } else process.exit(1);
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
