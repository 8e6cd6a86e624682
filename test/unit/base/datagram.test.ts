// UDP sockets on Node's own handles and on node:dgram: both keep the same promises.

import { strict as assert } from 'node:assert';
import { afterEach, describe, test } from 'vitest';
import type { BindDatagram, DatagramSocket } from '../../../src/base/datagram.ts';
import { bindDatagram, hasHandles } from '../../../src/base/datagram-handles.ts';
import { bindPlain } from '../../../src/base/datagram-plain.ts';
import { until } from '../../support/until.ts';

interface Got {
  readonly text: string;
  readonly address: string;
  readonly port: number;
}

const open: DatagramSocket[] = [];
afterEach(async () => {
  for (const socket of open.splice(0)) await socket.close();
});

async function opened(bind: BindDatagram, address: string, port = 0) {
  const got: Got[] = [];
  const errors: string[] = [];
  const handlers = {
    packet: (packet: Buffer, from: string, fromPort: number) =>
      void got.push({ text: packet.toString(), address: from, port: fromPort }),
    error: (code: string) => void errors.push(code),
  };
  const bound = await bind(address, port, handlers, { receiveBufferBytes: 65_536 });
  assert.ok(bound.ok, JSON.stringify(bound));
  open.push(bound.value);
  return { socket: bound.value, got, errors };
}

test('this Node has the handles that are used', () => {
  assert.equal(hasHandles, true);
});

describe.each([
  { name: 'handles of Node', bind: bindDatagram },
  { name: 'node:dgram', bind: bindPlain },
])('UDP sockets: $name', ({ bind }) => {
  test.each(['127.0.0.1', '::1'])('datagrams go both ways on %s and name their source', async (address) => {
    const a = await opened(bind, address);
    const b = await opened(bind, address);
    assert.equal(a.socket.address, address);
    assert.equal(a.socket.receiveBufferBytes, 65_536);
    assert.equal(a.socket.send(Buffer.from('there'), b.socket.port, address), null);
    await until(
      () => b.got.length === 1,
      5_000,
      () => 'no datagram and no error',
    );
    assert.deepEqual(b.got, [{ text: 'there', address, port: a.socket.port }]);
    assert.equal(b.socket.send(Buffer.alloc(0), a.socket.port, address), null);
    await until(
      () => a.got.length === 1,
      5_000,
      () => 'no datagram and no error',
    );
    assert.equal(a.got[0]!.text, '');
  });

  test('a connected socket hears and reaches its peer only, until it is disconnected', async () => {
    const [b, stranger] = [await opened(bind, '127.0.0.1'), await opened(bind, '127.0.0.1')];
    // Linux takes a port away on disconnecting that it had chosen itself.
    const chosen = await opened(bind, '127.0.0.1');
    await chosen.socket.close();
    const a = await opened(bind, '127.0.0.1', chosen.socket.port);
    assert.equal(a.socket.connect(stranger.socket.port, '127.0.0.1'), null);
    assert.equal(a.socket.connect(b.socket.port, '127.0.0.1'), null);
    assert.equal(a.socket.send(Buffer.from('to the peer'), stranger.socket.port, '127.0.0.1'), null);
    await until(
      () => b.got.length === 1,
      5_000,
      () => 'no datagram and no error',
    );
    stranger.socket.send(Buffer.from('not for you'), a.socket.port, '127.0.0.1');
    b.socket.send(Buffer.from('for you'), a.socket.port, '127.0.0.1');
    await until(
      () => a.got.length === 1,
      5_000,
      () => 'no datagram and no error',
    );
    assert.equal(a.got[0]!.text, 'for you');
    assert.equal(a.socket.disconnect(), null);
    stranger.socket.send(Buffer.from('now you hear'), a.socket.port, '127.0.0.1');
    await until(
      () => a.got.length === 2,
      5_000,
      () => 'no datagram and no error',
    );
    assert.equal(a.socket.send(Buffer.from('and reach'), stranger.socket.port, '127.0.0.1'), null);
    await until(
      () => stranger.got.length === 1,
      5_000,
      () => 'no datagram and no error',
    );
  });

  test('binding says what is wrong', async () => {
    const { socket } = await opened(bind, '127.0.0.1');
    const nothing = { packet: () => {}, error: () => {} };
    assert.deepEqual(await bind('127.0.0.1', socket.port, nothing), { ok: false, error: 'EADDRINUSE' });
    assert.deepEqual(await bind('192.0.2.99', 0, nothing), { ok: false, error: 'EADDRNOTAVAIL' });
  });

  test('a send that cannot be done names its fault and throws nothing', async () => {
    const { socket } = await opened(bind, '127.0.0.1');
    assert.equal(socket.send(Buffer.alloc(65_508), 9, '127.0.0.1'), 'EMSGSIZE');
    for (const port of [0, -1, 65_536, 1.5, Number.NaN]) {
      assert.notEqual(socket.send(Buffer.from('x'), port, '127.0.0.1'), null, String(port));
      assert.notEqual(socket.connect(port, '127.0.0.1'), null, String(port));
    }
    assert.doesNotThrow(() => socket.send(Buffer.from('x'), 9, '::1'));
  });

  test('a peer that is gone is an error of the socket, which goes on', async () => {
    const a = await opened(bind, '127.0.0.1');
    const gone = await opened(bind, '127.0.0.1');
    const { port } = gone.socket;
    await gone.socket.close();
    a.socket.connect(port, '127.0.0.1');
    a.socket.send(Buffer.from('anyone?'), port, '127.0.0.1');
    await until(
      () => a.errors.length > 0,
      5_000,
      () => 'no datagram and no error',
    );
    assert.equal(a.errors[0], 'ECONNREFUSED');
    const back = await opened(bind, '127.0.0.1', port);
    a.socket.send(Buffer.from('again'), port, '127.0.0.1');
    await until(
      () => back.got.length === 1,
      5_000,
      () => 'no datagram and no error',
    );
  });

  test('a burst arrives whole and in order', async () => {
    const a = await opened(bind, '127.0.0.1');
    const b = await opened(bind, '127.0.0.1');
    const packets = Array.from({ length: 60 }, (_, index) => Buffer.alloc(1_000, index));
    for (const packet of packets) assert.equal(a.socket.send(packet, b.socket.port, '127.0.0.1'), null);
    await until(
      () => b.got.length >= 40,
      5_000,
      () => 'no datagram and no error',
    );
    for (const [index, { text }] of b.got.slice(0, 40).entries()) assert.equal(text.codePointAt(999), index);
  });

  test('after closing nothing is sent, and the port is free', async () => {
    const { socket } = await opened(bind, '127.0.0.1');
    await Promise.all([socket.close(), socket.close()]);
    assert.notEqual(socket.send(Buffer.from('x'), 9, '127.0.0.1'), null);
    await opened(bind, '127.0.0.1', socket.port);
  });
});
