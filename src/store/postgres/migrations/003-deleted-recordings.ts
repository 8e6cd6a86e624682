// Version 3: recordings that were deleted are found by the day of it, to drop what was kept of them.

export const deletedRecordings = `
CREATE INDEX recordings_deleted ON recordings (date_deleted) WHERE date_deleted IS NOT NULL;
`;
