/**
 * How many parts a message may have. A limit in bytes is not enough: 32 MiB of empty messages, two bytes each, become
 * sixteen million objects and several gigabytes. So the parts are counted on the bytes before any object is made.
 */
import protobuf from "protobufjs";

/**
 * Fields of one message, those of the messages in it included. The largest of ours are an answer of 10 000 entries with
 * six fields each and a snapshot of 50 000 labels. A message beyond it is refused as not decodable.
 */
export const MESSAGE_FIELDS_MAX = 400_000;

/** https://protobuf.dev/programming-guides/encoding/#structure */
const LENGTH_DELIMITED = 2;

/** Wire type of each scalar type, and of those that may come packed. */
const SCALARS: Readonly<Record<string, number>> = protobuf.types.basic;
const PACKABLE: Readonly<Record<string, number>> = protobuf.types.packed;

/** Throws when `bytes`, as a message of this type, has too many fields or is none. Cost: linear in the fields. */
export function checkFields(type: protobuf.Type, bytes: Uint8Array, fieldsMax: number = MESSAGE_FIELDS_MAX): void {
  count(type, protobuf.Reader.create(bytes), bytes.length, fieldsMax);
}

/** Counts the fields up to `end`; how many may still come. */
function count(type: protobuf.Type, reader: protobuf.Reader, end: number, fieldsLeft: number): number {
  let left = fieldsLeft;
  while (reader.pos < end) {
    if (--left < 0) throw new Error("Cannot decode message: it has more fields than any of ours");
    const tag = reader.uint32();
    const wireType = tag & 7;
    const field = type.fieldsById[tag >>> 3]?.resolve();
    const packed = field !== undefined && field.repeated && field.type in PACKABLE && wireType === LENGTH_DELIMITED;
    // The decoder goes by the number alone and would read other fields than were counted.
    if (field !== undefined && !packed && wireType !== wireTypeOf(field)) {
      throw new Error(`Cannot decode message: ${field.name} has the wrong type`);
    }
    if (wireType !== LENGTH_DELIMITED) {
      reader.skipType(wireType);
      continue;
    }
    const bytes = reader.uint32();
    const inner = field?.resolvedType;
    if (inner instanceof protobuf.Type) {
      left = count(inner, reader, reader.pos + bytes, left);
    } else {
      if (packed) left -= bytes; // a byte each, at least
      if (bytes > 0) reader.skip(bytes);
    }
  }
  return left;
}

function wireTypeOf(field: protobuf.Field): number {
  if (field.resolvedType instanceof protobuf.Enum) return SCALARS.int32;
  return field.resolvedType === null ? SCALARS[field.type] : LENGTH_DELIMITED;
}
