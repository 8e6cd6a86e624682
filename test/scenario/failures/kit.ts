// What the scenarios of failing servers share: servers that fail in every way that an application knows, documents by dialled user, and
// the proof that nothing is left behind.

import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import type { Phone, PhoneCall } from '../../../src/demo/phone.ts';
import type { AppAnswer, AppRequest } from '../../support/fake-app.ts';
import { nonZero } from '../../support/gateway-process.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, dials, expectEvent, twiml, type World } from '../../support/world.ts';

/** A way in which the document at a URL fails. */
export interface Failure {
  readonly name: string;
  /** URL to ask; what answers there is set up. */
  readonly url: string;
  /** twiml.md 2.4. */
  readonly code: number;
}

const xml = (body: string | Buffer): AppAnswer => ({ headers: { 'Content-Type': 'text/xml' }, body });

const ENTITIES = Array.from({ length: 10 }, (_, depth) => `<!ENTITY e${depth + 1} "${`&e${depth};`.repeat(10)}">`).join(
  '',
);
const BOMB = `<?xml version="1.0"?><!DOCTYPE r [<!ENTITY e0 "ha">${ENTITIES}]><Response><Say>&e10;</Say></Response>`;

/** Answers by name, with the code that each gives where TwiML is expected. */
const answers: Readonly<Record<string, readonly [code: number, answer: (w: World) => AppAnswer]>> = {
  '500': [11217, () => ({ status: 500, ...xml('<Response/>') })],
  '404': [11217, () => ({ status: 404, body: 'not found' })],
  'a web page': [12102, () => ({ headers: { 'Content-Type': 'text/html' }, body: '<html><body>Hi</body></html>' })],
  'a web page that is no XML': [
    12100,
    () => ({ headers: { 'Content-Type': 'text/html' }, body: '<!doctype html><br>Hi<p>there' }),
  ],
  JSON: [12300, () => ({ headers: { 'Content-Type': 'application/json' }, body: '{"ok":true}' })],
  'broken XML': [12100, () => xml('<Response><Say>a</Response>')],
  'ten megabytes': [11750, () => xml(Buffer.alloc(10 * 1024 * 1024, 'a'))],
  'invalid UTF-8': [12100, () => xml(Buffer.from('<Response><Say>caf\xe9</Say></Response>', 'latin1'))],
  'an entity bomb': [12100, () => xml(BOMB)],
  'external entities': [
    12100,
    (w) =>
      xml(
        `<?xml version="1.0"?><!DOCTYPE r SYSTEM "${w.app.url('/stolen/dtd')}" [<!ENTITY % p SYSTEM "${w.app.url('/stolen/parameter')}">%p;` +
          `<!ENTITY f SYSTEM "file:///etc/passwd"><!ENTITY h SYSTEM "${w.app.url('/stolen/entity')}">]><Response><Say>&f;&h;</Say></Response>`,
      ),
  ],
  'endless redirects': [11215, () => ({ status: 302, headers: { Location: 'endless-redirects' } })],
  'a redirect to nowhere': [11216, () => ({ status: 302, headers: { Location: 'ftp://example.test/' } })],
};

const pathOf = (name: string): string => name.replaceAll(/[^A-Za-z0-9]+/g, '-').toLowerCase();

/** Every failing document there is, served below `path`. */
export async function failingDocuments(w: World, path: string): Promise<Failure[]> {
  const rows = Object.entries(answers).map(([name, [code, answer]]) => {
    const at = `${path}/${pathOf(name)}`;
    w.app.on(at, answer(w));
    return { name, code, url: w.app.url(at) };
  });
  const dripping = `${path}/dripping`;
  w.app.on(dripping, (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/xml' });
    const drip = setInterval(() => response.write(' '), 50);
    response.on('close', () => clearInterval(drip));
    return undefined;
  });
  const endless = { name: 'an answer that never ends', code: 11203, url: `${w.app.url(dripping)}#tt=400` };
  return [...rows, endless, ...(await unreachable(w, path))];
}

/** Servers that cannot be talked to, whatever is asked for. */
export async function unreachable(w: World, path: string): Promise<Failure[]> {
  const silent = `${path}/silent`;
  w.app.on(silent, () => undefined);
  const broken = `${path}/broken-off`;
  w.app.on(broken, (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/xml', 'Content-Length': '1000' });
    response.write('<Response><Say>');
    setImmediate(() => response.destroy());
    return undefined;
  });
  const noHttp = await garbageServer();
  return [
    { name: 'no answer', code: 11200, url: `${w.app.url(silent)}#rt=200` },
    { name: 'an answer that breaks off', code: 11205, url: w.app.url(broken) },
    { name: 'nobody listens', code: 11202, url: 'http://127.0.0.1:1/voice' },
    { name: 'no HTTP', code: 11206, url: `http://127.0.0.1:${noHttp}/voice` },
    { name: 'no such host', code: 11210, url: 'http://nowhere.invalid/voice' },
  ];
}

/** A TCP server that speaks no HTTP; gives its port. */
async function garbageServer(): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => socket.end('\x00\xff\xfe these are not the bytes you look for\r\n\r\n'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

/** Time passes faster for what verbs wait for. */
export const settings = { clockRate: 4, domain: { voiceStatusCallbackUrl: undefined } };

/** A phone that makes a call for each row. */
export const manyCalls = { mediaPorts: 100 } as const;

/** A failure, and the user at whom a call meets it. */
export interface Row extends Failure {
  readonly user: string;
}

export async function documentRows(w: World, path = '/broken'): Promise<Row[]> {
  return (await failingDocuments(w, path)).map((failure, index) => ({ ...failure, user: `u${index}` }));
}

export interface RowCall {
  readonly row: Row;
  readonly call: PhoneCall;
  readonly sid: string;
  readonly phone: Phone;
}

/** A call of alice for each row, side by side. */
export async function callsOf(w: World, rows: readonly Row[]): Promise<RowCall[]> {
  const phone = await w.phone('alice', manyCalls);
  return Promise.all(
    rows.map(async (row) => {
      const call = await talks(w, phone, row.user);
      const { params } = await askedFor(w, row.user);
      return { row, call, sid: params.CallSid ?? '', phone };
    }),
  );
}

export const press = (call: PhoneCall, digits: string): Promise<void> =>
  call.play([{ kind: 'digits', digits }], DEADLINE_MS);

export const userOf = (request: AppRequest): string => /^sip:([^@]*)@/.exec(request.params.To ?? '')?.[1] ?? '';

/** Makes the application answer /voice by the user that was dialled: what stands for each is TwiML verbs. */
export function answersByUser(w: World, verbs: (user: string) => string): void {
  w.app.on('/voice', (request) => twiml(verbs(userOf(request))));
}

/** The first request of a call to `user`. */
export const askedFor = (w: World, user: string, path = '/voice'): Promise<AppRequest> =>
  until(
    () => w.app.requestsTo(path).find((request) => userOf(request) === user),
    DEADLINE_MS,
    () => `a request for ${user} to ${path}`,
  );

export async function talks(w: World, phone: Phone, user: string): Promise<PhoneCall> {
  const call = dials(phone, w.uri(user));
  await expectEvent(phone, call, 'answered');
  return call;
}

/** Codes that the log has for a call, once `code` is among them. */
export async function logged(w: World, callSid: string, code: number): Promise<number[]> {
  const codes = () =>
    w.log
      .flatMap((line) => line.split('\n'))
      .filter((line) => line.includes(callSid))
      .flatMap((line) => /"errorCode":(\d+)/.exec(line)?.[1] ?? [])
      .map(Number);
  await until(
    () => codes().includes(code),
    DEADLINE_MS,
    () => `${code} for ${callSid}; got ${codes()}\n${w.log.filter((line) => line.includes(callSid)).join('')}`,
  );
  return codes();
}

/** What goes by itself after its time: RFC 3261 timers, ports at rest. */
const RESTING = ['media.portsResting', 'transactions'];

/** Idle, every count zero but those of what rests or is kept on purpose, and no external entity was asked for. */
export async function nothingIsLeft(w: World, kept: readonly string[] = []): Promise<void> {
  await w.isIdle();
  const left = () =>
    nonZero(w.gateway.counts()).filter((line) => ![...RESTING, ...kept].some((one) => line.startsWith(one)));
  await until(
    () => left().length === 0,
    DEADLINE_MS,
    () => `left: ${left().join(', ')}`,
  );
  expect(w.app.requests.filter(({ path }) => path.startsWith('/stolen'))).toEqual([]);
  // An error that is no documented number is a fault of ours.
  const isFault = (line: string) => /"level":"(error|fatal)"/.test(line) && !/"errorCode":\d/.test(line);
  expect(w.log.filter((line) => isFault(line) || /fault|TypeError|RangeError|unhandled/i.test(line))).toEqual([]);
}
