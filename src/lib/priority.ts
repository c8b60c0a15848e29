/** The priority of a job when neither its enqueuer nor its queue names one: 0 is first, 9 is last. */
export const DEFAULT_PRIORITY = 5;
