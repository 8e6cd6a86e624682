// Scenarios of calls that last: some wait for a minute, so they have a file of their own, which runs beside the others.

import { describe } from 'vitest';
import { dialogCases } from './cases/dialogs.ts';
import { digitCases } from './cases/digits.ts';
import { leavesNothingOpen, stage } from './stage.ts';

const world = stage();

describe('SIPp scenarios', () => {
  dialogCases(world);
  digitCases(world);
});

leavesNothingOpen(world);
