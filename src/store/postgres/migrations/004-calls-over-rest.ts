// Version 4: calls know the number of the account that they belong to, and how long they were to wait for their turn.

export const callsOverRest = `
ALTER TABLE calls ADD COLUMN phone_number_sid TEXT;
ALTER TABLE calls ADD COLUMN queue_time_ms BIGINT;
`;
