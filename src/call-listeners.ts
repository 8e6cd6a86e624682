// Who listens to CallEvents: the log, the store, status callbacks, the trace. Each on its own; one that fails harms no other.

import type { Clock } from './base/clock.ts';
import type { CallEvent } from './base/events.ts';
import { newSid } from './base/ids.ts';
import type { Log } from './base/log.ts';
import type { CallStatus } from './base/records.ts';
import type { Call } from './call/call.ts';
import type { Calls } from './call/calls.ts';
import type { DialEvent } from './call/dial-options.ts';
import { callParams } from './call/params.ts';
import type { Store } from './store/store.ts';
import { type CallbackRecording, type StatusCallbacks, statusCallbackParams } from './webhook/status-callbacks.ts';

export interface ListenerServices {
  readonly calls: Calls;
  readonly store: Pick<Store, 'calls' | 'notifications'>;
  readonly statusCallbacks: StatusCallbacks;
  /** The recording that the completed callback of a call names (twiml.md 8.1, 8.2), once it is finished. */
  readonly recordings: { ofCallback(call: Call): Promise<CallbackRecording | undefined> };
  readonly authTokenOf: (accountSid: string) => string;
  readonly forgetCookies: (callSid: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Event → the word a noun or REST call subscribes to (sip-interface.md 8.2). */
const subscriptions: Readonly<Record<string, DialEvent>> = {
  initiated: 'initiated',
  ringing: 'ringing',
  'in-progress': 'answered',
};

export interface CallListeners {
  /** Resolves when the end of each call that has ended was handed to its receiver: after its last action request. */
  allTold(): Promise<void>;
}

/** Subscribes all listeners but the trace, which is cheap to leave out. */
export function listenToCalls(services: ListenerServices): CallListeners {
  const { calls } = services;
  const log = services.log.child({ folder: 'call' });
  calls.onEvent((event) => logEvent(log, event));
  calls.onEvent((event, call) => storeEvent(services, event, call));
  const sequences = new WeakMap<Call, number>();
  const queued = new WeakSet<Call>();
  const ending = new Set<Promise<void>>();
  calls.onEvent((event, call) => {
    if (event.type === 'created' && call.status === 'queued') queued.add(call);
    if (event.type === 'status') queued.delete(call);
    // twiml.md 3.4: of a call that was given up while it was queued nobody hears.
    if (queued.has(call)) return;
    if (event.type === 'status') send(services, sequences, call, subscriptions[event.status], event.status);
    if (event.type !== 'ended') return;
    const told = tellEnd(services, sequences, call, event.status).finally(() => ending.delete(told));
    ending.add(told);
  });
  return {
    async allTold() {
      while (ending.size > 0) await Promise.allSettled(ending);
    },
  };
}

function logEvent(log: Log, event: CallEvent): void {
  const fields = { callSid: event.callSid, atMs: event.atMs };
  switch (event.type) {
    case 'created':
      return log.info(
        { ...fields, direction: event.direction, from: event.from, to: event.to, sipCallId: event.sipCallId },
        'call',
      );
    case 'status':
      return log.info({ ...fields, status: event.status, sipResponseCode: event.sipResponseCode }, 'call status');
    case 'ended': {
      const { status, sipResponseCode, durationSeconds, reason } = event;
      return log.info({ ...fields, status, sipResponseCode, durationSeconds, reason }, 'call ended');
    }
    case 'notification': {
      const line = { ...fields, errorCode: event.errorCode, url: event.requestUrl };
      return event.level === 'error' ? log.error(line, event.message) : log.warn(line, event.message);
    }
    default:
      if (log.enabled('debug')) log.debug(fields, event.type);
  }
}

/** Events that change the record of the call. */
const recorded: ReadonlySet<CallEvent['type']> = new Set(['created', 'status', 'answeredBy', 'ended']);

function storeEvent({ store, clock }: ListenerServices, event: CallEvent, call: Call): void {
  if (recorded.has(event.type)) store.calls.put(call.record());
  if (event.type !== 'notification') return;
  store.notifications.put({
    sid: newSid('NO'),
    accountSid: call.options.accountSid,
    callSid: call.sid,
    level: event.level,
    errorCode: event.errorCode,
    message: event.message,
    requestUrl: event.requestUrl,
    date: clock.wall(),
  });
}

/** Once for every terminal status, after the last action request of the call. The cookies live until it was answered. */
async function tellEnd(
  services: ListenerServices,
  sequences: WeakMap<Call, number>,
  call: Call,
  status: CallStatus,
): Promise<void> {
  await call.sessionEnded.catch(() => {});
  const recording = await services.recordings.ofCallback(call);
  const onDone = () => services.forgetCookies(call.sid);
  send(services, sequences, call, 'completed', status, { onDone, recording });
}

function send(
  services: ListenerServices,
  sequences: WeakMap<Call, number>,
  call: Call,
  subscription: DialEvent | undefined,
  callStatus: CallStatus | 'initiated',
  more: { readonly onDone?: () => void; readonly recording?: CallbackRecording | undefined } = {},
): void {
  const { onDone, recording } = more;
  const callback = call.statusCallback;
  if (!callback || subscription === undefined || !callback.events.includes(subscription)) return onDone?.();
  const sequenceNumber = sequences.get(call) ?? 0;
  sequences.set(call, sequenceNumber + 1);
  const { accountSid } = call.options;
  services.statusCallbacks.send({
    url: callback.url,
    method: callback.method,
    authToken: services.authTokenOf(accountSid),
    accountSid,
    callSid: call.sid,
    onDone,
    params: statusCallbackParams({
      standard: callParams(call),
      callStatus,
      sequenceNumber,
      wallMs: services.clock.wall(),
      durationSeconds: call.durationSeconds,
      sipResponseCode: call.sipResponseCode,
      notice: call.notice,
      recording,
    }),
  });
}
