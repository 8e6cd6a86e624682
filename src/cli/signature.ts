// `signature <CallSid> [--computed SIGNATURE [--host NAME]]`: shows what the running gateway signed in the webhooks of a call, and which mistake of a
// proxy gives the signature that the application computed.

import { commandLine, finish, type Grammar, parseArguments, textOf } from './arguments.ts';
import { askGateway, gatewayOptions, gatewayOrigin, gatewayUsage } from './ask-gateway.ts';

const GRAMMAR: Grammar = {
  argument: 'CallSid',
  options: { computed: { type: 'string' }, host: { type: 'string' }, ...gatewayOptions },
  usage: `Usage: ${commandLine('signature')} <CallSid> [options]
  --computed BASE64  the signature that the application computed for a request of the call: finds what it did differently
  --host NAME        with --computed: a name that the application may have for itself (the Host header that reaches it)
${gatewayUsage}`,
};

const ANSWER_MS = 30_000;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, GRAMMAR);
  if (!parsed.ok) return finish(parsed.error);
  const { values, positionals } = parsed.value;
  const origin = gatewayOrigin(values, GRAMMAR.usage);
  if (!origin.ok) return origin.error;
  const [id = ''] = positionals;
  const computed = textOf(values.computed);
  const asked = new URLSearchParams(computed === undefined ? [] : [['computed', computed]]);
  const host = textOf(values.host);
  if (host !== undefined) asked.set('host', host);
  const query = asked.size === 0 ? '' : `?${asked}`;
  const missing = `${origin.value} keeps no webhook of the call ${id}.`;
  const text = await askGateway(origin.value, `/debug/signature/${encodeURIComponent(id)}${query}`, missing, ANSWER_MS);
  if (!text.ok) return text.error;
  console.log(text.value.toString('utf8'));
  return 0;
}
