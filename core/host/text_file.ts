/** Small files that an operator wrote: lists and secrets. */

/** Bytes of such a file; a larger one is not what was meant. */
const TEXT_FILE_BYTES_MAX = 4 * 1024 * 1024;

/** Why a file could not be read, and what would help. */
export interface TextFileTrouble {
  readonly reason: string;
  readonly remedy: string;
}

/** The whole text of a file, or why there is none. Needs read permission on `path`. */
export function readTextFile(path: string): string | TextFileTrouble {
  try {
    const { size, isFile } = Deno.statSync(path);
    if (!isFile) return { reason: "not a regular file", remedy: "name a text file" };
    if (size > TEXT_FILE_BYTES_MAX) {
      return { reason: `${size} bytes long`, remedy: "name a text file of at most 4 MiB" };
    }
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return { reason: "no such file", remedy: "create it or correct the path" };
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      return { reason: "permission denied", remedy: "let the role's user read it" };
    }
    if (error instanceof Deno.errors.NotCapable) {
      return { reason: "not granted to this process", remedy: `start it with --allow-read=${path}` };
    }
    if (!(error instanceof Error)) throw error;
    return { reason: error.message, remedy: "see that it is a plain text file" };
  }
}
