#!/bin/bash
# The package under systemd, on a Debian that nothing else is on: `deno task deb:boot`. Installs, starts the three units beside a
# real nginx, reloads, upgrades and purges, and prints what was found, `name=value`. Needs root, debootstrap and some minutes the
# first time; the Debian is kept in /tmp/logtail-debian, and never changed: it is seen through a layer that is thrown away.
#
#     packaging/deb/boot.sh PACKAGE.deb
set -euo pipefail
debian=/tmp/logtail-debian

# Warnings are for whoever reads it: of the aggregator, for as long as the collector is away.
expected() {
  cat << 'FACTS'
enabled=disabled disabled disabled
active=inactive inactive inactive
user=_logtail
active_now=active active active
status=serving web1 on 127.0.0.1:9090
confined_collector=CapEff:none CapBnd:none NoNewPrivs:1 Seccomp:2 _logtail
confined_aggregator=CapEff:none CapBnd:none NoNewPrivs:1 Seccomp:2 _logtail
confined_frontend=CapEff:none CapBnd:none NoNewPrivs:1 Seccomp:2 _logtail
answer=40
answer_of_aggregator=40
page=40
metrics=200 200 200 
ready=ok
listens_elsewhere=
reload=0
answer_after_a_kill=45
upgraded=99.0.0
kept=1
active_after_upgrade=active active inactive
same_processes=0
answer_after_upgrade=45
priorities=PRIORITY:4 PRIORITY:6
active_after_purge=inactive inactive inactive
user_left=
left=
without_an_owner=
logtail=install ok installed
finished=yes
FACTS
}

if [ -z "${LOGTAIL_BOOT_LAYER:-}" ]; then
  if [ ! -d "$debian" ]; then
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,nginx-light,logtail,curl bookworm "$debian.new" > /tmp/logtail-debian.log
    mv "$debian.new" "$debian"
  fi
  LOGTAIL_BOOT_LAYER=$(mktemp --directory --tmpdir logtail-boot-XXXXXX)
  export LOGTAIL_BOOT_LAYER
  trap 'rm -r "$LOGTAIL_BOOT_LAYER"' EXIT
  # A later version, with another /etc/default.
  dpkg-deb --raw-extract "$1" "$LOGTAIL_BOOT_LAYER/next"
  sed -i 's/^Version: .*/Version: 99.0.0/' "$LOGTAIL_BOOT_LAYER/next/DEBIAN/control"
  echo '# what a later version brings' >> "$LOGTAIL_BOOT_LAYER/next/etc/default/nginx-logtail"
  dpkg-deb --root-owner-group -Znone --build "$LOGTAIL_BOOT_LAYER/next" "$LOGTAIL_BOOT_LAYER/next.deb" > /dev/null
  touch "$LOGTAIL_BOOT_LAYER/found"
  timeout --signal=KILL 300 unshare --mount --pid --net --uts --ipc --cgroup --fork --kill-child \
    "$0" "$(realpath "$1")" > "$LOGTAIL_BOOT_LAYER/console" 2>&1 < /dev/null || true
  cat "$LOGTAIL_BOOT_LAYER/found"
  if diff <(grep -v '^warnings=' "$LOGTAIL_BOOT_LAYER/found") <(expected); then echo "All is as it should be."; exit; fi
  cat "$LOGTAIL_BOOT_LAYER/console"
  exit 1
fi

mount -t tmpfs tmpfs /mnt
mkdir /mnt/changes /mnt/work /mnt/root
mount -t overlay overlay -o "lowerdir=$debian,upperdir=/mnt/changes,workdir=/mnt/work" /mnt/root
ip link set lo up
cd /mnt/root
echo web1 > etc/hostname
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs dev
for name in null zero full random urandom tty; do touch "dev/$name"; mount --bind "/dev/$name" "dev/$name"; done
# Of which a unit with devices of its own has copies.
mkdir dev/pts dev/shm dev/mqueue dev/hugepages
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
if [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t tmpfs tmpfs sys/fs/cgroup
  mkdir sys/fs/cgroup/systemd sys/fs/cgroup/memory sys/fs/cgroup/pids
  mount -t cgroup -o none,name=systemd systemd sys/fs/cgroup/systemd
  mount -t cgroup -o memory memory sys/fs/cgroup/memory
  mount -t cgroup -o pids pids sys/fs/cgroup/pids
else
  mount -t cgroup2 cgroup2 sys/fs/cgroup
fi
printf '127.0.0.1 localhost\n::1 localhost\n' > etc/hosts
mkdir packages old
cp "$1" packages/first.deb
cp "$LOGTAIL_BOOT_LAYER/next.deb" packages/next.deb
touch packages/found
mount --bind "$LOGTAIL_BOOT_LAYER/found" packages/found
cat > etc/systemd/system/try.service << 'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
StandardOutput=file:/packages/found
ExecStart=/bin/bash /packages/try
ExecStopPost=/bin/systemctl --no-block poweroff
[Install]
WantedBy=default.target
UNIT
mkdir -p etc/systemd/system/default.target.wants etc/nginx/conf.d
ln -s ../try.service etc/systemd/system/default.target.wants/try.service
cat > etc/nginx/conf.d/logtail.conf << 'NGINX'
log_format logtail '$host\t$remote_addr\t$msec\t$request_method\t$request_uri\t$status\t$body_bytes_sent\t$request_time';
access_log /var/log/nginx/site-access.log logtail;
access_log syslog:server=unix:/run/logtail/syslog.sock,nohostname logtail;
NGINX
sed -i '/^\s*access_log/d' etc/nginx/nginx.conf

cat > packages/try << 'TRY'
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
units="nginx-logtail-collector nginx-logtail-aggregator nginx-logtail-frontend"
fact() { printf '%s=%s\n' "$1" "$2"; }
until_is() { for _ in $(seq 60); do [ "$($3 2> /dev/null)" = "$2" ] && break; sleep 0.5; done; fact "$1" "$($3 2> /dev/null)"; }
main_pids() { systemctl show --property=MainPID --value $units | xargs; }
total() { nginx-logtail topn --json --group-by uri "$@" | sed -nE 's/.*"total":([0-9]+),.*/\1/p'; }
total_at_aggregator() { total --target localhost:9091; }
on_page() { curl -s 'http://127.0.0.1:8080/?raw=1' | sed -nE 's/.*"coverage":\{"expected":1,"present":1,.*"total":([0-9]+),.*/\1/p'; }
ask_nginx() { for _ in $(seq "$1"); do curl -s -o /dev/null http://127.0.0.1/cart; done; }

before=$(find / -xdev -path /packages -prune -o \( -name '*logtail*' -print \) 2> /dev/null | sort)
dpkg --install /packages/first.deb > /run/install.log 2>&1 || cat /run/install.log
fact enabled "$(systemctl is-enabled $units 2>&1 | xargs)"
fact active "$(systemctl is-active $units | xargs)"
fact user "$(id -un _logtail)"

# By default the logs of /var/log/nginx; the one line, and syslog.
printf 'AGGREGATOR_COLLECTORS=localhost:9090\nCOLLECTOR_SYSLOG_LISTEN=unix:/run/logtail/syslog.sock\n' >> /etc/default/nginx-logtail
systemctl enable --now $units 2> /dev/null
systemctl restart nginx
fact active_now "$(systemctl is-active $units | xargs)"
if ! systemctl --quiet is-active $units; then
  systemctl status --no-pager --lines=20 $units nginx
  exit
fi
fact status "$(systemctl show --property=StatusText --value nginx-logtail-collector)"
for unit in $units; do
  pid=$(systemctl show --property=MainPID --value "$unit")
  fact "confined_${unit##*-}" "$(sed -nE 's/^(CapEff|CapBnd|NoNewPrivs|Seccomp):\s*(\S+).*/\1:\2/p' "/proc/$pid/status" | sed 's/0\{16\}/none/' | xargs) $(stat -c %U "/proc/$pid")"
done
ask_nginx 20
until_is answer 40 total
until_is answer_of_aggregator 40 total_at_aggregator
until_is page 40 on_page
fact metrics "$(for port in 9190 9191 9192; do curl -s -o /dev/null -w '%{http_code} ' http://127.0.0.1:$port/metrics; done)"
fact ready "$(curl -s http://127.0.0.1:9190/readyz)"
fact listens_elsewhere "$(awk 'FNR > 1 && $4 == "0A" { print FILENAME, $2 }' /proc/net/tcp /proc/net/tcp6 | grep -v ' 0100007F:' | grep -v ':0050$' | xargs)"
systemctl reload nginx-logtail-collector nginx-logtail-aggregator
fact reload "$?"
# Lines by socket that nobody takes are gone; those of a log are not.
sed -i /syslog/d /etc/nginx/conf.d/logtail.conf
systemctl reload nginx
kill -KILL "$(systemctl show --property=MainPID --value nginx-logtail-collector)"
sleep 3
ask_nginx 5
until_is answer_after_a_kill 45 total
systemctl stop nginx-logtail-frontend
pids=$(main_pids)
dpkg --force-confdef --force-confold --install /packages/next.deb > /run/upgrade.log 2>&1 || cat /run/upgrade.log
fact upgraded "$(dpkg-query -W -f '${Version}' nginx-logtail)"
fact kept "$(grep -c '^AGGREGATOR_COLLECTORS=localhost:9090$' /etc/default/nginx-logtail)"
fact active_after_upgrade "$(systemctl is-active $units | xargs)"
fact same_processes "$(comm -12 <(tr ' ' '\n' <<< "$pids" | grep -v '^0$' | sort) <(main_pids | tr ' ' '\n' | sort) | wc -l)"
until_is answer_after_upgrade 45 total
fact priorities "$(journalctl --unit=nginx-logtail-collector --output=json | grep -o '"PRIORITY":"[0-9]"' | sort -u | xargs)"
fact warnings "$(journalctl --unit='nginx-logtail-*' --output=cat --priority=warning | grep -v 'SIGKILL\|signal\|code=killed' | xargs)"
dpkg --purge nginx-logtail > /run/purge.log 2>&1
fact active_after_purge "$(systemctl is-active $units | xargs)"
fact user_left "$(id -un _logtail 2> /dev/null)"
fact left "$(find / -xdev -path /packages -prune -o \( -name '*logtail*' -print \) 2> /dev/null | sort | comm -13 <(echo "$before") - | xargs)"
fact without_an_owner "$(find / -xdev -nouser 2> /dev/null | xargs)"
fact logtail "$(dpkg-query -W -f '${Status}' logtail)"
fact finished yes
TRY
pivot_root . old
cd /
umount --lazy /old
exec env -i container=unshare PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system
