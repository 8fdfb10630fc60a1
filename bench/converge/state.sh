# What the wishes come to on a host, as text: two hosts that were told the same must say the same.
# Arguments: the paths of files, directories and links. Numbers of users are left out, for
# they come in the order of creation.
set -eu
cd /
for path in "$@"; do
    stat --format='%n %F %a %U:%G' -- "$path"
    if [ -L "$path" ]; then readlink -- "$path"; elif [ -f "$path" ]; then sha256sum -- "$path"; fi
done
for package in ca-certificates curl nginx postgresql-15 postgresql-15-postgis-3 ufw unattended-upgrades; do
    dpkg-query --show --showformat='${Package} ${Version} ${db:Status-Status}\n' "$package"
done
for unit in ssh nginx postgresql@15-main; do
    echo "$unit $(systemctl is-active "$unit") stale:$(systemctl show --property=NeedDaemonReload --value "$unit")"
done
for unit in nginx citrino-backup.timer citrino-drill.timer; do
    echo "$unit $(systemctl is-active "$unit") $(systemctl is-enabled "$unit")"
done
ufw show added | sort
grep ENABLED /etc/ufw/ufw.conf
grep -E '^DEFAULT_(IN|OUT)PUT_POLICY' /etc/default/ufw
iptables -S | grep -E '^-P (INPUT|OUTPUT)|^-N ufw-user-input$'
getent passwd citrino | cut -d: -f1,6,7
id --groups --name citrino
psql() { runuser -u postgres -- /usr/bin/psql -XAtq -d "$1" -c "$2"; }
psql postgres "SELECT rolname, rolcanlogin, rolcreatedb, rolsuper FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1"
psql postgres "SELECT datname, pg_get_userbyid(datdba), pg_encoding_to_char(encoding) FROM pg_database ORDER BY 1"
psql citrino_prod "SELECT extname, extversion FROM pg_extension ORDER BY 1"
# Whether what runs has read what is on disk.
psql postgres "SELECT name, setting FROM pg_settings WHERE sourcefile LIKE '%citrino.conf' ORDER BY 1"
psql postgres "SELECT count(*) FROM pg_settings WHERE pending_restart"
psql postgres "SELECT type, database, user_name, auth_method, error FROM pg_hba_file_rules ORDER BY line_number"
curl --silent --show-error http://127.0.0.1:5001/robots.txt
