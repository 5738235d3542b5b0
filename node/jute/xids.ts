/**
 * The xids that are not a client's own count (which starts at 1): they mark the messages that live
 * outside the order of requests and replies.
 */
export const Xid = {
  /** A watch event, sent by the server unasked. */
  notification: -1,
  ping: -2,
  auth: -4,
  /** setWatches and setWatches2. */
  setWatches: -8,
} as const;
