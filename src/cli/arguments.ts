// Command-line arguments of the subcommands: node's own parser, with mistakes as one clear line and the usage below it.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { err, ok, type Result } from '../base/result.ts';
import { type Config, loadConfig } from '../config.ts';

export interface Parsed {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

/** What a subcommand accepts. `--help` comes with each. */
export interface Grammar {
  readonly options: ParseArgsOptionsConfig;
  /** Name of the one argument that is not an option; absent = none is accepted. */
  readonly argument?: string;
  /** Name of the one that may be left out. */
  readonly optionalArgument?: string;
  /** Name of a further one, which may be left out. */
  readonly secondArgument?: string;
  /** Any number of arguments may follow. */
  readonly moreArguments?: boolean;
  /** Begins with "Usage:". */
  readonly usage: string;
}

/** The command ends before it began: with its help, or with a mistake. */
export interface Ending {
  readonly exitCode: number;
  readonly text: string;
}

const EXIT_USAGE = 2;

/** Parses `args`. The error is the help that was asked for, or one line with the mistake, then the usage. */
export function parseArguments(args: readonly string[], grammar: Grammar): Result<Parsed, Ending> {
  const { argument, optionalArgument, secondArgument, usage } = grammar;
  const named = [argument, optionalArgument, secondArgument].filter((name) => name !== undefined).length;
  const most = grammar.moreArguments ? Number.POSITIVE_INFINITY : named;
  const options: ParseArgsOptionsConfig = { ...grammar.options, help: { type: 'boolean', short: 'h' } };
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    if (values.help === true) return err({ exitCode: 0, text: usage });
    const surplus = positionals.at(most);
    if (surplus !== undefined) return err(mistake(`Unexpected argument "${surplus}".`, usage));
    if (argument !== undefined && !positionals[0]) return err(mistake(`The ${argument} is missing.`, usage));
    return ok({ values: values as Parsed['values'], positionals });
  } catch (fault) {
    // node adds advice for programmers after the first sentence and in further lines.
    const [line = ''] = (fault as Error).message.split(/\n|\. To specify/);
    return err(mistake(`${line.replace(/\.$/, '')}.`, usage));
  }
}

/** A mistake in the arguments, in one sentence, as the end of the command. */
export const mistake = (sentence: string, usage: string): Ending => ({
  exitCode: EXIT_USAGE,
  text: `${sentence}\n\n${usage}`,
});

/** Prints an ending and returns its exit code. */
export function finish(ending: Ending): number {
  (ending.exitCode === 0 ? console.log : console.error)(ending.text);
  return ending.exitCode;
}

export const textOf = (value: string | boolean | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

/** Of an option that may be given several times. */
export const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : typeof value === 'string' ? [value] : [];

/** A whole number from `least` to `most`, or undefined. */
export function wholeNumber(text: string, least: number, most: number): number | undefined {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return number >= least && number <= most ? number : undefined;
}

/** How a subcommand is started here: through npm in a clone, as `hookswitch` where the package is installed (design.md 2). */
export function commandLine(command: string): string {
  if (!import.meta.url.endsWith('.ts')) return `hookswitch ${command}`;
  return command === 'serve' ? 'npm start' : `npm run ${command} --`;
}

/** The settings, or their mistakes printed and undefined. */
export function configOrComplain(file: string | undefined): Config | undefined {
  const config = loadConfig(file);
  if (config.ok) return config.value;
  console.error('The settings have mistakes:');
  for (const { key, value, allowed } of config.error)
    console.error(`  ${key} = ${value || '(empty)'}   allowed: ${allowed}`);
  return undefined;
}
