// Labels of a SIP message. What peers write must not make new label values without end: unknown methods share one. Pure.

export type SeenMessage =
  | { readonly kind: 'request'; readonly method: string }
  | { readonly kind: 'response'; readonly status: number; readonly cseq: { readonly method: string } };

const METHODS = new Set([
  ...['INVITE', 'ACK', 'BYE', 'CANCEL', 'REGISTER', 'OPTIONS', 'PRACK', 'UPDATE', 'INFO', 'REFER', 'NOTIFY'],
  ...['SUBSCRIBE', 'MESSAGE', 'PUBLISH'],
]);

/** `status` is empty for requests. */
export function messageLabels(message: SeenMessage): { readonly method: string; readonly status: string } {
  const method = message.kind === 'request' ? message.method : message.cseq.method;
  return {
    method: METHODS.has(method) ? method : 'other',
    status: message.kind === 'request' ? '' : String(message.status),
  };
}
