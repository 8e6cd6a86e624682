import { describe, expect, test } from 'vitest';
import { dial } from '../../../../../src/twiml/verbs/dial.ts';
import { parsedValue, parseVerb } from '../../kit.ts';

const parse = (sip: string, random = 0) => {
  const parsed = parsedValue(parseVerb(dial, `<Dial>${sip}</Dial>`, { random: () => random }));
  const targets = parsed.value.options.targets.flatMap((target) => (target.kind === 'sip' ? [target] : []));
  return { targets, codes: parsed.codes, sequential: parsed.value.options.sequential };
};

// twiml.md 6.3 and 6.6: attribute, field, warnings.
const attributes: [attribute: string, expected: Record<string, unknown>, codes: number[]][] = [
  [
    '',
    { url: undefined, method: 'POST', statusCallback: undefined, statusCallbackEvents: [], username: undefined },
    [],
  ],
  ['url="/screen"', { url: 'https://app.example.test/screen' }, []],
  ['url=""', { url: undefined }, []],
  ['url="mailto:x"', { url: undefined }, [11100]],
  ['method="GET"', { method: 'GET' }, []],
  ['method="DO"', { method: 'POST' }, [13241]],
  ['statusCallback="/s"', { statusCallback: 'https://app.example.test/s', statusCallbackEvents: ['completed'] }, []],
  [
    'statusCallback="/s" statusCallbackEvent="ringing initiated"',
    { statusCallbackEvents: ['initiated', 'ringing'] },
    [],
  ],
  ['statusCallback="/s" statusCallbackEvent="ringing sang"', { statusCallbackEvents: ['ringing'] }, [12200]],
  ['statusCallback="/s" statusCallbackMethod="GET"', { statusCallbackMethod: 'GET' }, []],
  ['username="u" password="p"', { username: 'u', password: 'p' }, []],
  ['password="p"', { username: undefined, password: undefined }, [13249]],
  ['username="a&#10;b"', { username: undefined }, [13249]],
  [
    'machineDetection="Enable"',
    {
      machineDetection: {
        mode: 'Enable',
        timeoutMs: 30_000,
        speechThresholdMs: 2_400,
        speechEndThresholdMs: 1_200,
        silenceTimeoutMs: 5_000,
        isAsync: true,
        callback: null,
      },
    },
    [],
  ],
  [
    'machineDetection="DetectMessageEnd" machineDetectionTimeout="60" machineDetectionSpeechThreshold="1000" ' +
      'machineDetectionSpeechEndThreshold="500" machineDetectionSilenceTimeout="10000" amdStatusCallback="/amd" amdStatusCallbackMethod="GET"',
    {
      machineDetection: {
        mode: 'DetectMessageEnd',
        timeoutMs: 60_000,
        speechThresholdMs: 1_000,
        speechEndThresholdMs: 500,
        silenceTimeoutMs: 10_000,
        isAsync: true,
        callback: { url: 'https://app.example.test/amd', method: 'GET' },
      },
    },
    [],
  ],
  ['machineDetection="Maybe"', { machineDetection: undefined }, [21263]],
  ['machineDetectionTimeout="61"', { machineDetection: undefined }, [21263]],
  [
    'machineDetection="Enable" machineDetectionSpeechThreshold="999"',
    { machineDetection: expect.objectContaining({ speechThresholdMs: 1_000 }) },
    [21263],
  ],
  [
    'machineDetection="Enable" amdStatusCallback="ftp://x"',
    { machineDetection: expect.objectContaining({ callback: null }) },
    [11100],
  ],
];

// holds: [twiml 6.3 url] [twiml 6.3 method] [twiml 6.3 status-callback] [twiml 6.6 credentials]
describe('twiml.md 6.3, 6.6 Sip: attributes [twiml 4.1 lists]', () => {
  // holds: [sip 2.1 credentials] [sip 2.1 method] [sip 2.1 status-callback-events] [sip 2.1 status-callback-default]
  // holds: [sip 2.1 status-callback-method] [sip 2.1 machine-detection] [twiml 13 attributes]
  test.each(attributes)('%s', (attribute, expected, codes) => {
    const { targets, codes: given } = parse(`<Sip ${attribute}>sip:bob@h.test</Sip>`);
    expect(targets[0]).toMatchObject({ uri: 'sip:bob@h.test', ...expected });
    expect(given).toEqual(codes);
  });
});

const long = (length: number) => 'x'.repeat(length);

// sip-interface.md 2.1: URI as written, URI that is dialled (undefined = none), warnings.
const uris: [written: string, dialled: string | undefined, codes: number[]][] = [
  ['sip:kate@example.com', 'sip:kate@example.com', []],
  ['  \n sip:kate@example.com \n ', 'sip:kate@example.com', []],
  ['kate@example.com', 'sip:kate@example.com', []],
  ['sip:example.com', 'sip:example.com', []],
  ['SIP:kate@example.com:5070', 'sip:kate@example.com:5070', []],
  ['sip:+1-555;phone-context=x@example.com', 'sip:+1-555;phone-context=x@example.com', []],
  ['sip:kate@[2001:db8::1]:5060', 'sip:kate@[2001:db8::1]:5060', []],
  ['sip:kate@example.com;transport=tcp', 'sip:kate@example.com;transport=tcp', []],
  ['sip:kate@example.com;region=ie1;transport=tls;edge=dublin', 'sip:kate@example.com;transport=tls', []],
  ['sips:kate@example.com', 'sip:kate@example.com;transport=tls', [32114]],
  ['sips:kate@example.com;transport=tcp', 'sip:kate@example.com;transport=tls', [32114]],
  ['sip:kate@example.com?X-A=1&amp;x-b=2', 'sip:kate@example.com?X-A=1&x-b=2', []],
  [
    'sip:k@h?User-to-User=123%3Bencoding%3Dhex&amp;Remote-Party-ID=a&amp;P-Preferred-Identity=b&amp;P-Called-Party-ID=c',
    'sip:k@h?User-to-User=123%3Bencoding%3Dhex&Remote-Party-ID=a&P-Preferred-Identity=b&P-Called-Party-ID=c',
    [],
  ],
  ['sip:k@h?X-A=a%20b%2Cc', 'sip:k@h?X-A=a%20b%2Cc', []],
  ['sip:k@h?From=evil&amp;X-A=1', 'sip:k@h?X-A=1', [13252]],
  ['sip:k@h?X-A=1%0d%0aVia%3A%20x', 'sip:k@h', [13252]],
  ['sip:k@h?X-A%0d%0aVia=x', 'sip:k@h', [13252]],
  ['sip:k@h?X-A=%00', 'sip:k@h', [13252]],
  ['sip:k@h?X-A=%zz', 'sip:k@h', [13252]],
  [`sip:k@h?X-A=${long(1_024)}`, 'sip:k@h', [13253]],
  [`sip:k@h?X-A=1&amp;X-B=${long(1_020)}`, 'sip:k@h?X-A=1', [13253]],
  [`sip:${long(245)}@h.test`, undefined, [13243]],
  [`sip:${long(242)}@h.test`, `sip:${long(242)}@h.test`, []],
  ['sip:two words@h', undefined, [13243]],
  ['sip:k@h:99999', undefined, [13243]],
  ['sip:', undefined, [13243]],
  ['sip:k@', undefined, [13243]],
  ['tel:+1555', undefined, [13243]],
  ['&lt;sip:k@h&gt;', undefined, [13243]],
  ['sip:k@h sip:l@h', undefined, [13243]],
];

// holds: [twiml 6.6 uri] [twiml 6.6 transport] [twiml 6.6 region] [twiml 6.6 headers] [twiml 6.6 header-length]
describe('sip-interface.md 2.1 Sip: URI rules', () => {
  // holds: [sip 0 uri-form] [sip 2.1 scheme-missing] [sip 2.1 white-space] [sip 2.1 trailing-text]
  // holds: [sip 2.1 uri-length] [sip 2.1 header-length] [sip 2.1 sips]
  test.each(uris)('%s', (written, dialled, codes) => {
    const { targets, codes: given } = parse(`<Sip>${written}</Sip>`);
    expect(targets.map(({ uri }) => uri)).toEqual(dialled === undefined ? [] : [dialled]);
    expect(given).toEqual(codes);
  });

  test('Headers children are added, under the same rules [sip 2.1 other-headers] [twiml 6.6 headers-element]', () => {
    const { targets, codes } = parse(
      '<Sip>sip:k@h?X-A=1<Headers><Header name="X-B" value="two words"/><Header name="Via" value="x"/></Headers></Sip>',
    );
    expect(targets[0]!.uri).toBe('sip:k@h?X-A=1&X-B=two%20words');
    expect(codes).toEqual([13252]);
  });
});

describe('twiml.md 6.6 Sip: several Uri', () => {
  const two = '<Uri priority="2">sip:c@h</Uri><Uri priority="1" weight="1">sip:a@h</Uri>';

  test('tried one after another, by priority [twiml 6.6 uris]', () => {
    const { targets, sequential } = parse(`<Sip>${two}</Sip>`);
    expect(targets.map(({ uri }) => uri)).toEqual(['sip:a@h', 'sip:c@h']);
    expect(sequential).toBe(true);
  });

  test.each([
    [0, ['sip:a@h', 'sip:b@h']],
    [0.2, ['sip:a@h', 'sip:b@h']],
    [0.3, ['sip:b@h', 'sip:a@h']],
  ])('equal priorities are drawn by weight 1 to 3: %d [twiml 6.6 uris]', (random, expected) => {
    const { targets } = parse('<Sip><Uri weight="1">sip:a@h</Uri><Uri weight="3">sip:b@h</Uri></Sip>', random);
    expect(targets.map(({ uri }) => uri)).toEqual(expected);
  });

  test('each Uri has its credentials, or those of Sip [twiml 6.6 uri-credentials]', () => {
    const { targets } = parse(
      '<Sip username="s" password="1"><Uri username="u" password="2">sip:a@h</Uri><Uri priority="1">sip:b@h</Uri></Sip>',
    );
    expect(targets.map(({ username, password }) => [username, password])).toEqual([
      ['u', '2'],
      ['s', '1'],
    ]);
  });

  test('13250: more than ten [sip 2.1 several-uris] [twiml 6.6 uris]', () => {
    const { targets, codes } = parse(`<Sip>${'<Uri>sip:a@h</Uri>'.repeat(12)}</Sip>`);
    expect(targets).toHaveLength(10);
    expect(codes).toEqual([13250]);
  });

  test('beside another noun only the first is used: they ring at once', () => {
    const parsed = parsedValue(parseVerb(dial, `<Dial><Sip>${two}</Sip><Client>bob</Client></Dial>`));
    expect(parsed.value.options.sequential).toBe(false);
    expect(parsed.value.options.targets.map((target) => target.kind)).toEqual(['sip', 'client']);
  });
});
