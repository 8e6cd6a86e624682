// Siprec inside Start and Stop: the call is recorded by a recording server of the operator (twiml.md 10.2).

import { limits } from '../../../base/limits.ts';
import { AttributeReader } from '../../attributes.ts';
import type { SiprecOptions, SiprecTrack } from '../../siprec-control.ts';
import type { StartableNoun } from '../startable.ts';
import { readParameters } from './parameters.ts';

const TRACKS: readonly SiprecTrack[] = ['inbound_track', 'outbound_track', 'both_tracks'];

export const siprec: StartableNoun<SiprecOptions> = {
  name: 'Siprec',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    const track = TRACKS.find((word) => word === (read.text('track')?.trim() ?? 'both_tracks'));
    if (track === undefined) read.fail(31941, `track of Siprec is not one of ${TRACKS.join(', ')}`);
    const url = read.optionalUrl('statusCallback');
    const method = read.method('statusCallbackMethod', 12200);
    const parameters = readParameters(element, read);
    if (sizeOf(parameters) > limits.siprecParameterChars)
      read.fail(12200, `the parameters of Siprec are longer than ${limits.siprecParameterChars} characters together`);
    return read.finish({
      connectorName: text(read, 'connectorName'),
      name: text(read, 'name'),
      track: track ?? 'both_tracks',
      statusCallback: url === undefined ? undefined : { url, method },
      parameters,
    });
  },
  describe: ({ connectorName = '', track }) => `${connectorName} ${track}`.trim(),
  async start(options, { control, notify }) {
    const failure = control.siprec.start(options);
    if (failure) notify({ level: 'error', code: failure.errorCode, message: `Siprec: ${failure.detail}` });
  },
  async stop(name, { control }) {
    return control.siprec.stop(name);
  },
};

const sizeOf = (parameters: ReadonlyMap<string, string>): number =>
  [...parameters].reduce((size, [name, value]) => size + name.length + value.length, 0);

function text(read: AttributeReader, name: string): string | undefined {
  const given = read.text(name)?.trim();
  if (given === undefined || given === '') return undefined;
  if (given.length <= limits.streamNameChars) return given;
  read.warn(12200, `${name} of Siprec is too long and was left out`);
  return undefined;
}
