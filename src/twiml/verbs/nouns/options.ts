// The attributes that Number, Sip and Client share (twiml.md 6.3).

import type { AttributeReader } from '../../attributes.ts';
import type { DialEvent, DialTargetOptions } from '../../call-control.ts';

const EVENTS: readonly DialEvent[] = ['initiated', 'ringing', 'answered', 'completed'];

/** Reads the shared attributes; `methodCode` is the noun's own warning about `method`. */
export function readTargetOptions(read: AttributeReader, methodCode: number): DialTargetOptions {
  const statusCallback = read.optionalUrl('statusCallback');
  read.notSupported('machineDetection', 'amdStatusCallback');
  return {
    url: read.optionalUrl('url'),
    method: read.method('method', methodCode),
    statusCallback,
    statusCallbackMethod: read.method('statusCallbackMethod', 12200),
    statusCallbackEvents: statusCallback === undefined ? [] : readEvents(read),
  };
}

function readEvents(read: AttributeReader): readonly DialEvent[] {
  const words = (read.text('statusCallbackEvent') ?? 'completed').split(/\s+/).filter((word) => word !== '');
  const events = EVENTS.filter((event) => words.includes(event));
  const unknown = words.length - words.filter((word) => EVENTS.some((event) => event === word)).length;
  if (unknown > 0) read.warn(12200, 'statusCallbackEvent holds an unknown event');
  return events.length > 0 ? events : ['completed'];
}
