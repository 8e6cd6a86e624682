// Refer: its attribute table, what is written into Refer-To, and what its outcomes become (twiml.md 5.10).

import { describe, expect, test } from 'vitest';
import { actionParams, refer } from '../../../../src/twiml/verbs/refer.ts';
import { FakeCallControl, referredOutcome } from '../../../support/fake-call-control.ts';
import { parsedValue, parseVerb, runVerb } from '../kit.ts';

const SIP = '<Sip>sip:carol@example.com</Sip>';

describe('twiml.md 5.10 Refer: attributes [sip 5.1 refer-attributes] [twiml 5.10 action] [twiml 5.10 method]', () => {
  test.each<[string, object, number[]]>([
    ['', { action: undefined, method: 'POST' }, []],
    ['action="/done"', { action: 'https://app.example.test/done' }, []],
    ['action="/done" method="GET"', { method: 'GET' }, []],
    ['method="PUT"', { method: 'POST' }, [12200]],
  ])('%s', (attribute, expected, codes) => {
    const parsed = parsedValue(parseVerb(refer, `<Refer ${attribute}>${SIP}</Refer>`));
    expect(parsed.value).toMatchObject(expected);
    expect(parsed.codes).toEqual(codes);
  });

  test('11100: an action that cannot be resolved fails the verb', () => {
    const parsed = parseVerb(refer, `<Refer action="/done">${SIP}</Refer>`, { documentUrl: undefined });
    expect(!parsed.ok && parsed.error.code).toBe(11100);
  });
});

describe('[sip 5.1 refer-target] the URI goes into Refer-To as written, any header allowed [twiml 5.10 sip]', () => {
  test.each<[string, string | undefined]>([
    ['sip:carol@example.com', 'sip:carol@example.com'],
    ['carol@example.com', 'sip:carol@example.com'],
    [' sips:carol@example.com;transport=tls ', 'sips:carol@example.com;transport=tls'],
    [
      'sip:c@example.com?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2',
      'sip:c@example.com?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2',
    ],
    ['sip:c@example.com?Subject=x&amp;X-A=1', 'sip:c@example.com?Subject=x&X-A=1'],
    ['', undefined],
    ['sip:', undefined],
    ['tel:+4930', undefined],
    ['sip:a b@example.com', undefined],
    ['sip:c@example.com&gt;,&lt;sip:d@example.com', undefined],
    ['sip:c@example.com&#13;&#10;X-Evil: 1', undefined],
    [`sip:c@example.com?X-A=${'a'.repeat(1_300)}`, undefined],
  ])('%j', (text, target) => {
    const parsed = parsedValue(parseVerb(refer, `<Refer><Sip>${text}</Sip></Refer>`));
    expect(parsed.value.target).toBe(target);
    expect(parsed.codes).toEqual(target === undefined ? [13243] : []);
  });

  test('without a Sip, and with two [twiml 5.10 sip]', () => {
    expect(parsedValue(parseVerb(refer, '<Refer/>'))).toMatchObject({ value: { target: undefined }, codes: [13243] });
    const two = parsedValue(parseVerb(refer, `<Refer>${SIP}<Sip>sip:dora@example.com</Sip></Refer>`));
    expect(two).toMatchObject({ value: { target: 'sip:carol@example.com' }, codes: [12200] });
  });

  test('headers are not shown in the trace', () => {
    expect(refer.describe({ action: undefined, method: 'POST', target: 'sip:c@example.com?X-Pin=1234' })).toBe(
      'sip:c@example.com',
    );
  });
});

// holds: [twiml 5.10 succeeded] [twiml 5.10 new-call-failed] [twiml 5.10 refused] [twiml 5.10 no-notify]
describe('twiml.md 5.10: outcome → parameters of the action [sip 5.1 refer-notify-200] [twiml 3.3 refer]', () => {
  test.each([
    [{ status: 'in-progress', sipResponseCode: 202, notifyResponseCode: 200 }, ['in-progress', '202', '200']],
    [{ status: 'busy', sipResponseCode: 202, notifyResponseCode: 486 }, ['busy', '202', '486']],
    [{ status: 'failed', sipResponseCode: 405, notifyResponseCode: undefined }, ['failed', '405', undefined]],
    [{ status: 'canceled', sipResponseCode: 202, notifyResponseCode: 180 }, ['canceled', '202', '180']],
    [{ status: undefined, sipResponseCode: 202, notifyResponseCode: undefined }, [undefined, '202', undefined]],
  ] as const)('%j', (outcome, [status, code, notified]) => {
    const params = actionParams({ ...outcome, isPossible: true });
    expect([
      params.get('ReferCallStatus'),
      params.get('ReferSipResponseCode'),
      params.get('NotifySipResponseCode'),
    ]).toEqual([status, code, notified]);
  });
});

describe('twiml.md 5.10: flow', () => {
  test('an unanswered leg is answered, then the REFER goes out; the action takes over [twiml 16 point-18]', async () => {
    const { result, control } = await runVerb(refer, `<Refer action="/done">${SIP}</Refer>`);
    expect(control.done).toEqual(['answer', 'refer sip:carol@example.com']);
    expect(result).toMatchObject({ kind: 'redirect', url: 'https://app.example.test/done', outcome: 'in-progress' });
  });

  test('without action the next verb follows [twiml 5.10 action]', async () => {
    const { result } = await runVerb(refer, `<Refer>${SIP}</Refer>`);
    expect(result).toEqual({ kind: 'next', outcome: 'in-progress', waited: true });
  });

  test('the caller hangs up meanwhile: the action is told, its answer is ignored [twiml 4.2 refer-hangup] [twiml 5.10 caller-leaves]', async () => {
    const control = new FakeCallControl();
    control.referOutcomes = [{ ...referredOutcome, status: 'canceled', notifyResponseCode: 180 }];
    control.during = (action) => action.startsWith('refer') && control.call.abort();
    const { result, ignored } = await runVerb(refer, `<Refer action="/done">${SIP}</Refer>`, control);
    expect(result.kind).toBe('end');
    expect(ignored).toMatchObject([{ params: { ReferCallStatus: 'canceled', NotifySipResponseCode: '180' } }]);
  });

  test('a URI that cannot be used: nothing is sent, the action is told of a failure [twiml 5.10 unusable]', async () => {
    const { result, control } = await runVerb(refer, '<Refer action="/done"><Sip>sip:</Sip></Refer>');
    expect(control.done).toEqual(['answer']);
    expect(result.kind === 'redirect' && Object.fromEntries(result.params)).toEqual({ ReferCallStatus: 'failed' });
  });

  test('[sip 5.1 refer-non-sip] 13801 on a leg that is no SIP leg [twiml 5.10 non-sip] [twiml 14 refer]', async () => {
    const control = new FakeCallControl();
    control.referOutcomes = [
      { status: 'failed', sipResponseCode: undefined, notifyResponseCode: undefined, isPossible: false },
    ];
    const { result, notices } = await runVerb(refer, `<Refer>${SIP}</Refer>`, control);
    expect(notices).toMatchObject([{ level: 'error', code: 13801 }]);
    expect(result.kind).toBe('next');
  });
});
