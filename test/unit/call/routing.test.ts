// Where a target goes, and what is refused before an INVITE leaves (sip-interface.md 2.1, 3; design.md 9, 10).

import { describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import type { Binding, Domain } from '../../../src/base/records.ts';
import type { DialTarget } from '../../../src/call/dial-options.ts';
import { MediaRouter } from '../../../src/call/media-router.ts';
import { allowedHeaders, type RouteContext, Router, type RouteTarget, userOf } from '../../../src/call/routing.ts';
import type { TrunkGate } from '../../../src/call/trunks.ts';
import { sdpNegotiation } from '../../../src/sdp/negotiate.ts';
import { HeaderList, type Response } from '../../../src/sip/grammar/message.ts';
import { parseUri, type SipUri } from '../../../src/sip/grammar/uri.ts';
import type {
  InviteSession,
  OutgoingInviteOptions,
  PeerFlow,
  SessionEvent,
  UserAgent,
} from '../../../src/sip/ua/ua.ts';
import { ACCOUNT, CallBench, domainRecord } from '../../support/call-fakes.ts';
import { seededRandom } from '../../support/network.ts';
import { outboundTrunk } from '../../support/trunks.ts';
import { settle } from '../../support/virtual-clock.ts';

const OFFICE = domainRecord();
const OTHER_DOMAIN = domainRecord({ sid: `SD${'2'.repeat(32)}`, domainName: 'branch.example' });
const STRANGER = domainRecord({
  sid: `SD${'3'.repeat(32)}`,
  domainName: 'stranger.example',
  accountSid: `AC${'b'.repeat(32)}`,
});

const binding = (user: string, changes: Partial<Binding> = {}): Binding => ({
  aor: `${user}@office.example`,
  domainSid: OFFICE.sid,
  accountSid: ACCOUNT,
  contact: `sip:${user}@192.0.2.7:5070`,
  callId: 'x',
  cseq: 1,
  q: 1_000,
  expiresAt: 1,
  transport: 'udp',
  sourceAddress: '192.0.2.7',
  sourcePort: 5_070,
  localAddress: '192.0.2.1',
  localPort: 5_060,
  instanceId: null,
  path: [],
  userAgent: null,
  nodeId: 'n',
  registeredAt: 1,
  ...changes,
});

const flow: PeerFlow = {
  id: 'f',
  transport: 'udp',
  localAddress: '192.0.2.1',
  localPort: 5_060,
  remoteAddress: '192.0.2.7',
  remotePort: 5_070,
  isReliable: false,
  isSecure: false,
  isAlive: true,
  advertisedHost: '192.0.2.1',
  advertisedPort: 5_060,
};

interface Sent {
  readonly options: OutgoingInviteOptions;
  readonly tell: (event: SessionEvent) => void;
}

class RouteBench extends CallBench {
  readonly sent: Sent[] = [];
  readonly bindings = new Map<string, Binding[]>();
  domains: Domain[] = [OFFICE, OTHER_DOMAIN, STRANGER];
  released = 0;
  trunks: Pick<TrunkGate, 'admit'> = {
    admit: () => ({
      ok: true,
      value: {
        trunk: outboundTrunk({
          name: 'carrier',
          credentials: { username: 'trunk-user', password: 'trunk-password' },
          fromHost: 'our.example',
          callerId: '+4930999',
        }),
        targets: this.targets.map(sipUri),
        mayDial: (number) => !number.startsWith('+900'),
        carry: (call) => call.signal.addEventListener('abort', () => void this.released++),
        release: () => void this.released++,
      },
    }),
  };
  targets = ['sip:trunk.example'];
  readonly router: Router;

  constructor(maxCalls = 100) {
    super(maxCalls);
    const userAgent = {
      invite: (options: OutgoingInviteOptions) => this.#invite(options),
      bindingsOf: (user: string, domainName: string) => this.bindings.get(`${user}@${domainName}`) ?? [],
    } as unknown as UserAgent;
    this.router = new Router({
      clock: this.clock,
      calls: this.calls,
      legs: {
        userAgent,
        engine: this.engine,
        router: new MediaRouter(this.engine),
        sdp: sdpNegotiation,
        random: seededRandom(1).bytes,
        log: silentLog,
      },
      userAgent,
      trunks: { admit: (number, request) => this.trunks.admit(number, request) },
      isOwnAddress: (host) => host === '192.0.2.1',
      isDomainName: (host) => host.endsWith('.sip.localhost'),
      domainOf: (host) => this.domains.find((domain) => domain.domainName === host),
      domainsOfAccount: (accountSid) => this.domains.filter((domain) => domain.accountSid === accountSid),
    });
  }

  #invite(options: OutgoingInviteOptions): InviteSession {
    let listener: (event: SessionEvent) => void = () => {};
    this.sent.push({ options, tell: (event) => listener(event) });
    return {
      role: 'uac',
      state: 'calling',
      callId: `call-${this.sent.length}`,
      flow: undefined,
      onEvent: (one: (event: SessionEvent) => void) => {
        listener = one;
      },
      end: () =>
        listener({ type: 'rejected', status: 487, cause: 'canceled', response: undefined, detail: 'canceled' }),
    } as unknown as InviteSession;
  }

  route(target: RouteTarget, changes: Partial<RouteContext> = {}) {
    return this.router.make(target, {
      accountSid: ACCOUNT,
      direction: 'outbound-dial',
      parentCallSid: null,
      domain: OFFICE,
      near: undefined,
      callerId: 'alice',
      callerName: undefined,
      maxForwards: 70,
      statusCallback: undefined,
      ...changes,
    });
  }

  /** The peer of INVITE `index` gives a final refusal, with a Contact if one is given. */
  reject(index: number, status: number, contact?: string): void {
    const headers = new HeaderList(contact === undefined ? [] : [{ name: 'Contact', value: contact }]);
    const response = { kind: 'response', status, headers } as unknown as Response;
    this.sent[index]!.tell({ type: 'rejected', status, cause: 'response', response, detail: String(status) });
  }

  /** Starts what was routed: what left. */
  start(target: RouteTarget, changes: Partial<RouteContext> = {}) {
    const routed = this.route(target, changes);
    if (!routed.ok) throw new Error(routed.error.detail);
    routed.value.start();
    return { call: routed.value, invites: this.sent.map((one) => one.options) };
  }
}

const sipUri = (text: string): SipUri => {
  const uri = parseUri(text);
  if (!uri.ok) throw new Error(text);
  return uri.value as SipUri;
};

const sip = (uri: string, username?: string, password?: string): RouteTarget => ({
  kind: 'sip',
  uri,
  username,
  password,
});
const client = (identity: string): RouteTarget => ({ kind: 'client', identity });

const sdpOf = async (options: OutgoingInviteOptions): Promise<string> =>
  (typeof options.sdp === 'function' ? await options.sdp(flow) : options.sdp) ?? '';

describe('a SIP URI of somebody else', () => {
  test('sip-interface.md 2.1: parameters are kept but for edge, region and secure; headers are filtered and taken off [sip 2.1 edge-parameters] [sip 2.3 request-uri]', () => {
    const bench = new RouteBench();
    const { call, invites } = bench.start(
      sip(
        'sip:desk@far.example:5080;transport=tcp;edge=dublin;region=ie1?X-A=1&User-to-User=u&Route=evil&x-b=2',
        'u',
        'p',
      ),
    );
    expect(invites).toHaveLength(1);
    expect(invites[0]).toMatchObject({
      target: {
        kind: 'uri',
        uri: { user: 'desk', host: 'far.example', port: 5_080, params: new Map([['transport', 'tcp']]), headers: [] },
      },
      from: { user: 'alice', host: 'office.example' },
      credentials: { username: 'u', password: 'p' },
      maxForwards: 70,
    });
    expect(invites[0]!.headers.map((header) => header.name)).toEqual([
      'X-A',
      'User-to-User',
      'x-b',
      'X-Twilio-CallSid',
      'X-Twilio-AccountSid',
      'X-Twilio-ApiVersion',
      'Supported',
    ]);
    expect(call.options.to).toBe('sip:desk@far.example:5080;transport=tcp');
  });

  test('sip: may be missing; without a user name there are no credentials [sip 2.1 scheme-missing]', () => {
    const { invites } = new RouteBench().start(sip('kate@far.example'));
    expect(invites[0]).toMatchObject({ target: { uri: { user: 'kate' } }, credentials: undefined });
  });

  test.each([['sips:kate@far.example'], ['sip:kate@far.example;transport=tls']])(
    '%s is sip over TLS, its media plain RTP [sip 0 sips] [sip 4 outbound-tls] [rest 9.1 sips]',
    async (uri) => {
      const { invites } = new RouteBench().start(sip(uri));
      expect(invites[0]!.target).toMatchObject({ uri: { scheme: 'sip', params: new Map([['transport', 'tls']]) } });
      // Hop encryption only: the media stays plain.
      expect(await sdpOf(invites[0]!)).toContain('RTP/AVP');
    },
  );

  test('sip-interface.md 2.1: secure=true is TLS and SRTP [sip 2.1 secure] [sip 4 outbound-secure] [rest 9.1 sips]', async () => {
    const { invites } = new RouteBench().start(sip('sip:kate@far.example;secure=true'));
    expect(invites[0]!.target).toMatchObject({ uri: { params: new Map([['transport', 'tls']]) } });
    expect(await sdpOf(invites[0]!)).toContain('RTP/SAVP');
  });

  test('13243: not a SIP URI; the text, which may hold a password, is not repeated', () => {
    const routed = new RouteBench().route(sip('sip:user:pass word@'));
    expect(routed).toMatchObject({ ok: false, error: { errorCode: 13243 } });
    expect(JSON.stringify(routed)).not.toContain('pass');
  });

  test('design.md 9: a password in the URI reaches the peer, and no record', () => {
    const { call, invites } = new RouteBench().start(sip('sip:kate:secret@far.example'));
    expect(invites[0]!.target).toMatchObject({ uri: { password: 'secret' } });
    expect(JSON.stringify(call.record())).not.toContain('secret');
  });
});

describe('a registered user (sip-interface.md 3)', () => {
  test('every binding gets an INVITE to the AOR', () => {
    const bench = new RouteBench();
    bench.bindings.set('bob@office.example', [binding('bob'), binding('bob', { sourcePort: 5_071 })]);
    const { call, invites } = bench.start(sip('sip:bob@office.example;edge=dublin?X-A=1'));
    expect(invites.map((invite) => invite.target)).toMatchObject([
      { kind: 'binding', binding: { sourcePort: 5_070 } },
      { kind: 'binding', binding: { sourcePort: 5_071 } },
    ]);
    expect(invites[0]).toMatchObject({ to: { user: 'bob', host: 'office.example', params: new Map() } });
    expect(invites[0]!.headers[0]).toEqual({ name: 'X-A', value: '1' });
    expect(call.options.to).toBe('sip:bob@office.example');
  });

  for (const [what, uri, errorCode] of [
    ['32223: no user in the URI [sip 3 no-user] [sip 10 trap-15]', 'sip:office.example', 32223],
    ['32002: a name below our suffix that is no domain [sip 3 unknown-domain]', 'sip:bob@nobody.sip.localhost', 32002],
    [
      '32214: domain of another account [sip 2.4 own-domain] [sip 3 other-account] [sip 10 trap-15]',
      'sip:bob@stranger.example',
      32214,
    ],
  ] as const) {
    test(what, () => {
      expect(new RouteBench().route(sip(uri))).toMatchObject({ ok: false, error: { errorCode, sipStatus: 404 } });
    });
  }

  for (const [what, uri, domain, level, errorCode] of [
    ['32009: not registered [sip 3 not-registered]', 'sip:carol@office.example', {}, 'warning', 32009],
    [
      '32209: secure=true, and no binding over TLS [sip 3 secure] [sip 10 trap-15]',
      'sip:bob@office.example;secure=true',
      {},
      'error',
      32209,
    ],
    ['32209: secure domain, and no binding over TLS', 'sip:bob@office.example', { secure: true }, 'error', 32209],
  ] as const) {
    test(`${what}: a call that fails with 404 when it is started`, () => {
      const bench = new RouteBench();
      bench.domains = [domainRecord(domain)];
      bench.bindings.set('bob@office.example', [binding('bob')]);
      const { call } = bench.start(sip(uri));
      expect(call.isOver).toBe(false);
      bench.clock.advance(0);
      expect(bench.story(call)).toEqual(['created', `${level} ${errorCode}`, 'status initiated', 'ended failed 404']);
      expect(bench.sent).toHaveLength(0);
      expect(bench.calls.size).toBe(0);
    });
  }

  test('an unreachable one that is given up first', () => {
    const bench = new RouteBench();
    const routed = bench.route(sip('sip:carol@office.example'));
    if (!routed.ok) throw new Error(routed.error.detail);
    routed.value.hangUp('changed our mind');
    expect(bench.story(routed.value).at(-1)).toBe('ended canceled 487');
  });

  test('edge and region of a dialled user change nothing: all its bindings ring [sip 3 edge-parameters]', () => {
    const bench = new RouteBench();
    bench.bindings.set('bob@office.example', [binding('bob'), binding('bob', { sourcePort: 6_000 })]);
    const { invites } = bench.start(sip('sip:bob@office.example;edge=dublin;region=ie1'));
    expect(invites.map(({ target }) => target.kind)).toEqual(['binding', 'binding']);
    expect(invites.map(({ to }) => [to?.host, to?.params.size])).toEqual([
      ['office.example', 0],
      ['office.example', 0],
    ]);
  });

  test('secure=true: only the bindings over TLS, with SRTP and no fallback [sip 3 secure]', async () => {
    const bench = new RouteBench();
    bench.bindings.set('bob@office.example', [binding('bob'), binding('bob', { transport: 'tls', sourcePort: 6_000 })]);
    const { call, invites } = bench.start(sip('sip:bob@office.example;secure=true'));
    expect(invites).toMatchObject([{ target: { binding: { transport: 'tls' } } }]);
    expect(await sdpOf(invites[0]!)).toContain('RTP/SAVP');
    bench.sent[0]!.tell({ type: 'rejected', status: 488, cause: 'response', response: undefined, detail: '' });
    expect([bench.sent.length, call.status]).toEqual([1, 'failed']);
  });

  test('design.md 10: over TLS SRTP is offered first, plain RTP after a 488 [sip 4 tls-binding]', async () => {
    const bench = new RouteBench();
    bench.bindings.set('bob@office.example', [binding('bob', { transport: 'tls' })]);
    const { invites } = bench.start(sip('sip:bob@office.example'));
    expect(await sdpOf(invites[0]!)).toContain('RTP/SAVP');
    bench.sent[0]!.tell({ type: 'rejected', status: 488, cause: 'response', response: undefined, detail: '' });
    expect(bench.sent).toHaveLength(2);
    expect(await sdpOf(bench.sent[1]!.options)).toContain('RTP/AVP');
  });

  test.each(['dns', 'transport', 'timeout'] as const)(
    '32011: a SIP URI that cannot be reached is a warning with the reason: %s [sip 2.4 unreachable]',
    (cause) => {
      const bench = new RouteBench();
      const { call } = bench.start(sip('sip:ext@pbx.example'));
      bench.sent[0]!.tell({ type: 'rejected', status: 503, cause, response: undefined, detail: 'nothing there' });
      expect(call.status).toBe('failed');
      expect(bench.story(call)).toContain('warning 32011');
    },
  );

  test('what the peer of a SIP URI answers is no warning: its status tells [sip 2.4 unreachable]', () => {
    const bench = new RouteBench();
    const { call } = bench.start(sip('sip:ext@pbx.example'));
    bench.sent[0]!.tell({ type: 'rejected', status: 404, cause: 'response', response: undefined, detail: '' });
    expect(call.status).toBe('failed');
    expect(bench.story(call).filter((line) => line.includes('32011'))).toEqual([]);
  });

  test('32219: a 3xx of the phone is not followed, and said [sip 3 no-redirect]', () => {
    const bench = new RouteBench();
    bench.bindings.set('bob@office.example', [binding('bob')]);
    const { call } = bench.start(sip('sip:bob@office.example'));
    bench.reject(0, 302, '<sip:mobile@203.0.114.9>');
    expect(bench.sent).toHaveLength(1);
    expect(call.record()).toMatchObject({ status: 'failed', sipResponseCode: 302 });
    expect(bench.story(call)).toContain('error 32219');
  });

  test('design.md 10, vendor: plain RTP where the domain does not require SRTP', async () => {
    const bench = new RouteBench();
    bench.domains = [domainRecord({ mediaEncryption: 'vendor' })];
    bench.bindings.set('bob@office.example', [binding('bob', { transport: 'tls' })]);
    const { invites } = bench.start(sip('sip:bob@office.example'));
    expect(await sdpOf(invites[0]!)).toContain('RTP/AVP');
  });
});

describe('a client (design.md 10)', () => {
  test('a registered user of the account, of the domain of the caller first [twiml 6.7 registered-user]', () => {
    const bench = new RouteBench();
    bench.bindings.set('bob@office.example', [binding('bob')]);
    bench.bindings.set('bob@branch.example', [binding('bob', { aor: 'bob@branch.example' })]);
    const { call, invites } = bench.start(client('bob'), { domain: OTHER_DOMAIN });
    expect(invites).toMatchObject([{ target: { binding: { aor: 'bob@branch.example' } } }]);
    expect(call.options.to).toBe('client:bob');
  });

  test('user@domain picks one [twiml 6.7 registered-user]', () => {
    const bench = new RouteBench();
    bench.bindings.set('bob@office.example', [binding('bob')]);
    bench.bindings.set('bob@branch.example', [binding('bob', { aor: 'bob@branch.example' })]);
    const { invites } = bench.start(client('bob@Branch.example'));
    expect(invites).toMatchObject([{ target: { binding: { aor: 'bob@branch.example' } } }]);
  });

  test('never a user of another account [twiml 6.7 registered-user]', () => {
    const bench = new RouteBench();
    bench.bindings.set('bob@stranger.example', [binding('bob')]);
    const { call } = bench.start(client('bob@stranger.example'));
    bench.clock.advance(0);
    expect(bench.story(call)).toContain('warning 32009');
    expect(bench.sent).toHaveLength(0);
  });
});

describe('a number', () => {
  test('goes to its trunk, whose place is given back once at the end', () => {
    const bench = new RouteBench();
    const { call, invites } = bench.start({ kind: 'number', number: '+4930123' });
    expect(invites[0]).toMatchObject({
      target: { kind: 'uri', uri: { user: '+4930123', host: 'trunk.example' } },
      from: { user: '+4930999', host: 'our.example' },
      credentials: { username: 'trunk-user', password: 'trunk-password' },
    });
    expect([call.options.to, call.options.from]).toEqual(['+4930123', '+4930999']);
    expect(bench.released).toBe(0);
    call.hangUp('enough');
    expect(bench.released).toBe(1);
  });

  test('the domain of the caller is secure: its calls to numbers are not, unless the trunk says so [sip 4 trunk-plain]', async () => {
    const { invites } = new RouteBench().start(
      { kind: 'number', number: '+4930123' },
      { domain: domainRecord({ secure: true }) },
    );
    expect(await sdpOf(invites[0]!)).toContain('RTP/AVP');
    expect(invites[0]!.target).toMatchObject({ uri: { params: new Map([['user', 'phone']]) } });
  });

  test('a refusal of the gate is passed on', () => {
    const bench = new RouteBench();
    bench.trunks = {
      admit: () => ({ ok: false, error: { errorCode: 13227, detail: 'no', sipStatus: 403 } }),
    };
    expect(bench.route({ kind: 'number', number: '+1' })).toMatchObject({ error: { errorCode: 13227 } });
    expect(bench.calls.size).toBe(0);
  });

  test('[sip 7 asserted-identity] P-Asserted-Identity names the trunk’s number (RFC 3325) [sip 2.3 asserted-identity]', () => {
    const { invites } = new RouteBench().start({ kind: 'number', number: '+4930123' });
    expect(invites[0]?.headers).toContainEqual({ name: 'P-Asserted-Identity', value: '<sip:+4930999@our.example>' });
    expect(invites[0]?.target).toMatchObject({ uri: { params: new Map([['user', 'phone']]) } });
  });

  test('[sip 2.4 failover] 503 moves on to the next target, with 32011 on the call', async () => {
    const bench = new RouteBench();
    bench.targets = ['sip:one.example', 'sip:two.example'];
    const { call } = bench.start({ kind: 'number', number: '+4930123' });
    expect(bench.sent.map((one) => one.options.hasAlternatives)).toEqual([true]);
    bench.reject(0, 503);
    expect(bench.sent[1]?.options).toMatchObject({ target: { uri: { host: 'two.example' } }, hasAlternatives: false });
    expect(bench.story(call)).toContain('warning 32011');
    bench.reject(1, 486);
    expect(call.record()).toMatchObject({ status: 'busy', sipResponseCode: 486 });
    expect(bench.released).toBe(1);
  });

  test('[sip 2.4 redirect] one 302 is followed, without our password where it leads elsewhere', () => {
    const bench = new RouteBench();
    const { call } = bench.start({ kind: 'number', number: '+4930123' });
    bench.reject(0, 302, '<sip:+4930124@203.0.114.9:5070;transport=tcp?X-A=1>, <sip:second@203.0.114.9>');
    expect(bench.sent[1]?.options).toMatchObject({
      target: { uri: { user: '+4930124', host: '203.0.114.9', port: 5070, headers: [] } },
      credentials: undefined,
    });
    bench.reject(1, 302, '<sip:again@203.0.114.9>');
    expect(bench.sent).toHaveLength(2);
    expect(call.isOver).toBe(true);
  });

  test('[sip 2.4 redirect-refused] a name may not lead into a private network, unless the carrier is in one itself', () => {
    const bench = new RouteBench();
    const { call } = bench.start({ kind: 'number', number: '+4930123' });
    bench.reject(0, 302, '<sip:+4930124@inside.example>');
    expect(bench.sent[1]?.options.target).toMatchObject({ uri: { host: 'inside.example' }, publicOnly: true });
    bench.sent[1]!.tell({
      type: 'rejected',
      status: 503,
      cause: 'dns',
      response: undefined,
      detail: 'inside.example leads to a private address',
    });
    expect(bench.story(call)).toContain('error 32219');
    expect(call.isOver).toBe(true);
  });

  test('[sip 2.4 target-rest] a target that was silent or gave 503 is told to the gate, one that answered otherwise too', () => {
    const noted: [string, boolean][] = [];
    const bench = new RouteBench();
    bench.targets = ['sip:one.example', 'sip:two.example', 'sip:three.example'];
    const { admit } = bench.trunks;
    bench.trunks = {
      admit(number, request) {
        const admitted = admit(number, request);
        if (!admitted.ok) return admitted;
        return { ok: true, value: { ...admitted.value, noteTarget: ({ host }, isDead) => noted.push([host, isDead]) } };
      },
    };
    bench.start({ kind: 'number', number: '+4930123' });
    bench.sent[0]!.tell({ type: 'rejected', status: 408, cause: 'timeout', response: undefined, detail: 'silence' });
    bench.reject(1, 500);
    bench.reject(2, 503);
    expect(noted).toEqual([
      ['one.example', true],
      ['two.example', false],
      ['three.example', true],
    ]);
  });

  test.each([
    ['outbound-api', undefined],
    ['outbound-dial', OFFICE],
  ] as const)(
    '[sip 7 demo-rest] a %s call: the gate is told the caller’s domain where a caller came in by one',
    (direction, expected) => {
      const bench = new RouteBench();
      const asked: (Domain | undefined)[] = [];
      const { admit } = bench.trunks;
      bench.trunks = {
        admit(number, request) {
          asked.push(request.domain);
          return admit(number, request);
        },
      };
      bench.route({ kind: 'number', number: '+4930123' }, { direction, isOperators: direction === 'outbound-api' });
      expect(asked).toEqual([expected]);
    },
  );

  test('[sip 2.4 redirect] to the trunk’s own host the password goes along', () => {
    const bench = new RouteBench();
    bench.start({ kind: 'number', number: '+4930123' });
    bench.reject(0, 302, '<sip:voicemail@trunk.example>');
    expect(bench.sent[1]?.options.credentials).toEqual({ username: 'trunk-user', password: 'trunk-password' });
  });

  test.each([
    ['no Contact', undefined],
    ['tel:', '<tel:+4930124>'],
    ['nobody', '<sip:203.0.114.9>'],
    ['our own domain', '<sip:alice@office.example>'],
    ['our own address', '<sip:alice@192.0.2.1>'],
    ['a private address', '<sip:x@10.0.0.1>'],
    ['loopback', '<sip:x@127.0.0.1>'],
    ['loopback in IPv6', '<sip:x@[::1]>'],
    ['the hosted vendor', '<sip:x@pbx.sip.twilio.com>'],
    ['a number that may not be dialled', '<sip:+9001@203.0.114.9>'],
  ])('[sip 2.4 redirect-refused] 32219: %s', (_, contact) => {
    const bench = new RouteBench();
    const { call } = bench.start({ kind: 'number', number: '+4930123' });
    bench.reject(0, 302, contact);
    expect(bench.sent).toHaveLength(1);
    expect(bench.story(call)).toContain('error 32219');
    expect(call.record()).toMatchObject({ status: 'failed', sipResponseCode: 302 });
  });

  test('[sip 2.4 redirect-refused] a refused redirect moves on to the next target', () => {
    const bench = new RouteBench();
    bench.targets = ['sip:one.example', 'sip:two.example'];
    bench.start({ kind: 'number', number: '+4930123' });
    bench.reject(0, 302, '<sip:x@10.0.0.1>');
    expect(bench.sent[1]?.options.target).toMatchObject({ uri: { host: 'two.example', user: '+4930123' } });
  });
});

describe('children of a caller', () => {
  const bob: DialTarget = {
    kind: 'sip',
    uri: 'sip:bob@far.example',
    username: undefined,
    password: undefined,
    url: undefined,
    method: 'POST',
    statusCallback: 'http://app/child',
    statusCallbackMethod: 'GET',
    statusCallbackEvents: ['ringing'],
  };

  test('design.md 5.3: Max-Forwards goes down over generations; 32006 and 483 at zero [sip 2.3 max-forwards] [sip 8.4 hops]', async () => {
    const bench = new RouteBench();
    const { call } = bench.inbound({ domain: OFFICE });
    bench.router.noteInbound(call, 3);
    const child = await bench.router.child(call, bob, undefined);
    if (!child.ok) throw new Error(child.error.detail);
    const grandchild = await bench.router.child(child.value, bob, undefined);
    if (!grandchild.ok) throw new Error(grandchild.error.detail);
    expect(await bench.router.child(grandchild.value, bob, undefined)).toMatchObject({
      error: { errorCode: 32006, sipStatus: 483 },
    });
    grandchild.value.start();
    expect(bench.sent[0]!.options.maxForwards).toBe(1);
  });

  test('sip-interface.md 2.2: callerId, else the caller with its display name; own callback [sip 2.2 inherited] [twiml 6.1 caller-id] [twiml 6.2 caller-id-inbound]', async () => {
    const bench = new RouteBench();
    const { call } = bench.inbound({ domain: OFFICE, callerName: 'Alice A.' });
    const plain = await bench.router.child(call, bob, undefined);
    const named = await bench.router.child(call, bob, '+4930555');
    if (!plain.ok || !named.ok) throw new Error('not routed');
    plain.value.start();
    named.value.start();
    expect(bench.sent.map((one) => one.options.from)).toEqual([
      { displayName: 'Alice A.', user: 'alice', host: 'office.example' },
      { displayName: undefined, user: '+4930555', host: 'office.example' },
    ]);
    expect(plain.value.options).toMatchObject({
      parentCallSid: call.sid,
      direction: 'outbound-dial',
      from: 'sip:alice@office.example',
      statusCallback: { url: 'http://app/child', method: 'GET', events: ['ringing'] },
    });
    expect(named.value.options.from).toBe('+4930555');
  });

  test('a full gateway makes no child [twiml 14 account]', async () => {
    const bench = new RouteBench(1);
    const { call } = bench.inbound();
    expect(await bench.router.child(call, bob, undefined)).toMatchObject({
      error: { errorCode: 10004, sipStatus: 503 },
    });
    await settle();
    expect(bench.calls.size).toBe(1);
  });
});

describe('helpers', () => {
  test('sip-interface.md 2.1: the headers a dialled URI may add [sip 2.1 identity-headers] [sip 2.1 header-characters] [sip 10 trap-14]', () => {
    const uri = parseUri(
      'sip:a@b?X-A=1&x-b=2&User-to-User=3&Remote-Party-ID=4&P-Preferred-Identity=5&P-Called-Party-ID=6&From=7&Via=8&X-C=a%0d%0aVia:%20evil',
    );
    if (!uri.ok) throw new Error('not parsed');
    expect(allowedHeaders(uri.value as SipUri).map((header) => header.name)).toEqual([
      'X-A',
      'x-b',
      'User-to-User',
      'Remote-Party-ID',
      'P-Preferred-Identity',
      'P-Called-Party-ID',
    ]);
  });

  for (const [address, user] of [
    ['sip:alice@office.example', 'alice'],
    ['client:bob', 'bob'],
    ['+4930123', '+4930123'],
    ['sip:office.example', 'anonymous'],
    ['', 'anonymous'],
  ] as const) {
    test(`user of ${address || 'nothing'}: ${user}`, () => expect(userOf(address)).toBe(user));
  }
});
