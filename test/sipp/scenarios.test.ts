// Scenarios of sipp-scenarios/ against one real gateway: registration, admission, outcomes, transfers; and that each file there is run.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { admissionCases } from './cases/admission.ts';
import { outcomeCases } from './cases/outcomes.ts';
import { registrarCases } from './cases/registrar.ts';
import { transferCases } from './cases/transfers.ts';
import { SCENARIOS } from './sipp.ts';
import { leavesNothingOpen, stage } from './stage.ts';

const world = stage();

describe('SIPp scenarios', () => {
  registrarCases(world);
  admissionCases(world);
  outcomeCases(world);
  transferCases(world);
});

leavesNothingOpen(world);

describe('the folder of scenarios', () => {
  const files = readdirSync(SCENARIOS).filter((name) => name.endsWith('.xml'));
  const cases = readdirSync(join(import.meta.dirname, 'cases')).map((name) =>
    readFileSync(join(import.meta.dirname, 'cases', name), 'utf8'),
  );

  test('each says what it shows and how to run it, and a test runs it', () => {
    const faults = files.flatMap((file) => {
      const name = file.replace('.xml', '');
      const text = readFileSync(join(SCENARIOS, file), 'utf8');
      const head = `^<\\?xml.*\\n<!--\\n[^]{40,}By hand: +sipp .*${name}[^]*-->\\n<scenario name="${name}">`;
      return [
        ...(new RegExp(head).test(text) ? [] : [`${file}: head`]),
        ...(cases.some((source) => source.includes(`'${name}'`)) ? [] : [`${file}: no test`]),
      ];
    });
    expect(files.length).toBeGreaterThanOrEqual(15);
    expect(faults).toEqual([]);
  });
});
