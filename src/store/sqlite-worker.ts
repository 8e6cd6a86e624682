// The thread that holds the database (design.md 7: node:sqlite is synchronous, so it never runs where SIP does). It gets groups of
// operations and posts their outcomes, in order; the first message says whether the file could be opened.

import { parentPort, workerData } from 'node:worker_threads';
import type { Result } from '../base/result.ts';
import { Database } from './database.ts';
import { type GroupReply, type GroupRequest, packOutcomes, unpackOperations } from './operations.ts';

export interface WorkerSettings {
  readonly file: string;
  readonly secretKey: Uint8Array;
  readonly maxFileBytes: number | null;
}

export type WorkerMessage = { readonly opened: Result<null, string> } | { readonly reply: GroupReply };
export type WorkerRequest = { readonly group: GroupRequest } | { readonly close: true };

function serve(port: NonNullable<typeof parentPort>, settings: WorkerSettings): void {
  const post = (message: WorkerMessage): void => port.postMessage(message);
  const opened = Database.open({ ...settings, secretKey: Buffer.from(settings.secretKey) });
  post({ opened: opened.ok ? { ok: true, value: null } : opened });
  if (!opened.ok) return port.close();
  const database = opened.value;
  port.on('message', (request: WorkerRequest) => {
    if ('close' in request) {
      database.close();
      port.close();
      return;
    }
    const outcomes = database.run(unpackOperations(request.group));
    post({ reply: { id: request.group.id, outcomes: packOutcomes(outcomes) } });
  });
}

if (parentPort) serve(parentPort, workerData as WorkerSettings);
