// Stream: in Start it forks audio of the call to a server, in Connect it gives the call to one (twiml.md 9).

import { limits } from '../../../base/limits.ts';
import { withoutSecrets } from '../../../webhook/webhook.ts';
import { AttributeReader } from '../../attributes.ts';
import { resolveSocketUrl } from '../../socket-url.ts';
import type { StreamEnd, StreamOptions, StreamTrack } from '../../stream-control.ts';
import type { ParseContext, Parsed } from '../../verb.ts';
import type { XmlElement } from '../../xml.ts';
import type { ConnectableNoun } from '../connectable.ts';
import type { StartableNoun } from '../startable.ts';
import { readParameters } from './parameters.ts';

const TRACKS: readonly StreamTrack[] = ['inbound_track', 'outbound_track', 'both_tracks'];

export const startedStream: StartableNoun<StreamOptions> = {
  name: 'Stream',
  parse: (element, context) => parseStream(element, context, TRACKS),
  describe,
  async start(options, { control, notify }) {
    const failure = control.streams.start(options);
    if (failure) notify({ level: 'error', code: failure.errorCode, message: `Stream: ${failure.detail}` });
  },
  async stop(name, { control }) {
    return name !== undefined && control.streams.stop(name);
  },
};

export const connectedStream: ConnectableNoun<StreamOptions> = {
  name: 'Stream',
  // Two-way streams carry what the caller says and nothing else.
  parse: (element, context) => parseStream(element, context, ['inbound_track']),
  describe,
  async run(options, { control }, signal) {
    const end = await control.streams.connect(options, signal);
    return { outcome: end.how, params: actionParams(end), hasFailed: end.failure !== undefined };
  },
};

/** Of the noun only its URL is shown: names and parameters may be private. */
function describe({ url }: StreamOptions): string {
  return withoutSecrets(url);
}

function actionParams({ streamSid, name, failure }: StreamEnd): ReadonlyMap<string, string> {
  return new Map([
    ['StreamSid', streamSid],
    ['StreamName', name ?? streamSid],
    ['StreamEvent', failure ? 'stream-error' : 'stream-stopped'],
    ...(failure ? [['StreamError', `${failure.errorCode}: ${failure.detail}`] as const] : []),
  ]);
}

function parseStream(
  element: XmlElement,
  context: ParseContext,
  tracks: readonly StreamTrack[],
): Parsed<StreamOptions> {
  const read = new AttributeReader(element, context);
  const track = tracks.find((word) => word === (read.text('track')?.trim() ?? 'inbound_track'));
  if (read.text('connectorName') !== undefined) read.fail(31940, 'no connector of this connectorName is installed');
  if (track === undefined) read.fail(31941, `track of Stream is not one of ${tracks.join(', ')}`);
  // One format is spoken here, the one of the vendor's protocol.
  if (read.text('audioFormat') !== 'audio/x-mulaw') read.notSupported('audioFormat');
  if (read.text('sampleRate') !== '8000') read.notSupported('sampleRate');
  const statusCallback = read.optionalUrl('statusCallback');
  return read.finish({
    url: readUrl(read, context),
    name: readName(read),
    track: track ?? 'inbound_track',
    statusCallback:
      statusCallback === undefined
        ? undefined
        : { url: statusCallback, method: read.method('statusCallbackMethod', 12200) },
    parameters: readParameters(element, read),
  });
}

function readUrl(read: AttributeReader, context: ParseContext): string {
  const resolved = resolveSocketUrl(read.text('url') ?? '', context.documentUrl);
  if (!resolved.ok) {
    if (resolved.error === 'scheme') read.fail(31922, 'url of Stream is neither wss nor ws');
    else read.fail(31923, 'url of Stream is missing or malformed');
    return '';
  }
  const url = new URL(resolved.value);
  if (url.search === '') return url.href;
  // twiml.md 9: not supported; an application that relied on it here would fail with the vendor.
  read.warn(12200, 'the query string in url of Stream is not supported and was left out: use Parameter');
  url.search = '';
  return url.href;
}

function readName(read: AttributeReader): string | undefined {
  const name = read.text('name')?.trim();
  if (name === undefined || name === '') return undefined;
  if (name.length <= limits.streamNameChars) return name;
  read.warn(12200, 'name of Stream is too long and was left out');
  return undefined;
}
