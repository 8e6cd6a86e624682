// Why something that REST asked for was not done: what the error body says (rest-api.md 6). It stands alone, so that the ports of calls
// and recordings can both name it.

export type CallControlError = { readonly code: number; readonly status: number; readonly message: string };
