/** The package's entry in Debian's list of packages. */

export interface Control {
  readonly version: string;
  /** Debian's name: `amd64`. */
  readonly architecture: string;
  /** `Name <address>`. */
  readonly maintainer: string;
  readonly installedKib: number;
}

/**
 * Debian's own `logtail` is another program, and no file of it is ours: both can be installed. The runtime in the package
 * needs the C library; `adduser` makes the user where systemd does not.
 */
export function controlFile({ version, architecture, maintainer, installedKib }: Control): string {
  return `Package: nginx-logtail
Version: ${version}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${installedKib}
Depends: adduser, libc6 (>= 2.27), libgcc-s1 (>= 3.0)
Suggests: nginx
Section: net
Priority: optional
Description: live traffic analysis for a fleet of nginx hosts
 Which client prefix, website, URI or status it is, right now, in a browser or
 a shell, without a database.
 .
 A collector on every nginx host follows its logs, takes lines by UDP and
 syslog, and counts requests in memory; an aggregator answers for any number of
 collectors; a frontend is the dashboard, in plain HTML; nginx-logtail asks the
 same questions from a shell. Each runs with the few permissions that it needs.
 .
 No service is enabled or started by the installation.
`;
}
