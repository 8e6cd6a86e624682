// Version 3: whether a domain's callers may transfer by Replaces (design.md 10); on for domains that were there before.

export const attendedTransfer = `
ALTER TABLE domains ADD COLUMN attended_transfer INTEGER NOT NULL DEFAULT 1;
`;
