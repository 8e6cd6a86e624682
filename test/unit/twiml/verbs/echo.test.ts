import { describe, expect, test } from 'vitest';
import { echo } from '../../../../src/twiml/verbs/echo.ts';
import { runVerb } from '../kit.ts';

describe('twiml.md 1 Echo', () => {
  test('twiml.md 16 point 30: answers, then loops the audio back until hang-up [twiml 1 echo] [twiml 16 point-30]', async () => {
    const { control, result } = await runVerb(echo, '<Echo/>');
    expect(control.done).toEqual(['answer', 'echo']);
    expect(result).toEqual({ kind: 'end', outcome: 'ended', waited: false });
  });
});
