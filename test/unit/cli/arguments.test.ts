import { describe, expect, test } from 'vitest';
import { commandLine, type Grammar, parseArguments, wholeNumber } from '../../../src/cli/arguments.ts';

const grammar: Grammar = {
  argument: 'target',
  options: { count: { type: 'string', default: '3' }, loud: { type: 'boolean' } },
  usage: 'Usage: tool <target>',
};
const withoutArgument: Grammar = { options: {}, usage: 'Usage: tool' };

describe('parseArguments', () => {
  test('options, defaults and the argument', () => {
    expect(parseArguments(['x', '--loud'], grammar)).toEqual({
      ok: true,
      value: { values: { count: '3', loud: true }, positionals: ['x'] },
    });
  });

  test.each([['--help'], ['-h']])('%s wins over a missing argument: the usage, exit code 0', (help) => {
    expect(parseArguments([help], grammar)).toEqual({
      ok: false,
      error: { exitCode: 0, text: 'Usage: tool <target>' },
    });
  });

  const mistakes: readonly (readonly [string, readonly string[], Grammar, string])[] = [
    ['an unknown option', ['x', '--quiet'], grammar, "Unknown option '--quiet'."],
    ['an unknown short option', ['x', '-q'], grammar, "Unknown option '-q'."],
    ['an option without its value', ['x', '--count'], grammar, "Option '--count <value>' argument missing."],
    ['an option in place of a value', ['x', '--count', '--loud'], grammar, "Option '--count' argument is ambiguous."],
    ['a value where none is taken', ['x', '--loud=very'], grammar, "Option '--loud' does not take an argument."],
    ['no argument', [], grammar, 'The target is missing.'],
    ['an empty argument', [''], grammar, 'The target is missing.'],
    ['one argument too many', ['x', 'y'], grammar, 'Unexpected argument "y".'],
    ['an argument where none is taken', ['x'], withoutArgument, 'Unexpected argument "x".'],
  ];
  test.each(mistakes)('%s is one sentence, then the usage; exit code 2', (_, args, rules, sentence) => {
    expect(parseArguments(args, rules)).toEqual({
      ok: false,
      error: { exitCode: 2, text: `${sentence}\n\n${rules.usage}` },
    });
  });
});

test.each([
  ['0', 0],
  ['699', 699],
  ['700', undefined],
  ['-1', undefined],
  ['1.5', undefined],
  ['', undefined],
  ['1e2', undefined],
  ['99999999999999999999', undefined],
])('wholeNumber(%j) from 0 to 699 is %s', (text, expected) => {
  expect(wholeNumber(text, 0, 699)).toBe(expected);
});

test('design.md 2: in a clone a subcommand is started through npm', () => {
  expect(commandLine('call')).toBe('npm run call --');
  expect(commandLine('serve')).toBe('npm start');
});
