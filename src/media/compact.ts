// What goes to another thread is cloned with the whole buffer behind it: views are cut out of larger buffers first.

import type { MediaPlan } from '../sdp/plan.ts';
import type { PlayOptions, PlaySource } from './engine-plays.ts';

/** A view of a larger buffer would take all of it along (and what else is in it) when the message is cloned. */
export function compact<T extends Uint8Array | Int16Array>(view: T): T {
  if (view.byteLength === view.buffer.byteLength && !Buffer.isBuffer(view)) return view;
  return (view instanceof Int16Array ? Int16Array.from(view) : Uint8Array.from(view)) as T;
}

export function compactPlan(plan: MediaPlan): MediaPlan {
  if (!plan.srtp) return plan;
  const { sendKey, receiveKey, identifiedKeys } = plan.srtp;
  const srtp = { ...plan.srtp, sendKey: compact(sendKey), receiveKey: compact(receiveKey) };
  if (!identifiedKeys) return { ...plan, srtp };
  const compacted = identifiedKeys.map((key) => ({
    masterKey: compact(key.masterKey),
    identifier: compact(key.identifier),
  }));
  return { ...plan, srtp: { ...srtp, identifiedKeys: compacted } };
}

export function compactPlay(options: PlayOptions): PlayOptions {
  const sources = options.sources.map(
    (source): PlaySource => (source.kind === 'samples' ? { ...source, samples: compact(source.samples) } : source),
  );
  return { ...options, sources };
}
