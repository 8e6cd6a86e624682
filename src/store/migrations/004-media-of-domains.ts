// Version 4: what a held side hears (`none`, `built-in`, a URL or a file), and whether digits are looked for in the audio.

export const mediaOfDomains = `
ALTER TABLE domains ADD COLUMN music_on_hold TEXT NOT NULL DEFAULT 'none';
ALTER TABLE domains ADD COLUMN dtmf_inband INTEGER NOT NULL DEFAULT 0;
`;
