// The numbers of the vendor's dictionary that TwiML can raise (twiml.md 14): each with a document that raises it and nothing else, and the
// level under which it is reported.

import { describe, expect, test } from 'vitest';
import { errorCatalogue } from '../../../src/base/errors.ts';
import { runSession } from './kit.ts';

const START = 'https://app.example.test/dir/voice';

/** Numbers of the table in twiml.md 14, by level. */
const ERRORS =
  '10004 11100 11200-11206 11210 11215-11217 11220 11235-11237 11243 11750 11770 12100-12102 12300 12400 13201 13224 13225 13227 ' +
  '13231 13238-13240 13247 13257 13258 13325 13338 13340 13343 13420 13621 13801 13802 16025';
const WARNINGS =
  '12200 13000 13210-13223 13230 13232-13237 13241 13243 13248-13250 13252 13253 13256 13310-13314 13320-13322 13326-13335 13410 13430 ' +
  '13510-13512 13520 13521 13610-13616 13622 13699 13710 13810 13910';

/** `11215-11217` is three numbers. */
const numbers = (text: string): number[] =>
  text.split(' ').flatMap((part) => {
    const [first = 0, last = first] = part.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });

test('each number is reported under its level [twiml 14 levels]', () => {
  const levelled = (level: string, text: string) =>
    numbers(text).flatMap((code) => (errorCatalogue[code] ? [[code, errorCatalogue[code].level === level]] : []));
  expect(levelled('error', ERRORS).filter(([, isRight]) => !isRight)).toEqual([]);
  expect(levelled('warning', WARNINGS).filter(([, isRight]) => !isRight)).toEqual([]);
});

const dial = (attributes: string) => `<Dial ${attributes}>+4930123456</Dial>`;
const conference = (attributes: string) => `<Dial><Conference ${attributes}>Room</Conference></Dial>`;
const sip = (attributes: string, uri = 'sip:a@h') => `<Dial><Sip ${attributes}>${uri}</Sip></Dial>`;
const number = (attributes: string, text = '+4930123456') => `<Dial><Number ${attributes}>${text}</Number></Dial>`;
const gather = (attributes: string, inside = '') => `<Gather ${attributes}>${inside}</Gather>`;
const speech = (attributes: string) => `<Gather input="speech" ${attributes}/>`;

// Verbs inside of Response; a whole text where it begins otherwise.
const raised: [code: number, verbs: string][] = [
  [11100, '<Redirect>mailto:x</Redirect>'],
  [11100, '<Dial action="ftp://x/">+4930123456</Dial>'],
  [12200, '<Speak/>'],
  [13000, '<Dial><Conference>a</Conference><Number>+4930123456</Number></Dial>'],
  [13210, dial('method="PUT"')],
  [13211, dial('ifMachine="Hangup"')],
  [13212, dial('timeout="soon"')],
  [13213, dial('hangupOnStar="x"')],
  [13215, '<Dial><Say>a</Say><Number>+4930123456</Number></Dial>'],
  [13215, '<Dial><WhatsApp>+4930123456</WhatsApp></Dial>'],
  [13216, dial('timeLimit="x"')],
  [13217, dial('record="x"')],
  [13218, dial('sequential="x"')],
  [13219, dial('answerOnBridge="x"')],
  [13220, dial('ringTone="x"')],
  [13221, number('method="PUT"')],
  [13222, number('sendDigits="x"')],
  [13223, number('', 'bob')],
  [13230, conference('muted="x"')],
  [13231, conference('endConferenceOnExit="x"')],
  [13232, conference('startConferenceOnEnter="x"')],
  [13233, conference('waitUrl="ftp://x/"')],
  [13234, conference('waitMethod="PUT"')],
  [13235, conference('beep="x"')],
  [13237, '<Dial><Conference/></Dial>'],
  [13239, conference('trim="x"')],
  [13241, sip('method="PUT"')],
  [13243, sip('', 'tel:+1')],
  [13247, dial('callerId="a b"')],
  [13248, dial(`callerId="${'1'.repeat(65)}"`)],
  [13249, sip('password="x"')],
  [13250, sip('', '<Uri>sip:a@h</Uri>'.repeat(11))],
  [13252, sip('', 'sip:a@h?From=x')],
  [13253, sip('', `sip:a@h?X-A=${'x'.repeat(1_100)}`)],
  [13256, dial('record="true" recordingStatusCallback="ftp://x/"')],
  [13257, '<Record transcribe="true" transcribeCallback="ftp://x/"/>'],
  [13258, '<Dial><Sim>DE1</Sim></Dial>'],
  [13310, gather('finishOnKey="12"')],
  [13311, gather('finishOnKey="x"')],
  [13312, gather('method="PUT"')],
  [13313, gather('timeout="0"')],
  [13314, gather('numDigits="0"')],
  [13320, gather('', '<Dial>1</Dial>')],
  [13320, gather('', '<Play digits="1">/a.wav</Play>')],
  [13321, gather('', '<Say voice="x">a</Say>')],
  [13322, gather('', '<Say loop="x">a</Say>')],
  [13326, gather('input="voice"')],
  [13327, speech('speechTimeout="soon"')],
  [13328, speech('maxSpeechTime="0"')],
  [13329, speech('partialResultCallback="/p" partialResultCallbackMethod="PUT"')],
  [13330, speech(`hints="${'x'.repeat(101)}"`)],
  [13331, speech('language="?"')],
  [13332, speech('bargeIn="x"')],
  [13333, speech('profanityFilter="x"')],
  [13334, speech('speechModel="x"')],
  [13335, speech('speechTimeout="auto" speechModel="phone_call"')],
  [13338, gather('actionOnEmptyResult="x"')],
  [13410, '<Play loop="x">/a.wav</Play>'],
  [13430, '<Play digits="x"/>'],
  [13510, '<Say loop="x">a</Say>'],
  [13511, '<Say voice="x">a</Say>'],
  [13512, '<Say language="x">a</Say>'],
  [13520, '<Say/>'],
  [13521, `<Say>${'x'.repeat(4_097)}</Say>`],
  [13610, '<Record method="PUT"/>'],
  [13611, '<Record timeout="x"/>'],
  [13612, '<Record maxLength="x"/>'],
  [13613, '<Record finishOnKey="x"/>'],
  [13614, '<Record transcribe="x"/>'],
  [13615, '<Record transcribe="true" maxLength="121"/>'],
  [13616, '<Record playBeep="x"/>'],
  [13621, '<Record recordingStatusCallbackEvent="x"/>'],
  [13622, dial('record="true" recordingTrack="x"')],
  [13699, '<Record trim="x"/>'],
  [13710, '<Redirect method="PUT">/next</Redirect>'],
  [13750, '<Pay/>'],
  [13810, '<Reject reason="x"/>'],
  [13910, '<Pause length="0"/>'],
];

// holds: [twiml 5.1 voice-unknown] [twiml 5.1 nested] [twiml 5.2 nested-digits]
// holds: [twiml 6.9 sim] [twiml 6.9 whats-app]
// holds: [twiml 12 refused] [twiml 14 not-supported] [twiml 14 number] [twiml 14 recording-callbacks] [twiml 14 sim]
describe('numbers that a document raises [twiml 4.1 values] [twiml 4.1 warnings-only]', () => {
  // holds: [twiml 14 dial] [twiml 14 conference] [twiml 14 sip] [twiml 14 gather] [twiml 14 play-say] [twiml 14 record]
  // holds: [twiml 14 verbs]
  test.each(raised)('%i: %s', async (code, verbs) => {
    const { events } = await runSession({
      // Record without action asks for the same document again.
      [START]: [`<Response>${verbs}</Response>`, '<Response/>'],
      'https://app.example.test/next': '<Response/>',
    });
    const notices = events.flatMap((event) => (event.type === 'notification' ? [[event.errorCode, event.level]] : []));
    expect(notices).toEqual([[code, errorCatalogue[code]?.level]]);
  });
});
