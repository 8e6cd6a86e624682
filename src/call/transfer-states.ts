// A blind transfer as a table (sip-interface.md 5.2): two columns, by answerOnBridge of the Dial that made the bridge.
//
//   replace (false)   fetching ──fetched──▶ moved ──documentEnded──▶ over        the transferor leaves as soon as referUrl was asked
//   attempt (true)    fetching ──fetched──▶ trying ──bridged──▶ moved            it stays until the target answers …
//                                              └──documentEnded──▶ restored      … and gets the call back when it does not

export type TransferMode = 'replace' | 'attempt';

/** `alone`: the transferor hung up by itself before it was known what comes of the transfer. */
export type TransferState = 'fetching' | 'trying' | 'alone' | 'moved' | 'restored' | 'over';

export type TransferInput =
  /** referUrl gave a document. */
  | 'fetched'
  | 'notFetched'
  /** The party that stays was joined with somebody by the document. */
  | 'bridged'
  | 'documentEnded'
  | 'transferorEnded'
  | 'transfereeEnded'
  /** Another document took over one of the two calls. */
  | 'withdrawn';

export type TransferAction =
  | 'notify success'
  /** With the status of the target, or 503 without a document. */
  | 'notify failure'
  | 'notify canceled'
  | 'drop transferor'
  /** The two do not hear each other any more, and stay. */
  | 'park'
  | 'unpark'
  | 'stop document';

interface Row {
  readonly to: TransferState;
  readonly do: readonly TransferAction[];
}

type Table = { readonly [state in TransferState]: { readonly [input in TransferInput]?: Row } };

const given: Row = { to: 'over', do: ['notify canceled', 'stop document'] };
const over: Row = { to: 'over', do: [] };
const stopped: Row = { to: 'over', do: ['stop document'] };
const left = { documentEnded: over, transfereeEnded: over, withdrawn: stopped } as const;

export const transferStates: { readonly [mode in TransferMode]: Table } = {
  replace: {
    fetching: {
      fetched: { to: 'moved', do: ['notify success', 'drop transferor'] },
      // "transferor already gone; cannot be restored": the application's fallback or the announcement is for the one who stays.
      notFetched: { to: 'moved', do: ['notify failure', 'drop transferor'] },
      documentEnded: { to: 'over', do: ['notify failure', 'drop transferor'] },
      transferorEnded: { to: 'moved', do: [] },
      transfereeEnded: given,
      withdrawn: given,
    },
    trying: {},
    alone: {},
    moved: left,
    restored: {},
    over: {},
  },
  attempt: {
    fetching: {
      fetched: { to: 'trying', do: ['park'] },
      bridged: { to: 'moved', do: ['notify success', 'drop transferor'] },
      documentEnded: { to: 'restored', do: ['notify failure'] },
      transferorEnded: { to: 'alone', do: [] },
      transfereeEnded: given,
      withdrawn: given,
    },
    trying: {
      bridged: { to: 'moved', do: ['notify success', 'drop transferor'] },
      documentEnded: { to: 'restored', do: ['notify failure', 'unpark'] },
      transferorEnded: { to: 'alone', do: [] },
      transfereeEnded: given,
      withdrawn: given,
    },
    alone: { ...left, bridged: { to: 'moved', do: [] } },
    moved: left,
    restored: {},
    over: {},
  },
};

/** While true the end of the document gives the call back, instead of ending it. */
export const isTentative = (mode: TransferMode, state: TransferState): boolean =>
  mode === 'attempt' && (state === 'fetching' || state === 'trying');

/** Whether the transfer still decides about one of the two calls. */
export const isUnderWay = (state: TransferState): boolean => state !== 'over' && state !== 'restored';
