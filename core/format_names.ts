/** Names that are formats, or choose one; `formats.ts` knows what they stand for. */
export const FORMAT_NAMES: readonly string[] = ["auto", "logtail", "v1", "v2", "combined", "common", "json"];
