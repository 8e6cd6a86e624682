// A declared trunk that registers with its carrier (sip-interface.md 7, ours): a registrar that was written for this test challenges it,
// computes the digest by itself, calls the Contact that it was given, and is told when the gateway goes.

import { createHash } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { createResponse } from '../../../src/sip/grammar/build.ts';
import type { Request, Response } from '../../../src/sip/grammar/message.ts';
import { RawCarrier } from '../../support/raw-carrier.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, type World, world } from '../../support/world.ts';

const USER = 'customer-7';
const SECRET = 'the password of the line';
const REALM = 'carrier.example';
const NONCE = 'a-nonce-of-the-carrier';

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const param = (header: string, name: string): string =>
  new RegExp(`${name}=(?:"([^"]*)"|([^\\s,]+))`)
    .exec(header)
    ?.slice(1)
    .find((text) => text !== undefined) ?? '';

/** RFC 2617 3.2.2.1, qop=auth. */
function isRight(header: string): boolean {
  const [uri, nc, cnonce] = ['uri', '[^c]nc', 'cnonce'].map((name) => param(header, name)) as [string, string, string];
  const expected = md5(`${md5(`${USER}:${REALM}:${SECRET}`)}:${NONCE}:${nc}:${cnonce}:auth:${md5(`REGISTER:${uri}`)}`);
  return (
    param(header, 'username') === USER && param(header, 'nonce') === NONCE && param(header, 'response') === expected
  );
}

function registrar(request: Request): Response {
  const credentials = request.headers.get('authorization');
  if (credentials === undefined) {
    const value = `Digest realm="${REALM}", nonce="${NONCE}", qop="auth"`;
    return createResponse(request, 401, { toTag: 'r', headers: [{ name: 'WWW-Authenticate', value }] });
  }
  if (!isRight(credentials)) return createResponse(request, 403, { toTag: 'r' });
  const contact = request.headers.get('contact') ?? '';
  return createResponse(request, 200, { toTag: 'r', headers: [{ name: 'Contact', value: contact }] });
}

async function registeredWorld(trunk: Readonly<Record<string, unknown>> = {}) {
  const carrier = await RawCarrier.open();
  onTestFinished(() => carrier.close());
  carrier.onRegister = registrar;
  const w = await world({
    settings: {
      trunks: [
        {
          name: 'carrier',
          host: '127.0.0.1',
          port: carrier.port,
          optionsSeconds: 0,
          register: true,
          registerSeconds: 600,
          username: USER,
          password: SECRET,
          twiml: '<Response><Reject reason="busy"/></Response>',
          ...trunk,
        },
      ],
    },
    domain: { byocTrunk: 'carrier' },
  });
  return { w, carrier };
}

const stateOf = (w: World) =>
  (w.gateway.counts() as { trunks: { registrations: { name: string; state: string; status: number }[] } }).trunks
    .registrations[0];

const isIn = (w: World, state: string) =>
  until(
    () => stateOf(w)?.state === state,
    DEADLINE_MS,
    () => JSON.stringify(stateOf(w)),
  );

/** An INVITE without offer, to `uri`. */
const invite = (uri: string, port: number, callId: string): string =>
  [
    `INVITE ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${callId};rport`,
    `From: <sip:+4930555@carrier.example>;tag=c`,
    `To: <${uri}>`,
    `Call-ID: ${callId}`,
    'CSeq: 1 INVITE',
    `Contact: <sip:carrier@127.0.0.1:${port}>`,
    'Max-Forwards: 70',
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');

const final = (carrier: RawCarrier, callId: string) =>
  until(
    () => carrier.responses.find((response) => response.callId === callId && response.status >= 200),
    DEADLINE_MS,
    () => `a final response; got ${carrier.responses.map(({ status }) => status).join(' ')}`,
  );

test('[sip 7 register] a trunk registers with digest, is called at its Contact without any, and unregisters', async () => {
  const { w, carrier } = await registeredWorld();
  await isIn(w, 'registered');
  const [first, second] = carrier.requests.filter(({ method }) => method === 'REGISTER');
  expect(first?.headers.get('authorization')).toBeUndefined();
  expect(second?.to.uri).toMatchObject({ user: USER });
  expect(second?.headers.get('contact')).toContain('expires=600');
  const contact = /<([^>]+)>/.exec(second?.headers.get('contact') ?? '')?.[1] ?? '';

  // The domain asks everybody else for a password; the trunk's document says busy.
  carrier.send(invite(contact, carrier.port, 'from-carrier'), w.port('udp'));
  expect((await final(carrier, 'from-carrier')).status).toBe(486);
  const sent = carrier.requests.length;
  await w.restart();
  const last = await until(
    () => carrier.requests.slice(sent).find(({ method }) => method === 'REGISTER'),
    DEADLINE_MS,
    () => 'no REGISTER at the end',
  );
  expect(last.headers.get('contact')).toContain('expires=0');
  expect(last.callId).toBe(second?.callId);
});

test('[sip 7 registered-contact] the same Contact called from another address is a stranger’s call', async () => {
  const { w, carrier } = await registeredWorld();
  await isIn(w, 'registered');
  const contact = /<([^>]+)>/.exec(carrier.requests[1]?.headers.get('contact') ?? '')?.[1] ?? '';
  const stranger = await RawCarrier.open('127.0.0.2');
  onTestFinished(() => stranger.close());
  stranger.send(invite(contact, stranger.port, 'stranger'), w.port('udp'));
  expect((await final(stranger, 'stranger')).status).toBe(407);
  expect(w.app.requests).toEqual([]);
});

test('[sip 7 register-denied] a wrong password: the refusal is shown, and said in the log', async () => {
  const { w, carrier } = await registeredWorld({ password: 'another one' });
  await until(
    () => stateOf(w)?.status === 403,
    DEADLINE_MS,
    () => JSON.stringify(stateOf(w)),
  );
  expect(stateOf(w)?.state).not.toBe('registered');
  expect(carrier.requests.filter(({ method }) => method === 'REGISTER')).toHaveLength(2);
  expect(w.log.join('')).toMatch(/403/);
  expect(w.log.join('')).not.toContain('another one');
});
