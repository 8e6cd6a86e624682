// The recording sessions of all calls: finds the connector, starts a session, ends it by name or sid, and knows whom each call is joined
// with.

import { newSid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { SiprecRecord } from '../base/siprec-api.ts';
import type { SiprecConnector, SiprecFailure, SiprecOptions } from './options.ts';
import type { Party, RecordedCall } from './recorded-call.ts';
import { type SiprecServices, SiprecSession, tracksOf } from './session.ts';

interface CallEntry {
  readonly live: Map<string, SiprecSession>;
  /** By sid, oldest first; ended ones too, until the call ends. */
  readonly records: Map<string, SiprecRecord>;
}

export interface SiprecParts extends SiprecServices {
  /** Those in force. */
  readonly connectors: () => readonly SiprecConnector[];
  /** Whom the call is joined with now. */
  readonly peerOf: (callSid: string) => Party | undefined;
}

/** Of a Siprec that names none. */
const DEFAULT_CONNECTOR = 'default';

export class Siprec {
  readonly #parts: SiprecParts;
  readonly #calls = new Map<string, CallEntry>();
  #live = 0;

  constructor(parts: SiprecParts) {
    this.#parts = parts;
  }

  /** Sessions that run; 0 when idle. */
  counts(): { readonly live: number; readonly calls: number } {
    return { live: this.#live, calls: this.#calls.size };
  }

  /** Begins beside everything else that happens on the call. What comes of it is told to the call and the application. */
  start(call: RecordedCall, options: SiprecOptions): Result<SiprecRecord, SiprecFailure> {
    const connector = this.#connector(options.connectorName);
    if (!connector) return err({ errorCode: 31940, detail: describeMissing(options.connectorName) });
    if (call.signal.aborted || call.endpoint() === undefined)
      return err({ errorCode: 31903, detail: 'the call has no audio' });
    const live = [...(this.#calls.get(call.callSid)?.live.values() ?? [])];
    if (options.name !== undefined && live.some((session) => session.options.name === options.name))
      return err({ errorCode: 12200, detail: `the call has a Siprec named ${options.name} already` });
    const tracks = tracksOf(options.track).length;
    if (!call.claimTracks(tracks))
      return err({
        errorCode: 12200,
        detail: `a call may have ${limits.forkedTracksPerCall} forked tracks at most`,
      });
    return ok(this.#launch(call, options, connector, () => call.releaseTracks(tracks)));
  }

  /** By name or sid; without one the first that runs. Undefined: this call has and had none; one that has ended is given back as it is. */
  stop(callSid: string, nameOrSid: string | undefined): SiprecRecord | undefined {
    const entry = this.#calls.get(callSid);
    if (!entry) return undefined;
    for (const [sid, session] of entry.live) {
      if (nameOrSid !== undefined && sid !== nameOrSid && session.options.name !== nameOrSid) continue;
      this.#markStopped(entry, sid);
      session.stop();
      return entry.records.get(sid);
    }
    if (nameOrSid === undefined) return undefined;
    return entry.records.get(nameOrSid) ?? [...entry.records.values()].findLast(({ name }) => name === nameOrSid);
  }

  /** The call is joined with somebody, or with nobody any more. */
  joined(callSid: string, peer: Party | undefined): void {
    for (const session of this.#calls.get(callSid)?.live.values() ?? []) session.joined(peer);
  }

  #connector(name: string | undefined): SiprecConnector | undefined {
    const all = this.#parts.connectors();
    if (name !== undefined) return all.find((one) => one.name === name);
    return all.find((one) => one.name.toLowerCase() === DEFAULT_CONNECTOR) ?? (all.length === 1 ? all[0] : undefined);
  }

  #launch(call: RecordedCall, options: SiprecOptions, connector: SiprecConnector, onEnd: () => void): SiprecRecord {
    const { random, clock, log, peerOf } = this.#parts;
    const { callSid, accountSid } = call;
    const entry = this.#entryOf(call);
    const sid = newSid('SR', random);
    const session = new SiprecSession(sid, options, connector, call, peerOf(callSid), this.#parts);
    const name = options.name ?? null;
    const record: SiprecRecord = { sid, accountSid, callSid, name, status: 'in-progress', dateUpdated: clock.wall() };
    entry.live.set(sid, session);
    entry.records.set(sid, record);
    if (entry.records.size > limits.streamsKeptPerCall) this.#forgetOldest(entry);
    this.#live++;
    void session
      .run()
      .catch((fault: unknown) => log.error({ err: fault, callSid }, 'a recording session failed'))
      .finally(() => {
        this.#live--;
        entry.live.delete(sid);
        this.#markStopped(entry, sid);
        onEnd();
      });
    return record;
  }

  #entryOf(call: RecordedCall): CallEntry {
    const known = this.#calls.get(call.callSid);
    if (known) return known;
    const entry: CallEntry = { live: new Map(), records: new Map() };
    this.#calls.set(call.callSid, entry);
    call.signal.addEventListener('abort', () => this.#calls.delete(call.callSid), { once: true });
    return entry;
  }

  #markStopped(entry: CallEntry, sid: string): void {
    const record = entry.records.get(sid);
    if (!record || record.status === 'stopped') return;
    entry.records.set(sid, { ...record, status: 'stopped', dateUpdated: this.#parts.clock.wall() });
  }

  #forgetOldest(entry: CallEntry): void {
    for (const sid of entry.records.keys()) {
      if (entry.live.has(sid)) continue;
      entry.records.delete(sid);
      return;
    }
  }
}

const describeMissing = (name: string | undefined): string =>
  name === undefined ? 'no connectorName is given and there is no default connector' : `there is no connector ${name}`;
