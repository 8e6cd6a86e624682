import { describe, expect, test } from 'vitest';
import { dial } from '../../../../../src/twiml/verbs/dial.ts';
import { parsedValue, parseVerb } from '../../kit.ts';

// twiml.md 6.7: noun, identity (undefined = none is dialled), parameters, warnings.
const rows: [xml: string, identity: string | undefined, parameters: [string, string][], codes: number[]][] = [
  ['<Client>bob</Client>', 'bob', [], []],
  ['<Client> bob </Client>', 'bob', [], []],
  ['<Client><Identity>bob</Identity><Parameter name="a" value="1"/></Client>', 'bob', [['a', '1']], []],
  ['<Client><Identity>user@domain.test</Identity></Client>', 'user@domain.test', [], []],
  ['<Client/>', undefined, [], [13215]],
  [`<Client>${'x'.repeat(257)}</Client>`, undefined, [], [13215]],
  ['<Client>a&#10;b</Client>', undefined, [], [13215]],
  ['<Client><Identity>b</Identity><Parameter value="1"/></Client>', 'b', [], [12200]],
  [`<Client><Identity>b</Identity><Parameter name="a" value="${'x'.repeat(500)}"/></Client>`, 'b', [], [12200]],
  ['<Client clientNotificationUrl="/n">b</Client>', 'b', [], [13750]],
];

// holds: [twiml 6.7 identity] [twiml 6.7 parameters] [twiml 6.7 notification-url]
describe('twiml.md 6.7 Client', () => {
  test.each(rows)('%s', (xml, identity, parameters, codes) => {
    const parsed = parsedValue(parseVerb(dial, `<Dial>${xml}</Dial>`));
    const [target] = parsed.value.options.targets;
    expect(parsed.codes).toEqual(codes);
    if (identity === undefined) expect(target).toBeUndefined();
    else expect(target).toMatchObject({ kind: 'client', identity, parameters });
  });
});
