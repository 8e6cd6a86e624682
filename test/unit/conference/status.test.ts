// Status callbacks of a room: who hears of what, with exactly which parameters (twiml.md 7.1).

import { expect, test } from 'vitest';
import { conferenceEvents } from '../../../src/base/conferences-api.ts';
import { ACCOUNT } from '../../support/call-fakes.ts';
import { ConferenceBench, callback } from '../../support/conference-bench.ts';
import { settle } from '../../support/virtual-clock.ts';

const ALL = ['AccountSid', 'ConferenceSid', 'FriendlyName', 'SequenceNumber', 'StatusCallbackEvent', 'Timestamp'];
const PARTICIPANT = [
  'CallSid',
  'Coaching',
  'EndConferenceOnExit',
  'Hold',
  'Muted',
  'ParticipantLabel',
  'StartConferenceOnEnter',
];

/** A conference in which everything happens once. */
async function eventful(events = conferenceEvents as readonly (typeof conferenceEvents)[number][]) {
  const bench = new ConferenceBench();
  const rest = bench.api;
  const a = await bench.join({ statusCallback: callback(events), label: 'first' });
  const b = await bench.join({ label: 'second', endOnExit: true });
  const { sid } = bench.room();
  const change = (values: Parameters<typeof rest.update>[3]) => rest.update(ACCOUNT, sid, 'second', values);
  change({ muted: true });
  change({ muted: true });
  change({ muted: false });
  change({ hold: true });
  change({ hold: false });
  change({ beepOnExit: false });
  bench.engine.tell({ type: 'speech', endpoint: b.leg.endpoint!, isSpeaking: true });
  bench.engine.tell({ type: 'speech', endpoint: b.leg.endpoint!, isSpeaking: false });
  rest.announce(ACCOUNT, sid, 'http://app/all', 'POST');
  bench.announcements[0]!.finish({ how: 'ended' });
  await settle();
  change({ announce: { url: 'http://app/one', method: 'POST' } });
  await settle();
  bench.documents.find(({ document }) => document.atEnd === 'return')!.finish({ how: 'failed', code: 11200 });
  await settle();
  b.leg.hangsUp();
  await settle();
  return { bench, a, b };
}

test('every event under its name, numbered from 1 [twiml 7.1 events] [twiml 16 point-27]', async () => {
  const { bench } = await eventful();
  expect(bench.told()).toEqual([
    'participant-join',
    'participant-join',
    'conference-start',
    'participant-mute',
    'participant-unmute',
    'participant-hold',
    'participant-unhold',
    'participant-modify',
    'participant-speech-start',
    'participant-speech-stop',
    'announcement-end',
    'announcement-fail',
    'participant-leave',
    'participant-leave',
    'conference-end',
  ]);
  expect(bench.statuses.map(({ params }) => Number(params.get('SequenceNumber')))).toEqual(
    bench.statuses.map((_, index) => index + 1),
  );
});

test('who speaks already begins with the conference; mute and hold end it, in pairs [twiml 7.1 events]', async () => {
  const bench = new ConferenceBench();
  const a = await bench.join({ statusCallback: callback(['start', 'mute', 'hold', 'speaker']), label: 'first' });
  const speak = (isSpeaking: boolean) => bench.engine.tell({ type: 'speech', endpoint: a.leg.endpoint!, isSpeaking });
  const change = (values: Parameters<typeof bench.api.update>[3]) =>
    bench.api.update(ACCOUNT, bench.room().sid, 'first', values);
  speak(true);
  expect(bench.told()).toEqual([]);
  await bench.join({});
  change({ muted: true });
  change({ muted: false });
  change({ hold: true });
  speak(false);
  change({ hold: false });
  expect(bench.told()).toEqual([
    'conference-start',
    'participant-speech-start',
    'participant-speech-stop',
    'participant-mute',
    'participant-speech-start',
    'participant-unmute',
    'participant-speech-stop',
    'participant-hold',
    'participant-unhold',
  ]);
});

const named = (event: string): [string, string[]] => [event, [...ALL, ...PARTICIPANT]];
const parameters: [event: string, names: string[]][] = [
  ['conference-start', ALL],
  named('participant-join'),
  named('participant-mute'),
  named('participant-unmute'),
  named('participant-hold'),
  named('participant-unhold'),
  named('participant-modify'),
  named('participant-speech-start'),
  named('participant-speech-stop'),
  ['participant-leave', [...ALL, ...PARTICIPANT, 'ParticipantCallStatus', 'ReasonParticipantLeft']],
  ['announcement-end', [...ALL, 'AnnounceUrl']],
  ['announcement-fail', [...ALL, ...PARTICIPANT, 'AnnounceUrl', 'ReasonAnnouncementFailed']],
  [
    'conference-end',
    [...ALL, 'CallSidEndingConference', 'ParticipantLabelEndingConference', 'Reason', 'ReasonConferenceEnded'],
  ],
];

test('exactly the parameters of each event [twiml 7.1 event-parameters]', async () => {
  const { bench } = await eventful();
  for (const [event, names] of parameters)
    expect([event, Object.keys(bench.status(event)).sort()]).toEqual([event, [...names].sort()]);
  const { sid } = bench.records[0]!;
  expect(bench.status('participant-hold')).toMatchObject({
    ConferenceSid: sid,
    FriendlyName: 'Room 1',
    AccountSid: ACCOUNT,
    Muted: 'false',
    Hold: 'true',
    Coaching: 'false',
    EndConferenceOnExit: 'true',
    StartConferenceOnEnter: 'true',
    ParticipantLabel: 'second',
    Timestamp: 'Thu, 01 Jan 2026 00:00:00 +0000',
  });
  expect(bench.status('announcement-fail')).toMatchObject({
    AnnounceUrl: 'http://app/one',
    ReasonAnnouncementFailed: 'the document failed with 11200',
  });
});

test.each(conferenceEvents.map((event) => [event]))(
  'statusCallbackEvent="%s": those alone [twiml 7.1 event-subscriptions]',
  async (event) => {
    const everything = await eventful();
    const { bench } = await eventful([event]);
    const prefix = {
      start: ['conference-start'],
      end: ['conference-end'],
      join: ['participant-join'],
      leave: ['participant-leave'],
      mute: ['participant-mute', 'participant-unmute'],
      hold: ['participant-hold', 'participant-unhold'],
      modify: ['participant-modify'],
      speaker: ['participant-speech-start', 'participant-speech-stop'],
      announcement: ['announcement-end', 'announcement-fail'],
    }[event];
    expect(bench.told()).toEqual(everything.bench.told().filter((name) => prefix.includes(name)));
  },
);

test('only the settings of the first participant count [twiml 7.1 first-participant] [rest 11 callback-first]', async () => {
  const bench = new ConferenceBench();
  await bench.join();
  await bench.join({ statusCallback: callback() });
  expect(bench.statuses).toEqual([]);
});

test('speech is watched only where it is asked for, and not any more afterwards', async () => {
  const { bench } = await eventful(['start']);
  expect(bench.engine.done.filter((line) => line.startsWith('watchSpeech'))).toEqual([]);
  const watched = (await eventful(['speaker'])).bench.engine.done.filter((line) => line.startsWith('watchSpeech'));
  expect(watched.filter((line) => line.endsWith('true'))).toHaveLength(2);
  expect(watched.filter((line) => line.endsWith('false'))).toHaveLength(2);
});
