// A change of our certificate authority without a phone that loses its trust: the new root is published long before it signs, the old
// one long after. Phones that fetch /ca.pem now and then never notice.
//
//   days before the end   180 ── ca-next made, published ── 60 ── next becomes ca, old becomes ca-old ── 0
//   /ca.pem               old     old + next                       new + old

import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import { parseCertificate, readText } from './files.ts';

const DAY_MS = 86_400_000;
const PREPARE_DAYS = 180;
/** More than the 30 days in which leaf certificates are renewed. */
const SWITCH_DAYS = 60;

export interface SuccessionOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Makes the next CA when the end of the present one is near, and puts it in its place when it is nearer. Only for a CA whose key we
 * have. Throws what the file system throws.
 */
export async function succeed(
  { directory, clock, log }: SuccessionOptions,
  makeAuthority: (file: 'ca-next') => Promise<unknown>,
  written: string[],
): Promise<void> {
  const present = parseCertificate(readText(join(directory, 'ca.pem')) ?? '');
  if (!present || readText(join(directory, 'ca.key')) === undefined) return;
  const daysLeft = (present.validToDate.getTime() - clock.wall()) / DAY_MS;
  if (daysLeft > PREPARE_DAYS) return;
  const hasNext = () =>
    parseCertificate(readText(join(directory, 'ca-next.pem')) ?? '') !== undefined &&
    readText(join(directory, 'ca-next.key')) !== undefined;
  if (!hasNext()) {
    await makeAuthority('ca-next');
    log.warn(
      { ends: present.validTo },
      'the certificate authority ends soon: give phones /ca.pem, which has its successor too',
    );
  }
  if (daysLeft > SWITCH_DAYS) return;
  // The key of the old one is not needed any more, and what is not there cannot be stolen.
  renameSync(join(directory, 'ca.pem'), join(directory, 'ca-old.pem'));
  renameSync(join(directory, 'ca-next.key'), join(directory, 'ca.key'));
  renameSync(join(directory, 'ca-next.pem'), join(directory, 'ca.pem'));
  written.push('ca-old.pem', 'ca.key', 'ca.pem');
  log.warn({ ends: present.validTo }, 'a new certificate authority signs from now on: phones need the present /ca.pem');
}
