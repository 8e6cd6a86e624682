// RFC 4733: digits as RTP packets of their own payload type. One press is many packets with the same timestamp:
//
//   time      0    20    40    60    80   100   120   140 ms
//   press     ├───────────────────────────┤
//   duration 160   320   480   640   800   800   800          units of 1/8000 s, growing
//   marker    M
//   end bit                           E     E     E           the last packet is sent three times
//   timestamp T     T     T     T     T     T     T
//
//    0                   1                   2                   3
//   ┌───────────────┬─┬─┬───────────┬───────────────────────────────┐
//   │     event     │E│R│  volume   │           duration            │
//   └───────────────┴─┴─┴───────────┴───────────────────────────────┘
//
// A press longer than 0xFFFF units goes on as a new segment, whose timestamp is where the former ended (2.5.1.3).
// Pure; time is a parameter.

/** Index: event code. RFC 4733 3.2: 0-9, 10 `*`, 11 `#`, 12-15 `A`-`D`. */
const DIGITS = '0123456789*#ABCD';
const UNITS_PER_MS = 8;
const SEGMENT_UNITS = 0xffff;
/** A press whose end packets were all lost is over after this time without packets of it. */
const LOST_END_MS = 150;
/** A timestamp that is behind by less than this is a late packet of an earlier press, not a new press. */
const LATE_UNITS = 5_000 * UNITS_PER_MS;
/** Tolerances for peers that advance the timestamp within a press (see continues). */
const DRIFTING_UNITS = 60 * UNITS_PER_MS;
const REPEATED_END_MS = 60;

export interface DigitEvent {
  readonly digit: string;
  readonly durationMs: number;
}

interface Press {
  readonly event: number;
  /** Timestamp of the current segment. */
  timestamp: number;
  /** Units of the segments before it. */
  earlierUnits: number;
  /** Duration field of the current segment, the largest seen. */
  units: number;
  lastPacketMs: number;
  ended: boolean;
}

/** Turns packets of the telephone-event payload type into one DigitEvent per press, when the press is over. */
export class TelephoneEventReceiver {
  #press: Press | undefined;

  /** Takes one RTP payload and its timestamp (unsigned 32 bits). Returns the presses that ended by it: none, one or two. */
  push(payload: Uint8Array, timestamp: number, nowMs: number): DigitEvent[] {
    if (payload.length < 4) return [];
    const event = payload[0]!;
    if (event >= DIGITS.length) return [];
    const isEnd = (payload[1]! & 0x80) !== 0;
    const units = (payload[2]! << 8) | payload[3]!;
    const digits: DigitEvent[] = [];
    let press = this.#press;
    if (press && isLate(press, timestamp)) return digits;
    if (!press || !continues(press, event, timestamp, units, isEnd, nowMs)) {
      if (press) this.#end(press, digits);
      press = { event, timestamp, earlierUnits: 0, units: 0, lastPacketMs: nowMs, ended: false };
      this.#press = press;
    }
    press.lastPacketMs = nowMs;
    if (!press.ended) press.units = Math.max(press.units, units);
    if (isEnd) this.#end(press, digits);
    return digits;
  }

  /** To be called now and then (each 20 ms): ends a press whose end packets were lost. */
  poll(nowMs: number): DigitEvent[] {
    const digits: DigitEvent[] = [];
    const press = this.#press;
    if (press && nowMs - press.lastPacketMs >= LOST_END_MS) this.#end(press, digits);
    return digits;
  }

  /** Forgets the timestamps: the stream has a new SSRC. An unfinished press is returned. */
  reset(): DigitEvent[] {
    const digits: DigitEvent[] = [];
    if (this.#press) this.#end(this.#press, digits);
    this.#press = undefined;
    return digits;
  }

  #end(press: Press, digits: DigitEvent[]): void {
    if (press.ended) return;
    press.ended = true;
    digits.push({ digit: DIGITS[press.event]!, durationMs: (press.earlierUnits + press.units) / UNITS_PER_MS });
  }
}

/** Difference of two RTP timestamps, round the wrap. */
const elapsed = (from: number, to: number): number => (to - from) | 0;

function isLate(press: Press, timestamp: number): boolean {
  const difference = elapsed(press.timestamp, timestamp);
  return difference < 0 && difference > -LATE_UNITS;
}

/** Whether a packet belongs to `press`; moves the press on to its next segment where it does so. */
function continues(
  press: Press,
  event: number,
  timestamp: number,
  units: number,
  isEnd: boolean,
  nowMs: number,
): boolean {
  if (event !== press.event) return false;
  const advance = elapsed(press.timestamp, timestamp);
  if (advance === 0) return true;
  if (press.ended) {
    // Peers that stamp each packet with the time of sending: the repeated end packets are no new press.
    return isEnd && units === press.units && nowMs - press.lastPacketMs <= REPEATED_END_MS;
  }
  // RFC 4733 2.5.1.3: the next segment begins where the full one ended. Packets just before the end may be lost.
  if (advance >= press.units && advance > SEGMENT_UNITS - DRIFTING_UNITS * 2 && advance <= SEGMENT_UNITS + 1) {
    press.earlierUnits += advance;
    press.units = 0;
    press.timestamp = timestamp;
    return true;
  }
  // The same peers within a press: the duration goes on growing although the timestamp moved.
  if (advance > 0 && advance <= DRIFTING_UNITS && units > press.units && press.units > 0) {
    press.timestamp = timestamp;
    return true;
  }
  return false;
}

export interface TelephoneEventPacket {
  readonly payload: Uint8Array;
  /** RTP marker bit: first packet of the press. */
  readonly marker: boolean;
}

/**
 * The packets of one press, one to be sent every `packetTimeMs`, all with the timestamp of the first.
 * `durationMs` up to 8,000; `volumeDb` is the power of the tone in dBm0, 0 to -63. Empty for what is not a digit.
 */
export function telephoneEventPackets(
  digit: string,
  options: { readonly durationMs: number; readonly packetTimeMs: number; readonly volumeDb: number },
): TelephoneEventPacket[] {
  const event = digit.length === 1 ? DIGITS.indexOf(digit.toUpperCase()) : -1;
  if (event < 0) return [];
  const volume = Math.min(63, Math.max(0, Math.round(-options.volumeDb)));
  const total = Math.min(SEGMENT_UNITS, Math.max(1, Math.round(options.durationMs * UNITS_PER_MS)));
  const step = Math.max(1, Math.round(options.packetTimeMs * UNITS_PER_MS));
  const packet = (units: number, end: boolean, marker: boolean): TelephoneEventPacket => ({
    payload: Uint8Array.of(event, (end ? 0x80 : 0) | volume, units >> 8, units & 0xff),
    marker,
  });
  const packets: TelephoneEventPacket[] = [];
  for (let units = step; units < total; units += step) packets.push(packet(units, false, units === step));
  // RFC 4733 2.5.1.4: the final packet three times.
  for (let copy = 0; copy < 3; copy++) packets.push(packet(total, true, packets.length === 0));
  return packets;
}
