// Version 5: where callers of a domain are, as JSON text (base/emergency-address.ts).

export const emergencyAddress = `
ALTER TABLE domains ADD COLUMN emergency_address TEXT;
`;
