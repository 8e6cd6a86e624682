// The counters behind GET /metrics, in the text format of Prometheus. One module owns the library; the rest of the program hands in what
// happened (the on… methods, each a few additions, none per media packet) and where running totals can be read when somebody asks.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { CallEvent } from '../base/events.ts';
import { reapingCauseOf } from './reaping.ts';
import { messageLabels, type SeenMessage } from './sip-labels.ts';
import { Tally } from './tally.ts';

export type Totals = Readonly<Record<string, number>>;

/** How it stands with load; the SIP transport has the same shape. */
export interface OverloadNumbers {
  readonly isOverloaded: boolean;
  readonly waitMs: number;
  readonly callsPerSecond: number;
  readonly waiting: number;
  readonly totals: Totals;
}

/** Where numbers that others count are read, at each scrape. */
export interface MetricSources {
  /** Live calls. */
  readonly calls: () => number;
  readonly callsOnTrunks: () => number;
  readonly bindings: () => { readonly bindings: number; readonly aors: number };
  /** Refusals by cause, since the start. */
  readonly refusals: () => Totals;
  /** What happened to SIP connections and datagrams, by event, since the start. */
  readonly transportEvents: () => Totals;
  /** Undefined where overload control is off. */
  readonly overload: () => OverloadNumbers | undefined;
  readonly mediaPorts: () => { readonly inUse: number; readonly resting: number; readonly free: number };
  readonly mediaEndpoints: () => number;
  /** Captures and HEP: what was lost, since the start. */
  readonly captureLosses: () => Totals;
}

/** A closed media endpoint; the media engine has the same shape and more. */
export interface EndpointTotals {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  readonly jitterMs: number;
  readonly drops: Totals;
}

export interface WebhookAnswer {
  readonly purpose: string;
  /** HTTP status, 0 when none came. */
  readonly status: number;
  readonly durationMs: number;
}

export interface RegistrationChange {
  readonly event: 'registered' | 'refreshed' | 'unregistered' | 'expired' | 'flowLost' | 'rejected';
  /** Of `rejected`: why. */
  readonly cause?: string;
}

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15];
const CALL_SECONDS = [1, 5, 15, 30, 60, 180, 600, 1_800, 3_600, 14_400];
const JITTER_MS = [1, 2, 5, 10, 20, 30, 50, 100, 200];

export class Metrics {
  readonly #registry = new Registry();
  readonly #loopDelay = monitorEventLoopDelay({ resolution: 20 });
  readonly #calls = this.#tally('hookswitch_calls_total', 'Calls (legs) made', ['direction']);
  readonly #ended = this.#tally('hookswitch_calls_ended_total', 'Calls that ended', ['direction', 'status']);
  readonly #reaped = this.#counter('hookswitch_reaped_total', 'Calls that the gateway ended by itself', ['cause']);
  readonly #notifications = this.#counter('hookswitch_notifications_total', 'Errors and warnings raised on calls', [
    'level',
    'code',
  ]);
  readonly #messages = this.#tally('hookswitch_sip_messages_total', 'SIP messages', [
    'direction',
    'transport',
    'method',
    'status',
  ]);
  readonly #unreadable = this.#counter('hookswitch_sip_unreadable_total', 'Messages that could not be parsed', [
    'transport',
  ]);
  readonly #registrations = this.#tally('hookswitch_registrations_total', 'What happened to registrations', [
    'event',
    'cause',
  ]);
  readonly #webhooks = this.#tally('hookswitch_webhook_requests_total', 'Requests to applications', [
    'purpose',
    'outcome',
  ]);
  readonly #mediaPackets = this.#tally('hookswitch_media_packets_total', 'RTP packets of legs that have ended', [
    'direction',
  ]);
  readonly #mediaLost = this.#counter('hookswitch_media_packets_lost_total', 'RTP packets that never came', []);
  readonly #mediaDrops = this.#tally('hookswitch_media_packets_dropped_total', 'RTP packets not used', ['reason']);
  readonly #callSeconds = this.#histogram(
    'hookswitch_call_duration_seconds',
    'Length of answered calls',
    [],
    CALL_SECONDS,
  );
  readonly #webhookSeconds = this.#histogram(
    'hookswitch_webhook_duration_seconds',
    'Time that applications took to answer',
    ['purpose'],
    SECONDS,
  );
  readonly #jitter = this.#histogram(
    'hookswitch_media_jitter_milliseconds',
    'Jitter at the end of a leg',
    [],
    JITTER_MS,
  );
  readonly #directions = new Map<string, string>();

  constructor(sources: MetricSources) {
    this.#watchProcess();
    this.#gauge('hookswitch_calls', 'Live calls (legs)', [], (set) => set({}, sources.calls()));
    this.#gauge('hookswitch_calls_on_trunks', 'Live calls on trunks', [], (set) => set({}, sources.callsOnTrunks()));
    this.#gauge('hookswitch_bindings', 'Registered contacts', [], (set) => set({}, sources.bindings().bindings));
    this.#gauge('hookswitch_registered_users', 'Addresses of record with a contact', [], (set) =>
      set({}, sources.bindings().aors),
    );
    this.#gauge('hookswitch_media_endpoints', 'Open media endpoints', [], (set) => set({}, sources.mediaEndpoints()));
    this.#gauge('hookswitch_media_port_pairs', 'Pairs of media ports', ['state'], (set) => {
      const ports = sources.mediaPorts();
      set({ state: 'in_use' }, ports.inUse);
      set({ state: 'resting' }, ports.resting);
      set({ state: 'free' }, ports.free);
    });
    this.#watchOverload(sources.overload);
    this.#totals('hookswitch_refusals_total', 'Requests refused', 'cause', sources.refusals);
    this.#totals(
      'hookswitch_transport_events_total',
      'What happened to SIP connections',
      'event',
      sources.transportEvents,
    );
    this.#totals('hookswitch_capture_losses_total', 'What captures and HEP lost', 'kind', sources.captureLosses);
  }

  onCallEvent(event: CallEvent): void {
    switch (event.type) {
      case 'created':
        this.#directions.set(event.callSid, event.direction);
        return this.#calls.add([event.direction]);
      case 'ended': {
        const direction = this.#directions.get(event.callSid) ?? 'unknown';
        this.#directions.delete(event.callSid);
        this.#ended.add([direction, event.status]);
        if (event.answered) this.#callSeconds.observe(event.durationSeconds);
        const cause = reapingCauseOf(event.reason);
        if (cause !== undefined) this.#reaped.inc({ cause });
        return;
      }
      case 'notification':
        return this.#notifications.inc({ level: event.level, code: String(event.errorCode) });
      default:
    }
  }

  /** `message` undefined: it could not be read. */
  onMessage(direction: 'in' | 'out', transport: string, message: SeenMessage | undefined): void {
    if (!message) return this.#unreadable.inc({ transport });
    const { method, status } = messageLabels(message);
    this.#messages.add([direction, transport, method, status]);
  }

  onRegistration({ event, cause }: RegistrationChange): void {
    this.#registrations.add([event, cause ?? '']);
  }

  onWebhook({ purpose, status, durationMs }: WebhookAnswer): void {
    const outcome = status === 0 ? 'no_answer' : `${Math.floor(status / 100)}xx`;
    this.#webhooks.add([purpose, outcome]);
    this.#webhookSeconds.observe({ purpose }, durationMs / 1_000);
  }

  onMediaEnded(totals: EndpointTotals): void {
    this.#mediaPackets.add(['in'], totals.packetsReceived);
    this.#mediaPackets.add(['out'], totals.packetsSent);
    this.#mediaLost.inc(totals.packetsLost);
    for (const reason in totals.drops) this.#mediaDrops.add([reason], totals.drops[reason]!);
    if (totals.packetsReceived > 1) this.#jitter.observe(totals.jitterMs);
  }

  async text(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  stop(): void {
    this.#loopDelay.disable();
    this.#registry.clear();
  }

  #watchOverload(read: MetricSources['overload']): void {
    const gauge = (name: string, help: string, value: (now: OverloadNumbers) => number) =>
      this.#gauge(name, help, [], (set) => {
        const now = read();
        if (now) set({}, value(now));
      });
    gauge('hookswitch_overloaded', '1 while new calls are refused for load', ({ isOverloaded }) =>
      Number(isOverloaded),
    );
    gauge(
      'hookswitch_new_call_wait_seconds',
      'How long the last new call waited for its turn',
      (now) => now.waitMs / 1e3,
    );
    gauge('hookswitch_requests_waiting', 'New requests that wait for their turn', ({ waiting }) => waiting);
    gauge(
      'hookswitch_admission_rate',
      'New calls per second that were let in when there last was a queue',
      (now) => now.callsPerSecond,
    );
    this.#totals(
      'hookswitch_overload_messages_total',
      'Messages that were refused, repeated, dropped or absorbed for load',
      'kind',
      () => read()?.totals ?? {},
    );
  }

  #watchProcess(): void {
    this.#loopDelay.enable();
    this.#gauge(
      'hookswitch_event_loop_lag_seconds',
      'Lateness of the signalling thread since the last scrape',
      ['of'],
      (set) => {
        const seconds = (nanoseconds: number) => (Number.isFinite(nanoseconds) ? nanoseconds / 1e9 : 0);
        set({ of: 'mean' }, seconds(this.#loopDelay.mean));
        set({ of: 'p99' }, seconds(this.#loopDelay.percentile(99)));
        set({ of: 'max' }, seconds(this.#loopDelay.max));
        this.#loopDelay.reset();
      },
    );
    this.#gauge('process_resident_memory_bytes', 'Memory of the process', [], (set) =>
      set({}, process.memoryUsage.rss()),
    );
    this.#gauge('process_cpu_seconds_total', 'Processor time of the process', [], (set) => {
      const { user, system } = process.cpuUsage();
      set({}, (user + system) / 1e6);
    });
  }

  #counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  /** A counter that many things add to. */
  #tally(name: string, help: string, labelNames: string[]): Tally {
    const tally = new Tally();
    new Counter({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset();
        tally.each((values, total) => {
          this.inc(Object.fromEntries(labelNames.map((label, index) => [label, values[index] ?? ''])), total);
        });
      },
    });
    return tally;
  }

  #histogram(name: string, help: string, labelNames: string[], buckets: number[]): Histogram {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.#registry] });
  }

  /** A number that is read when it is asked for. */
  #gauge(
    name: string,
    help: string,
    labelNames: string[],
    read: (set: (labels: Record<string, string>, value: number) => void) => void,
  ): void {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        read((labels, value) => this.set(labels, value));
      },
    });
  }

  /** Counters that are kept elsewhere, one label. */
  #totals(name: string, help: string, label: string, read: () => Totals): void {
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.#registry],
      collect() {
        this.reset();
        for (const [key, value] of Object.entries(read())) this.inc({ [label]: key }, value);
      },
    });
  }
}
