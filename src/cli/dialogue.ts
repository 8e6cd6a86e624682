// `call --script FILE`: plays scripted dialogues against an application, over SIP through a gateway, or with --virtual without either. Exit code
// 0 = all as expected, 1 = not so, 2 = a mistake in options or scripts.

import { realClock } from '../base/clock.ts';
import { cryptoRandom, newSid } from '../base/ids.ts';
import { createLog } from '../base/log.ts';
import { err, ok, type Result } from '../base/result.ts';
import { playVirtually, type VirtualServices, type VirtualTarget } from '../dialogue/virtual-run.ts';
import { createResolver } from '../dns/resolver.ts';
import { decodeAudio } from '../media/audio-file.ts';
import {
  commandLine,
  configOrComplain,
  finish,
  type Grammar,
  mistake,
  type Parsed,
  parseArguments,
  textOf,
  textsOf,
} from './arguments.ts';
import { gatewayOptions, gatewayUsage } from './ask-gateway.ts';
import { dialOptions, type PlayOptions, playDialled } from './dialled.ts';
import { type Reported, reportAll, reportPlayed } from './dialogue-report.ts';
import { type NamedScript, readScripts } from './script-files.ts';

const GRAMMAR: Grammar = {
  optionalArgument: 'SIP URI to call',
  options: {
    script: { type: 'string', multiple: true },
    virtual: { type: 'boolean' },
    url: { type: 'string' },
    method: { type: 'string' },
    'fallback-url': { type: 'string' },
    'status-callback': { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
    within: { type: 'string' },
    quiet: { type: 'boolean' },
    ...dialOptions,
    ...gatewayOptions,
  },
  usage: `Usage: ${commandLine('call')} <sip:target@host[:port]> --script FILE|FOLDER … [options]
       ${commandLine('call')} --virtual --url URL --script FILE|FOLDER … [options]
  --script PATH        a script, or a folder of *.call files; may be given several times
  --within SECONDS     how long an expectation waits that does not say so itself (default 60)
  --quiet              print verdicts and differences only
with --virtual: no SIP, no gateway; waiting takes no time, requests are real
  --url URL            voice URL of the application
  --method GET|POST    of the first request (default POST)
  --fallback-url URL   asked when a document fails
  --status-callback URL  told of the end of the call
  --from, --to TEXT    parameters of the requests (default sip:caller@ and sip:1000@demo.sip.localhost)
  Requests are signed with authToken of the settings (HOOKSWITCH_AUTH_TOKEN).
without it: what is said, and who listens, is asked of the gateway, which must run on this machine
  --user, --password, --domain, --proxy, --register, --srtp, --ca, --verbose   as without a script
${gatewayUsage}
Exit code: 0 as expected, 1 not so, 2 a mistake in the options or in a script.`,
};

const WITHIN_MAX_S = 14_400;

/** Whether the arguments of `call` ask for scripts. */
export const wantsScript = (args: readonly string[]): boolean =>
  args.some((arg) => /^--(script|virtual)(=|$)/.test(arg));

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, GRAMMAR);
  if (!parsed.ok) return finish(parsed.error);
  const options = checked(parsed.value);
  if (!options.ok) return finish(mistake(options.error, GRAMMAR.usage));
  const scripts = readScripts(options.value.paths);
  if (!scripts.ok) {
    console.error(scripts.error);
    return 2;
  }
  return options.value.isVirtual
    ? runVirtually(scripts.value, parsed.value, options.value)
    : playDialled(scripts.value, parsed.value, options.value, GRAMMAR.usage);
}

interface DialogueOptions extends PlayOptions {
  readonly paths: readonly string[];
  readonly isVirtual: boolean;
}

function checked({ values, positionals }: Parsed): Result<DialogueOptions, string> {
  const paths = textsOf(values.script);
  if (paths.length === 0) return err('--script is missing: a file or a folder.');
  const isVirtual = values.virtual === true;
  if (isVirtual && positionals[0] !== undefined)
    return err('With --virtual nothing is dialled: give --url and no SIP URI.');
  if (isVirtual && textOf(values.url) === undefined) return err('--virtual needs --url.');
  if (!isVirtual && positionals[0] === undefined)
    return err('The SIP URI to call is missing (or --virtual --url URL).');
  for (const name of ['url', 'fallback-url', 'status-callback']) {
    const url = textOf(values[name]);
    if (url === undefined) continue;
    if (!isVirtual) return err(`--${name} goes with --virtual only.`);
    if (!URL.canParse(url) || !/^https?:/i.test(url)) return err(`--${name} ${url} is not an http or https URL.`);
  }
  const method = textOf(values.method);
  if (method !== undefined && method !== 'GET' && method !== 'POST')
    return err(`--method ${method} is neither GET nor POST.`);
  const within = textOf(values.within) ?? '60';
  const seconds = /^\d+(\.\d+)?$/.test(within) ? Number(within) : Number.NaN;
  if (!(seconds > 0 && seconds <= WITHIN_MAX_S))
    return err(`--within ${within} is not a number of seconds up to ${WITHIN_MAX_S}.`);
  return ok({ paths, isVirtual, withinMs: seconds * 1_000, quiet: values.quiet === true });
}

/** What virtual calls need of this machine. `stop` closes nothing that calls still use. */
export function virtualServices(isVerbose: boolean): VirtualServices {
  const log = createLog({ level: isVerbose ? 'debug' : 'silent', folders: {}, pretty: true });
  const resolver = createResolver({ clock: realClock, log });
  return {
    clock: realClock,
    random: cryptoRandom,
    dnsLookup: (name, options, callback) => resolver.lookup(name, options, callback),
    decode: decodeAudio,
    log,
  };
}

/** The application that is asked; undefined after the mistakes of the settings were printed. */
export function virtualTarget(values: Parsed['values'], url: string, withinMs: number): VirtualTarget | undefined {
  const config = configOrComplain(textOf(values.config));
  if (!config) return undefined;
  const fallback = textOf(values['fallback-url']);
  if (config.authToken === null)
    console.error('The settings have no authToken: requests are signed with an empty one (HOOKSWITCH_AUTH_TOKEN).');
  return {
    url,
    method: textOf(values.method) === 'GET' ? 'GET' : 'POST',
    fallback: fallback === undefined ? undefined : { url: fallback, method: 'POST' },
    statusCallback: textOf(values['status-callback']),
    accountSid: config.accountSid ?? newSid('AC', cryptoRandom),
    authToken: config.authToken ?? '',
    from: textOf(values.from) ?? `sip:caller@demo.${config.domainSuffix}`,
    to: textOf(values.to) ?? `sip:1000@demo.${config.domainSuffix}`,
    withinMs,
  };
}

async function runVirtually(
  scripts: readonly NamedScript[],
  { values }: Parsed,
  options: DialogueOptions,
): Promise<number> {
  const target = virtualTarget(values, textOf(values.url) ?? '', options.withinMs);
  if (!target) return 2;
  const services = virtualServices(values.verbose === true);
  const startedMs = realClock.now();
  const played: Reported[] = [];
  for (const { name, script } of scripts) {
    const result = { name, ...(await playVirtually(script, target, services)) };
    reportPlayed(result, options.quiet);
    played.push(result);
  }
  return reportAll(played, realClock.now() - startedMs);
}
