// The parts of README.md that are made from the source: settings, errors, verbs, REST resources, state pictures. A unit test compares
// them with the page; `node test/support/readme.ts --write` writes them anew.
//
//   <!-- settings:start --> … <!-- settings:end -->

import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { routes } from '../../src/api/resources/index.ts';
import { API_ROOT } from '../../src/api/router.ts';
import { errorCatalogue } from '../../src/base/errors.ts';
import { callStates, type LiveStatus } from '../../src/call/call-states.ts';
import { settingsTable } from '../../src/settings.ts';
import { inviteClient } from '../../src/sip/transaction/invite-client.ts';
import { inviteServer } from '../../src/sip/transaction/invite-server.ts';
import { nonInviteClient } from '../../src/sip/transaction/non-invite-client.ts';
import { nonInviteServer } from '../../src/sip/transaction/non-invite-server.ts';
import { notDialledNouns, notRunVerbs, schema } from '../../src/twiml/schema.ts';
import { verbs } from '../../src/twiml/verbs/index.ts';

export const README = resolve(import.meta.dirname, '../../README.md');

/** Name of a marked part → what must stand in it. */
export const generatedParts: Readonly<Record<string, () => string>> = {
  settings: settingsTable,
  errors: errorsTable,
  verbs: verbsText,
  resources: resourcesTable,
  states: statePictures,
};

/** What stands between the markers of a part; undefined where a marker is missing. */
export function markedPart(page: string, name: string): string | undefined {
  return markers(name).exec(page)?.[2]?.trim();
}

/** The page with every marked part made anew. */
export function withGeneratedParts(page: string): string {
  let text = page;
  for (const [name, make] of Object.entries(generatedParts))
    text = text.replace(
      markers(name),
      (_whole, start: string, _old: string, end: string) => `${start}\n${make()}\n${end}`,
    );
  return text;
}

const markers = (name: string): RegExp => new RegExp(`(<!-- ${name}:start -->)([\\s\\S]*?)(<!-- ${name}:end -->)`);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function errorsTable(): string {
  const rows = Object.entries(errorCatalogue).map(([code, { level, text, fix, httpStatus }]) => [
    code,
    httpStatus === undefined ? level : `HTTP ${httpStatus}`,
    text,
    escapeMarkup(fix),
  ]);
  return table(['Code', 'Kind', 'What happened', 'What to do'], rows);
}

/** `*` and `<` mean something in Markdown. */
const escapeMarkup = (text: string): string => text.replace(/[*<_]/g, '\\$&');

function verbsText(): string {
  const run = [...verbs.keys()].map((name) => `\`<${name}>\``).join(', ');
  const nouns = [...schema.get('Dial')!.children]
    .filter((name) => !notDialledNouns.has(name))
    .map((name) => `\`<${name}>\``)
    .join(', ');
  const later = [...notRunVerbs].filter((name) => !verbs.has(name)).map((name) => `\`<${name}>\``);
  const laterNouns = [...notDialledNouns].map((name) => `\`<${name}>\``);
  return [
    `Verbs: ${run}. In \`<Dial>\`: ${nouns}.`,
    '',
    `Known, but skipped with warning 13750: ${later.join(', ')}. In \`<Dial>\` skipped with warning 13215: ${laterNouns.join(', ')}.`,
  ].join('\n');
}

function resourcesTable(): string {
  const rows = routes.map(({ path, handlers }) => {
    const ending = path.endsWith('.pcap') ? '' : '.json';
    const whole = path.startsWith('/v1/') ? path : `${API_ROOT}${path}${ending}`;
    return [`\`${whole}\``, Object.keys(handlers).join(' ')];
  });
  return table(['Path', 'Methods'], rows);
}

type Transitions = Readonly<Record<string, Readonly<Record<string, { readonly to: string } | undefined>>>>;

const transactionPictures: readonly (readonly [title: string, file: string, table: Transitions])[] = [
  ['INVITE client transaction (RFC 3261 17.1.1, RFC 6026)', 'invite-client.ts', inviteClient],
  ['INVITE server transaction (RFC 3261 17.2.1, RFC 6026)', 'invite-server.ts', inviteServer],
  ['Non-INVITE client transaction (RFC 3261 17.1.2)', 'non-invite-client.ts', nonInviteClient],
  ['Non-INVITE server transaction (RFC 3261 17.2.2, RFC 4320)', 'non-invite-server.ts', nonInviteServer],
];

function statePictures(): string {
  const pictures = transactionPictures.map(
    ([title, file, transitions]) =>
      `${title}, [${file}](src/sip/transaction/${file}):\n\n${picture(edgesOf(transitions), 'initial', ['terminated'])}`,
  );
  const statuses = Object.keys(callStates) as LiveStatus[];
  const edges = statuses.flatMap((from) => callStates[from].map((to): Edge => ({ from, to, inputs: [] })));
  const final = statuses.filter((status) => callStates[status].length === 0);
  return [
    `Status of a call, [call-states.ts](src/call/call-states.ts):\n\n${picture(edges, 'queued', final)}`,
    ...pictures,
  ].join('\n\n');
}

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly inputs: readonly string[];
}

/** One edge for each pair of states, with all inputs that lead along it. */
function edgesOf(transitions: Transitions): Edge[] {
  return Object.entries(transitions).flatMap(([from, rows]) => {
    const inputsByTarget = new Map<string, string[]>();
    for (const [input, row] of Object.entries(rows)) {
      if (row) inputsByTarget.set(row.to, [...(inputsByTarget.get(row.to) ?? []), input]);
    }
    return [...inputsByTarget].map(([to, inputs]) => ({ from, to, inputs }));
  });
}

function picture(edges: readonly Edge[], first: string, final: readonly string[]): string {
  const names = [...new Set(edges.flatMap(({ from, to }) => [from, to]))].filter((name) => idOf(name) !== name);
  return [
    '```mermaid',
    'stateDiagram-v2',
    ...names.map((name) => `  state "${name}" as ${idOf(name)}`),
    `  [*] --> ${idOf(first)}`,
    ...edges.map(({ from, to, inputs }) => {
      const label = inputs.length > 0 ? ` : ${inputs.join(', ')}` : '';
      return `  ${idOf(from)} --> ${idOf(to)}${label}`;
    }),
    ...final.map((name) => `  ${idOf(name)} --> [*]`),
    '```',
  ].join('\n');
}

/** Mermaid takes no hyphen in the name of a state. */
const idOf = (name: string): string => name.replaceAll('-', '_');

if (import.meta.main) {
  const page = readFileSync(README, 'utf8');
  const made = withGeneratedParts(page);
  if (process.argv.includes('--write')) writeFileSync(README, made);
  console.log(
    page === made
      ? 'README.md is up to date'
      : process.argv.includes('--write')
        ? 'README.md written'
        : 'README.md is behind: --write',
  );
}
