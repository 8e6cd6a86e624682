// The calls that the bench makes: the document that the application gives, who speaks, and what is expected.

import type { Codec } from './marks.ts';
import type { KindName } from './protocol.ts';
import type { Voice } from './stream.ts';

/** Places of the generator that documents point to. */
export interface DocumentPlaces {
  readonly calleePort: number;
  readonly appPort: number;
  readonly streamPort: number;
}

export interface Kind {
  /** Of the call with this number, below <Response>. */
  document(index: number, places: DocumentPlaces): string;
  readonly callerVoice: (index: number) => Voice;
  /** Undefined = nobody is called. */
  readonly callee?: { readonly codec: Codec; readonly voice: Voice };
  readonly isSecure?: true;
  /** Members of one room: the first one speaks, the others hear it. */
  readonly room?: number;
  readonly isPlayedTo?: true;
  /** Sends a digit so long after the answer, and is hung up on. */
  readonly digitMs?: number;
  readonly isStream?: true;
  /** RTP by the generator that SRTP is sent by, so that both are compared with the same load. */
  readonly isLikeSecure?: true;
}

const dial =
  (attributes: string) =>
  (index: number, { calleePort }: DocumentPlaces) =>
    `<Dial answerOnBridge="true"${attributes}><Sip>sip:b-${index}@127.0.0.1:${calleePort}</Sip></Dial>`;

const stamp = (): Voice => 'stamp';
const level = (): Voice => 'level';
const silence = (): Voice => 'silence';

const room = (members: number): Kind => ({
  document: (index) =>
    `<Dial><Conference beep="false" startConferenceOnEnter="true">r${members}-${Math.floor(index / members)}</Conference></Dial>`,
  callerVoice: (index) => (index % members === 0 ? 'level' : 'silence'),
  room: members,
  isPlayedTo: true,
});

export const kinds: Readonly<Record<KindName, Kind>> = {
  bridge: { document: dial(''), callerVoice: stamp, callee: { codec: 'PCMU', voice: 'stamp' } },
  plain: { document: dial(''), callerVoice: stamp, callee: { codec: 'PCMU', voice: 'stamp' }, isLikeSecure: true },
  srtp: { document: dial(''), callerVoice: stamp, callee: { codec: 'PCMU', voice: 'stamp' }, isSecure: true },
  transcode: { document: dial(''), callerVoice: level, callee: { codec: 'PCMA', voice: 'level' } },
  record: {
    document: dial(' record="record-from-answer-dual"'),
    callerVoice: stamp,
    callee: { codec: 'PCMU', voice: 'stamp' },
  },
  conference3: room(3),
  conference50: room(50),
  play: {
    document: (_index, { appPort }) => `<Play loop="0">http://127.0.0.1:${appPort}/prompt.wav</Play>`,
    callerVoice: silence,
    isPlayedTo: true,
  },
  gather: {
    document: (index, { appPort }) =>
      `<Gather numDigits="1" action="/digit/${index}"><Play>http://127.0.0.1:${appPort}/prompt.wav</Play></Gather>`,
    callerVoice: silence,
    digitMs: 500,
  },
  stream: {
    document: (index, { streamPort }) =>
      `<Connect><Stream url="ws://127.0.0.1:${streamPort}/"><Parameter name="index" value="${index}"/></Stream></Connect>`,
    callerVoice: level,
    isStream: true,
  },
};

/** What a call needs of who sends and counts its RTP: stamped packets, those with SRTP, or anything else. */
export type RtpNeed = 'stamps' | 'srtp' | 'any';

export function rtpOf(kind: Kind): RtpNeed {
  if (kind.callee?.voice !== 'stamp') return 'any';
  return kind.isSecure || kind.isLikeSecure ? 'srtp' : 'stamps';
}
