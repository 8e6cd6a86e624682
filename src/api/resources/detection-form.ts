// Parameters about machine detection of Calls and Participants (rest-api.md 9.1). Out of range is 21234; what can have no effect is a
// warning.

import { z } from 'zod';
import { detectionModes, detectionRanges, type MachineDetection } from '../../base/machine-detection-api.ts';
import { ok, type Result } from '../../base/result.ts';
import type { ApiFault, Warning } from '../errors.ts';
import { bool, checked, type Form, integer, lastOf, method, optional, url } from '../form.ts';

const INVALID = 21234;
const WITHOUT_CALLBACK = 21262;
const MISUSED = 21263;

const range = (name: string, { min, max }: { readonly min: number; readonly max: number }) =>
  optional(integer(name, INVALID, min, max));

const schema = z.object({
  MachineDetection: optional(
    z.enum(detectionModes, { error: `${INVALID}|MachineDetection must be ${detectionModes.join(' or ')}` }),
  ),
  MachineDetectionTimeout: range('MachineDetectionTimeout', detectionRanges.timeout),
  MachineDetectionSpeechThreshold: range('MachineDetectionSpeechThreshold', detectionRanges.speechThreshold),
  MachineDetectionSpeechEndThreshold: range('MachineDetectionSpeechEndThreshold', detectionRanges.speechEndThreshold),
  MachineDetectionSilenceTimeout: range('MachineDetectionSilenceTimeout', detectionRanges.silenceTimeout),
  AsyncAmd: optional(bool('AsyncAmd', INVALID)),
  AsyncAmdStatusCallback: optional(url('AsyncAmdStatusCallback', 21502)),
  AsyncAmdStatusCallbackMethod: optional(method('AsyncAmdStatusCallbackMethod', 21209)),
});
type Given = z.output<typeof schema>;

export interface ReadDetection {
  readonly detection: MachineDetection | null;
  readonly warnings: readonly Warning[];
}

export function readDetection(form: Form): Result<ReadDetection, ApiFault> {
  const read = checked(schema, form);
  if (!read.ok) return read;
  const { value } = read;
  const misused = misuse(value, form);
  if (value.MachineDetection === undefined || lastOf(form, 'SendDigits') !== undefined)
    return ok({ detection: null, warnings: misused });
  const callbackUrl = value.AsyncAmdStatusCallback;
  const isAsync = value.AsyncAmd ?? false;
  const detection: MachineDetection = {
    mode: value.MachineDetection,
    timeoutMs: 1_000 * (value.MachineDetectionTimeout ?? detectionRanges.timeout.fallback),
    speechThresholdMs: value.MachineDetectionSpeechThreshold ?? detectionRanges.speechThreshold.fallback,
    speechEndThresholdMs: value.MachineDetectionSpeechEndThreshold ?? detectionRanges.speechEndThreshold.fallback,
    silenceTimeoutMs: value.MachineDetectionSilenceTimeout ?? detectionRanges.silenceTimeout.fallback,
    isAsync,
    callback:
      isAsync && callbackUrl !== undefined
        ? { url: callbackUrl, method: value.AsyncAmdStatusCallbackMethod ?? 'POST' }
        : null,
  };
  const isUntold = isAsync && callbackUrl === undefined;
  const untold = { code: WITHOUT_CALLBACK, message: 'AsyncAmd without AsyncAmdStatusCallback: nobody is told' };
  return ok({ detection, warnings: isUntold ? [...misused, untold] : misused });
}

function misuse(given: Given, form: Form): Warning[] {
  if (given.MachineDetection === undefined) {
    const name = Object.entries(given).find(([, value]) => value !== undefined && value !== false)?.[0];
    return name === undefined ? [] : [{ code: MISUSED, message: `${name} has no effect without MachineDetection` }];
  }
  if (lastOf(form, 'SendDigits') !== undefined)
    return [{ code: MISUSED, message: 'MachineDetection has no effect together with SendDigits' }];
  if (given.AsyncAmd !== true && given.AsyncAmdStatusCallback !== undefined)
    return [{ code: MISUSED, message: 'AsyncAmdStatusCallback has no effect without AsyncAmd' }];
  return [];
}
