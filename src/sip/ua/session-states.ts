// The states of an INVITE session as call/ sees them, as a table. Which messages stand behind an input is the business of
// uas-invite.ts and uac-invite.ts.
//
//   UAC  calling ──progress──▶ early ──accept──▶ established ──end──▶ ended
//   UAS  early ───────────────────────accept───▶ established ──end──▶ ended        fail: ended from any state before accept

import type { SessionState } from './ua.ts';

export type SessionInput = 'progress' | 'accept' | 'fail' | 'end';

export const sessionStates: { readonly [state in SessionState]: { readonly [input in SessionInput]?: SessionState } } =
  {
    calling: { progress: 'early', accept: 'established', fail: 'ended' },
    early: { progress: 'early', accept: 'established', fail: 'ended' },
    established: { end: 'ended' },
    ended: {},
  };
