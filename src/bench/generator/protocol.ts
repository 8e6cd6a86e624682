// What the bench asks its load generator, a process of its own, over the channel between them: a question with a number, an answer
// with the same number. Plain data only; both sides import these types and nothing of one another.

/** How a call of the bench is made; the documents are in `kinds.ts`. */
export type KindName =
  | 'bridge'
  | 'plain'
  | 'srtp'
  | 'transcode'
  | 'record'
  | 'conference3'
  | 'conference50'
  | 'play'
  | 'gather'
  | 'stream';

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** Opens sockets, the web application and the WebSocket server. */
export interface OpenQuestion {
  readonly ask: 'open';
  /** SIP over UDP of what is measured. */
  readonly sip: Place;
  /** The same over TLS; undefined = calls with SRTP cannot be made. */
  readonly sips: Place | undefined;
  readonly domain: string;
  /** Of the web application, which the settings of the gateway name before it starts. */
  readonly appPort: number;
  /** Neighbouring free UDP ports for RTP and RTCP, the first one even. */
  readonly rtpPorts: { readonly first: number; readonly count: number };
  /** The generator's RTP in C, where it could be compiled, with ports of its own. */
  readonly nativeRtp: { readonly program: string; readonly first: number; readonly count: number } | undefined;
  /** Where documents say that the callee is. */
  readonly calleePort: number;
}

/** Calls that come at a rate, whatever becomes of them (open loop). */
export interface RateQuestion {
  readonly ask: 'rate';
  readonly kind: KindName;
  readonly withMedia: boolean;
  readonly perSecond: number;
  readonly seconds: number;
  /** From the answer to BYE. */
  readonly holdMs: number;
  /** How long the last calls may take to end. */
  readonly graceMs: number;
  /** An answer that takes longer is worth nothing to who calls: such a call is no goodput. */
  readonly answerLimitMs: number;
}

/** So many calls at once, held until told otherwise; more are made, or the youngest are ended. */
export interface HoldQuestion {
  readonly ask: 'hold';
  readonly kind: KindName;
  readonly withMedia: boolean;
  readonly calls: number;
  readonly perSecond: number;
  readonly deadlineMs: number;
}

/** Counts and times the RTP of what is held. */
export interface MeasureQuestion {
  readonly ask: 'measure';
  readonly seconds: number;
}

/** Port of the RTP socket that side A (0) or B (1) of a pair uses, so that a relay can be told where to send. */
export const portOfSide = (ports: OpenQuestion['rtpPorts'], pair: number, side: 0 | 1): number =>
  ports.first + 2 * ((2 * pair + side) % (ports.count / 2));

/** Streams without signalling: what comes to A of a pair goes out of B, and back. Any relay can be driven so. */
export interface PairsQuestion {
  readonly ask: 'pairs';
  readonly pairs: readonly { readonly a: Place; readonly b: Place }[];
}

export interface RegisterQuestion {
  readonly ask: 'register';
  readonly sip: Place;
  readonly domain: string;
  readonly users: number;
  readonly password: string;
  /** Registrations begun per second; each is REGISTER, 401, REGISTER, 200. */
  readonly perSecond: number;
  readonly seconds: number;
  readonly graceMs: number;
  /** Each phone tries again after a 503 and its Retry-After, until it is registered. */
  readonly isStorm: boolean;
}

export interface ReleaseQuestion {
  readonly ask: 'release';
  readonly deadlineMs: number;
}

export type Question =
  | OpenQuestion
  | RateQuestion
  | HoldQuestion
  | MeasureQuestion
  | PairsQuestion
  | RegisterQuestion
  | ReleaseQuestion;

export interface Spread {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** How the generator itself was doing: what it measures is worth nothing when it is out of breath. */
export interface Effort {
  /** Share of one core that it used. */
  readonly cpu: number;
  /** How late its sends were, against their plan. */
  readonly lateMs: Spread;
}

export interface RateAnswer {
  readonly offered: number;
  /** Answered with 200. */
  readonly answered: number;
  /** Answered, and ended as they should. */
  readonly completed: number;
  /** Refused with 503. */
  readonly refused: number;
  /** Everything else that did not complete, by status or cause. */
  readonly failed: Readonly<Record<string, number>>;
  readonly retransmissions: number;
  readonly answerMs: Spread;
  /** Digit to the request that brings it, of IVR calls. */
  readonly digitMs: Spread;
  /** Seconds asked for by Retry-After. */
  readonly retryAfter: Spread;
  /** Calls per second that were answered within the limit, while calls were offered, and completed then. */
  readonly goodput: number;
  readonly media: MediaAnswer;
  readonly effort: Effort;
}

export interface HoldAnswer {
  readonly held: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly answerMs: Spread;
}

export interface MediaAnswer {
  readonly seconds: number;
  readonly sent: number;
  readonly received: number;
  /** Sent in the time and not received, or missing in what a player or mixer sent. */
  readonly lost: number;
  /** From the send of a packet to its arrival on the other side. */
  readonly latencyMs: Spread;
  /** RFC 3550 6.4.1 of each stream: mean over streams, and the worst. */
  readonly jitterMs: number;
  readonly worstJitterMs: number;
  /** From a WebSocket stream to the phone. */
  readonly returnMs: Spread;
  readonly effort: Effort;
}

export interface RegisterAnswer {
  readonly offered: number;
  readonly registered: number;
  readonly refused: number;
  readonly failed: Readonly<Record<string, number>>;
  readonly retransmissions: number;
  /** Both requests of a registration. */
  readonly answerMs: Spread;
  /** When the last one was registered, from the start. */
  readonly lastSeconds: number;
  readonly goodput: number;
  readonly effort: Effort;
}

export interface Answers {
  readonly open: { readonly streamPort: number; readonly calleePort: number };
  readonly rate: RateAnswer;
  readonly hold: HoldAnswer;
  readonly measure: MediaAnswer;
  readonly pairs: { readonly streams: number };
  readonly register: RegisterAnswer;
  readonly release: { readonly left: number };
}

export type ToGenerator = { readonly number: number; readonly question: Question };
export type FromGenerator =
  | { readonly type: 'answer'; readonly number: number; readonly value: unknown }
  | { readonly type: 'fault'; readonly number: number; readonly text: string }
  /** The time that is measured begins or ends now: the bench reads the CPU of what it measures. */
  | { readonly type: 'edge'; readonly number: number; readonly edge: 'begin' | 'end' };
