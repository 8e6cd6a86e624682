// Scenarios of trunks and recording servers, without a web application.

import { describe } from 'vitest';
import { recorderCases } from './cases/recorders.ts';
import { trunkCases } from './cases/trunks.ts';
import { stage } from './stage.ts';

const world = stage();

describe('without a web application', () => {
  trunkCases(world);
  recorderCases(world);
});
