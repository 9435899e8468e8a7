/** Where the modules of this program are: its threads may read them, and what they follow, and nothing else. */
import { fromFileUrl } from "@std/path";

/** The checkout, or the directory above that of a bundle; ends in a slash. */
export const MODULES = fromFileUrl(new URL("../", import.meta.url));
