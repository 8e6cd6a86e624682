// Enqueue: the call waits in a queue (twiml.md 7.2). queue/ does the waiting; this file reads the attributes and turns the outcome into
// the parameters of the action.

import { limits } from '../../base/limits.ts';
import type { HttpMethod } from '../../base/records.ts';
import { isQueueName } from '../../queue/enqueue.ts';
import type { WebhookParams } from '../../webhook/webhook.ts';
import { AttributeReader, NOT_SUPPORTED, resolveUrl } from '../attributes.ts';
import type { EnqueueOptions, EnqueueOutcome } from '../queue-control.ts';
import { endOfCall, nextVerb, type ParseContext, type RunContext, type Verb, type VerbResult } from '../verb.ts';
import { childElements, textOf } from '../xml.ts';

export interface Enqueue {
  readonly action: string | undefined;
  readonly method: HttpMethod;
  /** Undefined: it cannot be done, which was said; the result is `error`. */
  readonly options: EnqueueOptions | undefined;
}

/** The vendor's dictionary has no codes of its own for Enqueue: schema validation. */
const INVALID = 12200;

export const enqueue: Verb<Enqueue> = {
  name: 'Enqueue',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    const name = textOf(element);
    const wait = readWait(read, context);
    const maxSize = readMaxSize(read);
    // Calls of a workflow belong to a task router, which gives them to its workers: a queue would keep them for ever.
    const isTask = read.text('workflowSid') !== undefined || childElements(element).length > 0;
    if (isTask) read.warn(NOT_SUPPORTED, 'workflowSid and Task of Enqueue are not supported: the call is not queued');
    const isUsable = isTask || isQueueName(name);
    if (!isUsable) read.warn(INVALID, `Enqueue has no usable queue name (1 to ${limits.queueNameChars} characters)`);
    return read.finish({
      action: read.url('action'),
      method: read.method('method', INVALID),
      options: isTask || !isUsable ? undefined : { name, ...wait, maxSize },
    });
  },
  describe: ({ options }) => options?.name ?? '',
  async run({ action, method, options }, context, signal) {
    const { control } = context;
    await control.answer(signal);
    if (signal.aborted) return endOfCall('aborted');
    const outcome = options ? await control.queues.enqueue(options, signal) : REFUSED;
    return afterwards(outcome, action, method, context, signal);
  },
};

const REFUSED: EnqueueOutcome = { result: 'error', queue: undefined, transferred: false };

async function afterwards(
  outcome: EnqueueOutcome,
  action: string | undefined,
  method: HttpMethod,
  { control, requestIgnored }: RunContext,
  signal: AbortSignal,
): Promise<VerbResult> {
  // The document of referUrl took over, and is over.
  if (outcome.transferred) return endOfCall('transferred');
  const params = actionParams(outcome);
  if (control.callSignal.aborted) {
    // twiml.md 4.2 point 5: the application still hears how it ended; what it answers is ignored.
    if (action !== undefined) await requestIgnored(action, method, new Map([...params, ['CallStatus', 'completed']]));
    return endOfCall(outcome.result);
  }
  if (signal.aborted) {
    // Redirected over REST; the action is told before the new document is fetched.
    if (action !== undefined) await requestIgnored(action, method, params);
    return endOfCall(outcome.result);
  }
  // Who was not in the queue has not waited.
  const waited = outcome.queue !== undefined && outcome.result !== 'error';
  if (action === undefined) return nextVerb(outcome.result, waited);
  return { kind: 'redirect', url: action, method, params, purpose: 'action', outcome: outcome.result, waited };
}

/** twiml.md 7.2: what the action request adds to the standard parameters. */
function actionParams({ result, queue }: EnqueueOutcome): WebhookParams {
  const params = new Map<string, string>([['QueueResult', result]]);
  if (!queue) return params;
  params.set('QueueSid', queue.sid);
  params.set('QueueTime', String(queue.seconds));
  return params;
}

function readWait(read: AttributeReader, context: ParseContext): Pick<EnqueueOptions, 'waitUrl' | 'waitMethod'> {
  const text = read.text('waitUrl');
  const method = read.method('waitUrlMethod', INVALID);
  // The built-in playlist by default, silence for the empty text.
  if (text === undefined) return { waitUrl: undefined, waitMethod: 'GET' };
  if (text.trim() === '') return { waitUrl: '', waitMethod: method };
  const url = resolveUrl(text, context.documentUrl);
  if (url === undefined) read.warn(11100, 'waitUrl of Enqueue is not a valid URL; the built-in music is played');
  return { waitUrl: url, waitMethod: method };
}

function readMaxSize(read: AttributeReader): number | undefined {
  if (read.text('maxQueueSize') === undefined) return undefined;
  const { queueSizeDefault: fallback, queueSizeMax: max } = limits;
  return read.integer('maxQueueSize', { min: 1, max, fallback, code: INVALID });
}
