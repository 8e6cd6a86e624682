// Looks after the certificates while the gateway runs: once a day what is missing or ends soon is made anew (authority.ts); reload.ts
// sees the changed files and hands them to the listeners.

import type { Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { type CertificateOptions, ensureCertificates } from './authority.ts';

/** `options` is asked each time: the machine's addresses may have changed. The returned function ends it. */
export function keepCertificates(options: () => CertificateOptions): () => void {
  const { clock, log } = options();
  let timer: Timer;
  let isStopped = false;
  const wait = () => {
    if (!isStopped) timer = clock.after(limits.certificateKeepMs, look);
  };
  async function look(): Promise<void> {
    const kept = await ensureCertificates(options());
    if (!kept.ok) log.error({}, `certificates are not looked after: ${kept.error}`);
    wait();
  }
  wait();
  return () => {
    isStopped = true;
    timer.cancel();
  };
}
