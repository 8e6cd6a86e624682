// `ladder <CallSid|Call-ID>`: asks the running gateway for the ladder of a call and prints it.

import { commandLine, finish, type Grammar, parseArguments } from './arguments.ts';
import { askGateway, gatewayOptions, gatewayOrigin, gatewayUsage } from './ask-gateway.ts';

const GRAMMAR: Grammar = {
  argument: 'CallSid or Call-ID',
  options: gatewayOptions,
  usage: `Usage: ${commandLine('ladder')} <CallSid or Call-ID> [options]
${gatewayUsage}`,
};

const ANSWER_MS = 10_000;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, GRAMMAR);
  if (!parsed.ok) return finish(parsed.error);
  const origin = gatewayOrigin(parsed.value.values, GRAMMAR.usage);
  if (!origin.ok) return origin.error;
  const [id = ''] = parsed.value.positionals;
  const width = process.stdout.columns;
  const path = `/debug/ladder/${encodeURIComponent(id)}${width === undefined ? '' : `?width=${width}`}`;
  const missing = `No call ${id} is in the trace of ${origin.value}; it keeps the latest calls since the start.`;
  const text = await askGateway(origin.value, path, missing, ANSWER_MS);
  if (!text.ok) return text.error;
  console.log(text.value.toString('utf8'));
  return 0;
}
