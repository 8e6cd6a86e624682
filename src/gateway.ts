// The composition root: builds every part, hands each its ports, starts and stops them in order. Takes no decisions; `assemble` is
// one long list of constructions for that reason.
//
//   store ─▶ directory ─▶ access ┐
//   certs ─▶ transport ─▶ transactions ─▶ user agent ─▶ calls ─▶ voice sessions ─▶ webhook client
//                                        media engine ─┘             └▶ speech
//   events of calls ─▶ log, store, status callbacks, trace

import { closeLeftBehind } from './abandoned.ts';
import { type Clock, realClock } from './base/clock.ts';
import { cryptoRandom, type RandomSource } from './base/ids.ts';
import type { Log } from './base/log.ts';
import type { Account } from './base/records.ts';
import { err, ok, type Result } from './base/result.ts';
import type { Config } from './config.ts';
import { createDebuggerWebhook, withNotifications } from './debugger-webhook.ts';
import { type Application, startApplication } from './demo/application.ts';
import { demoDomainName } from './demo/domain.ts';
import { createResolver } from './dns/resolver.ts';
import { buildCalls, type CallStack } from './gateway-calls.ts';
import { startHttp } from './gateway-http.ts';
import { kernelOptions } from './gateway-kernel.ts';
import { chooseMediaEngine } from './gateway-media.ts';
import { buildRecordingFiles } from './gateway-recording-files.ts';
import { buildSip, buildTls, type SipStack } from './gateway-sip.ts';
import type { MediaEngine } from './media/engine.ts';
import { startKernelService } from './media/kernel/service.ts';
import { createWorkerMediaEngine } from './media/workers.ts';
import { type Foundation, isDemoOn, layFoundation, type ProvisioningContext, provision } from './provisioning.ts';
import type { Transport } from './sip/transport/transport.ts';
import type { RegistrationEvent } from './sip/ua/binding-census.ts';
import { createDirectory } from './store/directory.ts';
import { startRetention } from './store/retention.ts';
import { drawLadder } from './trace/ladder.ts';

export interface GatewayInfo {
  readonly listeners: ReturnType<Transport['listeners']>;
  readonly rootAccount: Account;
  /** The account was made by this start: its token is shown once. */
  readonly isNewAccount: boolean;
  readonly secretKey: Buffer;
  readonly isDemo: boolean;
  readonly apiUrl: string;
}

export interface Gateway {
  readonly info: GatewayInfo;
  /** Live legs. */
  callCount(): number;
  /** Everything that is open, by kind; all zero when idle, but for what the name says (design.md 4). */
  counts(): Record<string, unknown>;
  /** The ladder of a call by CallSid or Call-ID. */
  ladder(id: string): string | undefined;
  /** Takes over changed declared objects. No call is dropped. */
  applySettings(config: Config): Promise<void>;
  /** New calls get 503; resolves when the running ones have ended or after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>;
  /** Ends the calls with BYE, then closes everything. Asked again, it waits for the first. */
  stop(): Promise<void>;
}

export interface GatewayParts {
  readonly log: Log;
  readonly clock?: Clock;
  readonly random?: RandomSource;
}

/** How long stop waits for status callbacks that are still to be sent. */
const CALLBACK_WAIT_MS = 5_000;

/** Builds and starts a gateway. The error is one sentence for the operator; what was opened until then is closed again. */
export async function createGateway(config: Config, parts: GatewayParts): Promise<Result<Gateway, string>> {
  const context: ProvisioningContext = {
    log: parts.log,
    clock: parts.clock ?? realClock,
    random: parts.random ?? cryptoRandom,
  };
  const opened: Closer[] = [];
  const foundation = await layFoundation(config, context);
  if (!foundation.ok) return foundation;
  opened.push(async () => {
    await foundation.value.store.close();
    foundation.value.lock.release();
  });
  const built = await assemble(config, foundation.value, context, opened).catch((fault: Error) => err(fault.message));
  if (!built.ok) await closeAll(opened, context.log);
  return built;
}

type Closer = () => Promise<void> | void;

/** In reverse order. What cannot be closed does not keep the rest open. */
async function closeAll(opened: Closer[], log: Log): Promise<void> {
  for (const close of opened.splice(0).reverse()) {
    try {
      await close();
    } catch (fault) {
      log.error({ folder: 'start', err: fault }, 'a part could not be stopped');
    }
  }
}

async function assemble(
  config: Config,
  foundation: Foundation,
  context: ProvisioningContext,
  opened: Closer[],
): Promise<Result<Gateway, string>> {
  const { clock, log } = context;
  let settings = config;
  let isReady = false;
  let stopping: Promise<void> | undefined;
  let httpUrl: string | undefined;

  const isDemo = isDemoOn(config);
  const demoUrl = isDemo ? await demoApplication(config, foundation, log, opened) : undefined;
  await provision(config, foundation, demoUrl, context);
  const recordingFiles = await buildRecordingFiles(config, foundation.secretKey, context);
  if (!recordingFiles.ok) return recordingFiles;
  opened.push(() => recordingFiles.value.stop());
  await closeLeftBehind(foundation, recordingFiles.value.files, context);
  const directory = await createDirectory(foundation.store, { clock, log });
  opened.push(() => directory.stop());
  const debuggerWebhook = createDebuggerWebhook({
    url: () => settings.debuggerWebhook,
    callbacks: { send: (request) => calls.statusCallbacks.send(request) },
    exchanges: foundation.store.webhookExchanges,
    accountOf: (sid) => directory.accountBySid(sid),
    log,
  });
  const store = withNotifications(foundation.store, (record) => debuggerWebhook.notify(record));
  const tls = await buildTls(config, context);
  if (!tls.ok) return tls;
  opened.push(() => tls.value?.stop());

  const resolver = createResolver({ clock, log });
  const demoName = demoDomainName(config.domainSuffix);
  const defaultDomain = config.defaultDomain ?? (isDemo ? demoName : undefined);
  const onRegistration = (event: RegistrationEvent) => calls.observers.onRegistration(event);
  const sip = buildSip({
    config,
    settings: () => settings,
    context,
    store,
    directory,
    resolver,
    tls: tls.value,
    defaultDomain,
    onRegistration,
    carriers: {
      domainOfContact: (user, address) => calls.carriers.registrations.domainOfContact(user, address),
      isCarrier: (address) => calls.carriers.registrations.isCarrier(address),
    },
  });
  const kernel = await startKernelService(kernelOptions(config, context));
  opened.push(() => kernel.stop());
  const engine = createWorkerMediaEngine({
    ...{ workers: config.mediaWorkers, portRange: config.mediaPorts, clock, log },
    kernel: () => kernel.connect(),
    native: chooseMediaEngine(config, log),
  });
  const engineStarted = await engine.start();
  if (!engineStarted.ok) return engineStarted;
  opened.push(() => engine.stop());
  const isDemoDomain = (domain: { readonly domainName: string }) => isDemo && domain.domainName === demoName;
  const calls = buildCalls({
    config,
    settings: () => settings,
    context,
    store,
    directory,
    resolver,
    sip,
    engine,
    isDemoDomain,
    recordingFiles: recordingFiles.value,
    secretKey: foundation.secretKey,
    httpOrigin: () => httpUrl,
  });
  await calls.carriers.load();
  await calls.observers.start();
  opened.push(() => calls.observers.stop());
  opened.push(async () => {
    // The last action requests of the calls, then what is told of their ends.
    const told = calls.listeners.allTold().then(() => debuggerWebhook.settled());
    const drained = told.then(() => calls.statusCallbacks.drain(new AbortController().signal));
    await withTimeout(drained, CALLBACK_WAIT_MS, clock);
    calls.statusCallbacks.stop();
    await calls.webhook.stop();
    calls.streams.stop();
    calls.speaker.close();
    calls.recogniser.close();
  });
  opened.push(() => calls.recordings.recordings.stop());

  const counts = () => countsOf(sip, calls, engine);
  const http = await startHttp({
    access: sip.access,
    config,
    context,
    store,
    directory,
    calls,
    userAgent: sip.userAgent,
    tls: tls.value,
    counts,
    isReady: () => isReady,
  });
  httpUrl = http.url;
  opened.push(async () => {
    // Whoever waits for news of a call gets none any more.
    calls.observers.watches.stop();
    for (const server of http.servers) await server.stop();
  });
  await sip.userAgent.start();
  const started = await sip.transport.start();
  if (!started.ok) return started;
  opened.push(async () => {
    await sip.userAgent.stop();
    sip.transactions.stop();
    await sip.transport.stop();
  });
  calls.carriers.start();
  await calls.statusCallbacks.restore();
  opened.push(() => calls.carriers.stop());
  const retention = startRetention({
    store,
    removeMedia: (recording) => calls.recordings.api.removeMedia(recording),
    days: () => ({ calls: settings.callDays, recordings: settings.recordingDays, logs: settings.logDays }),
    clock,
    log: log.child({ folder: 'store' }),
  });
  opened.push(() => retention.stop());
  recordingFiles.value.start();
  isReady = true;

  return ok({
    info: {
      listeners: sip.transport.listeners(),
      rootAccount: foundation.rootAccount,
      isNewAccount: foundation.isNewAccount,
      secretKey: foundation.secretKey,
      isDemo,
      apiUrl: http.url,
    },
    callCount: () => calls.calls.size,
    counts,
    ladder(id) {
      const family = calls.observers.trace.family(id);
      return family && drawLadder(family);
    },
    async applySettings(next) {
      settings = next;
      await provision(next, foundation, demoUrl, context);
      await directory.refresh();
      calls.carriers.bring();
    },
    async drain(timeoutMs) {
      isReady = false;
      sip.userAgent.setDraining(true);
      calls.calls.endWaiting('the gateway stops');
      await withTimeout(calls.calls.empty(), timeoutMs, clock);
    },
    stop() {
      isReady = false;
      sip.userAgent.setDraining(true);
      for (const call of [...calls.calls.all()]) call.hangUp('the gateway stops');
      stopping ??= closeAll(opened, log);
      return stopping;
    },
  });
}

/** What is open, for /debug/counts: all zero when idle but for registrations, listeners and what is counted since the start. */
function countsOf(sip: SipStack, calls: CallStack, engine: MediaEngine): Record<string, unknown> {
  return {
    calls: calls.calls.size,
    callsWaiting: calls.calls.waiting,
    voiceSessions: calls.sessions.count,
    queues: calls.queues.counts(),
    conferences: calls.conferences.counts(),
    recordings: calls.recordings.counts(),
    transactions: sip.transactions.counts(),
    userAgent: sip.userAgent.counts(),
    media: engine.counts(),
    webhooks: calls.webhook.counts(),
    streams: calls.streams.counts(),
    siprec: calls.siprec.siprec.counts(),
    transcriptions: calls.transcriptions.count,
    statusCallbacks: calls.statusCallbacks.pending(),
    statusCallbacksWaiting: calls.statusCallbacks.waiting(),
    trunks: calls.carriers.counts(),
    flows: sip.transport.counts(),
    access: sip.access.counts(),
    trace: calls.observers.counts(),
    sinceStart: {
      refused: calls.refusals.totals(),
      streams: calls.streams.streams.totals(),
      transport: sip.transport.events(),
    },
  };
}

/** URL of the example application: the one that is configured, or an embedded one. */
async function demoApplication(config: Config, foundation: Foundation, log: Log, opened: Closer[]): Promise<string> {
  if (config.demoApplicationUrl !== null) return config.demoApplicationUrl;
  return (await embeddedApplication(foundation, log, opened)).url;
}

/** The example application inside this process, on a free loopback port, checking our signatures. */
async function embeddedApplication(foundation: Foundation, log: Log, opened: Closer[]): Promise<Application> {
  const application = await startApplication({
    address: '127.0.0.1',
    port: 0,
    authToken: foundation.rootAccount.authToken,
    publicUrl: undefined,
    log: log.child({ folder: 'demo' }),
  });
  opened.push(() => application.stop());
  return application;
}

function withTimeout(promise: Promise<unknown>, timeoutMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(timeoutMs, resolve);
    void promise.then(() => {
      timer.cancel();
      resolve();
    });
  });
}
