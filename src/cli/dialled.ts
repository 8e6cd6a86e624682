// Scripts of `call --script` over SIP: one call of the scripted phone each, watched through the gateway on this machine.

import { realClock } from '../base/clock.ts';
import { cryptoRandom, newCallId } from '../base/ids.ts';
import { createLog, type Log } from '../base/log.ts';
import { ok, type Result } from '../base/result.ts';
import type { Config } from '../config.ts';
import { DialledCall } from '../dialogue/dialled-call.ts';
import { Feed } from '../dialogue/feed.ts';
import { runScript } from '../dialogue/run-script.ts';
import type { Script } from '../dialogue/script.ts';
import { decodeAudio } from '../media/audio-file.ts';
import type { SpeechEngine } from '../speech/engine.ts';
import { createSpeech } from '../speech/select.ts';
import { configOrComplain, finish, type Parsed, textOf } from './arguments.ts';
import { gatewayOrigin } from './ask-gateway.ts';
import { type CallOptions, parseCallOptions } from './call-options.ts';
import { type Reported, reportAll, reportPlayed } from './dialogue-report.ts';
import { gatewayWatch } from './gateway-watch.ts';
import type { NamedScript } from './script-files.ts';
import { startPhone } from './start-phone.ts';

/** Those options of `call` that mean the same here. */
export const dialOptions = {
  user: { type: 'string' },
  password: { type: 'string' },
  domain: { type: 'string' },
  proxy: { type: 'string' },
  register: { type: 'boolean' },
  srtp: { type: 'boolean' },
  ca: { type: 'string' },
  verbose: { type: 'boolean' },
} as const;

export interface PlayOptions {
  readonly withinMs: number;
  readonly quiet: boolean;
}

/** Plays all of them, one after the other. Resolves with the exit code. */
export async function playDialled(
  scripts: readonly NamedScript[],
  parsed: Parsed,
  { withinMs, quiet }: PlayOptions,
  usage: string,
): Promise<number> {
  const origin = gatewayOrigin(parsed.values, usage);
  if (!origin.ok) return origin.error;
  const config = configOrComplain(textOf(parsed.values.config));
  if (!config) return 2;
  const startedMs = realClock.now();
  const played: Reported[] = [];
  const log = createLog({ level: parsed.values.verbose === true ? 'trace' : 'silent', folders: {}, pretty: true });
  const speaker = speakerOf(config, log);
  try {
    for (const { name, script } of scripts) {
      const options = await parseCallOptions(callArguments(parsed, script));
      if (!options.ok) return finish(options.error);
      const outcome = await playOne(script, options.value, { origin: origin.value, withinMs, speaker, log });
      if (!outcome.ok) {
        console.error(outcome.error);
        return 1;
      }
      const result = { name, ...outcome.value };
      reportPlayed(result, quiet);
      played.push(result);
    }
  } finally {
    speaker.close();
  }
  return reportAll(played, realClock.now() - startedMs);
}

/** What `call` would be given: the target with the user that the script calls, and its options. */
function callArguments({ values, positionals }: Parsed, script: Script): string[] {
  const args = [targetOf(positionals[0] ?? '', script.to)];
  for (const [name, { type }] of Object.entries(dialOptions)) {
    const value = name === 'user' ? (script.from ?? values[name]) : values[name];
    if (value === undefined) continue;
    args.push(...(type === 'boolean' ? (value === true ? [`--${name}`] : []) : [`--${name}`, String(value)]));
  }
  return args;
}

/** `to 700` is that user at the host that is called anyway. */
function targetOf(target: string, to: string | undefined): string {
  if (to === undefined || /^sips?:/i.test(to)) return to ?? target;
  const [, scheme = 'sip:', host = target] = /^(sips?:)?(?:[^@]*@)?(.*)$/is.exec(target) ?? [];
  return `${scheme}${to}@${host}`;
}

interface Services {
  readonly origin: string;
  readonly withinMs: number;
  readonly speaker: SpeechEngine;
  readonly log: Log;
}

async function playOne(
  script: Script,
  options: CallOptions,
  { origin, withinMs, speaker, log }: Services,
): Promise<Result<Omit<Reported, 'name'>, string>> {
  const callId = newCallId(cryptoRandom);
  const watch = await gatewayWatch(origin, callId);
  if (!watch.ok) return watch;
  const phone = await startPhone(options, log);
  if (!phone.ok) return phone;
  try {
    if (options.register) {
      const status = await phone.value.register();
      if (status !== 200) return { ok: false, error: `not registered: ${status}` };
    }
    const dialled = phone.value.dial(options.targetText, headersOf(script), callId);
    if (!dialled.ok) return dialled;
    const feed = new Feed();
    const call = new DialledCall(dialled.value, watch.value, { feed, speaker, clock: realClock });
    const failure = await runScript(script, call, { withinMs });
    await call.finish();
    return ok({ feed, failure });
  } finally {
    await watch.value.stop();
    await phone.value.stop();
  }
}

/** `param SipHeader_X-Queue sales` is a header of the INVITE here; other parameters have no way into a call. */
const headersOf = (script: Script): { name: string; value: string }[] =>
  script.params.flatMap(([name, value]) =>
    name.startsWith('SipHeader_') ? [{ name: name.slice('SipHeader_'.length), value }] : [],
  );

function speakerOf(config: Config, log: Log): SpeechEngine {
  const { speech: engine, speechUrl, speechKey: apiKey, speechModel: model, speechVoice: voice, path } = config;
  const http = speechUrl === null ? null : { url: speechUrl, apiKey, model, voice, voices: {} };
  return createSpeech({ config: { engine, http, path }, log, clock: realClock, decode: decodeAudio });
}
