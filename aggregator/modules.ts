/** Where the modules of this program are: its thread may read them. */
import { fromFileUrl } from "@std/path";

/** The checkout, or the directory above that of a bundle; ends in a slash. */
export const MODULES = fromFileUrl(new URL("../", import.meta.url));
