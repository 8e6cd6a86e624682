// Dial: rings one or more parties and joins the first that answers (twiml.md 6.1, 6.2). call/ does the ringing; this file reads the
// attributes and nouns, decides about answering the caller, and turns the outcome into the parameters of the action.

import { limits } from '../../base/limits.ts';
import type { HttpMethod } from '../../base/records.ts';
import type { WebhookParams } from '../../webhook/webhook.ts';
import { withoutSecrets } from '../../webhook/webhook.ts';
import { AttributeReader } from '../attributes.ts';
import type { ApplicationTarget, DialOptions, DialOutcome, DialTarget } from '../call-control.ts';
import type { ConferenceOptions } from '../conference-control.ts';
import type { QueueNoun } from '../queue-control.ts';
import { readRecordingCallback, readTrack, readTrim } from '../recording-attributes.ts';
import { notDialledNouns } from '../schema.ts';
import { endOfCall, nextVerb, type ParseContext, type RunContext, type Verb, type VerbResult } from '../verb.ts';
import { childElements, type XmlElement } from '../xml.ts';
import { dialConference } from './dial-conference.ts';
import { parseApplication } from './nouns/application.ts';
import { parseClient } from './nouns/client.ts';
import { parseConference } from './nouns/conference.ts';
import { parseNumber } from './nouns/number.ts';
import { parseQueue } from './nouns/queue.ts';
import { parseSip } from './nouns/sip.ts';

export interface Dial {
  readonly action: string | undefined;
  readonly method: HttpMethod;
  readonly options: DialOptions;
  /** In place of targets. */
  readonly conference: ConferenceOptions | undefined;
  readonly queue: QueueNoun | undefined;
}

const RING_TONES: ReadonlySet<string> = new Set(
  'at au bg br be ch cl cn cz de dk ee es fi fr gr hu il in it lt jp mx my nl no nz ph pl pt ru se sg th uk us us-old tw ve za'.split(
    ' ',
  ),
);

const RECORD_WORDS = [
  'do-not-record',
  'record-from-answer',
  'record-from-ringing',
  'record-from-answer-dual',
  'record-from-ringing-dual',
  'true',
  'false',
] as const;

/** sip-interface.md 2.2: letters, digits, `+ - _ .`; `client:` before an identity. */
const CALLER_ID_FORM = /^(client:)?[A-Za-z0-9+\-_.]+$/;

export const dial: Verb<Dial> = {
  name: 'Dial',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    const nouns = readNouns(element, context, read);
    readLaterFeatures(read);
    return read.finish({
      action: read.url('action'),
      method: read.method('method', 13210),
      conference: nouns.conference,
      queue: nouns.queue,
      options: {
        targets: nouns.targets,
        application: nouns.application,
        sequential: read.boolean('sequential', false, 13218) || nouns.isFailover,
        timeoutSeconds: read.integer('timeout', { min: 5, max: 600, fallback: 30, code: 13212 }),
        timeLimitSeconds: read.integer('timeLimit', { min: 1, max: 14_400, fallback: 14_400, code: 13216 }),
        callerId: readCallerId(read),
        answerOnBridge: read.boolean('answerOnBridge', false, 13219),
        hangupOnStar: read.boolean('hangupOnStar', false, 13213),
        ringTone: readRingTone(read),
        recording: readRecording(read),
        refer: readRefer(read),
        documentUrl: withoutSecrets(context.documentUrl ?? ''),
      },
    });
  },
  describe({ options, conference, queue }) {
    if (conference) return `conference ${conference.room}`;
    if (options.application) return `application ${options.application.applicationSid}`;
    return queue ? `queue ${queue.name}` : options.targets.map(describeTarget).join(', ');
  },
  run: runDial,
};

/** No async function: its frame would be kept for as long as the parties talk. */
function runDial(verb: Dial, context: RunContext, signal: AbortSignal): Promise<VerbResult> {
  // twiml.md 4.3: with answerOnBridge the leg stays ringing until a child is bridged, if it still rings.
  if (verb.options.answerOnBridge) return ring(verb, context, signal);
  return context.control.answer(signal).then(() => ring(verb, context, signal));
}

function ring(verb: Dial, context: RunContext, signal: AbortSignal): Promise<VerbResult> {
  if (signal.aborted) return Promise.resolve(endOfCall('aborted'));
  return connect(verb, context, signal).then((outcome) => afterDial(outcome, verb, context, signal));
}

async function afterDial(
  outcome: DialOutcome,
  verb: Dial,
  context: RunContext,
  signal: AbortSignal,
): Promise<VerbResult> {
  const { action, method } = verb;
  // The document of referUrl took over, and is over.
  if (outcome.transferred) return endOfCall('transferred');
  if (outcome.callerHungUp || context.control.callSignal.aborted) {
    // twiml.md 4.2 point 5: the application still hears how it ended; what it answers is ignored.
    const params = new Map([...actionParams(outcome), ['CallStatus', 'completed'] as const]);
    if (action !== undefined) await context.requestIgnored(action, method, params);
    return endOfCall('caller hung up');
  }
  if (signal.aborted) {
    // rest-api.md 9.3: redirected over REST; the action is told before the new document is fetched.
    if (action !== undefined) await context.requestIgnored(action, method, actionParams(outcome));
    return endOfCall('aborted');
  }
  const waited = outcome.bridged || outcome.status === 'no-answer' || outcome.status === 'completed';
  if (action === undefined) return nextVerb(outcome.status, waited);
  const params = actionParams(outcome);
  return { kind: 'redirect', url: action, method, params, purpose: 'action', outcome: outcome.status, waited };
}

function connect({ options, conference, queue }: Dial, context: RunContext, signal: AbortSignal): Promise<DialOutcome> {
  if (conference) return dialConference(conference, options, context, signal);
  if (queue) return context.control.queues.dequeue(queue, options, signal);
  return options.targets.length === 0 && !options.application
    ? Promise.resolve(NOBODY)
    : context.control.dial(options, signal);
}

const NOBODY: DialOutcome = {
  status: 'failed',
  callSid: undefined,
  durationSeconds: undefined,
  bridged: false,
  sip: undefined,
  callerHungUp: false,
};

/** twiml.md 3.3: what the action request adds to the standard parameters. */
export function actionParams(outcome: DialOutcome): WebhookParams {
  const params = new Map<string, string>([['DialCallStatus', outcome.status]]);
  // `answered` is the conference: it has no child leg.
  const hasChild = outcome.status !== 'answered';
  if (hasChild && outcome.callSid !== undefined) params.set('DialCallSid', outcome.callSid);
  if (hasChild && outcome.durationSeconds !== undefined)
    params.set('DialCallDuration', String(Math.max(0, Math.round(outcome.durationSeconds))));
  params.set('DialBridged', String(outcome.bridged));
  if (outcome.recording) {
    params.set('RecordingUrl', outcome.recording.url);
    params.set('RecordingSid', outcome.recording.sid);
    params.set('RecordingDuration', String(outcome.recording.durationSeconds));
  }
  for (const [name, value] of outcome.params ?? []) params.set(name, value);
  if (!outcome.sip) return params;
  if (outcome.sip.callId !== '') params.set('DialSipCallId', outcome.sip.callId);
  params.set('DialSipResponseCode', String(outcome.sip.responseCode));
  for (const [name, value] of outcome.sip.headers) {
    // sip-interface.md 2.5: only X-headers are reported.
    if (/^x-/i.test(name)) params.set(`DialSipHeader_${name}`, value);
  }
  return params;
}

interface Nouns {
  readonly targets: readonly DialTarget[];
  /** The URIs of one Sip noun, to be tried one after another. */
  readonly isFailover: boolean;
  readonly conference?: ConferenceOptions | undefined;
  readonly queue?: QueueNoun | undefined;
  readonly application?: ApplicationTarget | undefined;
}

function readNouns(element: XmlElement, context: ParseContext, read: AttributeReader): Nouns {
  const take = (noun: AttributeReader) => read.addWarnings(noun.finish(null).warnings);
  const children = childElements(element);
  const room = children.find(({ name }) => name === 'Conference');
  if (room) {
    // twiml.md 6.2: it does not mix with other nouns, nor with a second one.
    if (children.length > 1)
      read.warn(13000, 'Conference beside other nouns inside Dial; only the conference is joined');
    return { targets: [], isFailover: false, conference: parseConference(room, context, take) };
  }
  const line = children.find(({ name }) => name === 'Queue');
  if (line) {
    if (children.length > 1) read.warn(13215, 'Queue beside other nouns inside Dial; only the queue is dialled');
    return { targets: [], isFailover: false, queue: parseQueue(line, context, take) };
  }
  const application = children.find(({ name }) => name === 'Application');
  if (application) {
    if (children.length > 1)
      read.warn(13215, 'Application beside other nouns inside Dial; only the application is dialled');
    return { targets: [], isFailover: false, application: parseApplication(application, context, take) };
  }
  const groups: (readonly DialTarget[])[] = [];
  for (const child of children) {
    if (child.name === 'Number') groups.push(listOf(parseNumber(child, context, take)));
    else if (child.name === 'Client') groups.push(listOf(parseClient(child, context, take)));
    else if (child.name === 'Sip') groups.push(parseSip(child, context, take));
    else if (child.name === 'Sim') read.warn(13258, 'Sim inside Dial is not supported');
    else if (notDialledNouns.has(child.name)) read.warn(13215, `${child.name} inside Dial is not supported yet`);
    else read.warn(13215, `${child.name} is not allowed inside Dial`);
  }
  if (children.length === 0) groups.push(listOf(parseNumber({ ...element, attributes: new Map() }, context, take)));
  const dialled = groups.filter((group) => group.length > 0);
  // Several URIs of one Sip are alternatives. Beside other nouns, which ring at once, only the first of them can be used.
  const isFailover = dialled.length === 1 && dialled[0]!.length > 1;
  const targets = isFailover ? dialled[0]! : dialled.map((group) => group[0]!);
  if (targets.length > limits.dialTargets) read.warn(13215, `more than ${limits.dialTargets} nouns inside Dial`);
  return { targets: targets.slice(0, limits.dialTargets), isFailover };
}

const listOf = (target: DialTarget | undefined): readonly DialTarget[] => (target ? [target] : []);

function readCallerId(read: AttributeReader): string | undefined {
  const callerId = read.text('callerId')?.trim();
  if (callerId === undefined || callerId === '') return undefined;
  if (callerId.length > limits.dialCallerIdChars) read.warn(13248, 'callerId is too long; the caller is used');
  else if (!CALLER_ID_FORM.test(callerId)) read.warn(13247, 'callerId is invalid; the caller is used');
  else return callerId;
  return undefined;
}

function readRingTone(read: AttributeReader): string | undefined {
  const ringTone = read.text('ringTone')?.trim();
  if (ringTone === undefined || RING_TONES.has(ringTone)) return ringTone;
  read.warn(13220, 'ringTone is unknown');
  return undefined;
}

/** twiml.md 6.1: `true` is record-from-answer. A single track is always mono. */
function readRecording(read: AttributeReader): DialOptions['recording'] {
  const word = read.choice('record', RECORD_WORDS, 'do-not-record', 13217);
  const track = readTrack(read, 'recordingTrack');
  const trim = readTrim(read, 'do-not-trim');
  const callback = readRecordingCallback(read, 13210);
  if (word === 'do-not-record' || word === 'false') return undefined;
  const channels = word.endsWith('-dual') && track === 'both' ? 2 : 1;
  return {
    from: word.startsWith('record-from-ringing') ? 'ringing' : 'answer',
    request: { channels, track, trim, source: 'DialVerb', callback },
  };
}

// Accepted, said, not done in this version.
function readLaterFeatures(read: AttributeReader): void {
  if (read.text('ifMachine') !== undefined) read.warn(13211, 'ifMachine is no longer used');
  // Signed identities of the call (PASSporT, RFC 8225): a carrier's business.
  read.notSupported('passports');
}

/** sip-interface.md 5.2. */
function readRefer(read: AttributeReader): DialOptions['refer'] {
  const url = read.optionalUrl('referUrl');
  const method = read.method('referMethod', 13210);
  return url === undefined ? undefined : { url, method };
}

function describeTarget(target: DialTarget): string {
  switch (target.kind) {
    case 'sip':
      // Headers may carry private data.
      return target.uri.replace(/\?.*$/s, '');
    case 'client':
      return `client:${target.identity}`;
    case 'number':
      return target.number;
  }
}
