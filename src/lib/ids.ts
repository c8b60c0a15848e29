import { v7 } from 'uuid';

/** Makes ids: UUIDv7, so they sort by the time they were made. Injected where a test needs to know them. */
export type NewId = () => string;

export const newId: NewId = () => v7();
