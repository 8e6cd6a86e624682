// A small receiver's view of HEP v3: chunks of the vendor-neutral kind by their type.

/** Throws on what is no HEP v3 packet. */
export function decodeHep(datagram: Buffer): Map<number, Buffer> {
  if (datagram.toString('latin1', 0, 4) !== 'HEP3') throw new Error('no HEP3');
  if (datagram.readUInt16BE(4) !== datagram.length) throw new Error(`length ${datagram.readUInt16BE(4)}`);
  const chunks = new Map<number, Buffer>();
  for (let at = 6; at < datagram.length; ) {
    const length = datagram.readUInt16BE(at + 4);
    if (length < 6 || at + length > datagram.length) throw new Error(`chunk of ${length} bytes at ${at}`);
    if (datagram.readUInt16BE(at) === 0)
      chunks.set(datagram.readUInt16BE(at + 2), datagram.subarray(at + 6, at + length));
    at += length;
  }
  return chunks;
}

/** The SIP message. */
export const hepText = (chunks: ReadonlyMap<number, Buffer>): string => chunks.get(15)!.toString('latin1');
