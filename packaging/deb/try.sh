#!/bin/bash
# Installs, configures, runs, upgrades, removes and purges the package in a Debian root, of which nothing is changed: it is
# seen through a layer that is thrown away. Prints what was found, `name=value`. Needs root, overlayfs and namespaces.
#
#     packaging/deb/try.sh ROOT PACKAGE.deb NEXT.deb
#
# ROOT is any Debian: `/` for this one, or what debootstrap makes. NEXT is a later version with another /etc/default.
set -euo pipefail

if [ -z "${LOGTAIL_TRY_LAYER:-}" ]; then
  LOGTAIL_TRY_LAYER=$(mktemp --directory --tmpdir logtail-try-XXXXXX)
  export LOGTAIL_TRY_LAYER
  trap 'rmdir "$LOGTAIL_TRY_LAYER"' EXIT
  unshare --mount --pid --net --uts --ipc --fork --kill-child "$0" "$@"
  exit
fi
root=$1 deb=$2 next=$3 layer=$LOGTAIL_TRY_LAYER

mount -t proc proc /proc
mount -t tmpfs tmpfs "$layer"
mkdir "$layer/changes" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$layer/changes,workdir=$layer/work" "$layer/root"
cd "$layer/root"
mount -t proc proc proc
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs root
mount -t tmpfs tmpfs dev
for name in null zero full random urandom; do touch "dev/$name"; mount --bind "/dev/$name" "dev/$name"; done
ip link set lo up
echo '127.0.0.1 localhost' > etc/hosts
cp "$deb" tmp/first.deb
cp "$next" tmp/next.deb

inside() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot . "$@"
}
fact() {
  printf '%s=%s\n' "$1" "$2"
}
users() {
  inside getent passwd; inside getent group
}

rm -f var/lib/man-db/auto-update
users_before=$(users)
inside dpkg --install /tmp/first.deb > tmp/install.log 2>&1 || { cat tmp/install.log; exit 1; }
fact user "$(inside id -un _logtail)"
fact enabled "$(find etc/systemd/system -name 'nginx-logtail*' 2> /dev/null | wc -l)"
fact started "$(find proc -maxdepth 2 -path 'proc/[0-9]*/exe' -lname '*logtail*' 2> /dev/null | wc -l)"
fact version "$(inside nginx-logtail version)"
fact completion "$(inside bash -c '. /usr/share/bash-completion/completions/nginx-logtail; complete -p nginx-logtail')"
fact pages "$(ls usr/share/man/man[18]/nginx-logtail* | wc -l)"

# A log as Debian's nginx leaves it, and the one line.
inside install -d -m 0750 -g adm /srv/www/log
now=$(date +%s)
for i in 1 2 3; do printf 'shop.example\t192.0.2.%d\t%d.000\tGET\t/cart\t200\t512\t0.010\n' $i "$now"; done > srv/www/log/access.log
inside chown -R www-data:adm /srv/www/log
chmod 0640 srv/www/log/access.log
echo 'COLLECTOR_LOGS=/srv/www/log/access.log' >> etc/default/nginx-logtail

# As the unit starts it; the log is as old as it is.
inside install -d -m 0750 -o _logtail -g _logtail /var/lib/nginx-logtail/collector
variables=$(sed -n 's/^Environment=//p' lib/systemd/system/nginx-logtail-collector.service | sed 's/%H/web1/')
configured=$(grep -v '^#' etc/default/nginx-logtail)
bare="setpriv --reuid=_logtail --regid=_logtail --groups=adm --no-new-privs --bounding-set=-all --inh-caps=-all"
start() {
  # shellcheck disable=SC2086 # words
  inside env $variables $configured COLLECTOR_FROM=start $bare nginx-logtail-collector > tmp/collector.log 2>&1 < /proc/net/udp6 &
  collector=$!
}
answer() {
  local found
  for _ in $(seq 60); do
    found=$(inside nginx-logtail topn --group-by uri --json 2>&1 || true)
    case "$found" in *'"label":"/cart"'*) break ;; esac
    sleep 0.5
  done
  fact "$1" "$(sed -nE 's/.*"source":"([^"]*)".*"total":([0-9]+),.*/\1 \2/p' <<< "$found")"
}
stop() {
  # From then on a signal is taken.
  until grep -q 'memory at most' tmp/collector.log; do sleep 0.2; done
  sleep 0.2
  kill -TERM "$(pgrep -P "$collector")"
  wait "$collector" && fact "$1" 0 || fact "$1" $?
}
start
answer answer
# The same as nobody in particular, who keeps compiled code at home.
fact answer_of_others "$(inside setpriv --reuid=nobody --regid=nogroup --clear-groups nginx-logtail topn --json | grep -c shop.example)"
stop ended
fact log_lines_that_warn "$(grep -cE ' (warn|error) ' tmp/collector.log)"

inside dpkg --force-confdef --force-confold --install /tmp/next.deb > tmp/upgrade.log 2>&1 || { cat tmp/upgrade.log; exit 1; }
fact upgraded "$(inside dpkg-query -W -f '${Version}' nginx-logtail)"
fact kept "$(grep -c '^COLLECTOR_LOGS=/srv/www/log/access.log$' etc/default/nginx-logtail)"
start
answer answer_after_upgrade
stop ended_after_upgrade

inside dpkg --remove nginx-logtail > tmp/remove.log 2>&1
fact left_by_remove "$(cd "$layer/root" && ls -d etc/default/nginx-logtail etc/nginx-logtail var/lib/nginx-logtail usr/lib/nginx-logtail 2> /dev/null | xargs)"
inside dpkg --purge nginx-logtail > tmp/purge.log 2>&1
fact warnings "$(grep -ci 'warning\|error' tmp/install.log tmp/upgrade.log tmp/remove.log tmp/purge.log | grep -v ':0$' | xargs)"
[ "$users_before" = "$(users)" ] && fact users_left 0 || fact users_left "$(diff <(echo "$users_before") <(users) | xargs)"
# What differs from before, but for the package manager's own books, the lists of users (compared above), and this test's.
left=$(find "$layer/changes" ! -type d | sed "s|^$layer/changes||" | grep -Ev '^/(var/lib/dpkg|var/log|srv/www)/|^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|^/etc/(hosts|\.pwd\.lock)$|^/var/lib/man-db/|^/var/cache/(man|ldconfig)/' || true)
fact left "$(echo "$left" | xargs)"
fact left_with_our_name "$(find "$layer/changes" -name '*logtail*' ! -type c | grep -v "$layer/changes/var/lib/dpkg/info/logtail" | xargs)"
