// `bench`: measures what this machine carries, case by case, and prints one table. Starts all that it needs and ends it again.

import { writeFileSync } from 'node:fs';
import { Bench, type BenchOptions } from '../bench/bench.ts';
import { cases } from '../bench/cases/index.ts';
import { printReport } from '../bench/report.ts';
import { runCases } from '../bench/run.ts';
import { commandLine, finish, type Grammar, mistake, parseArguments, textOf, wholeNumber } from './arguments.ts';

const GRAMMAR: Grammar = {
  options: {
    list: { type: 'boolean' },
    quick: { type: 'boolean' },
    json: { type: 'string' },
    repeats: { type: 'string' },
    'no-peers': { type: 'boolean' },
    'no-compiler': { type: 'boolean' },
  },
  moreArguments: true,
  usage: `Usage: ${commandLine('bench')} [options] [case …]
  --list           print the cases
  --quick          every case with very few calls: checks that they work, measures nothing
  --repeats N      median of so many (default 5; 1 with --quick)
  --json FILE      write all figures there too
  --no-peers       leave out programs beside the gateway (rtpengine, Kamailio, SIPp, a relay in C), which are measured where installed
  --no-compiler    compile nothing: by default a C compiler makes a faster RTP generator, where one is installed
All cases take about two hours; name the ones you want. The machine should have nothing else to do.
Exit code: 0 all cases were measured, 1 one was not, 2 a mistake in the arguments.`,
};

const REPEATS = 5;

export async function run(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, GRAMMAR);
  if (!parsed.ok) return finish(parsed.error);
  const { values, positionals } = parsed.value;
  if (values.list) {
    for (const { name, title } of cases) console.log(`${name.padEnd(14)} ${title}`);
    return 0;
  }
  const unknown = positionals.find((name) => !cases.some((one) => one.name === name));
  if (unknown !== undefined) return finish(mistake(`There is no case "${unknown}".`, GRAMMAR.usage));
  const isQuick = values.quick === true;
  const repeats = wholeNumber(textOf(values.repeats) ?? String(isQuick ? 1 : REPEATS), 1, 100);
  if (repeats === undefined) return finish(mistake('--repeats is a number from 1 to 100.', GRAMMAR.usage));
  const chosen = positionals.length === 0 ? cases : cases.filter(({ name }) => positionals.includes(name));
  return measure(
    chosen,
    { isQuick, repeats, withPeers: values['no-peers'] !== true, withCompiler: values['no-compiler'] !== true },
    textOf(values.json),
  );
}

async function measure(
  chosen: typeof cases,
  options: Omit<BenchOptions, 'progress'>,
  jsonFile: string | undefined,
): Promise<number> {
  const bench = new Bench({ ...options, progress: showProgress });
  let isStopped = false;
  const onSignal = () => {
    isStopped = true;
    showProgress('stopping');
    void bench.stop();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    const rows = await runCases(bench, chosen, () => isStopped);
    const report = bench.report(rows);
    clearProgress();
    console.log(printReport(report));
    if (jsonFile !== undefined) writeFileSync(jsonFile, `${JSON.stringify(report, null, 2)}\n`);
    return isStopped || rows.some(({ value }) => value === null || value === 0) ? 1 : 0;
  } finally {
    await bench.stop();
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** On a terminal one line that changes; else a line for each step. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
  else process.stderr.write(`${text}\n`);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
}
