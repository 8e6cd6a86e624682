// What `POST Participants` hands on of a call: machine detection under its other name (rest-api.md 11).

import { expect, test } from 'vitest';
import type { Form } from '../../../src/api/form.ts';
import type { ApiParts } from '../../../src/api/request.ts';
import { readParticipant } from '../../../src/api/resources/participant-form.ts';

const formOf = (fields: Readonly<Record<string, string>>): Form =>
  new Map(Object.entries({ To: 'client:bob', From: 'desk', ...fields }).map(([name, value]) => [name, [value]]));
const read = (fields: Readonly<Record<string, string>>) =>
  readParticipant(formOf(fields), 'Room 1', 'AC1', {} as ApiParts);

test('the participant does not wait for the verdict; AmdStatusCallback is told [rest 11 machine-detection]', async () => {
  const found = await read({
    MachineDetection: 'DetectMessageEnd',
    MachineDetectionTimeout: '10',
    AmdStatusCallback: 'https://app.example.com/amd',
    AmdStatusCallbackMethod: 'GET',
  });
  expect(found.ok && found.value.request.call.machineDetection).toMatchObject({
    mode: 'DetectMessageEnd',
    timeoutMs: 10_000,
    isAsync: true,
    callback: { url: 'https://app.example.com/amd', method: 'GET' },
  });
  expect(found.ok && found.value.warnings).toEqual([]);
});

test('without a callback a warning, out of range 21234', async () => {
  const found = await read({ MachineDetection: 'Enable' });
  expect(found.ok && found.value.warnings.map(({ code }) => code)).toEqual([21262]);
  const refused = await read({ MachineDetection: 'Enable', MachineDetectionTimeout: '1' });
  expect(refused.ok || refused.error.code).toBe(21234);
});
