// `help`, `--help`, `--version`: what commands there are. Each tells more about itself with `--help`.

import { readFileSync } from 'node:fs';
import { commandLine } from './arguments.ts';

const COMMANDS: readonly (readonly [name: string, meaning: string])[] = [
  ['serve', 'the gateway, until it is told to stop'],
  [
    'call',
    'a scripted phone: dials, sends digits, plays, records; --script tests an application, --virtual in no time',
  ],
  ['ladder', 'draws a call of the running gateway: SIP, webhooks, verbs, media'],
  ['capture', 'writes the SIP of a call of the running gateway to a file for a packet analyser'],
  ['signature', 'what was signed in the webhooks of a call, and why the application computes another signature'],
  ['replay', 'plays the recorded inputs of a call against a changed application and shows the difference'],
  ['doctor', 'what the settings and this machine allow, and what would not work'],
  ['bench', 'measures what this machine carries: calls, registrations, media'],
  ['app', 'the example voice application on its own'],
];

export async function run(args: readonly string[]): Promise<number> {
  // The package's own file: one folder above both src/cli and dist/cli's parent.
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  if (args[0] === '--version') console.log(version);
  else console.log(overview(version));
  return 0;
}

function overview(version: string): string {
  const lines = COMMANDS.map(([name, meaning]) => [commandLine(name), meaning] as const);
  const width = Math.max(...lines.map(([start]) => start.length));
  return [
    `Hookswitch ${version}: SIP in, webhooks and TwiML out.`,
    '',
    ...lines.map(([start, meaning]) => `  ${start.padEnd(width)}   ${meaning}`),
    '',
    'Each says more with --help.',
  ].join('\n');
}
