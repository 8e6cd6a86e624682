import { expect, test } from 'vitest';
import { fillTemplate } from '../../../src/twiml/template.ts';
import { childElements, parseXml, textOf } from '../../../src/twiml/xml.ts';

const params = new Map([
  ['To', 'sip:+4930123@pbx.sip.localhost'],
  ['From', '+4989777'],
  ['SipHeader_X-Tenant', 'a"><Hangup/>&'],
  ['Odd', 'a\r\nb'],
]);
const fill = (text: string) => fillTemplate(text, params);

test.each([
  ['{{To}}', 'sip:+4930123@pbx.sip.localhost'],
  ['{{ ToUser }}/{{FromUser}}', '+4930123/+4989777'],
  ['{{Nothing}}', ''],
  ['{{SipHeader_X-Tenant}}', 'a&quot;&gt;&lt;Hangup/&gt;&amp;'],
  ['{{Odd}}', 'a  b'],
  ['{To} {{}} {{1}} {{ a b }}', '{To} {{}} {{1}} {{ a b }}'],
  ['{{{To}}}', '{sip:+4930123@pbx.sip.localhost}'],
])('%s', (template, filled) => {
  expect(fill(template)).toBe(filled);
});

test('what a caller writes stays text, in content and in attributes', () => {
  const tenant = params.get('SipHeader_X-Tenant');
  const filled = fill('<Response><Say voice="{{SipHeader_X-Tenant}}">{{SipHeader_X-Tenant}}</Say></Response>');
  const document = parseXml(filled);
  if (!document.ok) throw new Error(filled);
  const [say, ...others] = childElements(document.value);
  expect(others).toEqual([]);
  expect(say && textOf(say)).toBe(tenant);
  expect(say?.attributes.get('voice')).toBe(tenant);
});

test('a value is bounded', () => {
  expect(fillTemplate('{{A}}', new Map([['A', 'x'.repeat(10_000)]]))).toHaveLength(512);
});
