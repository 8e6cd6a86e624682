// Part of the composition root: media engine, webhooks, speech, calls, voice sessions, and who listens to what calls do.
// One long function on purpose: a list of constructions in their order, each needing those above it, without decisions.

import { nameBelowSuffix } from './access/domains.ts';
import type { CallerIdsApi } from './base/caller-ids-api.ts';
import type { CallsApi } from './base/calls-api.ts';
import type { ConferencesApi } from './base/conferences-api.ts';
import type { QueuesApi } from './base/queues-api.ts';
import type { Recogniser } from './base/recogniser.ts';
import type { Domain } from './base/records.ts';
import type { TranscriptionsApi } from './base/transcriptions-api.ts';
import { applicationChild } from './call/application-child.ts';
import { Attended } from './call/attended.ts';
import { CallPacer } from './call/call-pacer.ts';
import { Calls } from './call/calls.ts';
import { HoldMusic } from './call/hold-music.ts';
import { homeDomain } from './call/home-domain.ts';
import { acceptInvite } from './call/incoming.ts';
import { MediaRouter } from './call/media-router.ts';
import { createRestCalls } from './call/rest-calls.ts';
import { Router } from './call/routing.ts';
import type { SipLegServices } from './call/sip-leg.ts';
import { type CallListeners, listenToCalls } from './call-listeners.ts';
import type { Conferences } from './conference/conferences.ts';
import type { Config } from './config.ts';
import type { Resolver } from './dns/resolver.ts';
import { noteFailedCallbacks } from './failed-callbacks.ts';
import { buildCallerIds } from './gateway-caller-ids.ts';
import { buildConferences, conferencesApi } from './gateway-conferences.ts';
import { buildDetection } from './gateway-detection.ts';
import { createEmergencyServices } from './gateway-emergency.ts';
import { createObservers, type Observers } from './gateway-observers.ts';
import type { RecordingFileStack } from './gateway-recording-files.ts';
import { buildRecordings, type RecordingStack } from './gateway-recordings.ts';
import type { SipStack } from './gateway-sip.ts';
import { buildSiprec, type SiprecStack } from './gateway-siprec.ts';
import { buildStreams, type StreamStack } from './gateway-streams.ts';
import { buildTrunks, type TrunkStack } from './gateway-trunks.ts';
import { createHoldMusicFiles } from './hold-music-files.ts';
import { decodeAudio } from './media/audio-file.ts';
import { AudioListeners } from './media/audio-listeners.ts';
import type { MediaEngine } from './media/engine.ts';
import { withOwnRecordings } from './own-recordings.ts';
import type { ProvisioningContext } from './provisioning.ts';
import { Queues } from './queue/queues.ts';
import { createRestQueues } from './queue/rest-queues.ts';
import { callRecorder, dialRecorder } from './recording/dial-recorder.ts';
import { recordingControl } from './recording/verb.ts';
import { createRefusalLog, type RefusalLog } from './refusal-log.ts';
import { sdpNegotiation } from './sdp/negotiate.ts';
import type { SpeechEngine } from './speech/engine.ts';
import { createRecogniser } from './speech/recogniser.ts';
import { createSpeech } from './speech/select.ts';
import type { StoreDirectory } from './store/directory.ts';
import type { Store } from './store/store.ts';
import { LiveTranscriptions } from './transcription/live.ts';
import { createStreamControl } from './twiml/call-streams.ts';
import { createTranscriptionsApi } from './twiml/transcription-control.ts';
import { VoiceSessions } from './twiml/voice-session.ts';
import { createStatusCallbacks } from './webhook/callback-queue.ts';
import { createWebhookClient } from './webhook/client.ts';
import type { StatusCallbacks } from './webhook/status-callbacks.ts';
import type { WebhookClient } from './webhook/webhook.ts';
import { createWebhookLog } from './webhook-log.ts';

export interface CallStack {
  readonly calls: Calls;
  readonly listeners: CallListeners;
  readonly sessions: VoiceSessions;
  readonly webhook: WebhookClient;
  readonly speaker: SpeechEngine;
  readonly recogniser: Recogniser;
  readonly statusCallbacks: StatusCallbacks;
  readonly carriers: TrunkStack;
  readonly refusals: RefusalLog;
  readonly observers: Observers;
  readonly restCalls: CallsApi;
  readonly callerIds: CallerIdsApi;
  readonly queues: Queues;
  readonly restQueues: QueuesApi;
  readonly recordings: RecordingStack;
  readonly streams: StreamStack;
  readonly siprec: SiprecStack;
  readonly transcriptions: LiveTranscriptions;
  readonly restTranscriptions: TranscriptionsApi;
  readonly conferences: Conferences;
  readonly restConferences: ConferencesApi;
}

export interface CallParts {
  readonly config: Config;
  /** The settings in force, which a changed hookswitch.yaml replaces. */
  readonly settings: () => Config;
  readonly context: ProvisioningContext;
  readonly store: Store;
  readonly directory: StoreDirectory;
  readonly resolver: Resolver;
  readonly sip: SipStack;
  readonly engine: MediaEngine;
  readonly isDemoDomain: (domain: Domain) => boolean;
  readonly recordingFiles: RecordingFileStack;
  readonly secretKey: Buffer;
  /** Origin of our HTTP listener, once it is open. */
  readonly httpOrigin: () => string | undefined;
}

/** Wires everything a call meets above SIP and media. */
export function buildCalls(parts: CallParts): CallStack {
  const { config, context, store, directory, resolver, sip, engine } = parts;
  const { clock, random, log } = context;
  const calls = new Calls({ clock, random, log: log.child({ folder: 'call' }), maxCalls: config.maxCalls });
  const observers = createObservers({
    settings: parts.settings,
    context,
    transport: sip.transport,
    engine,
    resolver,
    calls,
    sources: {
      calls: () => calls.size,
      callsOnTrunks: () => trunks.counts().callsOnTrunks,
      bindings: () => sip.userAgent.counts().registrations,
      refusals: () => ({ ...sip.access.counts().refused, ...refusals.totals(), ...refusedForLoad(sip.transport) }),
      overload: () => sip.transport.overload(),
      transportEvents: () => sip.transport.events(),
    },
  });
  const webhook = createWebhookClient({
    clock,
    log,
    dnsLookup: (name, options, callback) => resolver.lookup(name, options, callback),
    settings: { allowPrivate: config.webhookAllowPrivate },
    onEvent: (event) => {
      if (event.type === 'webhookResponse') observers.metrics.onWebhook(event);
      calls.find(event.callSid)?.emit(event);
    },
    onExchange: createWebhookLog({ store, clock, random }),
  });
  const authTokenOf = (accountSid: string): string => directory.accountBySid(accountSid)?.authToken ?? '';
  const statusCallbacks = createStatusCallbacks({
    client: webhook,
    clock,
    log,
    random,
    store: store.pendingCallbacks,
    authTokenOf,
    onFailed: noteFailedCallbacks({ store, clock, random }),
  });
  const legs: SipLegServices = {
    userAgent: sip.userAgent,
    engine,
    router: new MediaRouter(engine),
    sdp: sdpNegotiation,
    random,
    log: log.child({ folder: 'call' }),
    onEndpoint: observers.onEndpoint,
    recordingOf: (callSid) => {
      const call = calls.find(callSid);
      return call && recordings.recordings.ofBye(call);
    },
  };
  const domains = (): Domain[] => directory.domainNames().flatMap((name) => directory.domainByName(name)?.domain ?? []);
  const domainsOfAccount = (accountSid: string): Domain[] =>
    domains().filter((domain) => domain.accountSid === accountSid);
  const carriers = buildTrunks({
    ...parts,
    ...context,
    declared: () => parts.settings().declared,
    userAgent: sip.userAgent,
  });
  const { gate: trunks, book: trunkBook } = carriers;
  const router = new Router({
    clock,
    calls,
    legs,
    userAgent: sip.userAgent,
    trunks,
    domainOf: sip.domainOf,
    isDomainName: (host) => nameBelowSuffix(host.toLowerCase(), config.domainSuffix) !== undefined,
    isOwnAddress: (host, port) => sip.transport.isOwnAddress(host, port),
    domainsOfAccount,
    isActive: (accountSid) => directory.accountBySid(accountSid)?.status === 'active',
    emergency: createEmergencyServices({
      settings: parts.settings,
      directory,
      book: trunkBook,
      random,
      wall: () => clock.wall(),
      log: log.child({ folder: 'call' }),
    }),
  });
  const holdMusic = new HoldMusic({ engine, load: createHoldMusicFiles({ webhook, clock }) });
  const attended = new Attended(calls, { engine, clock, holdMusic });
  const speaker = createSpeech({ config: speechSettings(config), clock, log, decode: decodeAudio });
  const queues = new Queues({ ...context, store: store.queues, log: log.child({ folder: 'queue' }) });
  const recogniser = createRecogniser(
    { url: config.recogniserUrl, apiKey: config.recogniserKey, model: config.recogniserModel },
    clock,
  );
  const recordings = buildRecordings({ ...parts, recogniser, calls, statusCallbacks, authTokenOf });
  const conferences = buildConferences({
    context,
    engine,
    store,
    statusCallbacks,
    recordings: recordings.recordings,
    recordDial: dialRecorder(recordings.recordings),
    announcements: { speaker, webhook, decode: decodeAudio, authTokenOf },
    runDocument: (call, document, signal) => sessions.runWaitDocument(call, document, signal),
  });
  const streams = buildStreams({ config, context, resolver, engine, calls, statusCallbacks, authTokenOf });
  const siprec = buildSiprec({
    ...parts,
    userAgent: sip.userAgent,
    router: legs.router,
    calls,
    streams: streams.streams,
    statusCallbacks,
    authTokenOf,
  });
  const audio = new AudioListeners(engine);
  const detection = buildDetection({ audio, clock, statusCallbacks, authTokenOf });
  const transcriptions = new LiveTranscriptions({
    recogniser,
    audio,
    callBack: (request) => statusCallbacks.send({ ...request, authToken: authTokenOf(request.accountSid) }),
    clock,
    random,
  });
  const documents = withOwnRecordings(webhook, {
    origin: recordings.origin,
    accountOf: (callSid) => calls.find(callSid)?.options.accountSid,
    recordingOf: (sid) => store.recordings.get(sid),
    media: recordings.api.media,
  });
  const sessions: VoiceSessions = new VoiceSessions({
    recogniser,
    audio,
    transcriptions,
    queues,
    siprec,
    recordings: (call) => recordingControl(call, recordings.verbServices),
    recordDial: dialRecorder(recordings.recordings),
    detection,
    applicationChild: (caller, target, callerId, run) =>
      applicationChild(caller, target, callerId, { calls, directory, engine, router: legs.router }, run),
    conferences,
    attended,
    engine,
    holdMusic,
    clock,
    router,
    speaker,
    webhook: documents,
    decode: decodeAudio,
    authTokenOf,
    rejectStatus: config.rejectStatus,
    onHeard: (callSid, what, text) => observers.watches.onHeard(callSid, what, text),
    streams: (call) =>
      createStreamControl(call, {
        streams: streams.streams,
        sources: { speaker, webhook, decode: decodeAudio, log },
        recogniser,
      }),
    log: log.child({ folder: 'twiml' }),
  });
  const refusals = createRefusalLog(log.child({ folder: 'call' }), clock);
  sip.userAgent.onInvite((invite) => {
    const endOpening = sip.opening.begin();
    const opened = acceptInvite(invite, {
      calls,
      attended,
      router,
      legs,
      directory,
      trunks,
      isEmergency: sip.isEmergency,
      isOverloaded: ({ voiceUrl }) => voiceUrl !== null && webhook.isOverloaded(voiceUrl),
      startSession: (call, application) => sessions.startForDomain(call, application),
      onRefused: (reason) => refusals.count(reason),
    });
    opened.then(endOpening, (fault: unknown) => {
      endOpening();
      log.error({ err: fault, sipCallId: invite.request.callId }, 'an INVITE could not be dealt with');
      invite.session.end({ status: 500 });
    });
  });
  const restCalls = createRestCalls({
    calls,
    router,
    engine,
    clock,
    startSession: (call, start) => sessions.start(call, start),
    record: callRecorder(recordings.recordings),
    detection,
    applicationChild: (caller, target, callerId) =>
      applicationChild(
        caller,
        target,
        callerId,
        { calls, directory, engine, router: legs.router },
        (call, application) => sessions.startForDomain(call, application),
      ),
    pacer: new CallPacer(clock, () => parts.settings().callsPerSecond),
    phoneNumberSid: (accountSid, number) => {
      const found = directory.phoneNumber(number);
      return found?.accountSid === accountSid ? found.sid : undefined;
    },
    homeDomain: (accountSid, from) =>
      homeDomain(accountSid, from, {
        domainsOfAccount,
        domainOf: sip.domainOf,
        isDemo: parts.isDemoDomain,
        defaultDomain: config.defaultDomain,
      }),
  });
  const restQueues = createRestQueues({
    queues,
    startSession: (call, url, method) => sessions.start(call, { instructions: { url, method }, fallback: undefined }),
  });
  const restConferences = conferencesApi(conferences, calls, restCalls);
  const callerIds = buildCallerIds({ ...parts, calls, restCalls, statusCallbacks, authTokenOf });
  const forgetCookies = (callSid: string) => webhook.forget(callSid);
  const listeners = listenToCalls({
    calls,
    store,
    statusCallbacks,
    recordings: recordings.recordings,
    authTokenOf,
    forgetCookies,
    clock,
    log,
  });
  return {
    calls,
    listeners,
    sessions,
    webhook,
    speaker,
    recogniser,
    statusCallbacks,
    carriers,
    refusals,
    observers,
    restCalls,
    callerIds,
    recordings,
    conferences,
    restConferences,
    queues,
    restQueues,
    streams,
    siprec,
    transcriptions,
    restTranscriptions: createTranscriptionsApi(calls, transcriptions),
  };
}

function speechSettings(config: Config): Parameters<typeof createSpeech>[0]['config'] {
  const http =
    config.speechUrl === null
      ? null
      : {
          url: config.speechUrl,
          apiKey: config.speechKey,
          model: config.speechModel,
          voice: config.speechVoice,
          voices: {},
        };
  return { engine: config.speech, http, path: config.path };
}

/** Refusals before any call was made, by what was refused. */
function refusedForLoad(transport: SipStack['transport']): Record<string, number> {
  const { invite = 0, register = 0, other = 0 } = transport.overload()?.totals ?? {};
  return { overloadInvite: invite, overloadRegister: register, overloadOther: other };
}
