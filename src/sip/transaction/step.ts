// The row type of the transaction tables and the pure step over them (house style 2.6). A table is data: no timers, sockets or
// closures. Its driver is machine.ts; the pictures in README are generated from the tables.

export interface Row<State extends string, Action extends string> {
  readonly to: State;
  /** In order. What hands something to the user stands last, since the user may feed the machine again from there. */
  readonly do: readonly Action[];
}

export type Table<State extends string, Input extends string, Action extends string> = {
  readonly [state in State]: { readonly [input in Input]?: Row<State, Action> };
};

export interface Step<State extends string, Action extends string> {
  readonly state: State;
  readonly actions: readonly Action[];
}

/** The step for an input, or undefined where the table ignores it. */
export function step<State extends string, Input extends string, Action extends string>(
  table: Table<State, Input, Action>,
  state: State,
  input: Input,
): Step<State, Action> | undefined {
  const row: Row<State, Action> | undefined = table[state][input];
  return row && { state: row.to, actions: row.do };
}
