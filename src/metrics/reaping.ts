// Which ends of calls are the gateway's own doing, by what `ended` says (design.md 5.4). Pure.

const causes: Readonly<Record<string, string>> = {
  'no audio received': 'no_audio',
  'maximum duration': 'maximum_duration',
  'time limit': 'time_limit',
  'the time limit of the Dial is over': 'time_limit',
  'a held peer does not answer any more': 'held_peer_gone',
  'no answer in time': 'no_answer',
  timeout: 'no_ack',
  transport: 'connection_lost',
  'internal error': 'internal_error',
  'the gateway stops': 'shutdown',
};

/** Undefined when a party, the application or REST ended the call. */
export const reapingCauseOf = (reason: string): string | undefined => causes[reason];
