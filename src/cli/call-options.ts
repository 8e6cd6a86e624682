// The options of `call`, checked before anything is sent: a mistake is one line, and no phone rings for a file that is not there.

import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { err, ok, type Result } from '../base/result.ts';
import { decodeAudio } from '../media/audio-file.ts';
import type { PlaySource } from '../media/engine.ts';
import { isSipUri, parseUri, type SipUri } from '../sip/grammar/uri.ts';
import {
  commandLine,
  type Ending,
  type Grammar,
  mistake,
  type Parsed,
  parseArguments,
  textOf,
  wholeNumber,
} from './arguments.ts';

export interface CallOptions {
  readonly target: SipUri;
  readonly targetText: string;
  /** Sent to whatever the target says. */
  readonly proxy: SipUri | undefined;
  readonly user: string;
  readonly password: string | undefined;
  /** Host of the From header. */
  readonly domain: string;
  readonly register: boolean;
  /** Sent after the answer, one after the other. */
  readonly sources: readonly PlaySource[];
  readonly recordFile: string | undefined;
  /** Undefined: until the other side hangs up. */
  readonly durationMs: number | undefined;
  readonly secureMedia: boolean;
  /** PEM; null = TLS servers are not verified. */
  readonly trustedRoot: string | null;
  readonly expectedStatus: number | undefined;
  readonly verbose: boolean;
}

const GRAMMAR: Grammar = {
  argument: 'SIP URI to call',
  options: {
    user: { type: 'string', default: 'caller' },
    password: { type: 'string' },
    domain: { type: 'string' },
    proxy: { type: 'string' },
    register: { type: 'boolean' },
    'send-digits': { type: 'string' },
    play: { type: 'string' },
    record: { type: 'string' },
    duration: { type: 'string', default: '10' },
    srtp: { type: 'boolean' },
    ca: { type: 'string' },
    'expect-status': { type: 'string' },
    verbose: { type: 'boolean' },
  },
  usage: `Usage: ${commandLine('call')} <sip:target@host[:port][;transport=udp|tcp|tls]> [options]
  --user NAME --password TEXT   digest credentials (user default: caller)
  --domain NAME                 host of the From header (default: host of the target)
  --proxy HOST:PORT             send there whatever the target says
  --register                    register before the call
  --send-digits TEXT            after the answer; w waits 0.5 s, W 1 s
  --play FILE                   WAV or MP3 played after the answer, behind the digits
  --record FILE                 WAV of what is heard
  --duration SECONDS            hang up after that time (default 10; 0 = until the other side does)
  --srtp                        offer RTP/SAVP
  --ca FILE                     root certificate that a TLS server must be signed by (default: not verified)
  --expect-status CODE          exit 0 only when the call is answered or refused with this SIP status
  --verbose                     log messages
  --script FILE                 plays a scripted dialogue instead; with --virtual in no time: ${commandLine('call')} --virtual --help
Exit code: 0 answered (or as expected), 1 not so, 2 a mistake in the options. Ctrl-C hangs up.`,
};

const DURATION_MAX_S = 86_400;

/** Reads the arguments and the files they name. */
export async function parseCallOptions(args: readonly string[]): Promise<Result<CallOptions, Ending>> {
  const parsed = parseArguments(args, GRAMMAR);
  if (!parsed.ok) return parsed;
  try {
    return ok(await checked(parsed.value));
  } catch (fault) {
    if (fault instanceof Mistake) return err(mistake(fault.message, GRAMMAR.usage));
    throw fault;
  }
}

/** Leaves the checks below at the first mistake. */
class Mistake extends Error {}

const wrong = (sentence: string): never => {
  throw new Mistake(sentence);
};

async function checked({ values, positionals }: Parsed): Promise<CallOptions> {
  const targetText = positionals[0] ?? '';
  const target = sipUri(targetText, 'the target');
  const proxy = textOf(values.proxy);
  return {
    target,
    targetText,
    proxy: proxy === undefined ? undefined : sipUri(proxy, '--proxy'),
    user: textOf(values.user) ?? '',
    password: textOf(values.password),
    domain: textOf(values.domain) ?? target.host,
    register: values.register === true,
    sources: await playSources(values),
    recordFile: recordFile(textOf(values.record)),
    durationMs: duration(textOf(values.duration) ?? ''),
    secureMedia: values.srtp === true,
    trustedRoot: rootCertificate(textOf(values.ca)),
    expectedStatus: expectedStatus(textOf(values['expect-status'])),
    verbose: values.verbose === true,
  };
}

function sipUri(given: string, what: string): SipUri {
  const parsed = parseUri(/^sips?:/i.test(given) ? given : `sip:${given}`);
  return parsed.ok && isSipUri(parsed.value) ? parsed.value : wrong(`"${given}" (${what}) is not a SIP URI.`);
}

function duration(given: string): number | undefined {
  const seconds = /^\d+(\.\d+)?$/.test(given) ? Number(given) : Number.NaN;
  if (!(seconds <= DURATION_MAX_S))
    wrong(`--duration ${given} is not a number of seconds from 0 to ${DURATION_MAX_S}.`);
  return seconds === 0 ? undefined : seconds * 1000;
}

function expectedStatus(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  return wholeNumber(given, 200, 699) ?? wrong(`--expect-status ${given} is not a final SIP status (200 to 699).`);
}

function rootCertificate(file: string | undefined): string | null {
  if (file === undefined) return null;
  const pem = read(file, '--ca').toString('latin1');
  return pem.includes('-----BEGIN CERTIFICATE-----') ? pem : wrong(`--ca ${file} holds no PEM certificate.`);
}

function recordFile(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch (fault) {
    wrong(`--record ${file} cannot be written: ${reasonOf(fault)}.`);
  }
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) wrong(`--record ${file} is a folder.`);
  return file;
}

async function playSources(values: Parsed['values']): Promise<PlaySource[]> {
  const sources: PlaySource[] = [];
  const digits = textOf(values['send-digits']);
  if (digits !== undefined) {
    if (!/^[0-9A-D*#wW]+$/.test(digits)) wrong(`--send-digits ${digits} may hold 0-9, A-D, *, #, w and W.`);
    sources.push({ kind: 'digits', digits });
  }
  const file = textOf(values.play);
  if (file !== undefined) {
    const decoded = await decodeAudio(read(file, '--play'), null);
    if (decoded.ok) sources.push({ kind: 'samples', samples: decoded.value });
    else wrong(`--play ${file} cannot be played: ${decoded.error.detail}.`);
  }
  return sources;
}

function read(file: string, option: string): Buffer {
  try {
    return readFileSync(file);
  } catch (fault) {
    return wrong(`${option} ${file} cannot be read: ${reasonOf(fault)}.`);
  }
}

/** `no such file or directory` of "ENOENT: no such file or directory, open 'x'". */
const reasonOf = (fault: unknown): string => (fault as Error).message.replace(/^[A-Z]+: |, \w+( '.*')?$/g, '');
