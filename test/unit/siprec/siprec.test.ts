// Recording sessions on a fake user agent, a fake engine and a virtual clock: which server is asked when, what is told, what is let go of.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import { err } from '../../../src/base/result.ts';
import type { EndpointId, MediaEvent } from '../../../src/media/engine.ts';
import type { MediaDirection } from '../../../src/sdp/plan.ts';
import type { Response } from '../../../src/sip/grammar/message.ts';
import { makeSipUri } from '../../../src/sip/grammar/uri.ts';
import type { InviteSession, OutgoingInviteOptions, PeerFlow, SessionEvent } from '../../../src/sip/ua/ua.ts';
import type { SiprecConnector, SiprecOptions } from '../../../src/siprec/options.ts';
import type { Party, RecordedCall } from '../../../src/siprec/recorded-call.ts';
import { Siprec } from '../../../src/siprec/siprec.ts';
import { FakeEngine } from '../../support/call-fakes.ts';
import { takeAll } from '../../support/siprec.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

const FLOW = { localAddress: '127.0.0.1', advertisedHost: '127.0.0.1', remoteAddress: '192.0.2.9' } as PeerFlow;

/** A call to a server, as the user agent would have it. */
class FakeServerCall {
  readonly options: OutgoingInviteOptions;
  readonly requests: { method: string; body: string }[] = [];
  state = 'calling';
  offer: string | undefined;
  /** Status of its answers; a promise holds them back. */
  answerTo: (method: string) => number | Promise<number> = () => 200;
  #listener: (event: SessionEvent) => void = () => {};

  constructor(options: OutgoingInviteOptions) {
    this.options = options;
  }

  onEvent(listener: (event: SessionEvent) => void): void {
    this.#listener = listener;
  }
  tell(event: SessionEvent): void {
    this.#listener(event);
  }
  end(): void {
    if (this.state === 'ended') return;
    const wasUp = this.state === 'established';
    this.state = 'ended';
    queueMicrotask(() =>
      this.tell(
        wasUp
          ? { type: 'ended', by: 'local', request: undefined }
          : { type: 'rejected', status: 487, cause: 'canceled', response: undefined, detail: 'canceled' },
      ),
    );
  }
  async request(method: string, options: { readonly body?: Buffer } = {}) {
    this.requests.push({ method, body: options.body?.toString() ?? '' });
    return { status: await this.answerTo(method), response: undefined };
  }

  // --- what a test does as the server

  /** The INVITE arrives. */
  async arrives(): Promise<string | undefined> {
    const { sdp } = this.options;
    this.offer = typeof sdp === 'function' ? await sdp(FLOW) : sdp;
    return this.offer;
  }
  async accepts(sdp = takeAll(this.offer ?? '', [5_000, 5_002])): Promise<void> {
    this.state = 'established';
    this.tell({ type: 'accepted', sdp, response: { status: 200 } as Response });
    await settle();
  }
  async rejects(status: number, cause: 'response' | 'timeout' | 'transport' | 'dns' = 'response'): Promise<void> {
    this.state = 'ended';
    this.tell({ type: 'rejected', status, cause, response: undefined, detail: 'said so' });
    await settle();
  }
  async leaves(by: 'remote' | 'timeout' = 'remote'): Promise<void> {
    this.state = 'ended';
    this.tell({ type: 'ended', by, request: undefined });
    await settle();
  }
}

class Bench {
  readonly clock = new VirtualClock();
  readonly engine = new FakeEngine();
  /** Endpoints. */
  readonly open = new Set<EndpointId>();
  hasNoPorts = false;
  readonly servers: FakeServerCall[] = [];
  readonly told: Record<string, string>[] = [];
  readonly notices: string[] = [];
  readonly owners = new Map<EndpointId, (event: MediaEvent) => void>();
  readonly ending = new AbortController();
  connectors: SiprecConnector[] = [connector('archive')];
  direction: MediaDirection = 'sendrecv';
  peer: Party | undefined;
  tracks = 0;
  #onDirection = () => {};
  #random = 0;
  readonly siprec = new Siprec({
    connectors: () => this.connectors,
    peerOf: () => this.peer,
    userAgent: {
      invite: (options) => {
        const made = new FakeServerCall(options);
        this.servers.push(made);
        return made as unknown as InviteSession;
      },
    },
    engine: {
      open: async () => {
        if (this.hasNoPorts) return err({ code: 'noPorts', detail: 'none' });
        const opened = await this.engine.open();
        this.open.add(opened.value.id);
        return opened;
      },
      close: (endpoint) => void this.open.delete(endpoint),
      configure: (endpoint) => this.engine.configure(endpoint),
      expectSilence: () => {},
      fork: (from, track, to) => this.engine.fork(from, track, to),
      closeFork: (fork) => this.engine.closeFork(fork),
    },
    router: {
      own: (endpoint, owner) => void this.owners.set(endpoint, owner),
      forget: (endpoint) => void this.owners.delete(endpoint),
    },
    callBack: ({ params }) => void this.told.push(Object.fromEntries(params)),
    clock: this.clock,
    random: (size) => Buffer.alloc(size, ++this.#random),
    log: silentLog,
  });
  endpoint: EndpointId | undefined = 'leg';
  readonly call: RecordedCall = {
    callSid: 'CA1',
    accountSid: 'AC1',
    signal: this.ending.signal,
    parties: { remote: { aor: 'sip:alice@x', name: undefined }, local: { aor: 'sip:1000@x', name: undefined } },
    startedAt: 0,
    endpoint: () => this.endpoint,
    direction: () => this.direction,
    onDirection: (listener) => {
      this.#onDirection = listener;
      return () => {
        this.#onDirection = () => {};
      };
    },
    claimTracks: (count) => {
      if (this.tracks + count > limits.forkedTracksPerCall) return false;
      this.tracks += count;
      return true;
    },
    releaseTracks: (count) => {
      this.tracks -= count;
    },
    notify: (level, code) => void this.notices.push(`${level} ${code}`),
  };

  start(changes: Partial<SiprecOptions> = {}) {
    return this.siprec.start(this.call, {
      connectorName: 'archive',
      name: undefined,
      track: 'both_tracks',
      statusCallback: { url: 'https://app.example.test/s', method: 'POST' },
      parameters: new Map(),
      ...changes,
    });
  }
  /** The latest server, with the INVITE before it. */
  async server(index = this.servers.length - 1): Promise<FakeServerCall> {
    await settle();
    const server = this.servers[index]!;
    await server.arrives();
    return server;
  }
  /** A session that stands. */
  async established(): Promise<FakeServerCall> {
    this.start();
    const server = await this.server();
    await server.accepts();
    return server;
  }
  async holds(direction: MediaDirection): Promise<void> {
    this.direction = direction;
    this.#onDirection();
    await settle();
  }
  get events(): string[] {
    return this.told.map(({ SiprecEvent = '' }) => SiprecEvent);
  }
  async nothingIsLeft(): Promise<void> {
    await settle();
    expect(this.siprec.counts().live).toBe(0);
    expect(this.engine.counts().taps).toBe(0);
    expect(this.open.size).toBe(0);
    expect(this.owners.size).toBe(0);
    expect(this.tracks).toBe(0);
    expect(this.clock.pendingTimers).toBe(0);
  }
}

function connector(name: string, servers = 1): SiprecConnector {
  return {
    name,
    servers: Array.from({ length: servers }, (_, index) => makeSipUri({ user: 'srs', host: `${index}.example.com` })),
    credentials: undefined,
    secureMedia: false,
    tlsVerify: true,
  };
}

describe('a session that stands', () => {
  test('forks of both tracks to the endpoints of the server; stopped: they end, and so does the session', async () => {
    const b = new Bench();
    const server = await b.established();
    expect(b.engine.done.filter((one) => one.startsWith('fork'))).toEqual([
      expect.stringMatching(/^fork leg inbound /),
      expect.stringMatching(/^fork leg outbound /),
    ]);
    expect(server.options).toMatchObject({ isRecording: true, maxForwards: 70 });
    b.siprec.stop('CA1', undefined);
    await settle();
    expect(server.state).toBe('ended');
    expect(b.events).toEqual(['siprec-started', 'siprec-stopped']);
    await b.nothingIsLeft();
  });

  test('ends with the call', async () => {
    const b = new Bench();
    await b.established();
    b.ending.abort();
    await b.nothingIsLeft();
    expect(b.events).toEqual(['siprec-started', 'siprec-stopped']);
    expect(b.siprec.counts().calls).toBe(0);
    expect(b.siprec.stop('CA1', undefined)).toBeUndefined();
  });

  test('the server is asked now and then whether it still knows the session; one that does not is an error', async () => {
    const b = new Bench();
    const server = await b.established();
    for (let count = 1; count <= 3; count++) {
      await b.clock.advanceAsync(limits.siprecProbeMs);
      expect(server.requests.map(({ method }) => method)).toEqual(Array.from({ length: count }, () => 'OPTIONS'));
    }
    await server.leaves('timeout');
    expect(b.events).toEqual(['siprec-started', 'siprec-error']);
    expect(b.notices).toEqual(['error 31903']);
    await b.nothingIsLeft();
  });

  test('the worker of its endpoints fails: it is an error, and the server is told', async () => {
    const b = new Bench();
    const server = await b.established();
    const [[endpoint, owner]] = [...b.owners] as [[EndpointId, (event: MediaEvent) => void]];
    owner({ type: 'rtpTimeout', endpoint });
    await settle();
    expect(server.state).toBe('ended');
    expect(b.told.at(-1)).toMatchObject({ SiprecEvent: 'siprec-error', SiprecErrorCode: '31903' });
    await b.nothingIsLeft();
  });
});

describe('metadata', () => {
  test('changes that come while one is told are told together', async () => {
    const b = new Bench();
    const server = await b.established();
    let answer: (status: number) => void = () => {};
    server.answerTo = () =>
      new Promise<number>((resolve) => {
        answer = resolve;
      });
    b.siprec.joined('CA1', { aor: 'sip:bob@x', name: undefined });
    b.siprec.joined('CA1', { aor: 'sip:carol@x', name: undefined });
    await b.holds('sendonly');
    expect(server.requests).toHaveLength(1);
    answer(200);
    await settle();
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]!.body).toContain('aor="sip:carol@x"');
    answer(200);
    await settle();
    expect(server.requests).toHaveLength(2);
    b.siprec.stop('CA1', undefined);
    await b.nothingIsLeft();
  });

  test('hold: the stream of who takes nothing is not received', async () => {
    const b = new Bench();
    const server = await b.established();
    await b.holds('sendonly');
    expect(server.requests.at(-1)!.body.match(/<recv>/g)).toHaveLength(1);
    await b.holds('sendrecv');
    expect(server.requests.at(-1)!.body.match(/<recv>/g)).toHaveLength(2);
    b.ending.abort();
    await b.nothingIsLeft();
  });

  test('somebody who comes back is the same participant', async () => {
    const b = new Bench();
    const server = await b.established();
    const idOf = (aor: string) =>
      new RegExp(`participant_id="([^"]+)"><nameID aor="${aor}"`).exec(server.requests.at(-1)!.body)?.[1];
    const ids: (string | undefined)[] = [];
    for (const peer of ['sip:bob@x', 'sip:carol@x', 'sip:bob@x']) {
      b.siprec.joined('CA1', { aor: peer, name: undefined });
      await settle();
      ids.push(idOf(peer));
    }
    expect(ids[0]).toBeDefined();
    expect(ids[2]).toBe(ids[0]);
    expect(ids[1]).not.toBe(ids[0]);
    b.ending.abort();
    await b.nothingIsLeft();
  });

  test.each([405, 415, 501])('a server that answers %i to UPDATE gets no more of them', async (status) => {
    const b = new Bench();
    const server = await b.established();
    server.answerTo = () => status;
    for (const aor of ['sip:bob@x', 'sip:carol@x']) {
      b.siprec.joined('CA1', { aor, name: undefined });
      await settle();
    }
    expect(server.requests).toHaveLength(1);
    b.ending.abort();
    await b.nothingIsLeft();
  });

  test('what changed while the server rang is told when it has answered', async () => {
    const b = new Bench();
    b.start();
    const server = await b.server();
    b.siprec.joined('CA1', { aor: 'sip:bob@x', name: undefined });
    await settle();
    expect(server.requests).toEqual([]);
    await server.accepts();
    expect(server.requests[0]!.body).toContain('aor="sip:bob@x"');
    b.ending.abort();
    await b.nothingIsLeft();
  });
});

describe('servers of one connector', () => {
  test.each([
    ['503', 503, 'response', '31920'],
    ['486', 486, 'response', '31920'],
    ['no answer', 408, 'timeout', '31901'],
    ['no connection', 503, 'transport', '31904'],
    ['no address', 503, 'dns', '31904'],
  ] as const)(
    '%s: the next is asked; when none takes it, the last reason is told',
    async (_name, status, cause, code) => {
      const b = new Bench();
      b.connectors = [connector('archive', 3)];
      b.start();
      for (let index = 0; index < 3; index++) {
        const server = await b.server(index);
        expect(server.options.hasAlternatives).toBe(index < 2);
        expect(b.told).toEqual([]);
        await server.rejects(status, cause);
      }
      expect(b.servers).toHaveLength(3);
      expect(b.told).toMatchObject([{ SiprecEvent: 'siprec-error', SiprecErrorCode: code }]);
      expect(b.notices).toEqual([`error ${code}`]);
      await b.nothingIsLeft();
    },
  );

  test('one that only rings is given up after a while', async () => {
    const b = new Bench();
    b.connectors = [connector('archive', 2)];
    b.start();
    const ringing = await b.server();
    ringing.tell({ type: 'progress', status: 180, sdp: undefined, response: {} as Response });
    await b.clock.advanceAsync(limits.siprecAnswerMs);
    expect(ringing.state).toBe('ended');
    await (await b.server(1)).accepts();
    expect(b.events).toEqual(['siprec-started']);
    b.ending.abort();
    await b.nothingIsLeft();
  });

  test('one that is lost in the middle is not replaced: that would be another recording', async () => {
    const b = new Bench();
    b.connectors = [connector('archive', 2)];
    b.start();
    const server = await b.server();
    await server.accepts();
    await server.leaves('timeout');
    expect(b.servers).toHaveLength(1);
    expect(b.events).toEqual(['siprec-started', 'siprec-error']);
    await b.nothingIsLeft();
  });

  test('an answer came with a provisional, and the 200 has none', async () => {
    const b = new Bench();
    b.start();
    const server = await b.server();
    const sdp = takeAll(server.offer!, [5_000, 5_002]);
    server.tell({ type: 'progress', status: 183, sdp, response: {} as Response });
    server.state = 'established';
    server.tell({ type: 'accepted', sdp: undefined, response: { status: 200 } as Response });
    await settle();
    expect(b.events).toEqual(['siprec-started']);
    b.ending.abort();
    await b.nothingIsLeft();
  });

  test('a 200 without any answer: BYE', async () => {
    const b = new Bench();
    b.start();
    const server = await b.server();
    server.state = 'established';
    server.tell({ type: 'accepted', sdp: undefined, response: { status: 200 } as Response });
    await settle();
    expect(server.state).toBe('ended');
    expect(b.told).toMatchObject([{ SiprecErrorCode: '31920' }]);
    await b.nothingIsLeft();
  });

  test('stopped before there is an answer: no other server is asked, nothing is told', async () => {
    const b = new Bench();
    b.connectors = [connector('archive', 2)];
    b.start();
    await b.server();
    b.siprec.stop('CA1', undefined);
    await b.nothingIsLeft();
    expect(b.servers).toHaveLength(1);
    expect(b.told).toEqual([]);
  });
});

describe('what cannot be started', () => {
  test('which connector: by name, `Default`, or the only one', () => {
    const b = new Bench();
    expect(b.start({ connectorName: 'x' })).toMatchObject({ ok: false, error: { errorCode: 31940 } });
    b.connectors = [connector('a'), connector('b')];
    expect(b.start({ connectorName: undefined })).toMatchObject({ ok: false, error: { errorCode: 31940 } });
    b.connectors = [connector('a'), connector('Default')];
    expect(b.start({ connectorName: undefined }).ok).toBe(true);
    b.connectors = [connector('a')];
    expect(b.start({ connectorName: undefined }).ok).toBe(true);
    b.connectors = [];
    expect(b.start({ connectorName: undefined })).toMatchObject({ ok: false, error: { errorCode: 31940 } });
  });

  test('[twiml 10.2 forks] two of four forked tracks each; a name once; a call with audio only', async () => {
    const b = new Bench();
    expect(b.start({ name: 'one' }).ok).toBe(true);
    expect(b.tracks).toBe(2);
    expect(b.start({ name: 'one' })).toMatchObject({ ok: false, error: { errorCode: 12200 } });
    expect(b.start({ track: 'inbound_track' }).ok).toBe(true);
    expect(b.tracks).toBe(3);
    expect(b.start()).toMatchObject({ ok: false, error: { errorCode: 12200 } });
    b.endpoint = undefined;
    expect(b.start({ track: 'outbound_track' })).toMatchObject({ ok: false, error: { errorCode: 31903 } });
    b.ending.abort();
    await b.nothingIsLeft();
    b.endpoint = 'leg';
    expect(b.start()).toMatchObject({ ok: false, error: { errorCode: 31903 } });
  });

  test('no media port: an error of the session', async () => {
    const b = new Bench();
    b.hasNoPorts = true;
    b.start();
    const server = await b.server();
    expect(server.offer).toBeUndefined();
    await server.rejects(503, 'transport');
    expect(b.events).toEqual(['siprec-error']);
    await b.nothingIsLeft();
  });
});

test('ended sessions are still known by name and sid until the call ends; not more than a bound of them', async () => {
  const b = new Bench();
  const first = b.start({ name: 'one' });
  const sid = first.ok ? first.value.sid : '';
  expect(sid).toMatch(/^SR[0-9a-f]{32}$/);
  b.siprec.stop('CA1', 'one');
  await settle();
  expect(b.siprec.stop('CA1', sid)).toMatchObject({ sid, name: 'one', status: 'stopped' });
  expect(b.siprec.stop('CA1', 'one')).toMatchObject({ sid });
  for (let count = 0; count < limits.streamsKeptPerCall; count++) {
    b.start();
    b.siprec.stop('CA1', undefined);
    await settle();
  }
  expect(b.siprec.stop('CA1', 'one')).toBeUndefined();
  b.ending.abort();
  await b.nothingIsLeft();
});
