// The text that GET /metrics gives: counters named after events, labels that peers cannot multiply.

import { describe, expect, onTestFinished, test } from 'vitest';
import type { CallEvent } from '../../../src/base/events.ts';
import { Metrics } from '../../../src/metrics/metrics.ts';
import { reapingCauseOf } from '../../../src/metrics/reaping.ts';
import { messageLabels } from '../../../src/metrics/sip-labels.ts';

function world() {
  const refusals: Record<string, number> = { acl: 2 };
  const metrics = new Metrics({
    calls: () => 3,
    callsOnTrunks: () => 1,
    bindings: () => ({ bindings: 7, aors: 5 }),
    refusals: () => refusals,
    transportEvents: () => ({}),
    overload: () => ({
      isOverloaded: true,
      waitMs: 80,
      callsPerSecond: 300,
      waiting: 7,
      totals: { invite: 4, acks: 3 },
    }),
    mediaPorts: () => ({ inUse: 4, resting: 1, free: 95 }),
    mediaEndpoints: () => 4,
    captureLosses: () => ({ rtp_packets: 9 }),
  });
  onTestFinished(() => metrics.stop());
  const lines = async (name: string) =>
    (await metrics.text()).text.split('\n').filter((line) => line.startsWith(name) && !line.startsWith('#'));
  const event = (callSid: string, body: object) => metrics.onCallEvent({ callSid, ...body } as CallEvent);
  return { metrics, lines, event, refusals };
}

describe('[design 4 metrics]', () => {
  test('calls by direction and how they ended', async () => {
    const { lines, event } = world();
    for (const callSid of ['CA1', 'CA2']) event(callSid, { type: 'created', direction: 'inbound' });
    event('CA1', {
      type: 'ended',
      status: 'completed',
      answered: true,
      durationSeconds: 12,
      reason: 'the peer hung up',
    });
    event('CA2', { type: 'ended', status: 'busy', answered: false, durationSeconds: 0, reason: 'Reject' });
    expect(await lines('hookswitch_calls_total')).toEqual(['hookswitch_calls_total{direction="inbound"} 2']);
    expect(await lines('hookswitch_calls_ended_total')).toEqual([
      'hookswitch_calls_ended_total{direction="inbound",status="completed"} 1',
      'hookswitch_calls_ended_total{direction="inbound",status="busy"} 1',
    ]);
    expect(await lines('hookswitch_call_duration_seconds_bucket{le="15"}')).toEqual([
      'hookswitch_call_duration_seconds_bucket{le="15"} 1',
    ]);
    expect(await lines('hookswitch_calls ')).toEqual(['hookswitch_calls 3']);
  });

  test('[design 5.4 reaping-counted] calls that the gateway ends by itself, by cause', async () => {
    const { lines, event } = world();
    const ended = { type: 'ended', status: 'completed', answered: true, durationSeconds: 60 };
    event('CA1', { ...ended, reason: 'no audio received' });
    event('CA2', { ...ended, reason: 'maximum duration' });
    event('CA3', { ...ended, reason: 'the peer hung up' });
    expect(await lines('hookswitch_reaped_total')).toEqual([
      'hookswitch_reaped_total{cause="no_audio"} 1',
      'hookswitch_reaped_total{cause="maximum_duration"} 1',
    ]);
    expect(reapingCauseOf('ended over REST')).toBeUndefined();
  });

  test('[design 5.4 refusals-counted] totals that others keep are read at each scrape', async () => {
    const { lines, refusals } = world();
    expect(await lines('hookswitch_refusals_total')).toEqual(['hookswitch_refusals_total{cause="acl"} 2']);
    refusals.acl = 5;
    refusals.banned = 1;
    expect(await lines('hookswitch_refusals_total')).toEqual([
      'hookswitch_refusals_total{cause="acl"} 5',
      'hookswitch_refusals_total{cause="banned"} 1',
    ]);
  });

  test('how it stands with load', async () => {
    const { lines } = world();
    expect(await lines('hookswitch_overloaded')).toEqual(['hookswitch_overloaded 1']);
    expect(await lines('hookswitch_new_call_wait_seconds')).toEqual(['hookswitch_new_call_wait_seconds 0.08']);
    expect(await lines('hookswitch_requests_waiting')).toEqual(['hookswitch_requests_waiting 7']);
    expect(await lines('hookswitch_admission_rate')).toEqual(['hookswitch_admission_rate 300']);
    expect(await lines('hookswitch_overload_messages_total')).toEqual([
      'hookswitch_overload_messages_total{kind="invite"} 4',
      'hookswitch_overload_messages_total{kind="acks"} 3',
    ]);
  });

  test('SIP messages by method, status and transport; what cannot be read is counted too', async () => {
    const { metrics, lines } = world();
    metrics.onMessage('in', 'udp', { kind: 'request', method: 'INVITE' });
    metrics.onMessage('out', 'udp', { kind: 'response', status: 486, cseq: { method: 'INVITE' } });
    metrics.onMessage('in', 'tcp', undefined);
    expect(await lines('hookswitch_sip_messages_total')).toEqual([
      'hookswitch_sip_messages_total{direction="in",transport="udp",method="INVITE",status=""} 1',
      'hookswitch_sip_messages_total{direction="out",transport="udp",method="INVITE",status="486"} 1',
    ]);
    expect(await lines('hookswitch_sip_unreadable_total')).toEqual([
      'hookswitch_sip_unreadable_total{transport="tcp"} 1',
    ]);
  });

  test('a peer that invents methods makes one series, not many', async () => {
    const { metrics, lines } = world();
    for (let count = 0; count < 100; count++) metrics.onMessage('in', 'udp', { kind: 'request', method: `X${count}` });
    expect(await lines('hookswitch_sip_messages_total')).toHaveLength(1);
    expect(messageLabels({ kind: 'request', method: 'invite' }).method).toBe('other');
  });

  test('webhooks by outcome, with a histogram of their time', async () => {
    const { metrics, lines } = world();
    metrics.onWebhook({ purpose: 'document', status: 200, durationMs: 80 });
    metrics.onWebhook({ purpose: 'document', status: 0, durationMs: 15_000 });
    expect(await lines('hookswitch_webhook_requests_total')).toEqual([
      'hookswitch_webhook_requests_total{purpose="document",outcome="2xx"} 1',
      'hookswitch_webhook_requests_total{purpose="document",outcome="no_answer"} 1',
    ]);
    expect(await lines('hookswitch_webhook_duration_seconds_bucket{le="0.1"')).toEqual([
      'hookswitch_webhook_duration_seconds_bucket{le="0.1",purpose="document"} 1',
    ]);
  });

  test('media of a leg when it ends: packets, loss, drops by reason, jitter', async () => {
    const { metrics, lines } = world();
    metrics.onMediaEnded({ packetsReceived: 500, packetsSent: 480, packetsLost: 3, jitterMs: 4, drops: { source: 2 } });
    expect(await lines('hookswitch_media_packets')).toEqual([
      'hookswitch_media_packets_total{direction="in"} 500',
      'hookswitch_media_packets_total{direction="out"} 480',
      'hookswitch_media_packets_lost_total 3',
      'hookswitch_media_packets_dropped_total{reason="source"} 2',
    ]);
    expect(await lines('hookswitch_media_jitter_milliseconds_bucket{le="5"}')).toEqual([
      'hookswitch_media_jitter_milliseconds_bucket{le="5"} 1',
    ]);
    expect(await lines('hookswitch_media_port_pairs{state="free"}')).toEqual([
      'hookswitch_media_port_pairs{state="free"} 95',
    ]);
  });

  test('registrations by event and cause; the process: memory, processor time, lag of its loop', async () => {
    const { metrics, lines } = world();
    metrics.onRegistration({ event: 'registered' });
    metrics.onRegistration({ event: 'rejected', cause: '32007' });
    expect(await lines('hookswitch_registrations_total')).toEqual([
      'hookswitch_registrations_total{event="registered",cause=""} 1',
      'hookswitch_registrations_total{event="rejected",cause="32007"} 1',
    ]);
    for (const name of [
      'hookswitch_event_loop_lag_seconds{of="p99"}',
      'process_resident_memory_bytes',
      'process_cpu_seconds_total',
    ]) {
      const [line] = await lines(name);
      expect(Number(line!.split(' ').at(-1))).toBeGreaterThanOrEqual(0);
    }
  });
});
