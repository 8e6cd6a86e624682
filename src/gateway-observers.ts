// Part of the composition root: those who only look on. Trace, captures, HEP export and metrics, and what each of them listens to.
// None of them can hold up or fail a call.
//
//   every SIP message ─▶ metrics, trace ─▶ HEP            call events ─▶ metrics, trace ─▶ captures
//   media events ─▶ metrics, captures (RTP)               registrations, webhooks ─▶ metrics

import { join } from 'node:path';
import type { Call } from './call/call.ts';
import type { OpenedEndpoint } from './call/leg-media.ts';
import type { Config } from './config.ts';
import type { Resolver } from './dns/resolver.ts';
import type { EndpointId, MediaEngine, MediaEvent } from './media/engine.ts';
import { type MetricSources, Metrics } from './metrics/metrics.ts';
import type { ProvisioningContext } from './provisioning.ts';
import type { SipTransport } from './sip/transport/layer.ts';
import type { RegistrationEvent } from './sip/ua/binding-census.ts';
import { CallWatches } from './trace/call-watch.ts';
import { Captures } from './trace/capture.ts';
import { CaptureFiles } from './trace/capture-files.ts';
import { HepExporter } from './trace/hep-exporter.ts';
import { createTrace, noTrace, type Trace } from './trace/trace.ts';

export interface ObserverParts {
  /** The settings in force, which a changed hookswitch.yaml replaces. */
  readonly settings: () => Config;
  readonly context: ProvisioningContext;
  readonly transport: Pick<SipTransport, 'onTraffic'>;
  readonly engine: MediaEngine;
  readonly resolver: Pick<Resolver, 'addresses'>;
  readonly calls: {
    get(sid: string): Call | undefined;
    onEvent(listener: Parameters<Trace['onEvent']> extends [infer E] ? (event: E) => void : never): unknown;
  };
  readonly sources: Omit<MetricSources, 'captureLosses' | 'mediaPorts' | 'mediaEndpoints'>;
}

export interface Observers {
  readonly trace: Trace;
  /** False: the setting `callTrace` is off, and `trace` keeps nothing. */
  readonly isTracing: boolean;
  readonly captures: Captures;
  /** Calls that somebody on this machine tests. */
  readonly watches: CallWatches;
  readonly metrics: Metrics;
  /** For the legs: an endpoint of a call was opened. */
  readonly onEndpoint: (opened: OpenedEndpoint) => void;
  readonly onRegistration: (event: RegistrationEvent) => void;
  counts(): object;
  start(): Promise<void>;
  /** Writes the captures of ended calls. */
  stop(): Promise<void>;
}

const MEGABYTE = 1024 * 1024;

export function createObservers(parts: ObserverParts): Observers {
  const { settings, context, engine, calls } = parts;
  const { clock } = context;
  const log = context.log.child({ folder: 'trace' });
  const isTracing = settings().callTrace;
  const trace = isTracing ? createTrace(clock) : noTrace;
  const watches = new CallWatches(clock);
  const isDecrypted = (accountSid: string | undefined) => {
    const accounts = settings().captureDecrypted;
    return accounts.includes('all') || (accountSid !== undefined && accounts.includes(accountSid));
  };
  const withSecrets = () => settings().captureSecrets;
  const files = createFiles(parts);
  const captures = new Captures({ trace, policy: { isDecrypted, withSecrets }, files, clock, log });
  const isHepDecrypted = (callId: string) => isDecrypted(trace.accountOf(callId));
  const hep = createHep(parts, { isDecrypted: isHepDecrypted, withSecrets });
  const metrics = new Metrics({
    ...parts.sources,
    mediaEndpoints: () => engine.counts().endpoints,
    mediaPorts: () => {
      const { portsInUse, portsResting, portsFree } = engine.counts();
      return { inUse: portsInUse, resting: portsResting, free: portsFree };
    },
    captureLosses: () => lossesOf(captures, hep),
  });
  parts.transport.onTraffic((direction, bytes, flow, message) => {
    metrics.onMessage(direction, flow.transport, message);
    trace.onMessage(direction, bytes, flow, message);
    if (message) hep?.onMessage(direction, bytes, flow, message.callId);
  });
  calls.onEvent((event) => {
    metrics.onCallEvent(event);
    trace.onEvent(event);
    captures.onEvent(event);
    watches.onEvent(event);
  });
  const tapped = new Map<EndpointId, OpenedEndpoint>();
  engine.onEvent((event) => onMedia(event, tapped, metrics, captures));
  return {
    trace,
    isTracing,
    captures,
    watches,
    metrics,
    onEndpoint(opened) {
      const domain = calls.get(opened.callSid)?.options.domain?.domainName;
      if (!isTracing || !capturesRtp(settings(), domain)) return;
      tapped.set(opened.endpoint, opened);
      const accountSid = calls.get(opened.callSid)?.options.accountSid;
      engine.capture(opened.endpoint, { decrypted: isDecrypted(accountSid), digits: withSecrets() });
    },
    onRegistration: (event) => metrics.onRegistration(event),
    counts: () => ({
      ...trace.counts(),
      ...captures.counts(),
      ...watches.counts(),
      ...(hep ? { hep: hep.counts() } : {}),
    }),
    async start() {
      await files
        ?.start()
        .catch((fault: Error) => log.error({ reason: fault.message }, 'captures cannot be kept on disk'));
      void hep?.start();
    },
    async stop() {
      await captures.stop();
      await files?.stop();
      hep?.stop();
      metrics.stop();
    },
  };
}

/** What a domain says goes before what the gateway says. */
function capturesRtp(config: Config, domainName: string | undefined): boolean {
  const declared = config.declared.domains.find((domain) => domain.name === domainName);
  return declared?.captureRtp ?? config.captureRtp;
}

function createFiles({ settings, context }: ObserverParts): CaptureFiles | undefined {
  const { captureDays, dataDir } = settings();
  if (captureDays === 0) return undefined;
  return new CaptureFiles({
    directory: join(dataDir, 'captures'),
    retention: () => ({ days: settings().captureDays, bytes: settings().captureMegabytes * MEGABYTE }),
    clock: context.clock,
    log: context.log.child({ folder: 'trace' }),
  });
}

function createHep(
  { settings, context, resolver }: ObserverParts,
  policy: { readonly isDecrypted: (callId: string) => boolean; readonly withSecrets: () => boolean },
): HepExporter | undefined {
  const { hepServer: server, hepCaptureId: captureId, hepPassword: password } = settings();
  if (server === null) return undefined;
  return new HepExporter({
    server,
    sender: { captureId, password },
    ...policy,
    resolve: async (host) => {
      const found = await resolver.addresses(host);
      return found.ok ? found.value[0]?.address : undefined;
    },
    clock: context.clock,
    log: context.log.child({ folder: 'trace' }),
  });
}

function onMedia(
  event: MediaEvent,
  tapped: Map<EndpointId, OpenedEndpoint>,
  metrics: Metrics,
  captures: Captures,
): void {
  if (event.type === 'closed') {
    metrics.onMediaEnded(event.statistics);
    return;
  }
  if (event.type !== 'captured') return;
  const opened = tapped.get(event.endpoint);
  if (!opened) return;
  const { packets, data, dropped, isLast } = event.batch;
  const local = { address: opened.address, port: opened.rtpPort };
  const seen = packets.map(({ wallMs, direction, remoteAddress, remotePort, at, length }) => ({
    wallMs,
    direction,
    local,
    remote: { address: remoteAddress, port: remotePort },
    payload: data.subarray(at, at + length),
  }));
  captures.onRtp(opened.callSid, seen, dropped);
  if (isLast) tapped.delete(event.endpoint);
}

function lossesOf(captures: Captures, hep: HepExporter | undefined): Readonly<Record<string, number>> {
  const { rtpDropped, writesDropped } = captures.counts();
  const { dropped = 0, failed = 0 } = hep?.counts() ?? {};
  return { rtp_packets: rtpDropped, captures: writesDropped, hep_dropped: dropped, hep_failed: failed };
}
