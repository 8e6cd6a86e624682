// What a ConversationRelay session is told by its element, and how it ends (twiml.md 11.1).

import type { StreamFailure } from '../options.ts';

/** Which input of the caller counts. */
export type InputKinds = 'none' | 'dtmf' | 'speech' | 'any';

export const includes = (kinds: InputKinds, input: 'dtmf' | 'speech'): boolean => kinds === 'any' || kinds === input;

export interface RelayLanguage {
  readonly voice: string | undefined;
  readonly speechModel: string | undefined;
}

export interface RelayOptions {
  /** Absolute, `wss:` or `ws:`. */
  readonly url: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly welcomeGreeting: string | undefined;
  readonly welcomeGreetingInterruptible: InputKinds;
  readonly ttsLanguage: string;
  readonly transcriptionLanguage: string;
  readonly voice: string | undefined;
  readonly speechModel: string | undefined;
  /** Voice and model by language tag. */
  readonly languages: ReadonlyMap<string, RelayLanguage>;
  readonly interruptible: InputKinds;
  /** How long the caller must speak before it interrupts. */
  readonly interruptAfterMs: number;
  readonly reportInputDuringAgentSpeech: InputKinds;
  readonly preemptible: boolean;
  readonly dtmfDetection: boolean;
  readonly partialPrompts: boolean;
  readonly hints: readonly string[];
  readonly reportsSpeakers: boolean;
  readonly reportsTokensPlayed: boolean;
}

export interface RelayEnd {
  readonly sessionId: string;
  /** `ended`: by the application's `end`; `completed`: the call is over or goes elsewhere. */
  readonly status: 'ended' | 'completed' | 'failed';
  readonly durationSeconds: number;
  readonly handoffData: string | undefined;
  readonly failure: StreamFailure | undefined;
}
