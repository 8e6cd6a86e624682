// `replay <CallSid> --url NEW`: plays the recorded inputs of a call of the running gateway against another version of its application, in
// virtual time, and shows how the verbs differ.

import { writeFileSync } from 'node:fs';
import type { RecordedInputs } from '../dialogue/recorded.ts';
import { type Replayed, replay } from '../dialogue/replay.ts';
import { stepLine } from '../dialogue/script.ts';
import { transcript } from '../dialogue/transcript.ts';
import { difference, drawDifference } from '../dialogue/verb-difference.ts';
import { commandLine, finish, type Grammar, mistake, parseArguments, textOf } from './arguments.ts';
import { askGateway, gatewayOptions, gatewayOrigin, gatewayUsage } from './ask-gateway.ts';
import { virtualServices, virtualTarget } from './dialogue.ts';

const GRAMMAR: Grammar = {
  argument: 'CallSid',
  options: {
    url: { type: 'string' },
    method: { type: 'string' },
    'fallback-url': { type: 'string' },
    save: { type: 'string' },
    verbose: { type: 'boolean' },
    ...gatewayOptions,
  },
  usage: `Usage: ${commandLine('replay')} <CallSid> --url NEW [options]
  --url NEW            voice URL that is asked now
  --method GET|POST    of the first request (default POST)
  --fallback-url URL   asked when a document fails
  --save FILE          writes the inputs of the call as a script for ${commandLine('call')} --script
  --verbose            prints the new call too; log messages
${gatewayUsage}
Requests are signed with authToken of the settings (HOOKSWITCH_AUTH_TOKEN); they are those of a new call with the recorded parameters.
Exit code: 0 the same verbs, 1 others, 2 a mistake in the options.`,
};

const ANSWER_MS = 30_000;
/** An expectation of a replayed input, in time of the call. */
const WITHIN_MS = 4 * 3_600_000;
const WIDTH = 120;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, GRAMMAR);
  if (!parsed.ok) return finish(parsed.error);
  const { values, positionals } = parsed.value;
  const url = textOf(values.url) ?? '';
  if (!URL.canParse(url) || !/^https?:/i.test(url))
    return finish(mistake(`--url ${url} is not an http or https URL.`, GRAMMAR.usage));
  const method = textOf(values.method) ?? 'POST';
  if (method !== 'GET' && method !== 'POST')
    return finish(mistake(`--method ${method} is neither GET nor POST.`, GRAMMAR.usage));
  const origin = gatewayOrigin(values, GRAMMAR.usage);
  if (!origin.ok) return origin.error;
  const target = virtualTarget(values, url, WITHIN_MS);
  if (!target) return 2;
  const [id = ''] = positionals;
  const missing = `${origin.value} keeps no call ${id}.`;
  const answer = await askGateway(origin.value, `/debug/recorded/${encodeURIComponent(id)}`, missing, ANSWER_MS);
  if (!answer.ok) return answer.error;
  const inputs = JSON.parse(answer.value.toString('utf8')) as RecordedInputs;
  const replayed = await replay(
    inputs,
    { ...target, accountSid: inputs.accountSid },
    virtualServices(values.verbose === true),
  );
  if (!replayed.ok) {
    console.error(replayed.error);
    return 1;
  }
  if (values.verbose === true) console.log(`${transcript(replayed.value.played.feed.all).join('\n')}\n`);
  const saved = save(textOf(values.save), id, replayed.value);
  return saved ?? report(replayed.value);
}

function report({ before, after, played }: Replayed): number {
  const rows = difference(before, after);
  const different = rows.filter(({ kind }) => kind !== 'same').length;
  console.log(drawDifference(rows, process.stdout.columns ?? WIDTH).join('\n'));
  if (played.failure)
    console.log(`\nNot all inputs could be played: at "${played.failure.line?.text ?? ''}" ${played.failure.reason}.`);
  console.log(different === 0 ? `\nThe same ${rows.length} verbs.` : `\n${different} of ${rows.length} verbs differ.`);
  return different === 0 ? 0 : 1;
}

/** Undefined: saved, or nothing to save. */
function save(file: string | undefined, callSid: string, { recorded }: Replayed): number | undefined {
  if (file === undefined) return undefined;
  const { script } = recorded;
  const settings = [
    script.from === undefined ? [] : [`from ${script.from}`],
    script.to === undefined ? [] : [`to ${script.to}`],
  ];
  const steps = script.lines.map(({ step }) => stepLine(step));
  if (script.lines.at(-1)?.step.kind !== 'hang-up') steps.push('expect-hangup');
  try {
    writeFileSync(file, [`# inputs of ${callSid}`, ...settings.flat(), ...steps, ''].join('\n'), { mode: 0o600 });
    return undefined;
  } catch (fault) {
    console.error(`${file} cannot be written (${(fault as NodeJS.ErrnoException).code}).`);
    return 1;
  }
}
