// Version 5: restricted API keys have a list of permissions.

export const restrictedKeys = `
ALTER TABLE api_keys ADD COLUMN policy JSON;
`;
