// Command-line arguments of the subcommands: node's own parser, with errors as one line.

import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { err, ok, type Result } from '../base/result.ts';
import { type Config, loadConfig } from '../config.ts';

export interface Parsed {
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  readonly positionals: readonly string[];
}

/** Parses `args`; the error is a line for the user that ends with `usage`. */
export function parseArguments(
  args: readonly string[],
  options: ParseArgsOptionsConfig,
  usage: string,
): Result<Parsed, string> {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
    return ok({ values: values as Parsed['values'], positionals });
  } catch (fault) {
    return err(`${(fault as Error).message}\n${usage}`);
  }
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
