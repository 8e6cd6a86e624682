// Scenarios of overload: a gateway of their own, which refuses early, so that a small flood is one.

import { describe } from 'vitest';
import { overloadCases } from './cases/overload.ts';
import { stage } from './stage.ts';

const world = stage({ overloadTargetMs: 5 });

describe('SIPp scenarios', () => overloadCases(world));
