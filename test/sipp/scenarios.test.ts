// All scenarios of sipp-scenarios/ against one real gateway, which has nothing open when they are over.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { admissionCases } from './cases/admission.ts';
import { dialogCases } from './cases/dialogs.ts';
import { digitCases } from './cases/digits.ts';
import { outcomeCases } from './cases/outcomes.ts';
import { recorderCases } from './cases/recorders.ts';
import { registrarCases } from './cases/registrar.ts';
import { transferCases } from './cases/transfers.ts';
import { trunkCases } from './cases/trunks.ts';
import { SCENARIOS } from './sipp.ts';
import { isSippHere, scenario, World } from './world.ts';

/** Transactions live 32 s after their answer over UDP (RFC 3261 17), ports rest 10 s. */
const IDLE_DEADLINE_MS = 70_000;

let stage: World | undefined;
const world = (): World => stage!;

beforeAll(async () => {
  if (isSippHere) stage = await World.start();
});

afterAll(async () => {
  await stage?.stop();
});

describe('SIPp scenarios', () => {
  registrarCases(world);
  admissionCases(world);
  outcomeCases(world);
  dialogCases(world);
  digitCases(world);
  transferCases(world);
});

scenario('afterwards nothing is open: no call, transaction, dialog, endpoint, timer', world, async () => {
  await world().gateway.isIdle(IDLE_DEADLINE_MS);
});

describe('without a web application', () => {
  trunkCases(world);
  recorderCases(world);
});

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
