// Somebody with the REST API under chance: redirects, ends, records, streams, mutes, kicks, announces, dequeues, and makes calls.

import type { GatewayProcess } from '../gateway-process.ts';
import { type Draw, pause } from './draw.ts';
import type { ChaosServers } from './servers.ts';

type Body = Readonly<Record<string, unknown>>;

export class Meddler {
  readonly #gateway: GatewayProcess;
  readonly #servers: ChaosServers;
  readonly #draw: Draw;
  /** Answers by status; what is 500 or none at all is a fault of the gateway. */
  readonly answers = new Map<number, number>();
  readonly faults: string[] = [];

  constructor(gateway: GatewayProcess, servers: ChaosServers, draw: Draw) {
    this.#gateway = gateway;
    this.#servers = servers;
    this.#draw = draw;
  }

  /** Until `signal` aborts, an act every some milliseconds. */
  async run(everyMs: number, signal: AbortSignal): Promise<void> {
    const running = new Set<Promise<void>>();
    while (!signal.aborted) {
      const act = this.#act().catch((cause: unknown) => void this.faults.push(String(cause)));
      running.add(act);
      void act.finally(() => running.delete(act));
      await pause(this.#draw.whole(0, everyMs * 2));
    }
    await Promise.all(running);
  }

  /** Ends every call that still is. */
  async endAll(): Promise<void> {
    for (const status of ['queued', 'ringing', 'in-progress']) {
      const { calls = [] } = (await this.#ask('GET', `/Calls.json?Status=${status}&PageSize=1000`)) as {
        calls?: { sid: string }[];
      };
      await Promise.all(calls.map(({ sid }) => this.#ask('POST', `/Calls/${sid}.json`, { Status: 'completed' })));
    }
  }

  async #ask(method: string, path: string, form?: Readonly<Record<string, string>>): Promise<Body> {
    const { accountSid, authToken, httpOrigin } = this.#gateway;
    const answer = await fetch(`${httpOrigin}/2010-04-01/Accounts/${accountSid}${path}`, {
      method,
      headers: { Authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}` },
      ...(form ? { body: new URLSearchParams(form) } : {}),
    });
    this.answers.set(answer.status, (this.answers.get(answer.status) ?? 0) + 1);
    const text = await answer.text();
    if (answer.status >= 500) this.faults.push(`${method} ${path}: ${answer.status} ${text}`);
    return (text === '' ? {} : JSON.parse(text)) as Body;
  }

  async #act(): Promise<void> {
    const kinds = [
      () => this.#changeCall(),
      () => this.#changeCall(),
      () => this.#beside(),
      () => this.#room(),
      () => this.#room(),
      () => this.#line(),
      () => this.#make(),
    ];
    await this.#draw.pick(kinds)();
  }

  async #changeCall(): Promise<void> {
    const { pick, app, documents, sid } = this.#tools();
    if (sid === undefined) return;
    const forms: readonly Readonly<Record<string, string>>[] = [
      { Twiml: documents.main(3) },
      { Url: `${app.origin}/doc/3` },
      { Url: `${app.origin}/fails`, FallbackUrl: `${app.origin}/fallback` },
      { Status: 'completed' },
      { Status: 'canceled' },
    ];
    await this.#ask('POST', `/Calls/${sid}.json`, pick(forms));
  }

  /** Recordings, streams and transcriptions of a call that runs. */
  async #beside(): Promise<void> {
    const { pick, app, sid } = this.#tools();
    if (sid === undefined) return;
    const kind = pick(['Recordings', 'Streams', 'Transcriptions', 'Siprec']);
    const form: Record<string, string> =
      kind === 'Streams'
        ? { Url: this.#servers.streams, Name: pick(['r', 's']), Track: 'both_tracks' }
        : kind === 'Transcriptions'
          ? { Name: 't', StatusCallbackUrl: `${app.origin}/told` }
          : kind === 'Recordings'
            ? { RecordingStatusCallback: `${app.origin}/told` }
            : { Name: 'x', ConnectorName: 'none' };
    const made = await this.#ask('POST', `/Calls/${sid}/${kind}.json`, form);
    if (typeof made.sid !== 'string') return;
    await pause(this.#draw.whole(0, 300));
    const path = `/Calls/${sid}/${kind}/${made.sid}.json`;
    if (kind !== 'Recordings') return void (await this.#ask('POST', path, { Status: 'stopped' }));
    await this.#ask('POST', path, { Status: pick(['paused', 'in-progress', 'stopped']) });
    if (this.#draw.chance(0.3)) await this.#ask('DELETE', `/Recordings/${made.sid}.json`);
  }

  async #room(): Promise<void> {
    const { pick, app } = this.#tools();
    const room = pick(['blue', 'red']);
    const { participants = [] } = (await this.#ask('GET', `/Conferences/${room}/Participants.json`)) as {
      participants?: { call_sid: string; conference_sid: string }[];
    };
    const one = participants.length > 0 ? pick(participants) : undefined;
    if (!one) return;
    const path = `/Conferences/${one.conference_sid}`;
    const who = `${path}/Participants/${one.call_sid}.json`;
    const acts: readonly (() => Promise<unknown>)[] = [
      () => this.#ask('POST', who, { Muted: pick(['true', 'false']) }),
      () =>
        this.#ask('POST', who, { Hold: pick(['true', 'false']), HoldUrl: `${app.origin}${pick(['/wait', '/fails'])}` }),
      () => this.#ask('POST', who, { AnnounceUrl: `${app.origin}${pick(['/wait', '/fails', '/tone.wav'])}` }),
      () => this.#ask('POST', who, { Coaching: 'true', CallSidToCoach: pick(participants).call_sid }),
      () => this.#ask('POST', who, { EndConferenceOnExit: pick(['true', 'false']) }),
      () => this.#ask('DELETE', who),
      () => this.#ask('POST', `${path}.json`, { AnnounceUrl: `${app.origin}${pick(['/wait', '/fails'])}` }),
      () => this.#ask('POST', `${path}.json`, { Status: 'completed' }),
      () => this.#ask('POST', `${path}/Participants.json`, { From: 'x', To: pick(['client:bob', 'client:nobody']) }),
    ];
    await pick(acts)();
  }

  async #line(): Promise<void> {
    const { pick, app } = this.#tools();
    const { queues = [] } = (await this.#ask('GET', '/Queues.json')) as { queues?: { sid: string }[] };
    if (queues.length === 0) return;
    const { sid } = pick(queues);
    if (this.#draw.chance(0.2)) return void (await this.#ask('DELETE', `/Queues/${sid}.json`));
    await this.#ask('POST', `/Queues/${sid}/Members/Front.json`, { Url: `${app.origin}/doc/3` });
  }

  async #make(): Promise<void> {
    const { pick, documents } = this.#tools();
    const To = pick(['client:bob', 'client:carol', 'client:nobody', 'sip:bob@chaos.sip.localhost']);
    const more: readonly Readonly<Record<string, string>>[] = [
      {},
      { Record: 'true' },
      { MachineDetection: 'Enable', MachineDetectionTimeout: '3' },
      { Timeout: '1' },
      { SendDigits: '1w2' },
    ];
    await this.#ask('POST', '/Calls.json', { To, From: 'x', Twiml: documents.main(2), TimeLimit: '5', ...pick(more) });
  }

  #tools() {
    const { app, documents, callSids } = this.#servers;
    const pick = <T>(list: readonly T[]): T => this.#draw.pick(list);
    return { app, documents, pick, sid: callSids.length > 0 ? pick(callSids) : undefined };
  }
}
