/**
 * Where the parts of a peer write what an operator should know. Only an interface: the runtime
 * brings the sink, tests bring their own. A message names what happened and what to do about it;
 * values that change from line to line go into `facts`.
 */
export interface Log {
  debug(message: string, facts?: Record<string, unknown>): void;
  info(message: string, facts?: Record<string, unknown>): void;
  warn(message: string, facts?: Record<string, unknown>): void;
  error(message: string, facts?: Record<string, unknown>): void;
}
