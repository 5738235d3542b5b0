/**
 * CBOR as the files of a peer hold it, and typed access to what was decoded. An integer of 2^32 and
 * more is written as a bigint, because cbor-x would make it a float; read back it is a number again
 * after a check that it is exact.
 */
import { Encoder } from 'cbor-x';

const codec = new Encoder({ useRecords: false, variableMapSize: true, tagUint8Array: false });

export type CborMap = ReadonlyMap<string, unknown>;

/** Thrown by the readers below; whoever knows the file and the offset turns it into a verdict. */
export class CborError extends Error {}

export function encodeCbor(value: unknown): Uint8Array {
  return codec.encode(value);
}

/** Exactly one item, no trailing bytes. */
export function decodeCbor(bytes: Uint8Array): unknown {
  try {
    return codec.decode(bytes);
  } catch (error) {
    throw new CborError(`one CBOR item (${error instanceof Error ? error.message : 'unreadable'})`);
  }
}

export function cborInteger(value: number): number | bigint {
  return Math.abs(value) < 2 ** 32 ? value : BigInt(value);
}

export function readMap(value: unknown, what: string): CborMap {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CborError(`a map as ${what}`);
  }
  return new Map(Object.entries(value));
}

export function readList(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new CborError(`a list as ${what}`);
  return value;
}

export function readInteger(
  value: unknown,
  what: string,
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) {
    throw new CborError(`an integer as ${what}`);
  }
  if (number < min || number > max) throw new CborError(`${what} between ${min} and ${max}`);
  return number;
}

export function readText(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new CborError(`a text as ${what}`);
  return value;
}

export function readBoolean(value: unknown, what: string): boolean {
  if (typeof value !== 'boolean') throw new CborError(`a boolean as ${what}`);
  return value;
}

/** A copy, so that what is kept does not hold on to the buffer it was read from. */
export function readBytesOrNull(value: unknown, what: string): Uint8Array | null {
  if (value === null) return null;
  if (!(value instanceof Uint8Array)) throw new CborError(`bytes or null as ${what}`);
  return Buffer.from(value);
}
