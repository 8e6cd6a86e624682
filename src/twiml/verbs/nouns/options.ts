// The attributes that Number, Sip and Client share (twiml.md 6.3), and machine detection, which Number and Sip share (13).

import {
  type DetectionMode,
  detectionModes,
  detectionRanges,
  type MachineDetection,
} from '../../../base/machine-detection-api.ts';
import type { AttributeReader } from '../../attributes.ts';
import type { DialEvent, DialTargetOptions } from '../../call-control.ts';

const EVENTS: readonly DialEvent[] = ['initiated', 'ringing', 'answered', 'completed'];

/** Reads the shared attributes; `methodCode` is the noun's own warning about `method`. */
export function readTargetOptions(read: AttributeReader, methodCode: number): DialTargetOptions {
  const statusCallback = read.optionalUrl('statusCallback');
  return {
    url: read.optionalUrl('url'),
    method: read.method('method', methodCode),
    statusCallback,
    statusCallbackMethod: read.method('statusCallbackMethod', 12200),
    statusCallbackEvents: statusCallback === undefined ? [] : readEvents(read),
  };
}

const MISUSED = 21263;

/** twiml.md 13. Undefined without `machineDetection`. */
export function readDetection(read: AttributeReader): MachineDetection | undefined {
  const mode = read.choice<DetectionMode | ''>('machineDetection', detectionModes, '', MISUSED);
  const integer = (name: string, rule: { readonly min: number; readonly max: number; readonly fallback: number }) =>
    read.integer(`machineDetection${name}`, { ...rule, code: MISUSED });
  const seconds = integer('Timeout', { ...detectionRanges.timeout, max: 60 });
  const settings = {
    timeoutMs: 1_000 * seconds,
    speechThresholdMs: integer('SpeechThreshold', detectionRanges.speechThreshold),
    speechEndThresholdMs: integer('SpeechEndThreshold', detectionRanges.speechEndThreshold),
    silenceTimeoutMs: integer('SilenceTimeout', detectionRanges.silenceTimeout),
  };
  const url = read.optionalUrl('amdStatusCallback');
  const method = read.method('amdStatusCallbackMethod', MISUSED);
  if (mode === '') return undefined;
  return { mode, ...settings, isAsync: true, callback: url === undefined ? null : { url, method } };
}

function readEvents(read: AttributeReader): readonly DialEvent[] {
  const words = (read.text('statusCallbackEvent') ?? 'completed').split(/\s+/).filter((word) => word !== '');
  const events = EVENTS.filter((event) => words.includes(event));
  const unknown = words.length - words.filter((word) => EVENTS.some((event) => event === word)).length;
  if (unknown > 0) read.warn(12200, 'statusCallbackEvent holds an unknown event');
  return events.length > 0 ? events : ['completed'];
}
