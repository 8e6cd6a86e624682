import { describe, expect, test } from 'vitest';
import { callParams, documentParams, inboundSipParams } from '../../../src/call/params.ts';
import {
  byeHeaders,
  customHeaders,
  headerFields,
  legHeaders,
  webhookHeaders,
} from '../../../src/call/relay-headers.ts';
import type { Request } from '../../../src/sip/grammar/message.ts';
import { parseMessage } from '../../../src/sip/grammar/parse.ts';
import { CallBench, domainRecord } from '../../support/call-fakes.ts';

function invite(...headers: string[]): Request {
  const lines = [
    'INVITE sip:1000@office.example SIP/2.0',
    'Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1',
    'From: <sip:alice@office.example>;tag=1',
    'To: <sip:other@office.example>',
    'Call-ID: abc@phone',
    'CSeq: 1 INVITE',
    'Max-Forwards: 70',
    ...headers,
    'Content-Length: 0',
  ];
  const parsed = parseMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\n`));
  if (!parsed.ok || parsed.value.kind !== 'request') throw new Error('not a request');
  return parsed.value;
}

describe('twiml.md 3.1: standard parameters', () => {
  // holds: [twiml 3.1 call-sid] [twiml 3.1 account-sid] [twiml 3.1 call-status] [twiml 3.1 api-version]
  // holds: [twiml 3.1 caller-called] [twiml 3.1 nothing-made-up] [twiml 3.4 ringing] [twiml 3.4 in-progress]
  // holds: [twiml 16 point-22]
  test('of an inbound call, as it is now [sip 1.3 standard-parameters] [sip 9 shaken-nothing-made-up]', async () => {
    const { call } = new CallBench().inbound({ sipParams: new Map([['SipDomain', 'office.example']]) });
    expect(Object.fromEntries(callParams(call))).toEqual({
      CallSid: call.sid,
      AccountSid: call.options.accountSid,
      ApiVersion: '2010-04-01',
      CallStatus: 'ringing',
      Direction: 'inbound',
      From: 'sip:alice@office.example',
      To: 'sip:1000@office.example',
      Caller: 'sip:alice@office.example',
      Called: 'sip:1000@office.example',
      SipDomain: 'office.example',
    });
    await call.answer();
    expect(callParams(call).get('CallStatus')).toBe('in-progress');
  });

  test('ParentCallSid on children only [sip 1.3 parent-call-sid] [twiml 3.1 parent-call-sid]', () => {
    const { call } = new CallBench().outbound({ parentCallSid: 'CA1' });
    expect(callParams(call).get('ParentCallSid')).toBe('CA1');
  });
});

describe('sip-interface.md 2.5: a document for a callee', () => {
  test('how it was reached, and the X-headers of its 200 [sip 2.5 screening-sip-call-id] [sip 2.5 screening-source-ip] [sip 2.5 screening-headers] [twiml 3.3 screening-sip]', () => {
    const { call, leg } = new CallBench().outbound({ to: 'sip:bob@office.example', domain: domainRecord() });
    call.start();
    leg.answers([
      ['X-Room', '7'],
      ['X-Room', '8'],
    ]);
    expect(Object.fromEntries(documentParams(call))).toMatchObject({
      SipCallId: 'call-id@fake',
      SipSourceIp: '192.0.2.7',
      SipDomain: 'office.example',
      SipDomainSid: domainRecord().sid,
      'SipHeader_X-Room': '7, 8',
    });
  });

  test('no SipDomainSid for a host that is not ours, no SipDomain for a number [sip 2.5 screening-sip-domain]', () => {
    const bench = new CallBench();
    const far = bench.outbound({ to: 'sip:bob@far.example', domain: domainRecord() });
    expect([...documentParams(far.call).keys()]).toContain('SipDomain');
    expect([...documentParams(far.call).keys()]).not.toContain('SipDomainSid');
    const number = bench.outbound({ to: '+4930123', domain: domainRecord() });
    expect([...documentParams(number.call).keys()]).not.toContain('SipDomain');
  });

  test('an inbound call has its own already', () => {
    const { call } = new CallBench().inbound({ sipParams: new Map([['SipCallId', 'of the INVITE']]) });
    expect(documentParams(call)).toEqual(callParams(call));
  });
});

describe('twiml.md 3.2: SIP parameters of an INVITE', () => {
  // holds: [twiml 3.2 sip-domain] [twiml 3.2 sip-call-id] [twiml 3.2 sip-source-ip] [twiml 3.2 sip-headers]
  // holds: [twiml 16 point-21]
  test('domain, Call-ID, source, user, X-headers and User-to-User; equal names joined (RFC 3261 7.3.1) [sip 1.3 sip-domain] [sip 1.3 sip-call-id] [sip 1.3 sip-source-ip] [sip 1.3 sip-header-repeated]', () => {
    const request = invite(
      'X-A: 1',
      'x-b: p=1;q=2',
      'User-to-User: u',
      'X-A: 2',
      'P-Asserted-Identity: <sip:x@y>',
      'Subject: s',
    );
    expect(Object.fromEntries(inboundSipParams(request, domainRecord(), '192.0.2.7', 'alice'))).toEqual({
      SipDomain: 'office.example',
      SipDomainSid: domainRecord().sid,
      SipCallId: 'abc@phone',
      SipSourceIp: '192.0.2.7',
      SipUsername: 'alice',
      'SipHeader_X-A': '1, 2',
      'SipHeader_x-b': 'p=1;q=2',
      'SipHeader_User-to-User': 'u',
    });
  });

  test('what came with the INVITE goes with every request of the leg, after the answer too [twiml 3.2 every-request]', async () => {
    const sipParams = inboundSipParams(invite('X-A: 1'), domainRecord(), '192.0.2.7', 'alice');
    const { call } = new CallBench().inbound({ sipParams });
    const before = documentParams(call);
    await call.answer();
    const after = documentParams(call);
    for (const [name, value] of sipParams)
      expect([name, before.get(name), after.get(name)]).toEqual([name, value, value]);
    expect(after.get('CallStatus')).toBe('in-progress');
  });

  test('signed calls are a matter of trunks: what a phone claims is none of it [sip 9 shaken-nothing-made-up] [twiml 3.1 stir]', () => {
    const claims = [
      'P-Asserted-Identity: <sip:+4930111;verstat=TN-Validation-Passed@x>',
      'X-Twilio-VerStat: TN-Validation-Passed-A',
      'Identity: aGVhZA.Ym9keQ.c2ln;info=<https://x/c>;ppt=shaken',
    ];
    const stir = (byocTrunkSid: string | null) =>
      [...inboundSipParams(invite(...claims), domainRecord({ byocTrunkSid }), '192.0.2.7', undefined).keys()].filter(
        (name) => name.startsWith('Stir'),
      );
    expect(stir(null)).toEqual([]);
    expect(stir('BY1')).toEqual(['StirVerstat', 'StirPassportToken']);
  });

  test.each([
    ['a number', '<sip:+4930111@carrier.example>;reason=unconditional', '+4930111'],
    ['of several the last one, which stands first', '<sip:300@a>;reason=user-busy, <sip:100@a>', '300'],
    ['a host alone', '<sip:desk.example;transport=tcp>', 'sip:desk.example;transport=tcp'],
    ['tel', '<tel:+4930222;x=1>', '+4930222'],
    ['what cannot be read', '<<<', undefined],
  ])(
    'Diversion becomes ForwardedFrom: %s [sip 1.3 forwarded-from] [twiml 3.1 forwarded-from]',
    (_name, diversion, forwardedFrom) => {
      const request = invite(`Diversion: ${diversion}`);
      for (const byocTrunkSid of [null, 'BY1']) {
        const params = inboundSipParams(request, domainRecord({ byocTrunkSid }), '192.0.2.7', undefined);
        expect(params.get('ForwardedFrom')).toBe(forwardedFrom);
        expect([...params.keys()].filter((name) => name.startsWith('SipHeader_'))).toEqual([]);
      }
    },
  );

  test('no SipUsername without digest; no headers at all behind a BYOC trunk [sip 1.3 sip-username] [sip 1.3 byoc-no-headers] [twiml 3.2 sip-username]', () => {
    const params = inboundSipParams(invite('X-A: 1'), domainRecord({ byocTrunkSid: 'BY1' }), '::1', undefined);
    expect([...params.keys()]).toEqual(['SipDomain', 'SipDomainSid', 'SipCallId', 'SipSourceIp']);
  });
});

describe('which headers cross the gateway', () => {
  test('sip-interface.md 2.5: to the action only X-headers, spelling and order kept [sip 2.5 only-x-headers]', () => {
    const request = invite('x-b: 2', 'User-to-User: u', 'X-A: 1');
    expect(customHeaders(request)).toEqual([
      ['x-b', '2'],
      ['X-A', '1'],
    ]);
    expect(customHeaders(undefined)).toEqual([]);
  });

  test('sip-interface.md 1.3: to the webhook User-to-User too [sip 1.3 other-headers]', () => {
    expect(webhookHeaders(invite('user-to-user: u', 'Diversion: <sip:x@y>', 'X-A: 1'))).toEqual([
      ['user-to-user', 'u'],
      ['X-A', '1'],
    ]);
  });

  test('sip-interface.md 2.3: the headers that name a leg, and those of a BYE [sip 2.3 account-sid] [sip 2.3 bye-reason] [twiml 6.6 leg-headers]', () => {
    expect(legHeaders('CA1', 'AC1')).toEqual(
      headerFields([
        ['X-Twilio-CallSid', 'CA1'],
        ['X-Twilio-AccountSid', 'AC1'],
        ['X-Twilio-ApiVersion', '2010-04-01'],
      ]),
    );
    // RFC 3891 5.
    expect(legHeaders('CA1', 'AC1', true).at(-1)).toEqual({ name: 'Supported', value: 'replaces' });
    expect(byeHeaders('CA1')).toEqual(
      headerFields([
        ['Reason', 'Q.850;cause=16;text="Normal call clearing"'],
        ['X-Twilio-CallSid', 'CA1'],
      ]),
    );
  });
});
